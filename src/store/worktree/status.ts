/** How the outputs of the worktree stand against their pointers. */
import { statSync } from "node:fs";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { finishWork, type Pacing, paceWork, type Work } from "../../platform/pace.ts";
import { type Cache, openCache } from "../objects/cache.ts";
import {
  type LookedAtObjects,
  lookingAtObjects,
  type ObjectFolder,
  readingListing,
  trustedSize,
  unlessDamaged,
} from "../objects/layout.ts";
import type { OutputContent, Pointer } from "../types.ts";
import { type Scan, type ScannedFile, scanFiles, scanOutput } from "./scan.ts";
import { isRemembered } from "./stat-cache.ts";
import { rememberFolder, rememberObjects, type Unchanged, unchangedOutputs } from "./unchanged.ts";
import type { ReadFolder } from "./walk.ts";

export interface OutputStatus {
  pointer: Pointer;
  /** "not in cache": the worktree has the right bytes, or none, and the cache lacks them. */
  state: "same" | "modified" | "deleted" | "not in cache" | "not stored";
  worktree: "same" | "modified" | "deleted";
  /** False when the object, or any member of the folder, is not in the cache. */
  inCache: boolean;
  /** What was read of the worktree; null when the output is not there. */
  scan: Scan | null;
}

/** Reads every output that has changed since it was last read. */
export function outputStatus(project: Project, pointers: readonly Pointer[], pacing: Pacing): Promise<OutputStatus[]> {
  return paceWork(readingStatus(project, pointers), pacing, { label: "looking at data" });
}

/** `unchanged`: where Git was asked a moment ago. */
export function* readingStatus(
  project: Project,
  pointers: readonly Pointer[],
  unchanged: ReadonlyMap<string, Unchanged> = unchangedOutputs(project, pointers),
): Work<OutputStatus[]> {
  const cache = openCache(project);
  const files = yield* scanFilesOf(
    project,
    pointers.filter(({ path }) => !unchanged.get(path)?.content),
  );
  const found: OutputStatus[] = [];
  for (const pointer of pointers) {
    found.push(yield* statusOf(project, pointer, { cache, file: files.get(pointer), unchanged: unchanged.get(pointer.path) }));
  }
  return found;
}

/** Reads those outputs that are single files, together. Hashes are of the pointer's kind, so that they name objects. */
export function* scanFilesOf<P extends Pick<Pointer, "path" | "hashName">>(
  project: Project,
  pointers: readonly P[],
): Work<ReadonlyMap<P, Scan>> {
  const scans = new Map<P, Scan>();
  for (const hashName of new Set(pointers.map((pointer) => pointer.hashName))) {
    const some = pointers.filter((pointer) => pointer.hashName === hashName);
    const files = yield* scanFiles(
      project,
      some.map(({ path }) => absolutePath(project, path)),
      { hashName },
    );
    for (const pointer of some) {
      const scan = files.get(absolutePath(project, pointer.path));
      if (scan !== undefined) scans.set(pointer, scan);
    }
  }
  return scans;
}

interface Looking {
  cache: Cache;
  file: Scan | undefined;
  unchanged: Unchanged | undefined;
}

function* statusOf(project: Project, pointer: Pointer, { cache, file, unchanged }: Looking): Work<OutputStatus> {
  const path = absolutePath(project, pointer.path);
  // The first look, which reads every file, costs enough without it.
  const remembers = pointer.hash?.endsWith(".dir") === true && isRemembered(project.stateDir, path, pointer.hashName);
  const remember = remembers ? (objects: LookedAtObjects) => rememberObjects(project, pointer, objects) : undefined;
  const inCache = unchanged?.inCache === true || (yield* unlessDamaged(checkingComplete(cache, pointer, remember), false));
  const readAt = Date.now();
  const scan = unchanged?.content
    ? new LaterScan(project, pointer, unchanged.content)
    : isHere(path)
      ? (file ?? (yield* scanOutput(project, path, { hashName: pointer.hashName, mayLack: true })))
      : null;
  // What a link leads to may come back, and the folder looks as it did.
  if (remembers && scan?.isFolder === true && !unchanged?.content && !scan.deadLinks?.length) {
    const { content, files, folders } = scan;
    rememberFolder(project, pointer, { content, files, folders, readAt });
  }
  const worktree = scan === null ? "deleted" : scan.content.hash === pointer.hash ? "same" : "modified";
  const isLost = pointer.cache && !inCache && worktree !== "modified";
  const state = pointer.hash === null ? "not stored" : isLost ? "not in cache" : worktree;
  return { pointer, state, worktree, inCache, scan };
}

/** Of a folder whose content is known: its files are read when somebody asks for them. */
class LaterScan implements Scan {
  readonly isFolder = true;
  // Only of a whole one is the content known.
  readonly deadLinks = [];
  readonly content: OutputContent;
  readonly #scanning: () => Work<Scan>;
  #scan: Scan | undefined;

  constructor(project: Project, { path, hashName }: Pointer, content: OutputContent) {
    this.content = content;
    this.#scanning = () => scanOutput(project, absolutePath(project, path), { hashName, mayLack: true });
  }

  *reading(): Work<Scan> {
    this.#scan ??= yield* this.#scanning();
    return this.#scan;
  }

  get files(): ScannedFile[] {
    return finishWork(this.reading()).files;
  }

  get emptyFolders(): string[] {
    return finishWork(this.reading()).emptyFolders;
  }

  get folders(): ReadFolder[] {
    return finishWork(this.reading()).folders;
  }
}

/** Its files, for whom a million of them may have to be looked at first. */
export function* readingFiles(scan: Scan): Work<readonly ScannedFile[]> {
  return (scan instanceof LaterScan ? yield* scan.reading() : scan).files;
}

/** True when everything the pointer names can be relied on. */
export function isComplete(cache: ObjectFolder, pointer: Pointer): boolean {
  return finishWork(checkingComplete(cache, pointer));
}

/** `remember` is told of a folder's objects when all of them are there. */
export function* checkingComplete(
  cache: ObjectFolder,
  { hash, hashName }: Pointer,
  remember?: (objects: LookedAtObjects) => void,
): Work<boolean> {
  if (hash === null) return false;
  if (!hash.endsWith(".dir")) return trustedSize(cache.dir, { hash, hashName }) !== null;
  const members = yield* readingListing(cache.dir, { hash, hashName });
  if (members === null) return false;
  const objects = yield* lookingAtObjects(cache.dir, { hashes: members.map(({ md5 }) => md5), hashName });
  if (objects !== null) remember?.(objects);
  return objects !== null;
}

/** False for a link to nothing too: a link into a cache that was emptied is data that is gone. */
export function isHere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
