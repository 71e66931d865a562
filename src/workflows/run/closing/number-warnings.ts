/** Said of runs and sweeps that nothing can be ranked by, or that are ranked by what may not be meant. */
import { readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { storedPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { resultsDatabase } from "../../../config/results-place.ts";
import { stringSource } from "../../../config/yaml-text.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { openResults } from "../../../results/database.ts";
import { eventsTables } from "../../../results/schema.ts";
import { isDatabase } from "../../../store/worktree/databases.ts";
import { orderMetrics } from "../../../versions/suggest.ts";
import type { Collected } from "../database/collect.ts";
import type { ClosingRun } from "../open-run.ts";
import { findMetrics } from "../outputs/metrics-text.ts";

/** Mostly its program's numbers went to the terminal only, into a file nobody named, or into a database of its own. */
export function warnNumberless(context: Context, what: string, found: { project: Project; since: string } | null = null): void {
  const usual =
    "A JSON, YAML or CSV file that the program writes: --metrics FILE before the --. Or the program logs: " +
    "expver log accuracy=0.9, track() from JavaScript, xetrack's Tracker.";
  context.report({
    kind: "warning",
    text: `${what} left no number that could rank it: no metrics file was named, and no row it logged has one`,
    hint: (found && hintOfWritten(found.project, found.since)) ?? usual,
  });
}

/** What the program wrote instead, and how it becomes the run's numbers; null where nothing is found. `since`: ISO 8601; `named`: the file that was named. */
export function hintOfWritten(project: Project, since: string, named: string | null = null): string | null {
  try {
    return hintOfFile(project, since, named) ?? hintOfDatabase(project, since);
  } catch {
    // A file that nobody may read, a link that leads to itself: no reason for a run to end otherwise.
    return null;
  }
}

function hintOfFile(project: Project, since: string, named: string | null): string | null {
  const written = metricsWritten(project, since, named);
  if (written === null) return null;
  const { file, names } = written;
  const has = `It wrote ${file}, which has ${names.join(", ")}`;
  const glob = wherever(file);
  const why = glob === file ? "" : " (the next run may write elsewhere)";
  return `${has}: --metrics ${shellWord(glob)} before the --${why}.`;
}

/** Tools count their folders on, or name them by the time. */
function wherever(file: string): string {
  const folders = file.split("/");
  const name = folders.pop() ?? file;
  return [...folders.map((folder) => folder.replace(/\d+(?:[-_.:T]*\d+)*/g, "*")), name].join("/");
}

/** xetrack's own examples name a file of their own. */
function hintOfDatabase(project: Project, since: string): string | null {
  const files = readdirSync(project.root, { withFileTypes: true }).filter((entry) => entry.isFile());
  const file = files.find(({ name }) => {
    const path = join(project.root, name);
    const stat = statSync(path);
    return isSince(stat, since) && path !== resultsDatabase(project) && isDatabase(project, path, stat.size) && hasEvents(path);
  })?.name;
  return file === undefined
    ? null
    : `It logged into ${file}, which is not the results database: results: { database: ${stringSource(file)} } in expver.yaml, or let the program log into the file that the variable EXPVER_DB names.`;
}

function hasEvents(path: string): boolean {
  const db = openResults(path, { readonly: true });
  try {
    return eventsTables(db).length > 0;
  } finally {
    db.close();
  }
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

/** To xetrack a NumPy scalar or a tensor is an object. */
export function warnOfObjects(context: Context, { runId }: ClosingRun, { objects }: Collected): void {
  const [name] = objects;
  if (name === undefined) return;
  context.report({
    kind: "warning",
    text: `run ${runId} logged ${objects.join(", ")} as an object, not as a number: xetrack keeps it pickled, as an asset, and nothing is unpickled here`,
    hint: `Log what Python calls a number: float(${name}). NumPy's float32 and int64, and tensors, are none.`,
  });
}

interface WrittenMetrics {
  /** As it is typed. */
  file: string;
  /** The first few. */
  names: string[];
}

const USUAL = [
  ...["metrics", "results", "scores", "eval", "evaluation", "all_results", "eval_results", "history"].flatMap((name) =>
    ["json", "yaml", "yml", "csv", "jsonl"].map((end) => `${name}.${end}`),
  ),
  // Keras, XGBoost, CatBoost, Hugging Face.
  ...["training.log", "evals_result.json", "test_error.tsv", "trainer_state.json"],
];
const LARGEST = 1 << 20;
/** Of the clock of a file server. */
const SKEW_MS = 2000;

// One of many thousand is not searched.
const MOST_FOLDERS = 100;
const DEPTH = 3;

/** A file at the top or in a folder near it, called as such files are, that was written since and has numbers. `since`: ISO 8601. */
function metricsWritten(project: Project, since: string, named: string | null): WrittenMetrics | null {
  const { root } = project;
  for (const file of placesIn(root).flatMap((place) => USUAL.map((name) => place + name))) {
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    if (storedPath(project, file) === named || !stat?.isFile() || stat.size > LARGEST || !isSince(stat, since)) continue;
    const names = namesIn(join(root, file), file);
    if (names.length > 0) return { file: typedPath(project, storedPath(project, file)), names: names.slice(0, 3) };
  }
  return null;
}

/** The top, and the folders near it, of each level the newest first. */
function placesIn(root: string): string[] {
  const places = [""];
  let level = places;
  for (let depth = 0; depth < DEPTH && places.length <= MOST_FOLDERS; depth += 1) {
    const found = level.flatMap((place) =>
      readdirSync(join(root, place), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
        .map(({ name }) => ({ place: `${place}${name}/`, age: statSync(join(root, place, name)).mtimeMs })),
    );
    level = found
      .sort((one, other) => other.age - one.age)
      .slice(0, MOST_FOLDERS)
      .map(({ place }) => place);
    places.push(...level);
  }
  return places;
}

function isSince({ mtimeMs }: Stats, since: string): boolean {
  return mtimeMs >= Date.parse(since) - SKEW_MS;
}

function namesIn(path: string, file: string): string[] {
  try {
    return Object.keys(findMetrics(readFileSync(path, "utf8"), file).metrics);
  } catch (error) {
    if (error instanceof ExpverError) return [];
    throw error;
  }
}
