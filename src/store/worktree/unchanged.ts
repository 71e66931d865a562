/**
 * Folders in which nothing has changed: what they hold is known without a look at each file by us, since Git looks (see
 * git/stat-index.ts). Two indexes for an output: of its files, and of their objects in the cache. Both are safe to delete.
 *
 * Git compares whole seconds. So only files are indexed that had been left alone for longer when they were read: whatever is done to
 * one of them later gives it another time of change.
 */
import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { join, relative } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import { areAsIndexed, type IndexedFolder, isAsIndexed, readRemembered, writeStatIndex } from "../../git/stat-index.ts";
import type { FileStat } from "../../platform/file-stat.ts";
import { openCache } from "../objects/cache.ts";
import { isVerified, type LookedAtObjects, shardsFolder, trustedSize } from "../objects/layout.ts";
import { orderOf } from "../objects/listing.ts";
import { ignoreRules } from "../settings/dvcignore.ts";
import type { OutputContent, Pointer } from "../types.ts";
import { COARSE_TICK_MS } from "./stat-cache.ts";
import type { ReadFolder, WalkedFile } from "./walk.ts";

export interface Unchanged {
  /** Of the worktree's folder; null when something in it may have changed. */
  content: OutputContent | null;
  /** The pointer's listing and all its objects are there, and may be relied on. False: look. */
  inCache: boolean;
  /** No file of the worktree's folder is a link. */
  isUnlinked: boolean;
}

// Below, two processes cost more than the look they save.
const FEWEST_FILES = 500;

interface RememberedFolder {
  content: OutputContent;
  isUnlinked: boolean;
  ignoreRules: string;
  /** Path inside the output, inode, time of the last new or removed name, time of change. */
  folders: [path: string, ino: number, mtimeMs: number, ctimeMs: number][];
}

/** What Git says of these outputs, by path; those of which nothing is known are left out. Changes nothing. */
export function unchangedOutputs(project: Project, pointers: readonly Pointer[]): Map<string, Unchanged> {
  const known = new Map<string, Unchanged>();
  const { repository } = project;
  for (const pointer of repository === null ? [] : pointers) {
    const questions = questionsAbout(project, pointer);
    note(
      known,
      pointer,
      questions.filter((question) => isAsIndexed(repository as Repository, question)),
    );
  }
  return known;
}

/** The same, with both questions about an output asked at once. */
export async function askUnchangedOutputs(project: Project, pointers: readonly Pointer[]): Promise<Map<string, Unchanged>> {
  const known = new Map<string, Unchanged>();
  const { repository } = project;
  for (const pointer of repository === null ? [] : pointers) {
    const questions = questionsAbout(project, pointer);
    const answers = questions.length === 0 ? [] : await areAsIndexed(repository as Repository, questions);
    note(
      known,
      pointer,
      questions.filter((_, index) => answers[index]),
    );
  }
  return known;
}

/** `remembered`: of the worktree's files; null for the objects. */
interface Question extends IndexedFolder {
  remembered: RememberedFolder | null;
}

/** What is left to ask once all that we can see ourselves at little cost is as it was. */
function questionsAbout(project: Project, pointer: Pointer): Question[] {
  if (pointer.hash?.endsWith(".dir") !== true) return [];
  return [...aboutFiles(project, pointer), ...aboutObjects(project, pointer)];
}

function aboutFiles(project: Project, pointer: Pointer): Question[] {
  const folder = absolutePath(project, pointer.path);
  const index = indexOf(project, pointer, "files");
  const remembered = parse<RememberedFolder>(readRemembered(index));
  if (remembered === null || remembered.ignoreRules !== ignoreRules(project, folder)) return [];
  const isSame = remembered.folders.every(([path, ino, mtimeMs, ctimeMs]) => {
    const stat = lstatSync(path === "" ? folder : `${folder}/${path}`, { throwIfNoEntry: false });
    return stat?.isDirectory() && stat.ino === ino && stat.mtimeMs === mtimeMs && stat.ctimeMs === ctimeMs;
  });
  return isSame ? [{ index, folder, remembered }] : [];
}

