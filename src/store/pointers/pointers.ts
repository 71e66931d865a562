/** Every pointer of the worktree, or of any commit. */

import { readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { fromTop, typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, type Repository } from "../../git/git.ts";
import { catFiles, catFilesIfThere, readTree, readTrees } from "../../git/tree.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { compareCodePoints } from "../objects/listing.ts";
import type { Pointer } from "../types.ts";
import { parseLockFile } from "./lock-file.ts";
import { inConflict } from "./pointer-fields.ts";
import { parsePointerFile } from "./pointer-file.ts";
import type { ReadText } from "./stage-templates.ts";

/** Pointers of the worktree: files Git knows or would add; without Git, all below the DVC root. */
export function readPointers(project: Project): Pointer[] {
  return readTracked(project).pointers;
}

/** The pointers of the worktree and, in the same look, the paths of its `dvc.yaml` files. */
export function readTracked(project: Project): { pointers: Pointer[]; pipelines: string[] } {
  const top = topOf(project);
  const files = new Set(project.repository === null ? walk(top, "") : listFiles(project.repository));
  const pointers = readAll(
    pointerFiles(project, files),
    (file) => readTextIfExists(join(top, file)),
    (error, file) => {
      throw error.details.inConflict === true ? inConflict(file, typedPath(project, file)) : error;
    },
  );
  return { pointers, pipelines: oursAmong(project, files, isPipelineFile) };
}

export interface PipelineTexts {
  /** The `dvc.lock`, there or not. */
  file: string;
  pipeline: string;
  lock: string | null;
  /** What its `vars` name. */
  textOf: ReadText;
}

/** Every `dvc.yaml` with the `dvc.lock` beside it, of a commit, or of the worktree (null). */
export function readPipelines(project: Project, rev: string | null): PipelineTexts[] {
  const { repository } = project;
  if (rev === null || repository === null) {
    const files = new Set(repository === null ? walk(topOf(project), "") : listFiles(repository));
    return pipelinesHere(project, oursAmong(project, files, isPipelineFile));
  }
  const objects = new Map(readTree(repository, rev).map(({ path, object }) => [path, object]));
  const files = oursAmong(project, objects.keys(), isPipelineFile);
  const texts = catFiles(
    repository,
    files.flatMap((path) => [path, lockOf(path)].flatMap((one) => objects.get(one) ?? [])),
  );
  const textOf = (file: string) => texts.get(objects.get(file) ?? "")?.toString("utf8") ?? null;
  return textsOf(files, (file) => textOf(file) ?? textAt(repository, rev, file));
}

export interface Tracked {
  pointers: Pointer[];
  /** Read when they are asked for. */
  pipelines(): PipelineTexts[];
}

/** Of a commit, or of the worktree (null), which Git is asked for once: to match long ignore files may take it seconds. */
export function trackedOf(project: Project, rev: string | null): Tracked {
  if (rev !== null) return { pointers: readPointersAt(project, rev), pipelines: () => readPipelines(project, rev) };
  const { pointers, pipelines } = readTracked(project);
  return { pointers, pipelines: () => pipelinesHere(project, pipelines) };
}

export function pipelinesHere(project: Project, paths: readonly string[]): PipelineTexts[] {
  const top = topOf(project);
  return textsOf(paths, (file) => readTextIfExists(join(top, file)));
}

function textsOf(files: readonly string[], textOf: (file: string) => string | null): PipelineTexts[] {
  return files.map((path) => ({ file: lockOf(path), pipeline: textOf(path) ?? "", lock: textOf(lockOf(path)), textOf }));
}

/** `rev`: a commit, or `:0` for what is staged. */
function textAt(repository: Repository, rev: string, file: string): string | null {
  return (
    catFilesIfThere(repository, [`${rev}:${file}`])
      .values()
      .next()
      .value?.toString("utf8") ?? null
  );
}

function lockOf(pipeline: string): string {
  return posix.join(posix.dirname(pipeline), "dvc.lock");
}

/** Of bytes, on every file system that matters. */
export const LONGEST_NAME = 255;

/** The `.dvc` file beside an output. Throws E_DATA when no file can be called so. */
export function fileBeside(path: string): string {
  const file = `${path}.dvc`;
  if (Buffer.byteLength(posix.basename(file)) <= LONGEST_NAME) return file;
  throw new ExpverError("E_DATA", `the name of ${path} leaves no room for .dvc at its end, which its pointer has`, {
    hint: `Rename it: ${LONGEST_NAME - ".dvc".length} bytes are the most.`,
    details: { path },
  });
}

/** The pointer in the `.dvc` file beside one output (or in this one), without a look at any other file. Throws E_DATA. */
export function pointerBeside(project: Project, path: string, file = fileBeside(path)): Pointer | null {
  const text = readTextIfExists(join(topOf(project), file));
  return text === null ? null : (parsePointerFile(text, file).find((pointer) => pointer.path === path) ?? null);
}

/** Pointers of a commit, from Git objects: two processes however many there are. Empty without Git. */
export function readPointersAt(project: Project, rev: string): Pointer[] {
  return readPointersOf(project, [rev]).get(rev) ?? [];
}

/**
 * Pointers of many commits: a process a level of folders, and one for all texts. `onUnreadable` is told of files that cannot be read
 * as pointers, which are then passed over; without it they throw E_POINTER, with the commit's name.
 */
export function readPointersOf(
  project: Project,
  revs: readonly string[],
  onUnreadable: (error: ExpverError, rev: string, file: string) => void = refuseUnreadable,
): Map<string, Pointer[]> {
  const { repository } = project;
  if (repository === null) return new Map();
  const many = revs.length > FEW ? readTrees(repository, revs, isInteresting) : null;
  return readFromTrees(project, new Map(revs.map((rev) => [rev, many?.get(rev) ?? readTree(repository, rev)])), onUnreadable);
}

/** Throws it again, with the commit's name: nobody finds a file by its name that was repaired or removed since. */
export function refuseUnreadable(error: ExpverError, rev: string, _file?: string, hint = error.hint): never {
  const details = { ...error.details, commit: rev };
  throw new ExpverError(error.code, `in commit ${rev.slice(0, 12)}: ${error.message}`, { hint, details, cause: error });
}

/** Pointers that are staged here; while Git merges, those of each side. Throws E_POINTER. */
export function readStagedPointers(project: Project): Pointer[] {
  const { repository } = project;
  if (repository === null) return [];
  const stages = new Map<string, TreeEntry[]>();
  for (const line of git(repository, ["ls-files", "-z", "--full-name", "--stage", "--", ":(top)"]).split("\0").filter(Boolean)) {
    const [facts = "", path = ""] = [line.slice(0, line.indexOf("\t")), line.slice(line.indexOf("\t") + 1)];
    const [mode = "", object = "", stage = ""] = facts.split(" ");
    if (isInteresting(path)) stages.set(`:${stage}`, [...(stages.get(`:${stage}`) ?? []), { mode, object, path }]);
  }
  return [...readFromTrees(project, stages).values()].flat();
}

type TreeEntry = Pick<ReturnType<typeof readTree>[number], "mode" | "object" | "path">;

function readFromTrees(
  project: Project,
  entries: ReadonlyMap<string, readonly TreeEntry[]>,
  onUnreadable: (error: ExpverError, rev: string, file: string) => void = refuseUnreadable,
): Map<string, Pointer[]> {
  const { repository } = project;
  if (repository === null) return new Map();
  const trees = Array.from(entries, ([rev, all]) => {
    const blobs = all.filter(({ mode }) => mode !== "120000" && mode !== "160000");
    const objects = new Map(blobs.map(({ path, object }) => [path, object]));
    const files = pointerFiles(project, objects.keys());
    const needed = new Set(files.flatMap((file) => (isLockFile(file) ? [file, pipelineOf(file)] : [file])));
    const those = (fits: (path: string) => boolean) => new Map([...objects].filter(([path]) => fits(path)));
    return { rev, files, objects: those((path) => needed.has(path)), params: those(isParameterFile) };
  });
  const texts = catFiles(
    repository,
    trees.flatMap(({ objects }) => [...objects.values()]),
  );
  // Only where expressions stand: in no more than one process, whose files commits mostly share.
  const asked = trees.flatMap(({ files, objects, params }) => {
    const isAsking = (file: string) => isLockFile(file) && texts.get(objects.get(pipelineOf(file)) ?? "")?.includes("${") === true;
    return files.filter(isAsking).flatMap((file) => params.get(posix.join(posix.dirname(file), PARAMETERS)) ?? []);
  });
  const values = asked.length === 0 ? new Map<string, Buffer>() : catFiles(repository, asked);
  return new Map(
    trees.map(({ rev, files, objects, params }) => {
      const textOf = (file: string) => {
        const object = objects.get(file) ?? params.get(file);
        const text = object === undefined ? undefined : (texts.get(object) ?? values.get(object));
        if (text !== undefined) return text.toString("utf8");
        // Seldom asked for: what else the `vars` of a `dvc.yaml` name.
        return object === undefined && isInteresting(file) ? null : textAt(repository, rev, file);
      };
      const tell = onUnreadable && ((error: ExpverError, file: string) => onUnreadable(error, rev, file));
      return [rev, readAll(files, textOf, tell)];
    }),
  );
}

/** So few revisions are read faster one by one. */
const FEW = 8;

/** What {@link pointerFiles} and the reading of lock files look at. */
function isInteresting(path: string): boolean {
  return isPointerFile(path) || isPipelineFile(path) || isParameterFile(path) || path.startsWith(".dvc/") || path.includes("/.dvc/");
}

const PARAMETERS = "params.yaml";

/** Git pathspecs of every file that {@link readPointersAt} reads. */
export const POINTER_PATHSPECS = ["*.dvc", "dvc.lock", "dvc.yaml", PARAMETERS].map((name) => `:(glob)**/${name}`);

/** Those of our DVC repository: below its root, and not in another one further down. */
function pointerFiles(project: Project, paths: Iterable<string>): string[] {
  return oursAmong(project, paths, isPointerFile);
}

function oursAmong(project: Project, paths: Iterable<string>, isWanted: (path: string) => boolean): string[] {
  const root = fromTop(project, project.dvcRoot ?? topOf(project));
  const base = root === "" ? "" : `${root}/`;
  const inner = new Set<string>();
  const found: string[] = [];
  for (const path of paths) {
    if (!path.startsWith(base) || path.startsWith(`${base}.dvc/`)) continue;
    const dvc = path.indexOf("/.dvc/", base.length - 1);
    if (dvc >= base.length) inner.add(path.slice(0, dvc + 1));
    else if (isWanted(path)) found.push(path);
  }
  return found.filter((path) => ![...inner].some((folder) => path.startsWith(folder))).sort(compareCodePoints);
}

export function isPointerFile(path: string): boolean {
  const name = posix.basename(path);
  return isLockFile(path) || (name.endsWith(".dvc") && name !== ".dvc");
}

function isPipelineFile(path: string): boolean {
  return posix.basename(path) === "dvc.yaml";
}

/** What expressions ask for first. */
function isParameterFile(path: string): boolean {
  return posix.basename(path) === PARAMETERS;
}

export function isLockFile(path: string): boolean {
  return posix.basename(path) === "dvc.lock";
}

function pipelineOf(lockFile: string): string {
  return posix.join(posix.dirname(lockFile), "dvc.yaml");
}

function readAll(
  files: readonly string[],
  textOf: (file: string) => string | null,
  onUnreadable?: (error: ExpverError, file: string) => void,
): Pointer[] {
  return files.flatMap((file) => {
    const text = textOf(file);
    if (text === null) return [];
    try {
      if (!isLockFile(file)) return parsePointerFile(text, file);
      const pipeline = textOf(pipelineOf(file));
      // Left over from a `dvc.yaml` that is gone: dvc does not look at it either.
      return pipeline === null ? [] : parseLockFile(text, file, pipeline, textOf);
    } catch (error) {
      if (onUnreadable === undefined || !(error instanceof ExpverError)) throw error;
      onUnreadable(error, file);
      return [];
    }
  });
}

function listFiles(repository: NonNullable<Project["repository"]>): string[] {
  if (repository.bare) return [];
  // Only what oursAmong looks at: there may be any number of data files that nobody tracks yet.
  const interesting = ["*.dvc", "*dvc.lock", "*dvc.yaml", "*/.dvc/*"].map((pattern) => `:(top)${pattern}`);
  return git(repository, ["ls-files", "-z", "--full-name", "--cached", "--others", "--exclude-standard", "--", ...interesting])
    .split("\0")
    .filter(Boolean);
}

function walk(top: string, folder: string): string[] {
  return readdirSync(join(top, folder), { withFileTypes: true }).flatMap((item) => {
    const path = folder === "" ? item.name : `${folder}/${item.name}`;
    if (!item.isDirectory()) return item.isFile() ? [path] : [];
    if (item.name === ".git" || item.name === ".hg") return [];
    // Of a `.dvc` folder only its being there matters.
    return item.name === ".dvc" ? [`${path}/`] : walk(top, path);
  });
}
