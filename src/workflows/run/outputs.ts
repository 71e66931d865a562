/** What the run wrote: stored, and the texts of the pointers that R will have. Nothing in the worktree changes here. */
import { readFileSync, rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type Project, topOf } from "../../config/project.ts";
import { git, type Repository } from "../../git/git.ts";
import { hashBlob } from "../../git/objects.ts";
import { catFiles, readTree, type TreeEntry } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import { copyDatabase } from "../../results/copy.ts";
import { hashOutput, storeOutput } from "../../store/contents.ts";
import type { FileEdit, Pointer } from "../../store/types.ts";
import type { ArtifactEntry } from "../../versions/types.ts";
import { type Marks, markOf, takeMarks } from "./marks.ts";
import type { OpenRun } from "./open-run.ts";
import { runsPipeline } from "./plan.ts";
import type { OutputFile } from "./run-facts.ts";
import { isUnder } from "./snapshot-selection.ts";

export interface Outputs {
  files: OutputFile[];
  /** Everything stored, the results database first. */
  artifacts: ArtifactEntry[];
  models: ArtifactEntry[];
}

/** Where the texts of R stand on those of S. */
export interface SnapshotPlace {
  project: Project;
  repository: Repository;
  /** Snapshot commit S. */
  snapshot: string | null;
}

/** Stores the database, new and changed files of the models places, what `track` names, and changed outputs that have pointers. */
export function storeOutputs(context: Context, run: OpenRun, before: Marks): Outputs {
  const { plan, project } = run;
  const { places, pointers } = plan;
  const now = takeMarks(project, places, pointers);
  const inputs = new Set(run.facts().inputs.map(({ path }) => path));
  const written = pointers.filter(
    ({ path, stage }) =>
      path !== places.database &&
      stage === undefined &&
      now.pointers.get(path) !== before.pointers.get(path) &&
      now.pointers.get(path) !== "",
  );
  const known = pointers.filter(({ cache }) => cache).map(({ path }) => path);
  const fresh = [...now.files]
    .filter(([path, mark]) => before.files.get(path) !== mark && !isUnder(path, known) && path !== places.database)
    .map(([path]) => path);
  const place: SnapshotPlace = { project, repository: run.repository, snapshot: run.facts().snapshot };
  const inGit = readTracked(place, [...fresh, ...(places.metrics === null ? [] : [places.metrics])]);
  const toStore = [...written.map(({ path }) => path).filter((path) => !inputs.has(path)), ...fresh.filter((path) => !inGit.has(path))];

  const edits: FileEdit[] = [];
  const artifacts = [storeDatabase(context, run, edits), ...toStore.map((path) => storeOne(context, run, { path, edits }))];
  return {
    files: [...gitFiles(place, edits), ...gitOwned(run, inGit), ...lockFiles(run)],
    artifacts,
    models: artifacts.filter(({ path }) => isUnder(path, places.models)),
  };
}

/** The stored object is made from a consistent copy of the live file, never from the file itself. */
export function storeDatabase(
  context: Context,
  { folder, plan, project }: Pick<OpenRun, "folder" | "plan" | "project">,
  edits: FileEdit[],
): ArtifactEntry {
  const copy = join(folder, "database.copy");
  try {
    copyDatabase(plan.places.databaseFile, copy);
    return storeOne(context, { project }, { path: plan.places.database, edits, bytesFrom: copy });
  } finally {
    rmSync(copy, { force: true });
  }
}

function storeOne(
  context: Context,
  { project }: Pick<OpenRun, "project">,
  { path, edits, bytesFrom }: { path: string; edits: FileEdit[]; bytesFrom?: string },
): ArtifactEntry {
  const { content, pointer, ignore } = storeOutput(project, path, context, bytesFrom === undefined ? {} : { bytesFrom });
  edits.push(pointer, ...(ignore === null ? [] : [ignore]));
  return { hash: content.hash, size: content.size, path };
}

/** Inputs whose bytes are no longer those the run began with. Their pointers stay what the run read. */
export function inputsChangedSince(run: OpenRun, before: Marks): string[] {
  return run
    .facts()
    .inputs.filter((pointer) => hasOtherBytes(run, pointer, before))
    .map(({ path }) => path);
}

