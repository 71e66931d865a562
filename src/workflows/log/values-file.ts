/** Values of a JSON or YAML file as one row: nested names joined with dots, digits as written. */
import { loadYaml } from "../../config/yaml.ts";
import { parseCell } from "../../results/cells.ts";
import type { Cell } from "../../results/types.ts";
import { exactJson } from "../run/outputs/metrics-text.ts";
import { flatten } from "../run/parameters/flatten.ts";

// No number begins with it: what stood in quotes stays text, "42" too.
const QUOTED = "\u0001";

/** Throws E_CONFIG when the text is no JSON or YAML. */
export function valuesOfFile(text: string, file: string): Record<string, Cell> {
  const exact = /\.json$/i.test(file)
    ? exactJson(text, file, (value) => (typeof value === "string" ? QUOTED + value : value))
    : loadYaml(text, file, { exact: true });
  const entries = Object.entries(flatten(exact)).filter(([, value]) => !/^(~|null|)$/i.test(value));
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value.startsWith(QUOTED) ? value.slice(QUOTED.length) : parseCell(yamlWord(value))]),
  );
}

/** `.nan` and `.inf` are YAML's. */
function yamlWord(value: string): string {
  return /^[-+]?\.(inf|nan)$/i.test(value) ? value.replace(".", "") : value;
}
