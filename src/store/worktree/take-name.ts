/** How a file that was made in `.dvc/tmp` gets its name in the worktree: nobody ever finds half of it there, whoever is killed. */
import { randomBytes } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasCode } from "../../platform/files.ts";

/** Renames; where the name is on another file system, the file is made anew beside it. */
export function takeName(temporary: string, path: string, make: (temporary: string) => void): void {
  try {
    renameSync(temporary, path);
    return;
  } catch (error) {
    if (!hasCode(error, "EXDEV")) throw error;
  }
  rmSync(temporary);
  const beside = join(dirname(path), `.${randomBytes(6).toString("hex")}.tmp`);
  try {
    make(beside);
    renameSync(beside, path);
  } finally {
    rmSync(beside, { force: true });
  }
}
