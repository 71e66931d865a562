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
import type { Scan } from "./scan.ts";
import { COARSE_TICK_MS } from "./stat-cache.ts";
import type { WalkedFile } from "./walk.ts";

/** What a folder of the worktree holds, as it did. */
export interface UnchangedFolder {
  content: OutputContent;
  /** No file of it is a link. */
  isUnlinked: boolean;
  /** Absolute paths of folders in it that hold no files. */
  emptyFolders: string[];
}

export interface Unchanged {
  /** Of the worktree; null when something in it may have changed. */
  folder: UnchangedFolder | null;
  /** The pointer's listing and all its objects are there, and may be relied on. False: look. */
  inCache: boolean;
}

type Kind = "files" | "objects";
type Output = Pick<Pointer, "path" | "hashName">;

// Below, two processes cost more than the look they save.
const FEWEST_FILES = 500;
const BOTH: readonly Kind[] = ["files", "objects"];

interface RememberedFolder {
  content: OutputContent;
  isUnlinked: boolean;
  /** Paths inside the output. */
  emptyFolders: string[];
  ignoreRules: string;
  /** Path inside the output, inode, time of the last new or removed name, time of change. */
  folders: [path: string, ino: number, mtimeMs: number, ctimeMs: number][];
}

/** What Git says of these outputs, by path; those of which nothing is known are left out. Changes nothing. */
export function unchangedOutputs(project: Project, pointers: readonly Pointer[]): Map<string, Unchanged> {
  const known = new Map<string, Unchanged>();
  const { repository } = project;
  for (const pointer of repository === null ? [] : pointers) {
    const questions = questionsAbout(project, pointer, BOTH);
    note(
      known,
      pointer,
      questions.filter((question) => isAsIndexed(repository as Repository, question)),
    );
  }
  return known;
}

/** The same, with both questions about an output asked at once. `kinds`: only these. */
export async function askUnchangedOutputs(
  project: Project,
  pointers: readonly Pointer[],
  kinds: readonly Kind[] = BOTH,
): Promise<Map<string, Unchanged>> {
  const known = new Map<string, Unchanged>();
  const { repository } = project;
  for (const pointer of repository === null ? [] : pointers) {
    const questions = questionsAbout(project, pointer, kinds);
    const answers = questions.length === 0 ? [] : await areAsIndexed(repository as Repository, questions);
    note(
      known,
      pointer,
      questions.filter((_, index) => answers[index]),
    );
  }
  return known;
}

/** Those of these outputs whose objects are all in the folder `dir`, as they were when they were looked at. */
export async function wholeAsBefore(project: Project, pointers: readonly Pointer[], dir: string): Promise<Set<Pointer>> {
  const { repository } = project;
  const whole = new Set<Pointer>();
  for (const pointer of repository === null ? [] : pointers) {
    const questions = pointer.hash?.endsWith(".dir") === true ? aboutObjects(project, pointer, dir) : [];
    const [isWhole] = questions.length === 0 ? [] : await areAsIndexed(repository as Repository, questions);
    if (isWhole === true) whole.add(pointer);
  }
  return whole;
}

/** `remembered`: of the worktree's files; null for the objects. */
interface Question extends IndexedFolder {
  remembered: RememberedFolder | null;
}

/** What is left to ask once all that we can see ourselves at little cost is as it was. */
function questionsAbout(project: Project, pointer: Pointer, kinds: readonly Kind[]): Question[] {
  if (pointer.hash?.endsWith(".dir") !== true) return [];
  return kinds.flatMap((kind) => (kind === "files" ? aboutFiles : aboutObjects)(project, pointer));
}

