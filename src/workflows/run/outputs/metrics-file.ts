/** Is a file that a program leaves its metrics in this run's, and what does it say. */
import { readFileSync } from "node:fs";
import { absolutePath } from "../../../config/paths.ts";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { hasCode } from "../../../platform/files.ts";
import { own } from "../../../platform/mapping.ts";
import type { ClosingRun } from "../open-run.ts";
import { isWrittenAfter, markOf, metricsMarks, writtenAt } from "./marks.ts";
import { type FoundMetrics, findMetrics, type Numbers } from "./metrics-text.ts";

export type MetricsFile = ({ state: "read" } & FoundMetrics) | { state: "missing" | "stale" | "late" };

export interface ChosenFile {
  path: string;
  /** Its mark before the start. */
  before: string;
  /** What else of that glob was written meanwhile. */
  others: string[];
}

/** The file that `--metrics` names; of those that a glob matches the one which the program has written last. Null: none is named. */
export function chooseMetrics({ project, places, facts }: ClosingRun, end = Number.POSITIVE_INFINITY): ChosenFile | null {
  if (places.metrics === null) return null;
  const marks = facts().closing.metricsMarks ?? {};
  const now = metricsMarks(project, places);
  const isWritten = (path: string) => now[path] !== own(marks, path) && !isWrittenAfter(absolutePath(project, path), end);
  const newest = Object.keys(now).sort((one, other) => writtenAt(absolutePath(project, other)) - writtenAt(absolutePath(project, one)));
  const [path = newest[0] ?? places.metrics, ...others] = newest.filter(isWritten);
  return { path, before: own(marks, path) ?? "", others };
}

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
