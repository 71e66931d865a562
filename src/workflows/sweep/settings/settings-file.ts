/** A file of settings, one run each: YAML or JSON (a list of mappings), or CSV with a header. Values stay the text that was written. */

import { readFileSync } from "node:fs";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { isMapping } from "../../../platform/mapping.ts";
import { exactJson } from "../../run/outputs/metrics-text.ts";
import { flatten } from "../../run/parameters/flatten.ts";

/** Throws E_IO, E_CONFIG. */
export function readSettings(path: string, name: string): Record<string, string>[] {
  const text = textOf(path, name);
  const found = /\.csv$/i.test(name) ? parseCsv(text, name) : listIn(text, name);
  if (found.length === 0) throw wrong(name, "there is no entry in it");
  return found;
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw fromSystemError(error, `cannot read ${name}`);
  }
}

function listIn(text: string, name: string): Record<string, string>[] {
  const value = /\.json$/i.test(name) ? exactJson(text, name, String) : loadYaml(text, name, { exact: true });
  if (!Array.isArray(value)) throw wrong(name, "it is no list");
  return settingsOf(value, name);
}

/** One run an entry. Throws E_CONFIG. */
export function settingsOf(list: readonly unknown[], name: string): Record<string, string>[] {
  return list.map((entry, index) => {
    if (!isMapping(entry)) throw wrong(name, `entry ${index + 1} is no mapping of names to values`);
    return flatten(entry);
  });
}

/** RFC 4180: cells may stand in quotes, a quote in them is doubled. An empty cell leaves the setting out. */
export function parseCsv(text: string, name: string): Record<string, string>[] {
  const rows = csvRows(text, name).filter((row) => row.length > 1 || row[0] !== "");
  const [header = [], ...lines] = rows;
  const names = header.map((cell) => cell.trim());
  if (names.some((one) => one === "") || new Set(names).size < names.length)
    throw wrong(name, "its first line does not name every column once");
  const [only = ""] = names;
  if (names.length === 1 && /[;\t|]/.test(only)) throw wrong(name, `cells are parted by commas, and its first line is ${only}`);
  return lines.map((cells, index) => {
    if (cells.length > names.length) throw wrong(name, `line ${index + 2} has more cells than the first line has names`);
    return Object.fromEntries(cells.flatMap((cell, column) => (cell === "" ? [] : [[names[column] ?? "", cell]])));
  });
}

function csvRows(text: string, name: string): string[][] {
  const rows: string[][] = [[]];
  const cells = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/gy;
  for (let match = cells.exec(text); match !== null; match = cells.exec(text)) {
    const [, cell = "", end] = match;
    if (/^"(?!(?:[^"]|"")*"$)/.test(cell)) throw wrong(name, `line ${rows.length} has a quote that does not end its cell: ${cell}`);
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell.trim());
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  return rows;
}

function wrong(name: string, why: string): ExpverError {
  return new ExpverError("E_CONFIG", `${name} is no list of settings: ${why}`, {
    hint: "A list of mappings (- {lr: 0.1, depth: 2}), or a CSV file whose first line has the names.",
    details: { file: name },
  });
}
