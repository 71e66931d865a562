/** Small text files (pointers, ignore files, configuration) changed as one step of an operation. */
import { mkdirSync, realpathSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { type Place, topOf } from "../config/project.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import { isMissing, readTextIfExists } from "../platform/files.ts";
import { bytesFor } from "../platform/kept-bytes.ts";
import { replaceFiles } from "../platform/replace-files.ts";
import type { OpenOperation } from "./operations.ts";
import type { Effect } from "./types.ts";

/** A text a file should have. The same shape as the store's `FileEdit`. */
export interface TextEdit {
  /** Absolute. */
  path: string;
  /** Null: there was no such file. */
  before: string | null;
  /** Null: the file goes away. */
  after: string | null;
}

/** Checks that every file still has its `before`, journals all edits, then writes them. Throws E_PLAN_STALE, E_OUTSIDE before any change. */
export function applyTextEdits(project: Place, operation: OpenOperation, edits: readonly TextEdit[]): void {
  const changes = edits.filter((edit) => edit.before !== edit.after);
  for (const edit of changes) refuseStale(edit);
  const folders = missingFolders(changes.filter((edit) => edit.after !== null));
  const effects: Effect[] = [
    ...folders.map((folder) => ({ kind: "folder", path: effectPath(project, folder) }) as const),
    ...changes.map((edit) => ({ kind: "file", path: effectPath(project, edit.path), before: edit.before, after: edit.after }) as const),
  ];
  operation.record(...effects);
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  setTexts(changes.map(({ path, after }) => ({ path, text: after })));
}

/** Gives files these texts, or removes them. A link is followed, so that it stays a link. */
export function setTexts(texts: readonly { path: string; text: string | null }[]): void {
  replaceFiles(
    texts.map(({ path, text }) => (text === null ? { path, bytes: null } : { path: followed(path), bytes: bytesFor(path, text) })),
  );
}

export function setText(path: string, text: string | null): void {
  setTexts([{ path, text }]);
}

/** Removes a folder if nothing is in it; true when it is gone. */
export function removeEmptyFolder(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return isMissing(error);
  }
}

function refuseStale({ path, before }: TextEdit): void {
  const now = readTextIfExists(path);
  if (now === before) return;
  const what = before === null ? "appeared" : now === null ? "was removed" : "was changed";
  throw new ExpverError("E_PLAN_STALE", `${path} ${what} since the plan was made; nothing was written`, {
    hint: "Repeat the command: it plans again from what is there now.",
    details: { path },
  });
}

/** Relative to the top, with `/`. Throws E_OUTSIDE when the file really lies elsewhere. */
function effectPath(project: Place, path: string): string {
  const top = topOf(project);
  const inside = relative(top, path);
  const real = relative(realpathSync(top), followed(path));
  for (const one of [inside, real]) {
    if (one === ".." || one.startsWith(`..${sep}`))
      throw new ExpverError("E_OUTSIDE", `${path} leads out of ${top}`, { details: { path } });
  }
  return inside.split(sep).join("/");
}

/** The file behind links; for one that does not exist its place in the real folder. */
function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isMissing(error)) throw fromSystemError(error, `cannot open ${path}`);
    return dirname(path) === path ? path : join(followed(dirname(path)), path.slice(dirname(path).length).replace(/^[\\/]/, ""));
  }
}

/** Folders that must be made, outermost first. */
function missingFolders(edits: readonly TextEdit[]): string[] {
  const folders = new Set<string>();
  for (const { path } of edits) {
    for (let folder = dirname(path); statSync(folder, { throwIfNoEntry: false }) === undefined; folder = dirname(folder))
      folders.add(folder);
  }
  return [...folders].sort((one, other) => one.length - other.length);
}
