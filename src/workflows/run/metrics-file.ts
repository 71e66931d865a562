/** Metrics a program leaves in a file: every number of it, nested names joined with dots, digits as written. */
import { readFileSync, statSync } from "node:fs";
import { loadYaml } from "../../config/yaml.ts";
import { ExpverError } from "../../errors.ts";
import { isMissing } from "../../platform/files.ts";
import { flatten } from "./flatten.ts";

export type MetricsFile = { state: "read"; metrics: Record<string, string> } | { state: "missing" | "stale" };

/** What stood at the path before the start: a file that was not written since says nothing about the run. */
export interface FileMark {
  mtimeNs: bigint;
  size: bigint;
  inode: bigint;
}

export function markFile(path: string): FileMark | null {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true });
    return { mtimeNs, size, inode: ino };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Throws E_CONFIG when the file is no JSON or YAML. */
export function readMetricsFile(path: string, before: FileMark | null): MetricsFile {
  const now = markFile(path);
  if (now === null) return { state: "missing" };
  const same = before !== null && now.mtimeNs === before.mtimeNs && now.size === before.size && now.inode === before.inode;
  return same ? { state: "stale" } : { state: "read", metrics: parseMetrics(readFileSync(path, "utf8"), path) };
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

/** JSON whose numbers stay the text they were written as; Python's NaN and Infinity are read too, quoted texts are dropped. */
function exactJson(text: string, file: string): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity|\d[\d.eE+-]*)/g, (token) =>
    token[0] === '"' ? token : `"\\u0000${token}"`,
  );
  try {
    return JSON.parse(marked, (_key, value: unknown) => {
      if (typeof value === "string") return value.startsWith("\0") ? value.slice(1) : null;
      return typeof value === "boolean" ? null : value;
    });
  } catch (cause) {
    throw new ExpverError("E_CONFIG", `${file}: not valid JSON: ${cause instanceof Error ? cause.message : cause}`, {
      hint: "The metrics file must be JSON (.json) or YAML (.yaml): names and numbers.",
      details: { file },
      cause,
    });
  }
}