function aboutFiles(project: Project, pointer: Pointer): Question[] {
  const folder = absolutePath(project, pointer.path);
  const index = indexOfFiles(project, pointer);
  const remembered = parse<RememberedFolder>(readRemembered(index));
  if (remembered?.emptyFolders === undefined || remembered.ignoreRules !== ignoreRules(project, folder)) return [];
  const isSame = remembered.folders.every(([path, ino, mtimeMs, ctimeMs]) => {
    const stat = lstatSync(path === "" ? folder : `${folder}/${path}`, { throwIfNoEntry: false });
    return stat?.isDirectory() && stat.ino === ino && stat.mtimeMs === mtimeMs && stat.ctimeMs === ctimeMs;
  });
  return isSame ? [{ index, folder, remembered }] : [];
}

function aboutObjects(project: Project, pointer: Pointer, dir = openCache(project).dir): Question[] {
  const { hash, hashName } = pointer;
  const index = indexOfObjects(project, pointer, dir);
  const isOfListing = hash !== null && parse<{ listing: string }>(readRemembered(index))?.listing === hash;
  if (!isOfListing || trustedSize(dir, { hash, hashName }) === null) return [];
  return [{ index, folder: shardsFolder(dir, hashName), remembered: null }];
}

function note(known: Map<string, Unchanged>, { path }: Pointer, asBefore: readonly Question[]): void {
  if (asBefore.length === 0) return;
  const ofFiles = asBefore.find(({ remembered }) => remembered !== null);
  known.set(path, {
    folder: ofFiles?.remembered ? { ...ofFiles.remembered, emptyFolders: below(ofFiles.folder, ofFiles.remembered.emptyFolders) } : null,
    inCache: asBefore.some(({ remembered }) => remembered === null),
  });
}

function below(folder: string, insides: readonly string[]): string[] {
  return insides.map((inside) => `${folder}/${inside}`);
}

/** Notes that the folder holds this. `readAt`: when the first look at it began, in milliseconds since 1970. */
export function rememberFolder(
  project: Project,
  pointer: Output,
  { scan: { content, files, folders, emptyFolders, deadLinks = [] }, readAt }: { scan: Scan; readAt: number },
): void {
  // What a link leads to may come back, and the folder looks as it did.
  if (project.repository === null || files.length < FEWEST_FILES || deadLinks.length > 0) return;
  if (files.some((file) => file.isLink || !isSettled(file.stat, readAt)) || folders.some(({ stat }) => !isSettled(stat, readAt))) return;
  const top = absolutePath(project, pointer.path);
  const remembered: RememberedFolder = {
    content,
    isUnlinked: files.every(({ stat }) => stat.nlink === 1),
    emptyFolders: emptyFolders.map((path) => path.slice(top.length + 1)),
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
  write(indexOfFiles(project, pointer), indexed, remembered);
}

/** Notes that the pointer's objects are in the folder `dir` and can be relied on. */
export function rememberObjects(
  project: Project,
  pointer: Pointer,
  { objects: { hashes, stats, readAt }, dir }: { objects: LookedAtObjects; dir: string },
): void {
  if (project.repository === null || hashes.length < FEWEST_FILES) return;
  for (const index of hashes.keys()) if (!isVerified(stats.mode(index)) || !isSettled(stats.stat(index), readAt)) return;
  const path = (index: number) => `${hashes[index]?.slice(0, 2)}/${hashes[index]?.slice(2)}`;
  write(indexOfObjects(project, pointer, dir), { count: hashes.length, path, stat: stats.stat }, { listing: pointer.hash });
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

function indexOfFiles(project: Project, { path, hashName }: Output): string {
  return indexOf(project, ["files", hashName], [openCache(project).dir, absolutePath(project, path)]);
}

function indexOfObjects(project: Project, { path, hashName }: Output, dir: string): string {
  return indexOf(project, ["objects", hashName], [dir, absolutePath(project, path)]);
}

function indexOf({ stateDir }: Project, words: readonly string[], places: readonly string[]): string {
  const name = createHash("md5")
    .update([...words, ...places.map((place) => relative(stateDir, place))].join("\0"))
    .digest("hex");
  return join(stateDir, "unchanged", name);
}

function parse<T>(text: string | null): T | null {
  try {
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}
