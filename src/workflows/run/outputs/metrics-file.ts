/** Metrics a program leaves in a file: every number of it, nested names joined with dots, digits as written. */
import { readFileSync } from "node:fs";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { flatten } from "../parameters/flatten.ts";
import { markOf } from "./marks.ts";

export type MetricsFile = { state: "read"; metrics: Record<string, string> } | { state: "missing" | "stale" };

/**
 * `before` is the mark of the file before the start: one that was not written since says nothing about the run. Throws
 * E_IO, and E_CONFIG when the file is no JSON or YAML.
 */
export function readMetricsFile(path: string, { name, before }: { name: string; before: string }): MetricsFile {
  const now = markOf(path);
  if (now === "") return { state: "missing" };
  return now === before ? { state: "stale" } : { state: "read", metrics: parseMetrics(textOf(path, name), name) };
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fromSystemError(error, `cannot read ${name}`);
  }
}

/** Numbers only: a text that merely looks like a number (a version, an id in quotes) is no metric. */
export function parseMetrics(text: string, file: string): Record<string, string> {
  const exact = /\.json$/i.test(file) ? exactJson(text, file) : loadYaml(text, file, { exact: true });
  const all = flatten(exact);
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => NUMBER.test(value))
      .map(([name, value]) => [name, nameOfOdd(value)]),
  );
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
