/** The trash: where bytes go that nothing else keeps. */
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, linkSync, lstatSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fromTop } from "../config/paths.ts";
import type { Place } from "../config/project.ts";
import { fromSystemError } from "../errors.ts";
import { hasCode, makeFolders, removePath, syncFolder, temporaryBeside } from "../platform/files.ts";
import { md5Of } from "../platform/hashing.ts";
import type { Work } from "../platform/pace.ts";
import { syncTree } from "../platform/sync.ts";
import type { OpenOperation } from "./operations.ts";

/**
 * A free place in the trash for a file or folder: to be recorded (`{kind: "trash"}`) before {@link moveToTrash}. Makes nothing. The same
 * for the same `operation` and path, so that nobody has to remember it for a million files.
 */
export function trashPlace(project: Place, path: string, operation?: string): string {
  const name = operation === undefined ? randomBytes(8).toString("hex") : md5Of(Buffer.from(`${operation}\0${path}`)).slice(0, 16);
  return join(project.stateDir, "trash", name, "kept", basename(path));
}

/** Moves a file or folder (absolute path) into the trash and answers where it is now. */
export function moveToTrash(project: Place, path: string, place = trashPlace(project, path)): string {
  try {
    preparePlace(place, path);
    moveWhole(path, place);
    return place;
  } catch (error) {
    throw fromSystemError(error, `cannot move ${path} to the trash`);
  }
}

/** The same as a step of an operation, which undo takes back. */
export function recordTrash(project: Place, operation: OpenOperation, path: string): void {
  const trash = trashPlace(project, path);
  operation.record({ kind: "trash", path: fromTop(project, path), trash });
  moveToTrash(project, path, trash);
}

/**
 * The same for what another file is about to replace in one step: until then it stays where it is. Only plain files can be at two places;
 * anything else is moved.
 */
export function keepInTrash(project: Place, path: string, place: string): void {
  if (!lstatSync(path).isFile()) {
    moveToTrash(project, path, place);
    return;
  }
  try {
    preparePlace(place, path);
    linkOrMove(path, place);
  } catch (error) {
    throw fromSystemError(error, `cannot keep ${path} in the trash`);
  }
}

/** Beside what is kept it is written where that was: for people, since the journal has said it. To sync each of a million would take an hour. */
function preparePlace(place: string, path: string): void {
  makeFolders(dirname(place));
  writeFileSync(join(dirname(dirname(place)), "origin.json"), `${JSON.stringify({ path })}\n`);
}

/** A second name for a file; where there are no hard links (another file system, some shares) it gets the new name only. */
export function linkOrMove(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    moveWhole(from, to);
  }
}

/** The way back. The caller has made sure that nothing stands at `path`, or a plain file that it replaces. */
export function restoreFromTrash(place: string, path: string): void {
  try {
    makeFolders(dirname(path));
    moveWhole(place, path);
    rmSync(dirname(dirname(place)), { recursive: true, force: true });
  } catch (error) {
    throw fromSystemError(error, `cannot bring ${path} back from the trash`);
  }
}

/** What waits at a place of the trash is deleted, and the place with it. */
export function discardKept(place: string): void {
  removePath(dirname(dirname(place)));
}

/** Objects of a cache back from the trash beside it; those that were stored anew meanwhile are the same bytes. */
export function* restoringObjects({ folder, trash, names }: { folder: string; trash: string; names: readonly string[] }): Work<void> {
  try {
    // Listings last: others take one as proof of its members.
    for (const name of [...names].sort((one, other) => Number(one.endsWith(".dir")) - Number(other.endsWith(".dir")))) {
      yield { files: 1, bytes: 0 };
      if (existsSync(join(folder, name)) || !existsSync(join(trash, name))) continue;
      makeFolders(dirname(join(folder, name)));
      renameSync(join(trash, name), join(folder, name));
    }
    removePath(trash);
  } catch (error) {
    throw fromSystemError(error, `cannot bring back objects from ${trash}`);
  }
}

/**
 * Rename; across file systems a copy that is complete before the original goes, and the original goes in one step: at no moment is there
 * half of one under either name. What a killed move leaves has the name of a temporary.
 */
export function moveWhole(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasCode(error, "EXDEV")) throw error;
    copyWhole(from, to);
    removeWhole(from);
  }
}

/** In one step for everybody who looks, where a folder can be renamed at all: one of a container's image cannot. */
export function removeWhole(path: string): void {
  const aside = temporaryBeside(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (!hasCode(error, "EXDEV")) throw error;
    removePath(path);
    return;
  }
  removePath(aside);
}

function copyWhole(from: string, to: string): void {
  const copy = temporaryBeside(to);
  try {
    // Sockets and pipes hold no bytes, and cannot be copied.
    const filter = (path: string) => !/^(?:socket|fifo)$/.test(kindOf(path));
    cpSync(from, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true, errorOnExist: true, filter });
    if (!lstatSync(copy).isSymbolicLink()) syncTree(copy);
    renameSync(copy, to);
    syncFolder(dirname(to));
  } catch (error) {
    removePath(copy);
    throw error;
  }
}

function kindOf(path: string): string {
  const stat = lstatSync(path);
  return stat.isSocket() ? "socket" : stat.isFIFO() ? "fifo" : "bytes";
}
