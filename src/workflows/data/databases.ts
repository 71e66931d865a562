/** How commands that store data copy databases that programs may be writing. The driver itself is loaded when one is met. */
import { statSync } from "node:fs";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import type { CopyDatabase } from "../../store/worktree/databases.ts";

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

/** Asked once: a program that is at work makes and removes its journal at any time. */
function isKept(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size > 0;
  } catch {
    return false; // also a name too long for one
  }
}
