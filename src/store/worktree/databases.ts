/** Which files a program opens for writing: they are copied, never linked, and a live database is stored from a consistent copy. */
import { matchGlobs } from "../../config/globs.ts";
import { isUnder, storedGlob, storedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { firstBytes } from "../../platform/hashing.ts";

/** Writes a consistent copy of a live database (`results/copy.ts`; a layer beside this one, so its function is passed in). */
export type CopyDatabase = (path: string, to: string) => { equalBytes: boolean };

/** The first bytes of a database, as Latin-1. */
export const DATABASE_HEADER = "SQLite format 3\0";
// The smallest page; every database is a whole number of them.
const PAGE_BYTES = 512;

/** By its first bytes. Opens only files whose size fits, and never the results database: closing it would drop our own locks. */
export function isDatabase(project: Project, path: string, size: number): boolean {
  if (path === resultsDatabase(project)) return size > 0;
  return size >= PAGE_BYTES && size % PAGE_BYTES === 0 && startsLikeDatabase(firstBytes(path, DATABASE_HEADER.length));
}

export function startsLikeDatabase(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, DATABASE_HEADER.length) === DATABASE_HEADER;
}

/** True for stored paths (files, or files inside folders) of models, `track` globs and the results database. */
export function mutablePaths(project: Project): (path: string) => boolean {
  const { models, track, results } = project.config;
  const folders = [models.output, models.production, models.candidates, results.database].map((path) => storedPath(project, path));
  const tracked = matchGlobs(track.map((glob) => storedGlob(project, glob)));
  return (path) => tracked(path) || isUnder(path, folders);
}
