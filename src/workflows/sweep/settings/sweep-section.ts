/** `--from params.yaml`: what is to be tried, as the section `sweep:` of a parameter file says it. */

import { dirname, resolve } from "node:path";
import { nearestWord } from "../../../config/nearest.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError } from "../../../errors.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { isMapping } from "../../../platform/mapping.ts";
import { settingsIn } from "../../run/parameters/sweep-keys.ts";
import type { Space } from "./expand.ts";
import { gridValues } from "./grid-values.ts";
import { parseRange } from "./ranges.ts";
import { readSettings, settingsOf } from "./settings-file.ts";

/** What the section leaves out is undefined. */
export type SweepSection = Pick<Space, "grid" | "list" | "ranges"> & { random?: string; seed?: string; repeat?: string };

const KEYS = ["grid", "list", "random", "range", "seed", "repeat"];

/** Values keep the text that was written. A file named by `list` is looked for beside this one. Throws E_NOT_FOUND, E_CONFIG, E_USAGE. */
export function readSweepSection(path: string, name: string): SweepSection {
  const text = readTextIfExists(path);
  if (text === null) throw new ExpverError("E_NOT_FOUND", `there is no file ${name}`, { details: { path: name } });
  const section = settingsIn(loadYaml(text, name, { exact: true }));
  if (section === null) throw wrong(name, "has no section sweep");
  for (const key of Object.keys(section)) {
    if (KEYS.includes(key)) continue;
    const near = nearestWord(key, KEYS);
    throw wrong(name, `: sweep.${key} is not known${near === undefined ? "" : `; did you mean ${near}?`}`);
  }
  const { grid = {}, range = {}, list, random, seed, repeat } = section;
  return {
    grid: entriesOf(grid, name, "grid").map(([one, values]) => [one, gridValues(one, valuesOf(values, name, `grid.${one}`))]),
    ranges: entriesOf(range, name, "range").map(([one, value]) => [
      one,
      Array.isArray(value) ? { kind: "choice", values: valuesOf(value, name, `range.${one}`) } : parseRange(one, String(value)),
    ]),
    list:
      list === undefined
        ? []
        : Array.isArray(list)
          ? settingsOf(list, name)
          : readSettings(resolve(dirname(path), String(list)), String(list)),
    ...scalar({ random }, name),
    ...scalar({ seed }, name),
    ...scalar({ repeat }, name),
  };
}

function entriesOf(value: unknown, name: string, key: string): [string, unknown][] {
  if (isMapping(value)) return Object.entries(value);
  throw wrong(name, `: sweep.${key} is no mapping of names to values`);
}

function valuesOf(value: unknown, name: string, key: string): string[] {
  const values = [value].flat();
  if (values.length > 0 && values.every((one) => one !== null && typeof one !== "object")) return values.map(String);
  throw wrong(name, `: sweep.${key} is one value or a list of values`);
}

function scalar(given: Record<string, unknown>, name: string): Record<string, string> {
  const [[key = "", value] = []] = Object.entries(given);
  if (value === undefined || value === null) return {};
  if (typeof value === "object") throw wrong(name, `: sweep.${key} is one value`);
  return { [key]: String(value) };
}

function wrong(name: string, what: string): ExpverError {
  return new ExpverError("E_CONFIG", `${name}${what.startsWith(":") ? "" : " "}${what}`, {
    hint: "It says what to try, as the flags do: sweep: { grid: { lr: [0.1, 0.01] }, repeat: 3 }; list, random, range and seed are the others.",
    details: { file: name, known: KEYS },
  });
}
