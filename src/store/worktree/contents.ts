/** Hashing one output, and storing its bytes in the cache. What a pointer would say comes back unwritten. */
import { statSync } from "node:fs";
import { basename, posix } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { finishWork, type Pacing, type Work } from "../../platform/pace.ts";
import { openCache } from "../objects/cache.ts";
import { beginIngest } from "../objects/ingest.ts";
import { type ObjectFolder, objectPath, readListing, trustedSize } from "../objects/layout.ts";
import { renderingListing } from "../objects/listing.ts";
import { renderLockFile } from "../pointers/lock-file.ts";
import { withoutSource } from "../pointers/pointer-edit.ts";
import { asFields, readMapping } from "../pointers/pointer-fields.ts";
import { parsePointerFile, renderPointerFile } from "../pointers/pointer-file.ts";
import { renderFiles } from "../pointers/pointer-versions.ts";
import { fileBeside, readPointers } from "../pointers/pointers.ts";
import { withStageMd5 } from "../pointers/stage-md5.ts";
import { ignoreEdits } from "../settings/gitignore.ts";
import type { FileEdit, OutputContent, Pointer, VersionedFile } from "../types.ts";
import type { CopyDatabase } from "./databases.ts";
import { type Scan, type ScanOptions, scanFiles, scanOutput, type Walk } from "./scan.ts";

export interface StoredOutput {
  content: OutputContent;
  /** The pointers of the worktree are read when this is. */
  readonly pointer: FileEdit;
  /** Null when Git ignores the output already, or there is no Git. Git is asked when this is. */
  readonly ignore: FileEdit | null;
}

export interface StoreOptions {
  /** A file to take the bytes from instead (the consistent copy of a live database). */
  bytesFrom?: string;
  /** How live databases are copied (`results/copy.ts`); without it databases are read like any file. */
  copyDatabase?: CopyDatabase;
}

/** Hash, size and kind of an output of the worktree, read only. `path` is relative to the Git root. */
export function hashOutput(project: Project, path: string): OutputContent {
  return finishWork(scanOutput(project, absolutePath(project, path))).content;
}

/** Puts the bytes of an output into the cache, whole and durable before it returns. */
export function storeOutput(project: Project, path: string, context: Pacing, options: StoreOptions = {}): StoredOutput {
  return finishWork(storingOutput(project, path, options), context, { label: `storing ${path}` });
}

function* storingOutput(project: Project, path: string, options: StoreOptions = {}): Work<StoredOutput> {
  const { content } = (yield* storingOutputs(project, [path], options))[0] as Scan;
  const target = absolutePath(project, path);
  return {
    content,
    get pointer() {
      return pointerEdit(project, path, content, trackedBy(project).get(path));
    },
    get ignore() {
      return ignoreEdits(project, [target])[0] ?? null;
    },
  };
}

/** The same for many outputs with one sync; answers a scan for each. `walks`: made a moment ago, by path. */
export function* storingOutputs(
  project: Project,
  paths: readonly string[],
  { bytesFrom, copyDatabase, walks }: StoreOptions & { walks?: ReadonlyMap<string, Walk> } = {},
): Work<Scan[]> {
  const cache = openCache(project);
  const ingest = beginIngest(cache);
  try {
    const scans = yield* scanOutputs(project, paths, { store: { ingest, into: cache }, bytesFrom, copyDatabase, walks });
    yield* ingest.committing();
    return scans;
  } finally {
    ingest.abort();
  }
}

/**
 * The bytes of outputs that are as their pointers say, under the names that DVC 2 gave them. `scans`: by those names. Answers how many
 * objects are new.
 */
export function* storingOldOutputs(into: ObjectFolder, scans: readonly Scan[]): Work<number> {
  const ingest = beginIngest(into);
  const hashName = "md5-dos2unix";
  try {
    for (const { files, isFolder } of scans) {
      for (const { md5, path } of files) yield* ingest.object({ hash: md5, hashName }, path);
      if (isFolder) ingest.listing(yield* renderingListing(files), hashName);
    }
    return (yield* ingest.committing()).objects;
  } finally {
    ingest.abort();
  }
}

/** A scan for each, storing on the way where that is asked. `walks`: made a moment ago, by path. */
export function* scanOutputs(
  project: Project,
  paths: readonly string[],
  { walks, ...options }: ScanOptions & { walks?: ReadonlyMap<string, Walk> | undefined } = {},
): Work<Scan[]> {
  const at = paths.map((path) => absolutePath(project, path));
  const walkAt = new Map(at.map((path, index) => [path, walks?.get(paths[index] as string)]));
  const isAhead = options.bytesFrom === undefined;
  const files = yield* scanFiles(project, isAhead ? at : [], { ...options, walkOf: (path) => walkAt.get(path) });
  const scans: Scan[] = [];
  for (const path of at) scans.push(files.get(path) ?? (yield* scanOutput(project, path, { ...options, walk: walkAt.get(path) })));
  return scans;
}

