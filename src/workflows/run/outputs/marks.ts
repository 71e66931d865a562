/** Cheap marks of files and folders, to tell later what was written meanwhile. */
import { createHash } from "node:crypto";
import { type BigIntStats, lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isGlob } from "../../../config/globs.ts";
import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { hasCode, isMissing } from "../../../platform/files.ts";
import { finishWork, NOTHING_DONE, type Work } from "../../../platform/pace.ts";
import type { Pointer } from "../../../store/types.ts";
import type { Places } from "../places.ts";

/** Plain data: it is kept in the run's file, so that a killed run can be closed by another process. */
export interface Marks {
  /** By output path of a pointer. */
  pointers: Record<string, string>;
  /** Every file in models places and every file `track` names, by stored path. */
  files: Record<string, string>;
}

const NOT_LOOKED_INTO = new Set([".git", ".dvc", "node_modules", ".venv", "__pycache__"]);

export function takeMarks(project: Project, places: Places, pointers: readonly Pointer[]): Marks {
  return finishWork(takingMarks(project, places, pointers));
}

export function* takingMarks(project: Project, places: Places, pointers: readonly Pointer[]): Work<Marks> {
  const files = new Map<string, string>();
  const isOurs = (place: string) => linkOnTheWay(project, place) === null;
  for (const place of places.models.filter(isOurs)) yield* addingFiles(project, place, files);
  for (const start of startsOf(places.track).filter(isOurs)) yield* addingMatches(project, { start, isMatch: places.isTracked }, files);
  const marks: Marks["pointers"] = {};
  for (const { path } of pointers) marks[path] = yield* marking(absolutePath(project, path));
  return { pointers: marks, files: Object.fromEntries(files) };
}

/** Milliseconds since 1970; 0 where nothing is. */
export function writtenAt(path: string): number {
  return Number(statOf(path)?.mtimeMs ?? 0);
}

/** Of the files that `--metrics` names, by stored path. */
export function metricsMarks(project: Project, { metrics, isMetrics }: Places): Record<string, string> {
  const files = new Map<string, string>();
  if (metrics === null) return {};
  const mark = markOf(absolutePath(project, metrics));
  if (mark !== "") files.set(metrics, mark);
  else if (isGlob(metrics))
    for (const start of startsOf([metrics])) finishWork(addingMatches(project, { start, isMatch: isMetrics }, files));
  return Object.fromEntries(files);
}

/** Changes with every write to the file, or to any file in the folder; empty when there is nothing. */
export function markOf(path: string): string {
  return finishWork(marking(path));
}

// Of the clock of a file server.
const SKEW_MS = 2000;

/** Written by somebody else than a program that gave its last sign of life then; milliseconds since 1970. */
export function isWrittenAfter(path: string, end: number): boolean {
  const stat = statOf(path);
  return stat !== null && Number(stat.mtimeMs) > end + SKEW_MS;
}

/** @internal */
export function* marking(path: string, stat = statOf(path)): Work<string> {
  if (stat === null || !stat.isDirectory()) return markOfFile(stat);
  const digest = createHash("sha1");
  for (const [index, name] of readdirSync(path).sort().entries()) {
    const inside = join(path, name);
    const found = statOf(inside);
    digest.update(`${name}\0${found?.isDirectory() ? yield* marking(inside, found) : markOfFile(found)}\n`);
    if (index % OFTEN === 0) yield NOTHING_DONE;
  }
  return digest.digest("hex");
}

const OFTEN = 100;

function markOfFile(stat: BigIntStats | null): string {
  return stat === null ? "" : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}

function* addingFiles(project: Project, stored: string, into: Map<string, string>): Work<void> {
  const path = absolutePath(project, stored);
  const stat = statOf(path);
  if (stat === null) return;
  if (!stat.isDirectory()) {
    if (isData(stored)) into.set(stored, markOfFile(stat));
    return;
  }
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = stored === "" ? entry.name : `${stored}/${entry.name}`;
    const isFile = entry.isFile() || (entry.isSymbolicLink() && !isFolderLink(join(path, entry.name)));
    if (entry.isDirectory() ? !NOT_LOOKED_INTO.has(entry.name) : isFile) yield* addingFiles(project, inside, into);
  }
  yield NOTHING_DONE;
}

function* addingMatches(
  project: Project,
  { start, isMatch }: { start: string; isMatch: (path: string) => boolean },
  into: Map<string, string>,
): Work<void> {
  const found = new Map<string, string>();
  yield* addingFiles(project, start, found);
  for (const [path, mark] of found) if (isMatch(path)) into.set(path, mark);
}

/** Pointers, ignore files and half-written ones are no outputs. */
function isData(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return !(name.endsWith(".dvc") || name === ".gitignore" || name === ".gitkeep" || name === ".dvcignore" || name.endsWith(".tmp"));
}

/**
 * The folder on the way to a stored path (or that path) that is a symbolic link; null when there is none. Git tracks nothing
 * behind it, so neither could a file nor its pointer be there.
 */
export function linkOnTheWay(project: Project, stored: string): string | null {
  const parts = stored.split("/");
  const folders = parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
  return folders.find((folder) => isFolderLink(absolutePath(project, folder))) ?? null;
}

function isFolderLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink() && statSync(path).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The folder before the first wildcard of each glob. */
function startsOf(globs: readonly string[]): string[] {
  const starts = globs.map((glob) => {
    const fixed = glob.split("/");
    const wild = fixed.findIndex(isGlob);
    return wild < 0 ? glob : fixed.slice(0, wild).join("/");
  });
  return [...new Set(starts)];
}

function statOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    // Nothing is where a link leads to itself.
    if (isMissing(error) || hasCode(error, "ELOOP")) return null;
    throw error;
  }
}
