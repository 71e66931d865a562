/** Paths a person types, turned into the one form we store: relative to the top, with `/`, and never out of the repository. */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isMissing } from "../platform/files.ts";
import { shellWord } from "../platform/shell-word.ts";
import { globOf } from "./globs.ts";
import { type Place, topOf } from "./project.ts";

/** `../data/x` typed in `sub/` → `data/x`; the top itself is `""`. Throws E_OUTSIDE when it, or the folder it really lies in, is outside. */
export function pathFromUser(project: Place, context: Context, typed: string): string {
  const top = realpathSync(topOf(project));
  const asked = resolve(context.cwd, typed);
  // The last part may itself be a link (tracked data often is): only the folder it stands in must be inside.
  const real = asked === top || realpathOf(asked) === top ? top : join(realpathOf(dirname(asked)), basename(asked));
  const inside = relative(top, real);
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside) || /^\.git(\/|$)/.test(toPosix(inside))) {
    throw new ExpverError("E_OUTSIDE", `${typed} is not inside ${top}`, { details: { path: typed, root: top } });
  }
  return toPosix(inside);
}

/** The absolute path of a stored one. */
export function absolutePath(project: Place, stored: string): string {
  return join(topOf(project), stored);
}

/** The stored path of an absolute one, which may lead out of the repository: the reverse of {@link absolutePath}. */
export function fromTop(project: Place, absolute: string): string {
  return toPosix(relative(topOf(project), absolute));
}

/** A stored path as it reads from where the person stands. */
export function shownPath(project: Place, stored: string): string {
  return toPosix(relative(project.cwd, absolutePath(project, stored))) || ".";
}

/** Stored paths as they read from this folder. */
export function shownFrom(project: Place, folder: string): (stored: string) => string {
  // Taken apart and put together again, each of a million paths would keep its absolute one in memory.
  return folder === topOf(project) ? (stored) => stored : (stored) => relative(folder, absolutePath(project, stored));
}

/** The same as a word of a command line to paste there. */
export function typedPath(project: Place, stored: string): string {
  return shellWord(shownPath(project, stored));
}

/** A path of `expver.yaml` (relative to the project's root) in stored form. */
export function storedPath(project: Place, fromConfig: string): string {
  return fromTop(project, join(project.root, fromConfig));
}

/** The same of a glob: what the project's own folder is called has no other meaning. */
export function storedGlob(project: Place, fromConfig: string): string {
  return [globOf(storedPath(project, ".")), configPath(project, storedPath(project, fromConfig))].filter(Boolean).join("/");
}

/** A stored path as `expver.yaml` names it: the reverse of {@link storedPath}. */
export function configPath(project: Place, stored: string): string {
  return toPosix(relative(project.root, absolutePath(project, stored)));
}

/** Whether a path is a place itself or below it, both from one folder, with `/`. */
export function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** The same for several places. */
export function isUnder(path: string, places: readonly string[]): boolean {
  return places.some((place) => isWithin(path, place));
}

/** The same for many, of which there may be as many as paths. */
export function underAny(places: Iterable<string>): (path: string) => boolean {
  const known = new Set(places);
  return (path) => foldersOf(path).some((folder) => known.has(folder));
}

/** Of many places the one that a path lies in, or that lies in it; a path does not overlap itself. */
export function overlapAmong(places: Iterable<string>): (path: string) => string | undefined {
  const known = new Set(places);
  const below = new Map<string, string>();
  for (const place of known) for (const folder of foldersAbove(place)) below.set(folder, place);
  return (path) => foldersAbove(path).find((folder) => known.has(folder)) ?? below.get(path);
}

/** The folders it is in, the outermost last. */
export function foldersAbove(path: string): string[] {
  return foldersOf(path).slice(1);
}

/** A path itself and the folders it is in, the outermost last. */
export function foldersOf(path: string): string[] {
  const found = [path];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) found.push(path.slice(0, end));
  return found;
}

/** Real path of what exists of it, the rest appended. */
function realpathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isMissing(error) || dirname(path) === path) throw error;
    return join(realpathOf(dirname(path)), basename(path));
  }
}

function toPosix(path: string): string {
  return sep === "/" ? path : path.split(sep).join("/");
}
