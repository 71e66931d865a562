/** Metrics a program leaves in a file: every number of it, nested names joined with dots, digits as written; of one with a row for each step what `aggregate:` says. */
import { readFileSync } from "node:fs";
import { csvParseRows, tsvParseRows } from "d3-dsv";
import type { Config } from "../../../config/config.ts";
import { guessDirection } from "../../../config/metric-direction.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { hasCode } from "../../../platform/files.ts";
import { aggregated, isProgress } from "../../../results/numbers.ts";
import { flatten } from "../parameters/flatten.ts";
import { markOf } from "./marks.ts";

export type MetricsFile = { state: "read"; metrics: Record<string, string> } | { state: "missing" | "stale" };

type Numbers = Pick<Config, "metrics" | "aggregate">;

/**
 * `before` is the mark of the file before the start: one that was not written since says nothing about the run. Throws
 * E_IO, and E_CONFIG when the file is not of the kind its name says (`.json`, `.csv`, `.tsv`, `.jsonl`; else YAML).
 */
export function readMetricsFile(path: string, { name, before, config }: { name: string; before: string; config: Numbers }): MetricsFile {
  const now = markOf(path);
  if (now === "") return { state: "missing" };
  return now === before ? { state: "stale" } : { state: "read", metrics: parseMetrics(textOf(path, name), name, config) };
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ERR_STRING_TOO_LONG") || hasCode(error, "ERR_FS_FILE_TOO_LARGE"))
      throw new ExpverError("E_IO", `cannot read ${name}: it is larger than 512 MB`, {
        hint: "Let the program write its numbers into a file of their own, or log them into the results database.",
        details: { path },
        cause: error,
      });
    throw fromSystemError(error, `cannot read ${name}`);
  }
}

/** Numbers only: a text that merely looks like a number (a version, an id in quotes) is no metric. */
export function parseMetrics(text: string, file: string, config: Numbers = { metrics: {}, aggregate: {} }): Record<string, string> {
  const rows = rowsOf(text, file);
  if (rows !== null) return lastOfRows(rows, config);
  const exact = /\.json$/i.test(file) ? exactJson(text, file) : loadYaml(text, file, { exact: true });
  return numbersIn(flatten(exact));
}

function numbersIn(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => NUMBER.test(value))
      .map(([name, value]) => [name, nameOfOdd(value)]),
  );
}

/** Of a file with a row for each step or epoch; null for the others. */
function rowsOf(text: string, file: string): Record<string, string>[] | null {
  const lines = text.replace(/^\ufeff/, "");
  if (/\.(?:jsonl|ndjson)$/i.test(file))
    return lines.split("\n").flatMap((line, at) => (line.trim() === "" ? [] : [numbersIn(flatten(exactJson(line, `${file}:${at + 1}`)))]));
  if (!/\.[ct]sv$/i.test(file)) return null;
  const [names = [], ...rows] = /\.csv$/i.test(file) ? csvParseRows(lines) : tsvParseRows(lines);
  return rows.map((cells) => numbersIn(Object.fromEntries(cells.map((cell, at) => [names[at]?.trim() ?? "", cell.trim()]))));
}

/** One value for each name, as of the rows of a database; not how far the run has come. */
function lastOfRows(rows: readonly Record<string, string>[], { metrics, aggregate }: Numbers): Record<string, string> {
  const found = new Map<string, string[]>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      const values = found.get(name);
      if (values === undefined) found.set(name, [value]);
      else values.push(value);
    }
  }
  const own = (table: object, name: string) => Object.hasOwn(table, name);
  const isSaid = (name: string, values: readonly string[]) =>
    name !== "" && (own(metrics, name) || !isProgress(name) || values.every((value) => value === values[0]));
  const one = (name: string, values: readonly string[]) => {
    const direction = (own(metrics, name) ? metrics[name] : undefined) ?? guessDirection(name) ?? "max";
    return aggregated(values, (own(aggregate, name) ? aggregate[name] : undefined) ?? "last", direction);
  };
  return Object.fromEntries([...found].filter(([name, values]) => isSaid(name, values)).map(([name, values]) => [name, one(name, values)]));
}

const NUMBER = /^[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|\.?(inf|Inf|INF)|Infinity|\.?(nan|NaN|NAN))$/;

/** YAML and Python spell the odd numbers in many ways. */
function nameOfOdd(value: string): string {
  if (/nan/i.test(value)) return "NaN";
  if (/inf/i.test(value)) return value.startsWith("-") ? "-Infinity" : "Infinity";
  return value;
}

/**
 * JSON whose numbers stay the text they were written as; Python's NaN and Infinity are read too. What stands in quotes, and
 * true and false, become what `other` makes of them; by default nothing.
 */
export function exactJson(text: string, file: string, other: (value: string | boolean) => unknown = () => null): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity|\d[\d.eE+-]*)/g, (token) =>
    token[0] === '"' ? token : `"\\u0000${token}"`,
  );
  try {
    return JSON.parse(marked, (_key, value: unknown) => {
      if (typeof value === "boolean") return other(value);
      if (typeof value !== "string") return value;
      return value.startsWith("\0") ? value.slice(1) : other(value);
    });
  } catch (cause) {
    throw new ExpverError("E_CONFIG", `${file}: not valid JSON: ${cause instanceof Error ? cause.message : cause}`, {
      hint: "The file must be JSON (.json) or YAML (.yaml): names and values.",
      details: { file },
      cause,
    });
  }
}