function hasOtherBytes({ project }: OpenRun, pointer: Pointer, before: Marks): boolean {
  const path = join(topOf(project), pointer.path);
  const mark = markOf(path);
  if (mark === before.pointers.get(pointer.path)) return false;
  return mark === "" || hashOutput(project, pointer.path).hash !== pointer.hash;
}

/** Edits as files of R: their texts stand on those of S, whatever the worktree's ignore files say by now. */
export function gitFiles(place: SnapshotPlace, edits: readonly FileEdit[]): OutputFile[] {
  const { project, repository } = place;
  const top = topOf(project);
  const merged = new Map<string, { before: string | null; added: string[]; after: string | null }>();
  for (const { path, before, after } of edits) {
    const stored = relative(top, path).split(sep).join("/");
    const known = merged.get(stored);
    const added = addedLines(known === undefined ? before : known.before, after);
    merged.set(stored, { before, after, added: [...(known?.added ?? []), ...added] });
  }
  const snapshotTexts = textsOfSnapshot(place, [...merged.keys()].filter(isIgnoreFile));
  return [...merged].flatMap(([path, { before, after, added }]): OutputFile[] => {
    if (after === null) return [];
    const inWorktree = isIgnoreFile(path) ? withLines(before, added) : after;
    const inR = isIgnoreFile(path) ? withLines(snapshotTexts.get(path) ?? null, added) : after;
    return [{ path, mode: "100644", object: hashBlob(repository, inR), edit: { before, after: inWorktree } }];
  });
}

/** Outputs Git tracks itself: their bytes go into R as `git add` would take them. */
function gitOwned({ repository }: OpenRun, tracked: ReadonlyMap<string, TreeEntry>): OutputFile[] {
  return [...tracked.values()].flatMap(({ path, mode, object }) => {
    try {
      const now = git(repository, ["hash-object", "-w", "--", path]).trim();
      return now === object ? [] : [{ path, mode, object: now }];
    } catch {
      return []; // gone or unreadable: R keeps what S has
    }
  });
}

/** `dvc repro` rewrites its lock: that is what it is for. */
function lockFiles({ plan, project, repository }: OpenRun): OutputFile[] {
  if (!runsPipeline(plan.argv)) return [];
  const locks = [...new Set([...plan.pointers.map(({ file }) => file), "dvc.lock"])].filter((file) => file.endsWith("dvc.lock"));
  return locks.flatMap((path) => {
    try {
      return [{ path, mode: "100644", object: hashBlob(repository, readFileSync(join(topOf(project), path))) }];
    } catch {
      return [];
    }
  });
}

function readTracked({ repository, snapshot }: SnapshotPlace, paths: readonly string[]): Map<string, TreeEntry> {
  if (snapshot === null || paths.length === 0) return new Map();
  const wanted = new Set(paths);
  return new Map(
    readTree(repository, snapshot, paths)
      .filter(({ path }) => wanted.has(path))
      .map((entry) => [entry.path, entry]),
  );
}

function textsOfSnapshot(place: SnapshotPlace, paths: readonly string[]): Map<string, string> {
  const entries = readTracked(place, paths);
  const blobs = catFiles(
    place.repository,
    [...entries.values()].map(({ object }) => object),
  );
  return new Map([...entries.values()].map(({ path, object }) => [path, blobs.get(object)?.toString("utf8") ?? ""]));
}

function isIgnoreFile(path: string): boolean {
  return path === ".gitignore" || path.endsWith("/.gitignore");
}

function addedLines(before: string | null, after: string | null): string[] {
  const had = new Set((before ?? "").split("\n"));
  return (after ?? "").split("\n").filter((line) => line !== "" && !had.has(line));
}

function withLines(text: string | null, lines: readonly string[]): string {
  const had = new Set((text ?? "").split(/\r?\n/));
  const missing = [...new Set(lines)].filter((line) => !had.has(line));
  const start = text === null || text === "" || text.endsWith("\n") ? (text ?? "") : `${text}\n`;
  return start + missing.map((line) => `${line}\n`).join("");
}
