/** How commands that store data copy databases that programs may be writing. The driver itself is loaded when one is met. */
import { existsSync, statSync } from "node:fs";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { isFile, isThere } from "../../platform/files.ts";
import { firstBytes } from "../../platform/hashing.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import { type CopyDatabase, DATABASE_HEADER, startsLikeDatabase } from "../../store/worktree/databases.ts";

export async function databaseCopier(): Promise<CopyDatabase> {
  return (await import("../../results/copy.ts")).copyDatabase;
}

/**
 * Takes what SQLite has kept beside these databases into their files, or back out of them after a killed program, as SQLite does
 * by itself at the next opening: only then do the bytes of a file tell what it holds.
 */
export async function settleDatabases(project: Project, paths: readonly string[]): Promise<void> {
  const files = paths.map((path) => absolutePath(project, path)).filter((file) => isKept(`${file}-wal`) || isKept(`${file}-journal`));
  if (files.length === 0) return;
  const { settle } = await import("../../results/copy.ts");
  for (const file of files) settle(file);
}

/**
 * Takes what is kept beside databases into their files before those go elsewhere, or others take their places: it would stay behind, and be
 * played into what has the name then. Throws E_IN_USE for one that a program has open.
 */
export async function bringToRest(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (!existsSync(`${file}-wal`) && !isKept(`${file}-journal`)) continue;
    const { settle } = await import("../../results/copy.ts");
    settle(file);
    await (await import("../../platform/sqlite.ts")).letGoOfClosed();
    // Whoever closes it last takes the -wal away.
    if (!existsSync(`${file}-wal`) || !isDatabaseFile(file)) continue;
    const pids = whoHasOpen(file) ?? [];
    const who = pids.length === 0 ? "a program" : `process ${pids.join(", ")}`;
    throw new ExpverError("E_IN_USE", `${file} is open in ${who}: rows that are in its -wal would be lost`, {
      details: { path: file, pids },
    });
  }
}

/** What was kept beside a file that is gone, and would be played into the database that is to take its place. */
export function journalsOfGone(path: string, next: string): string[] {
  if (isThere(path) || !isDatabaseFile(next)) return [];
  return ["-wal", "-shm", "-journal"].map((end) => path + end).filter((journal) => existsSync(journal));
}

function isDatabaseFile(path: string): boolean {
  return isFile(path) && startsLikeDatabase(firstBytes(path, DATABASE_HEADER.length));
}

/** Asked once: a program that is at work makes and removes its journal at any time. */
function isKept(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size > 0;
  } catch {
    return false; // also a name too long for one
  }
}