function aboutObjects(project: Project, pointer: Pointer): Question[] {
  const { hash, hashName } = pointer;
  const { dir } = openCache(project);
  const index = indexOf(project, pointer, "objects");
  const isOfListing = hash !== null && parse<{ listing: string }>(readRemembered(index))?.listing === hash;
  if (!isOfListing || trustedSize(dir, { hash, hashName }) === null) return [];
  return [{ index, folder: shardsFolder(dir, hashName), remembered: null }];
}

function note(known: Map<string, Unchanged>, { path }: Pointer, asBefore: readonly Question[]): void {
  if (asBefore.length === 0) return;
  const folder = asBefore.find(({ remembered }) => remembered !== null)?.remembered;
  const inCache = asBefore.some(({ remembered }) => remembered === null);
  known.set(path, { content: folder?.content ?? null, inCache, isUnlinked: folder?.isUnlinked === true });
}

/** Notes that the folder holds this. `readAt`: when the first look at it began, in milliseconds since 1970. */
export function rememberFolder(
  project: Project,
  pointer: Pointer,
  {
    content,
    files,
    folders,
    readAt,
  }: { content: OutputContent; files: readonly WalkedFile[]; folders: readonly ReadFolder[]; readAt: number },
): void {
  if (project.repository === null || files.length < FEWEST_FILES) return;
  if (files.some((file) => file.isLink || !isSettled(file.stat, readAt)) || folders.some(({ stat }) => !isSettled(stat, readAt))) return;
  const top = absolutePath(project, pointer.path);
  const remembered: RememberedFolder = {
    content,
    isUnlinked: files.every(({ stat }) => stat.nlink === 1),
    ignoreRules: ignoreRules(project, top),
    folders: folders.map(({ path, stat }) => [path.slice(top.length + 1), stat.ino, stat.mtimeMs, stat.ctimeMs]),
  };
  const paths = files.map(({ relpath }) => relpath);
  const order = orderOf(paths);
  const at = (index: number) => order[index] as number;
  const indexed = {
    count: files.length,
    path: (index: number) => paths[at(index)] as string,
    stat: (index: number) => (files[at(index)] as WalkedFile).stat,
  };
  write(indexOf(project, pointer, "files"), indexed, remembered);
}

/** Notes that the pointer's objects are there and can be relied on. */
export function rememberObjects(project: Project, pointer: Pointer, { hashes, stats, readAt }: LookedAtObjects): void {
  if (project.repository === null || hashes.length < FEWEST_FILES) return;
  for (const index of hashes.keys()) if (!isVerified(stats.mode(index)) || !isSettled(stats.stat(index), readAt)) return;
  const path = (index: number) => `${hashes[index]?.slice(0, 2)}/${hashes[index]?.slice(2)}`;
  write(indexOf(project, pointer, "objects"), { count: hashes.length, path, stat: stats.stat }, { listing: pointer.hash });
}

function isSettled({ mtimeMs, ctimeMs }: FileStat, readAt: number): boolean {
  return Math.max(mtimeMs, ctimeMs) + COARSE_TICK_MS < readAt;
}

function write(file: string, files: Parameters<typeof writeStatIndex>[1], remembered: object): void {
  try {
    writeStatIndex(file, files, JSON.stringify(remembered));
  } catch {
    // A read-only or full disk costs speed only.
  }
}

function indexOf(project: Project, { path, hashName }: Pointer, kind: "files" | "objects"): string {
  const places = [openCache(project).dir, absolutePath(project, path)].map((place) => relative(project.stateDir, place));
  const name = createHash("md5")
    .update([kind, hashName, ...places].join("\0"))
    .digest("hex");
  return join(project.stateDir, "unchanged", name);
}

function parse<T>(text: string | null): T | null {
  try {
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}
