/**
 * SQLite keeps what it knows of a database in WAL mode in a file beside it, and cannot even read it where that file is not there and cannot
 * be made: in somebody else's folder, or on a disk that is mounted to be read. Then a copy is read.
 */
import { chmodSync, copyFileSync, existsSync, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ExpverError } from "../errors.ts";
import { whyReadOnly } from "./file-system.ts";
import { removePath } from "./files.ts";

/** SQLite's own numbers: read-only, cannot open. */
const NEEDS_ITS_FOLDER = new Set([8, 14]);

/** Whether reading failed for that reason. While a program has the database open the file is there. */
export function needsItsFolder(error: unknown, path: string): boolean {
  if (!(error instanceof ExpverError) || !NEEDS_ITS_FOLDER.has(Number(error.details.sqlite) & 0xff)) return false;
  return !existsSync(`${path}-shm`) && whyReadOnly(dirname(path)) !== null;
}

/** Gives `read` the path of a copy, with what is in the `-wal` only, and how to let go of it. */
export function withCopyElsewhere<Value>(path: string, read: (copy: string, remove: () => void) => Value): Value {
  const folder = mkdtempSync(join(tmpdir(), "expver-read-"));
  const remove = () => removePath(folder);
  try {
    const before = statSync(path);
    const copy = join(folder, basename(path));
    for (const end of ["", "-wal"]) {
      if (!existsSync(path + end)) continue;
      copyFileSync(path + end, copy + end);
      chmodSync(copy + end, 0o600);
    }
    const now = statSync(path);
    if (existsSync(`${path}-shm`) || now.mtimeMs !== before.mtimeMs || now.size !== before.size)
      throw new ExpverError("E_DATABASE_BUSY", `a program begins to write to ${path}`, { hint: "Repeat the command.", details: { path } });
    return read(copy, remove);
  } catch (error) {
    remove();
    throw error;
  }
}
