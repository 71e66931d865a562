/** Said of runs and sweeps that nothing can be ranked by, or that are ranked by what may not be meant. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { storedPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { stringSource } from "../../../config/yaml-text.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { orderMetrics } from "../../../versions/suggest.ts";
import type { Collected } from "../database/collect.ts";
import type { ClosingRun } from "../open-run.ts";
import { parseMetrics } from "../outputs/metrics-file.ts";

/** Mostly its program's numbers went to the terminal only, or into a file nobody named. */
export function warnNumberless(context: Context, what: string, written: WrittenMetrics | null = null): void {
  const usual =
    "A JSON, YAML or CSV file that the program writes: --metrics FILE before the --. Or the program logs: " +
    "expver log accuracy=0.9, track() from JavaScript, xetrack's Tracker.";
  context.report({
    kind: "warning",
    text: `${what} left no number that could rank it: no metrics file was named, and no row it logged has one`,
    hint:
      written === null
        ? usual
        : `It wrote ${written.file}, which has ${written.names.join(", ")}: --metrics ${written.file} before the --.`,
  });
}

/** Folds of a cross-validation, trials of a search: the run has one number, and which of theirs it is nobody has said. */
export function warnOfSeveral(context: Context, { runId, project }: ClosingRun, { metrics, ofSeveral }: Collected): void {
  const primary = orderMetrics(project.config.metrics, metrics)[0];
  if (primary === undefined || !Object.hasOwn(ofSeveral, primary.name)) return;
  const { name, value } = primary;
  context.report({
    kind: "warning",
    text: `run ${runId} has ${ofSeveral[name]} trackers, each with its own ${name}: the run's is that of the last, ${value}`,
    hint: `Say in expver.yaml which counts: aggregate: { ${stringSource(name)}: mean }, or best, min, max, sum; last, if this is meant.`,
  });
}

export interface WrittenMetrics {
  /** As it is typed. */
  file: string;
  /** The first few. */
  names: string[];
}

const USUAL = ["metrics", "results", "scores", "eval", "evaluation", "all_results", "eval_results"].flatMap((name) =>
  ["json", "yaml", "yml", "csv", "jsonl"].map((end) => `${name}.${end}`),
);
const LARGEST = 1 << 20;
/** Of the clock of a file server. */
const SKEW_MS = 2000;

// A project keeps few folders at its top; one of many thousand is not searched.
const MOST_FOLDERS = 100;

/** A file at the top or in a folder there, called as such files are, that was written since and has numbers. `since`: ISO 8601. */
export function metricsWritten(project: Project, since: string): WrittenMetrics | null {
  const { root } = project;
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  const places = ["", ...folders.slice(0, MOST_FOLDERS).map(({ name }) => `${name}/`)];
  for (const file of places.flatMap((place) => USUAL.map((name) => place + name))) {
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > LARGEST || stat.mtimeMs < Date.parse(since) - SKEW_MS) continue;
    const names = namesIn(join(root, file), file);
    if (names.length > 0) return { file: typedPath(project, storedPath(project, file)), names: names.slice(0, 3) };
  }
  return null;
}

function namesIn(path: string, file: string): string[] {
  try {
    return Object.keys(parseMetrics(readFileSync(path, "utf8"), file));
  } catch (error) {
    if (error instanceof ExpverError) return [];
    throw error;
  }
}
