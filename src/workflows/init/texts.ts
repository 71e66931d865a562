/** The files `expver init` writes. */
import { DEFAULTS } from "../../config/config.ts";
import { yamlSource } from "../../config/yaml-text.ts";
import type { Survey } from "./survey.ts";

/** Byte for byte what `dvc init` writes. */
export const DVC_GITIGNORE = "/config.local\n/tmp\n/cache\n";
export const DVCIGNORE =
  "# Add patterns of files dvc should ignore, which could improve\n# the performance. Learn more at\n# https://dvc.org/doc/user-guide/dvcignore\n";

/** `expver.yaml`: what was found as settings, the rest as comments to uncomment. */
export function configText({ databases, params, models, links }: Survey): string {
  const [database] = databases;
  const found = {
    ...(models.output === null ? {} : { output: models.output }),
    ...(models.production === null ? {} : { production: models.production }),
    ...(models.candidates === null ? {} : { candidates: models.candidates }),
  };
  const ownLinks = links.filter((name) => !DEFAULTS.link.includes(name));
  const lines: [setting: string | null, example: string, comment: string][] = [
    [
      database === undefined
        ? null
        : `results: ${yamlSource({ database: database.path, ...(database.tables.length > 0 ? { tables: database.tables } : {}) })}`,
      "results: { database: results/experiments.db, table: predictions }",
      "the results database; tables are found by their columns",
    ],
    [null, "metrics: { accuracy: max, loss: min }", "direction; the first is the primary metric"],
    [null, "aggregate: { accuracy: last }", "from a run's rows to its number: last, best, mean, min, max, sum"],
    [params === null ? null : `params: ${yamlSource(params)}`, "params: params.yaml", "where parameters are read from"],
    [null, "data: ['data/**']", "inputs (default: all tracked data but results, models and `track`)"],
    [null, "track: ['reports/*.json']", "further outputs a run picks up"],
    [
      Object.keys(found).length === 0 ? null : `models: ${yamlSource(found)}`,
      "models: { output: models/model.bin, production: models/production/model.bin, candidates: models/candidates, keep: 5 }",
      "where a run leaves its model, and where the best ones are kept",
    ],
    [
      ownLinks.length === 0 ? null : `link: ${yamlSource([...DEFAULTS.link, ...ownLinks])}`,
      `link: ${yamlSource(DEFAULTS.link)}`,
      "machine-local paths that private workspaces share",
    ],
    [null, "publish: ask", "`ask` only says how, `auto` publishes each version at once"],
    [null, "versions: { prefix: e }", "tags are named e1.2.3"],
    [null, "record: { host: true, user: true }", "what a run notes about the machine"],
  ];
  const body = lines.map(([setting, example, comment]) => `# ${comment}\n${setting ?? `# ${example}`}\n`);
  return `# How experiments in this repository are versioned. All of it is optional: a line that is commented out shows the default or an example.\n${body.join("")}`;
}

/** `.gitignore` or `.gitattributes` with further lines at its end, in its own line ending. */
export function withLines(text: string | null, lines: string[]): string | null {
  const old = text ?? "";
  const present = new Set(old.split(/\r?\n/).map((line) => line.trim()));
  const missing = lines.filter((line) => !present.has(line));
  if (missing.length === 0) return text;
  const eol = old.includes("\r\n") ? "\r\n" : "\n";
  const gap = old === "" || old.endsWith("\n") ? "" : eol;
  return old + gap + missing.map((line) => line + eol).join("");
}
