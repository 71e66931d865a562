/** A merge as a pipeline stage: what it merges, and how, stands in the `merge:` section of a parameters file. */

import { resolve } from "node:path";
import { nearestWord } from "../../config/nearest.ts";
import { loadYaml } from "../../config/yaml.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { fieldsOf, isMapping } from "../../platform/mapping.ts";
import type { Input } from "../contract.ts";
import { textIn } from "../input.ts";

const OPTIONS: Record<string, string> = {
  strategy: "strategy",
  base_db: "baseDb",
  exp_db: "expDb",
  output_db: "outputDb",
  table: "table",
  key_columns: "keyColumns",
  null_keys: "nullKeys",
  on_conflict: "onConflict",
  id_column: "idColumn",
  data_strategy: "dataStrategy",
  data_key_columns: "dataKeyColumns",
  base_data: "baseData",
  exp_data: "expData",
  output_data: "outputData",
  memory: "memory",
};
const LISTS = ["expDb", "expData", "table", "keyColumns", "dataKeyColumns"];

/** What is typed wins over what the file says. Throws E_NOT_FOUND, E_CONFIG; E_USAGE when the output is the base: each repeat would find another one. */
export function withParamsFile(context: Context, input: Input): Input {
  const file = textIn(input.params);
  if (file === undefined) return input;
  const text = readTextIfExists(resolve(context.cwd, file));
  if (text === null) throw new ExpverError("E_NOT_FOUND", `there is no file ${file}`, { details: { path: file } });
  const all = { ...optionsOf(sectionOf(text, file), file), ...input };
  for (const [base, output] of [
    ["baseDb", "outputDb"],
    ["baseData", "outputData"],
  ] as const)
    refuseSame(context, textIn(all[base]), textIn(all[output]));
  return all;
}

function sectionOf(text: string, file: string): Record<string, unknown> {
  const section = fieldsOf(loadYaml(text, file, { exact: true })).merge;
  if (isMapping(section)) return section;
  throw new ExpverError("E_CONFIG", `${file} has no section merge`, {
    hint: "It holds what to merge: strategy, base_db, exp_db, output_db, key_columns.",
    details: { file },
  });
}

function optionsOf(section: Record<string, unknown>, file: string): Input {
  const options = Object.entries(section).map(([key, value]) => {
    const name = OPTIONS[key];
    if (name === undefined) {
      const near = nearestWord(key, Object.keys(OPTIONS));
      throw new ExpverError("E_CONFIG", `${file}: merge.${key} is not known${near === undefined ? "" : `; did you mean ${near}?`}`, {
        details: { file, key, known: Object.keys(OPTIONS) },
      });
    }
    const words = [value].flat().filter((word) => word !== null && word !== undefined);
    if (words.some((word) => typeof word === "object") || (words.length > 1 && !LISTS.includes(name))) {
      throw new ExpverError("E_CONFIG", `${file}: merge.${key} is ${LISTS.includes(name) ? "one value or a list" : "one value"}`, {
        details: { file, key },
      });
    }
    return [name, LISTS.includes(name) ? words.map(String) : words.map(String)[0]] as const;
  });
  return Object.fromEntries(options.filter(([, value]) => value !== undefined && value.length > 0));
}

function refuseSame(context: Context, base: string | undefined, output: string | undefined): void {
  if (base === undefined) return;
  if (output !== undefined && resolve(context.cwd, output) !== resolve(context.cwd, base)) return;
  throw new ExpverError("E_USAGE", `the output of a stage may not be its base, ${base}`, {
    hint: "Name another output: a stage that changes what it depends on runs again each time.",
    details: { path: base },
  });
}
