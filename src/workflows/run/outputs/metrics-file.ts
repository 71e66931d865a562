/** Is a file that a program leaves its metrics in this run's, and what does it say. */
import { readFileSync } from "node:fs";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { hasCode } from "../../../platform/files.ts";
import { isWrittenAfter, markOf } from "./marks.ts";
import { type FoundMetrics, findMetrics, type Numbers } from "./metrics-text.ts";

export type MetricsFile = ({ state: "read" } & FoundMetrics) | { state: "missing" | "stale" | "late" };

/**
 * `before` is the mark of the file before the start: one that was not written since says nothing about the run, nor does one that was written after
 * its `end`. Throws
 * E_IO, and E_CONFIG when the file is not of the kind its name says (`.json`, `.csv`, `.tsv`, `.jsonl`; else YAML).
 */
export function readMetricsFile(
  path: string,
  { name, before, end = Number.POSITIVE_INFINITY, config }: { name: string; before: string; end?: number | undefined; config: Numbers },
): MetricsFile {
  const now = markOf(path);
  if (now === "") return { state: "missing" };
  if (isWrittenAfter(path, end)) return { state: "late" };
  return now === before ? { state: "stale" } : { state: "read", ...findMetrics(textOf(path, name), name, config) };
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