/** What the pointer file should say: `pointer` when the output has one, else `PATH.dvc` beside it. */
export function pointerEdit(project: Project, path: string, content: OutputContent, pointer?: Pointer): FileEdit {
  return pointerEdits(project, [{ path, content, pointer }]).edits[0] as FileEdit;
}

/** What a pointer file is to say of an output. */
export interface Said {
  path: string;
  content: OutputContent;
  pointer?: Pointer | undefined;
  /** It is not what was imported any more, and nobody pushes what is imported: it becomes data of its own. */
  leavesSource?: boolean;
}

/** Texts of pointer files and pipelines by their absolute paths: those of the worktree, or of a commit. Null: there is no such file. */
type TextOf = (path: string) => string | null;

/** Throws E_DATA for an output of a stage. */
export function refuseOfStage({ path, file, stage }: Pointer): void {
  if (stage === undefined) return;
  throw new ExpverError(
    "E_DATA",
    `${path} is an output of stage ${stage}, and is other than ${file} says: that entry goes with what the stage read`,
    {
      hint: `dvc commit ${stage}`,
      details: { path, stage },
    },
  );
}

/** The same of several outputs: one edit for each file, which may be of several of them. `changed`: the paths of which something else is said now. Throws E_DATA. */
export function pointerEdits(
  project: Project,
  outputs: Iterable<Said>,
  textOf: TextOf = readTextIfExists,
): { edits: FileEdit[]; changed: Set<string> } {
  const edits = new Map<string, FileEdit>();
  const changed = new Set<string>();
  for (const { path, content, pointer, leavesSource = false } of outputs) {
    const file = absolutePath(project, pointer?.file ?? fileBeside(path));
    const edit = edits.get(file) ?? unedited(file, textOf);
    const text = leavesSource && edit.after !== null ? withoutSource(edit.after, file) : edit.after;
    edits.set(file, { ...edit, after: textSaying(project, text, { path, content, pointer }, textOf) });
    if (edits.get(file)?.after !== edit.after) changed.add(path);
  }
  return { edits: [...edits.values()], changed };
}

/** Whether this is no longer what was imported from another repository. */
export function hasLeftSource({ source, hash }: Pointer, content: OutputContent): boolean {
  return source !== undefined && content.hash !== hash;
}

/** Pointers by their outputs. */
export function trackedBy(project: Project): Map<string, Pointer> {
  return new Map(readPointers(project).map((pointer) => [pointer.path, pointer]));
}

function textSaying(project: Project, text: string | null, { path, content, pointer }: Said, textOf: TextOf): string {
  if (text !== null && pointer?.stage !== undefined) {
    const read = (stored: string) => textOf(absolutePath(project, stored));
    const pipeline = read(posix.join(posix.dirname(pointer.file), "dvc.yaml"));
    return renderLockFile(text, { pipeline, textOf: read }, pointer, content);
  }
  const files = text === null || pointer === undefined ? null : filesNow(project, content, pointer);
  const after =
    files === null
      ? renderPointerFile(text, entryName(text, pointer, path), content)
      : renderFiles(text ?? "", { ...(pointer as Pointer), files });
  return withStageMd5(after, absolutePath(project, pointer?.file ?? fileBeside(path)));
}

function unedited(path: string, textOf: TextOf): FileEdit {
  const text = textOf(path);
  return { path, before: text, after: text };
}

/** Of a folder that its pointer lists, with the versions of the files that are as they were; null when it is no such folder. */
function filesNow(project: Project, { hash }: OutputContent, pointer: Pointer): VersionedFile[] | null {
  const isListed = pointer.files !== undefined && pointer.hashName === "md5" && pointer.hash?.endsWith(".dir") && hash.endsWith(".dir");
  if (!isListed) return null;
  const { dir } = openCache(project);
  const members = readListing(dir, { hash, hashName: "md5" });
  if (members === null) return null;
  const known = new Map(pointer.files?.map((file) => [file.relpath, file]));
  return members.map(({ relpath, md5 }) => {
    const old = known.get(relpath);
    if (old?.md5 === md5) return old;
    const size = trustedSize(dir, { hash: md5, hashName: "md5" });
    const mode = statSync(`${absolutePath(project, pointer.path)}/${relpath}`, { throwIfNoEntry: false })?.mode ?? 0;
    return { relpath, md5, ...(size === null ? {} : { size }), ...((mode & 0o100) === 0 ? {} : { isexec: true as const }) };
  });
}

/** Absolute path of an object of DVC 3's layout, there or not. */
export function objectFile(cacheDir: string, hash: string): string {
  return objectPath(cacheDir, { hash, hashName: "md5" });
}

/** How the pointer file spells the output: usually its name, but `dvc add --file` and `wdir` make other spellings. */
export function entryName(text: string | null, pointer: Pointer | undefined, path: string): string {
  if (text === null || pointer === undefined) return basename(path);
  const index = parsePointerFile(text, pointer.file).findIndex((one) => one.path === path);
  const outs = readMapping(text, pointer.file).outs;
  const entry = Array.isArray(outs) && index >= 0 ? asFields(outs[index], pointer.file, "outs") : {};
  return typeof entry.path === "string" ? entry.path : basename(path);
}
