/** Files and folders that were made elsewhere take their places: journaled together, and what stood there is in the trash. */

import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolutePath, fromTop, isWithin, underAny } from "../config/paths.ts";
import { type Project, topOf } from "../config/project.ts";
import { removeEmptyFolder } from "../journal/file-edits.ts";
import type { OpenOperation } from "../journal/operations.ts";
import { keepInTrash, moveToTrash, moveWhole, trashPlace } from "../journal/trash.ts";
import type { Effect } from "../journal/types.ts";
import { isThere, makeFolders, temporaryBeside } from "../platform/files.ts";
import { batchesOf, finishWork, type Work } from "../platform/pace.ts";
import { digestingTree } from "../platform/tree-digest.ts";
import { refuseOutside } from "../store/worktree/inside.ts";

export interface CopiesToPlace {
  /** `path`: from the top, may lead out of it; `made`: absolute, where it is now. */
  copies: readonly { path: string; made: string }[];
  /** Stored paths of what goes to the trash and is replaced by nothing. */
  removes?: readonly string[];
  /** Also where a link leads out of the repository: for places that a person or Git has named. */
  anywhere?: boolean;
}

/** In one go, of what is little. */
export function placeCopies(project: Project, operation: OpenOperation, what: CopiesToPlace): void {
  finishWork(placingCopies(project, operation, what));
}

/** Throws E_OUTSIDE before any change. */
export function* placingCopies(project: Project, operation: OpenOperation, what: CopiesToPlace): Work<void> {
  const { copies, removes, anywhere = false } = inPlaceOfWhatGoes(what);
  const places = [...copies.map(({ path }) => path), ...removes];
  if (!anywhere) refuseOutside(project, new Set(places.map((path) => dirname(absolutePath(project, path)))));
  const gone = removes.map((path) => ({
    path,
    target: absolutePath(project, path),
    trash: trashPlace(project, absolutePath(project, path)),
  }));
  const moves = copies.map(({ path, made }) => {
    const target = absolutePath(project, path);
    // Undo puts the copy back where it waited.
    const waiting = trashPlace(project, target);
    makeFolders(dirname(waiting));
    moveWhole(made, waiting);
    // A link goes to the trash as the link it is: nothing is ever written through it.
    return { path, target, waiting, replaced: isThere(target) ? trashPlace(project, target) : null };
  });
  const folders = new Set(moves.flatMap(({ target }) => missingFolders(dirname(target))));
  const effects: Effect[] = [
    ...gone.map(({ path, trash }): Effect => ({ kind: "trash", path, trash })),
    ...[...folders].map((folder): Effect => ({ kind: "folder", path: fromTop(project, folder) })),
  ];
  for (const { path, waiting, replaced } of moves) {
    // A link has no bytes of its own.
    const digest = lstatSync(waiting).isSymbolicLink() ? {} : { digest: yield* digestingTree(waiting) };
    effects.push({ kind: "move", from: fromTop(project, waiting), to: path, ...digest, ...(replaced === null ? {} : { replaced }) });
  }
  // Together: a line of its own on the disk for each of many files takes longer than all the rest.
  for (const some of batchesOf(effects)) operation.record(...some);
  for (const { target, trash } of gone) {
    moveToTrash(project, target, trash);
    for (let folder = dirname(target); folder !== topOf(project) && removeEmptyFolder(folder); ) folder = dirname(folder);
  }
  for (const { target, waiting, replaced } of moves) {
    yield { files: 1, bytes: 0 };
    makeFolders(dirname(target));
    // A file replaces a file in one step: at no moment is there neither.
    if (replaced !== null) (lstatSync(waiting).isFile() ? keepInTrash : moveToTrash)(project, target, replaced);
    moveWhole(waiting, target);
  }
}

/**
 * What comes to where something goes, or below that (a folder in the place of a file), takes its place: as one, so that undo takes it back as
 * one. What goes below what comes (a file in the place of a folder) goes with that folder.
 */
function inPlaceOfWhatGoes({ copies, removes: named = [], ...rest }: CopiesToPlace): CopiesToPlace & { removes: readonly string[] } {
  const [goes, comes] = [underAny(named), underAny(copies.map(({ path }) => path))];
  const removes = named.filter((place) => !comes(dirname(place)));
  const coming = copies.filter(({ path }) => goes(path));
  if (coming.length === 0) return { copies, removes, ...rest };
  const places = removes.filter((place) => coming.some(({ path }) => isWithin(path, place)));
  const folders = places.flatMap((place) => {
    const inside = coming.filter(({ path }) => path !== place && isWithin(path, place));
    const [first] = inside;
    if (first === undefined) return [];
    const made = temporaryBeside(first.made);
    for (const one of inside) {
      const at = join(made, one.path.slice(place.length + 1));
      makeFolders(dirname(at));
      moveWhole(one.made, at);
    }
    return [{ path: place, made }];
  });
  const others = copies.filter(({ path }) => !goes(path) || places.includes(path));
  return { copies: [...others, ...folders], removes: removes.filter((place) => !places.includes(place)), ...rest };
}

/** Outermost first. */
function missingFolders(folder: string): string[] {
  return isThere(folder) ? [] : [...missingFolders(dirname(folder)), folder];
}
