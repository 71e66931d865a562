/** How commands that store data copy databases that programs may be writing. The driver itself is loaded when one is met. */
import { statSync } from "node:fs";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import type { CopyDatabase } from "../../store/databases.ts";

export async function databaseCopier(): Promise<CopyDatabase> {
  return (await import("../../results/copy.ts")).copyDatabase;
}

/**
 * Moves rows that are so far only in the `-wal` of a database into its file, as SQLite does by itself sooner or later: only then
 * do the file's bytes tell whether it has changed.
 */
export async function settleDatabases(project: Project, paths: readonly string[]): Promise<void> {
  const files = paths.map((path) => absolutePath(project, path)).filter((file) => (statSync(`${file}-wal`, ABSENT)?.size ?? 0) > 0);
  if (files.length === 0) return;
  const { checkpoint } = await import("../../results/copy.ts");
  for (const file of files) checkpoint(file);
}

const ABSENT = { throwIfNoEntry: false } as const;
