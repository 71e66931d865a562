/**
 * Undoing a run brings back what its program overwrote, as far as pointers and Git know it, and takes away what it made;
 * only where a file still is what the run left, whose bytes stay in the cache. Safe to repeat.
 */

import { existsSync, lstatSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { type Project, requireRepository, topOf } from "../../config/project.ts";
import { git } from "../../git/git.ts";
import { hashesHere } from "../../git/hashes-here.ts";
import { removeEmptyFolder } from "../../journal/file-edits.ts";
import type { Operation } from "../../journal/types.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import type { Work } from "../../platform/pace.ts";
import { openResults } from "../../results/database.ts";
import { hasNoRows, sameRows } from "../../results/same-rows.ts";
import { areStored, readingListing, unlessDamaged } from "../../store/objects/layout.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import type { Pointer } from "../../store/types.ts";
import { applyingCheckout } from "../../store/worktree/apply-checkout.ts";
import { planningCheckout } from "../../store/worktree/checkout.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import { removingScanned } from "../../store/worktree/remove-files.ts";
import { type Scan, scanOutput } from "../../store/worktree/scan.ts";
import { untrackedBy } from "./untracked.ts";

/** One thing a run wrote, in the operation's note `wrote`. */
export interface Wrote {
  /** Stored path. */
  path: string;
  kind: "data" | "database" | "git";
  /** Of the bytes: a data hash, or a blob. */
  hash: string;
  /** Something stood there before the start. */
  existed: boolean;
}

/** What still is as the run left it. Where something stood before that no pointer will name, there is nothing to bring back. */
export function* lookingForOutputs(project: Project, operation: Operation): Work<Wrote[]> {
  const untracked = new Set(untrackedBy(project, operation));
  const found: Wrote[] = [];
  for (const one of wroteOf(operation)) {
    if (one.kind === "data" && one.existed && untracked.has(absolutePath(project, one.path))) continue;
    if (yield* lookingWhetherStands(project, one)) found.push(one);
  }
  return found;
}

/** After the pointers, the index and the rows are what they were before. */
export function* bringingBackOutputs(project: Project, operation: Operation): Work<void> {
  const wrote = wroteOf(operation);
  if (wrote.length === 0) return;
  // Git's first: DVC's lock is one of them.
  for (const one of wrote.filter(({ kind }) => kind === "git")) {
    if (!hasBlob(project, one)) continue;
    if (one.existed) git(requireRepository(project), ["checkout-index", "--force", "--", one.path]);
    else takeAway(project, one.path);
  }
  const pointers = readPointers(project);
  for (const one of wrote.filter(({ kind }) => kind !== "git")) {
    const pointer = pointers.find(({ path }) => path === one.path);
    if (one.kind === "database") yield* bringingBackDatabase(project, one, pointer);
    else if (isGone(project, one, pointer) || (yield* lookingAtData(project, one, pointer)) !== null)
      yield* bringingBack(project, one, pointer);
  }
}

function wroteOf({ notes }: Operation): Wrote[] {
  return Array.isArray(notes.wrote) ? (notes.wrote as Wrote[]) : [];
}

function* lookingWhetherStands(project: Project, one: Wrote): Work<boolean> {
  if (one.kind === "git") return hasBlob(project, one);
  if (one.kind === "data") return (yield* lookingAtData(project, one, undefined)) !== null;
  return existsSync(absolutePath(project, one.path));
}

function hasBlob(project: Project, { path, hash }: Wrote): boolean {
  return existsSync(absolutePath(project, path)) && hashesHere(requireRepository(project), [path]).get(path) === hash;
}

/**
 * What stands there, when it may go: it is what the run left, or what an undo that was killed within the folder has made of that. Null, too, where
 * the cache has lost a part of it, and for a link to a folder that something stood in place of: nothing is written through it.
 */
function* lookingAtData(project: Project, { path, hash, existed }: Wrote, pointer: Pointer | undefined): Work<Scan | null> {
  const absolute = absolutePath(project, path);
  if (!existsSync(absolute)) return null;
  const scan = yield* scanOutput(project, absolute);
  if (scan.content.hash !== hash && !(yield* isRestOf(project, scan, [hash, pointer?.hash]))) return null;
  if (existed ? isFolderLink(absolute, scan) : !existsSync(objectFile(cacheDir(project), hash))) return null;
  return (yield* areStored(cacheDir(project), scan.files)) ? scan : null;
}

function isFolderLink(path: string, { isFolder }: Scan): boolean {
  return isFolder && lstatSync(path).isSymbolicLink();
}

/** Files that the listings of these folders have at their places, and nothing else. */
function* isRestOf(project: Project, { isFolder, files }: Scan, hashes: readonly (string | null | undefined)[]): Work<boolean> {
  const listed = new Set<string>();
  for (const hash of hashes) {
    if (!hash?.endsWith(".dir")) continue;
    const listing = yield* unlessDamaged(readingListing(cacheDir(project), { hash, hashName: "md5" }), null);
    for (const { relpath, md5 } of listing ?? []) listed.add(`${md5} ${relpath}`);
  }
  return isFolder && listed.size > 0 && files.every(({ relpath, md5 }) => listed.has(`${md5} ${relpath}`));
}

/** Also what an undo had taken away when it was killed. */
function isGone(project: Project, { path }: Wrote, pointer: Pointer | undefined): boolean {
  return pointer !== undefined && !existsSync(absolutePath(project, path));
}

function* bringingBack(project: Project, one: Wrote, pointer: Pointer | undefined): Work<void> {
  if (pointer !== undefined) return yield* applyingCheckout(project, yield* planningCheckout(project, [pointer]));
  if (one.existed) return;
  const { path } = one;
  // The folder it leads to is no output's: only the link is.
  if (lstatSync(absolutePath(project, path)).isSymbolicLink()) return takeAway(project, path);
  const scan = yield* lookingAtData(project, one, pointer);
  if (scan === null) return;
  // What `.dvcignore` leaves out of a folder is stored nowhere.
  yield* removingScanned(absolutePath(project, path), scan);
  removeEmptyFolders(project, path);
}

/** The rows are gone from it already. When it says what its pointer's object says, it gets its bytes; a new one that is empty goes. */
function* bringingBackDatabase(project: Project, one: Wrote, pointer: Pointer | undefined): Work<void> {
  const { path, existed } = one;
  const file = absolutePath(project, path);
  if (isGone(project, one, pointer)) yield* bringingBack(project, one, pointer);
  // A program that has it open goes on with the file it knows.
  if (!existsSync(file) || (whoHasOpen(file) ?? []).length > 0) return;
  const object = pointer?.hash ? objectFile(cacheDir(project), pointer.hash) : null;
  const db = openResults(file, { readonly: true });
  let same: boolean;
  try {
    same = object === null ? !existed && hasNoRows(db) : existsSync(object) && sameRows(db, object);
  } finally {
    db.close();
  }
  if (!same) return;
  if (pointer === undefined) takeAway(project, path);
  else yield* applyingCheckout(project, yield* planningCheckout(project, [pointer]), { discard: (one) => rmSync(one) });
}

/** A file, and the folders that are empty then. */
function takeAway(project: Project, path: string): void {
  rmSync(absolutePath(project, path));
  removeEmptyFolders(project, path);
}

/** Those that were around it. */
function removeEmptyFolders(project: Project, path: string): void {
  const top = topOf(project);
  for (let folder = dirname(path); folder !== "." && removeEmptyFolder(join(top, folder)); ) folder = dirname(folder);
}
