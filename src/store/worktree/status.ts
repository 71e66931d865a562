/** How the outputs of the worktree stand against their pointers. */
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { statIfThere } from "../../platform/files.ts";
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
import type { ListingEntry, OutputContent, Pointer } from "../types.ts";
import { type Scan, type ScannedFile, scanFiles, scanOutput } from "./scan.ts";
import { isRemembered } from "./stat-cache.ts";
import { rememberFolder, rememberObjects, type Unchanged, type UnchangedFolder, unchangedOutputs } from "./unchanged.ts";
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
    pointers.filter(({ path }) => !unchanged.get(path)?.folder),
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
  const remember = remembers ? (objects: LookedAtObjects) => rememberObjects(project, pointer, { objects, dir: cache.dir }) : undefined;
  const scan = unchanged?.folder ? new LaterScan(project, pointer, unchanged.folder) : (file ?? (yield* readingOutput(project, pointer)));
  // The same bytes here tell how many there must be.
  const size = scan?.content.hash === pointer.hash && pointer.hashName === "md5" ? scan.content.size : undefined;
  const inCache = unchanged?.inCache === true || (yield* unlessDamaged(checkingComplete(cache, pointer, { remember, size }), false));
  const worktree = scan === null ? "deleted" : scan.content.hash === pointer.hash ? "same" : "modified";
  const isLost = pointer.cache && !inCache && worktree !== "modified";
  const state = pointer.hash === null ? "not stored" : isLost ? "not in cache" : worktree;
  return { pointer, state, worktree, inCache, scan };
}

/** What stands in the worktree; null: nothing. How a folder stood that has been read before is noted, for Git to be asked about it. */
export function* readingOutput(project: Project, pointer: Pick<Pointer, "path" | "hashName">): Work<Scan | null> {
  const path = absolutePath(project, pointer.path);
  if (!isHere(path)) return null;
  const isKnown = isRemembered(project.stateDir, path, pointer.hashName);
  const readAt = Date.now();
  const scan = yield* scanOutput(project, path, { hashName: pointer.hashName, mayLack: true });
  if (isKnown && scan.isFolder) rememberFolder(project, pointer, { scan, readAt });
  return scan;
}

/** Of a folder whose content is known: its files are read when somebody asks for them. */
class LaterScan implements Scan {
  readonly isFolder = true;
  // Only of a whole one is the content known.
  readonly deadLinks = [];
  readonly content: OutputContent;
  readonly emptyFolders: string[];
  readonly #scanning: () => Work<Scan>;
  #scan: Scan | undefined;

  constructor(project: Project, { path, hashName }: Pointer, { content, emptyFolders }: UnchangedFolder) {
    this.content = content;
    this.emptyFolders = emptyFolders;
    this.#scanning = () => scanOutput(project, absolutePath(project, path), { hashName, mayLack: true });
  }

  *reading(): Work<Scan> {
    this.#scan ??= yield* this.#scanning();
    return this.#scan;
  }

  get files(): ScannedFile[] {
    return finishWork(this.reading()).files;
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

interface Completeness {
  /** Is told of a folder's objects when all of them are there. */
  remember?: ((objects: LookedAtObjects) => void) | undefined;
  /** Bytes of the output: objects of other sizes are not what they should be. */
  size?: number | undefined;
}

export function* checkingComplete(
  { dir }: ObjectFolder,
  { hash, hashName }: Pick<Pointer, "hash" | "hashName">,
  { remember, size }: Completeness = {},
): Work<boolean> {
  if (hash === null) return false;
  if (!hash.endsWith(".dir")) {
    const there = trustedSize(dir, { hash, hashName });
    return there !== null && there === (size ?? there);
  }
  const members = yield* readingListing(dir, { hash, hashName });
  if (members === null) return false;
  const objects = yield* lookingAtObjects(dir, { hashes: members.map(({ md5 }) => md5), hashName });
  if (objects === null || (size !== undefined && bytesOf(members, objects) !== size)) return false;
  remember?.(objects);
  return true;
}

function bytesOf(members: readonly ListingEntry[], { hashes, stats }: LookedAtObjects): number {
  if (members.length === hashes.length) return hashes.reduce((sum, _, index) => sum + stats.size(index), 0);
  const sizes = new Map(hashes.map((hash, index) => [hash, stats.size(index)]));
  return members.reduce((sum, { md5 }) => sum + (sizes.get(md5) ?? 0), 0);
}

/** False for a link to nothing too: a link into a cache that was emptied is data that is gone. */
export function isHere(path: string): boolean {
  return statIfThere(path) !== undefined;
}
