/** What the run wrote: stored, and the files R will have for it. Nothing in the worktree changes here. */
import { existsSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { absolutePath, isUnder, underAny } from "../../../config/paths.ts";
import { topOf } from "../../../config/project.ts";
import { readIndexEntries } from "../../../git/index-file.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { finishWork, type Work } from "../../../platform/pace.ts";
import { copyDatabase } from "../../../results/copy.ts";
import { openCache } from "../../../store/objects/cache.ts";
import type { Tracked } from "../../../store/pointers/pointers.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { FileEdit, OutputContent, Pointer } from "../../../store/types.ts";
import { hasLeftSource, pointerEdits, type StoreOptions, storingOutputs } from "../../../store/worktree/contents.ts";
import { type Scan, scanOutput } from "../../../store/worktree/scan.ts";
import { isComplete } from "../../../store/worktree/status.ts";
import type { ArtifactEntry } from "../../../versions/types.ts";
import type { ClosingRun } from "../open-run.ts";
import { paramsSetByDvc, writtenParams } from "../parameters/written-parameters.ts";
import type { OutputFile } from "../run-facts.ts";
import { runLog } from "../snapshot/run-logs.ts";
import { type Marks, marking, metricsMarks, takeMarks, takingMarks } from "./marks.ts";
import { modelUnits } from "./model-units.ts";
import { type Promised, promisedAmong } from "./promised.ts";
import { editedFiles, ownedFiles, type SnapshotPlace, treeEntries } from "./results-files.ts";
import { filesForGit, isStageFile, stageFiles } from "./stage-files.ts";
import { trackedNow } from "./tracked-now.ts";
import { outputsUpToDate } from "./up-to-date.ts";

export interface Outputs {
  files: OutputFile[];
  /** Everything stored, the results database first (unless it is a shard), what stages made last. */
  artifacts: ArtifactEntry[];
  models: ArtifactEntry[];
  promised: Promised[];
}

/** Stores the database and everything of {@link writtenPaths}. */
export function* storingRun(run: ClosingRun): Work<Outputs> {
  const { project, repository, places, facts } = run;
  const { snapshot, closing } = facts();
  const place: SnapshotPlace = { project, repository, snapshot };
  const tracked = trackedNow(project, closing.pointers);
  const { pointers, pipelines } = tracked;
  const written = yield* writtenPaths(run, { place, pointers });
  const owned = treeEntries(place, [...written, ...Object.keys(metricsMarks(project, places))]);
  const others: Stored[] = [];
  for (const path of written) if (!owned.has(path)) others.push(yield* storingOne(run, path));
  const database = run.isShard ? [] : [yield* storingDatabase(run)];
  const edits = editsOf(run, [...others, ...database], pointers);
  const ofStages = closing.pipeline ? yield* storingStageOutputs(run, tracked) : [];
  const artifacts = [...database, ...others, ...ofStages].map(({ path, content: { hash, size } }): ArtifactEntry => ({ hash, size, path }));
  const stages = closing.pipeline ? stageFiles(place) : { files: metricsForGit(run, place), ignored: new Map() };
  const setByDvc = run.isShard ? null : paramsSetByDvc(run);
  const params = setByDvc === null ? [] : filesForGit(place, [setByDvc]);
  const own = ownedFiles(place, owned);
  edits.push(...noteFilesIgnored(run, [...owned.keys(), ...[...others, ...stages.files].map(({ path }) => path)]));
  const edited = editedFiles(place, edits, stages.ignored);
  const isEdited = new Set(edited.map(({ path }) => path));
  return {
    promised: closing.pipeline
      ? []
      : promisedAmong(
          pipelines(),
          others.map((one) => one.path),
        ),
    files: [...edited, ...own, ...[...stages.files, ...params].filter(({ path }) => !owned.has(path) && !isEdited.has(path))],
    artifacts,
    models: artifacts.filter(({ path }) => isUnder(path, places.models)),
  };
}

/**
 * What stages have made, and models of those that are up to date: dvc has stored it (unless told not to) and `dvc.lock` says what it is; where that
 * says another thing, the stage has failed.
 */
function* storingStageOutputs({ project, places, facts }: ClosingRun, { pointers, pipelines }: Tracked): Work<Stored[]> {
  const { marks } = facts().closing;
  const cache = openCache(project);
  const written: Pointer[] = [];
  const before: Pointer[] = [];
  for (const pointer of pointers) {
    const { path, stage, hash } = pointer;
    if (stage === undefined || !pointer.cache || hash === null || path === places.database) continue;
    const mark = yield* marking(absolutePath(project, path));
    if (mark === "") continue;
    if (mark !== marks?.pointers[path]) written.push(pointer);
    else if (isUnder(path, places.models)) before.push(pointer);
  }
  const stored: Stored[] = [];
  for (const pointer of [...written, ...(yield* outputsUpToDate(project, { pointers: before, pipelines }))]) {
    const { path, hash, hashName } = pointer;
    const { content } = yield* scanOutput(project, absolutePath(project, path), { hashName });
    if (content.hash !== hash) continue;
    if (hashName === "md5" && !isComplete(cache, pointer)) yield* storingOutputs(project, [path]);
    stored.push({ path, content });
  }
  return stored;
}

/** `dvc.yaml` says that Git is to have it. */
function metricsForGit({ isShard, places, facts }: ClosingRun, place: SnapshotPlace): OutputFile[] {
  const { metricsOfStage } = facts().closing;
  return isShard || metricsOfStage !== "git" || places.metrics === null ? [] : filesForGit(place, [places.metrics]);
}

/**
 * The numbers of the file of `--metrics`, and parameters the program wrote down, are in the database and the tag. The file itself is Git's when it
 * tracks it; else it is ignored like any other output, so that it is no change to the next run. What lies in an output is part of that: an ignore
 * file there would be too. A workspace has its own.
 */
function noteFilesIgnored(run: ClosingRun, kept: readonly string[]): FileEdit[] {
  const { isShard, places, project, repository, facts } = run;
  const { commit, pointers, metricsOfStage } = facts().closing;
  if (isShard || !commit) return [];
  const notes = [metricsOfStage ? null : places.metrics, writtenParams(run)].filter((path) => path !== null);
  const isKept = (path: string) =>
    // No snapshot takes it for code, nor is every such folder to get an ignore file.
    runLog(path) !== null || isUnder(path, [...kept, ...pointers.map((one) => one.path)]) || readIndexEntries(repository, [path]).has(path);
  const files = notes.flatMap((path) => {
    const file = absolutePath(project, path);
    return !isListed(file) && existsSync(file) && !isKept(path) ? [file] : [];
  });
  return files.length === 0 ? [] : ignoreEdits(project, files);
}

/** Its line is there from the first time on: then nobody need be asked. */
function isListed(file: string): boolean {
  const lines = (readTextIfExists(join(dirname(file), ".gitignore")) ?? "").split(/\r?\n/);
  return lines.includes(basename(file)) || lines.includes(`/${basename(file)}`);
}

/**
 * New and changed files of the models places (folders there as a whole) and of `track`, and changed outputs that have pointers; not
 * inputs, not the database.
 */
function* writtenPaths(
  { project, places, facts }: ClosingRun,
  { place, pointers }: { place: SnapshotPlace; pointers: readonly Pointer[] },
): Work<string[]> {
  const { closing, inputs } = facts();
  const before = closing.marks ?? NONE;
  const now = yield* takingMarks(project, places, closing.pointers);
  const read = new Set(inputs.map(({ path }) => path));
  // What a stage has made for the first time, dvc tracks by now.
  const staged = pointers.filter(({ stage }) => stage !== undefined);
  const isKnown = underAny([...closing.pointers, ...staged].filter(({ cache }) => cache).map(({ path }) => path));
  // Of what stages make in this run, dvc itself says what it is.
  const isOurs = ({ stage, cache }: Pointer) => stage === undefined || (!closing.pipeline && cache);
  const changed = closing.pointers.filter(
    (pointer) =>
      isOurs(pointer) &&
      !read.has(pointer.path) &&
      now.pointers[pointer.path] !== before.pointers[pointer.path] &&
      now.pointers[pointer.path] !== "",
  );
  const fresh = Object.keys(now.files).filter((path) => before.files[path] !== now.files[path] && !isKnown(path));
  const written = [...changed.map(({ path }) => path), ...fresh].filter((path) => path !== places.database);
  const isModel = (path: string) => isUnder(path, places.models) && !places.isTracked(path);
  const others = written.filter((path) => !isModel(path));
  const apart = [...others, places.database, ...[...closing.pointers, ...staged].map(({ path }) => path)];
  return [...others, ...modelUnits(place, written.filter(isModel), { places, apart })];
}

/** True for what a run is to write, wherever that is stored. */
export function outputsOf(run: ClosingRun): (path: string) => boolean {
  const { project, places, facts } = run;
  const params = paramsSetByDvc(run);
  const isOfStage = facts().closing.pipeline ? isStageFile(project) : () => false;
  return (path) => places.isTracked(path) || places.isMetrics(path) || path === params || isUnder(path, places.models) || isOfStage(path);
}

const NONE: Marks = { pointers: {}, files: {} };

/** Nobody has touched an output since the program's end was seen. */
export function outputsStand({ project, places, facts }: ClosingRun): boolean {
  const { closing } = facts();
  if (closing.marksAtEnd === null) return false;
  const now = takeMarks(project, places, closing.pointers);
  const same = (one: Record<string, string>, other: Record<string, string>) =>
    [...new Set([...Object.keys(one), ...Object.keys(other)])].every((path) => path === places.database || one[path] === other[path]);
  return same(now.pointers, closing.marksAtEnd.pointers) && same(now.files, closing.marksAtEnd.files);
}

type StoredDatabase = Pick<ClosingRun, "project" | "folder" | "places">;

/** Texts of the database's pointer and ignore file, its bytes being stored. */
export function storeDatabaseEdits(context: Context, run: StoredDatabase): FileEdit[] {
  return editsOf(run, [finishWork(storingDatabase(run), context, { label: "storing the database" })], trackedNow(run.project, []).pointers);
}

/** What is in the cache, and no pointer says yet. */
interface Stored {
  /** Stored path of the output. */
  path: string;
  content: OutputContent;
}

/** The stored object is made from a consistent copy of the live file, never from the file itself. */
function* storingDatabase(run: StoredDatabase): Work<Stored> {
  const { folder, places } = run;
  const copy = join(folder, "database.copy");
  try {
    copyDatabase(places.databaseFile, copy);
    return yield* storingOne(run, places.database, { bytesFrom: copy });
  } finally {
    rmSync(copy, { force: true });
  }
}

function* storingOne({ project }: Pick<ClosingRun, "project">, path: string, options: StoreOptions = {}): Work<Stored> {
  const [scan] = yield* storingOutputs(project, [path], options);
  return { path, content: (scan as Scan).content };
}

/** Pointers, which may be of several outputs, and ignore files. */
function editsOf({ project }: Pick<ClosingRun, "project">, stored: readonly Stored[], known: readonly Pointer[]): FileEdit[] {
  const pointers = new Map(known.map((pointer) => [pointer.path, pointer]));
  // What was imported and is another thing now, nobody else could have from where it came.
  const said = stored.map(({ path, content }) => {
    const pointer = pointers.get(path);
    return { path, content, pointer, leavesSource: pointer !== undefined && hasLeftSource(pointer, content) };
  });
  const { edits } = pointerEdits(project, said);
  const places = stored.map(({ path }) => absolutePath(project, path));
  return [...edits, ...ignoreEdits(project, places)];
}

/** Inputs whose bytes are no longer those the run began with. Their pointers stay what the run read. */
export function* inputsChangedSince({ project, facts }: ClosingRun): Work<string[]> {
  const { inputs, closing } = facts();
  const changed: string[] = [];
  for (const { path, hash } of inputs) {
    const at = join(topOf(project), path);
    // A run that is closed late is not to answer for what came after its end.
    const mark = closing.marksAtEnd?.pointers[path] ?? (yield* marking(at));
    if (mark === closing.marks?.pointers[path]) continue;
    if (mark === "" || (yield* scanOutput(project, at)).content.hash !== hash) changed.push(path);
  }
  return changed;
}
