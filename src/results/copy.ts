/**
 * A consistent copy of a database others may be writing.
 *
 * No code here opens the file by the file system: closing any descriptor of it would drop the locks SQLite holds for this
 * process. A child process copies the bytes while we hold the write lock: nobody changes them, readers go on.
 */
import { renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { ExpverError, failedWith } from "../errors.ts";
import { runProcess } from "../platform/processes.ts";
import { type Database, openDatabase } from "../platform/sqlite.ts";

export interface DatabaseCopy {
  /** False: same rows, other bytes (made by VACUUM INTO). */
  equalBytes: boolean;
}

/** Copies the database at `path` to the file `to` (replaced). Throws E_NOT_FOUND when there is none. */
export function copyDatabase(path: string, to: string): DatabaseCopy {
  const temporary = `${resolve(to)}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  try {
    const equalBytes = copyBytes(resolve(path), temporary);
    if (!equalBytes) vacuumInto(path, temporary);
    renameSync(temporary, to);
    return { equalBytes };
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Moves what can be moved from the `-wal` into the file; a journal that a killed program left is undone. What is no database, or cannot be written, stays as it is. */
export function settle(path: string): void {
  try {
    const db = openDatabase(path);
    try {
      db.get("PRAGMA wal_checkpoint(PASSIVE)");
    } finally {
      db.close();
    }
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
  }
}

/** False when somebody keeps the file from being whole in itself: then only SQLite can read it. */
function copyBytes(path: string, to: string): boolean {
  const db = openWriter(path);
  if (db === null) return copyReadOnly(path, to);
  try {
    const wal = db.get("PRAGMA journal_mode")?.journal_mode === "wal";
    if (wal) db.get("PRAGMA wal_checkpoint(PASSIVE)");
    return withWritersShutOut(db, () => {
      if (wal && !isCheckpointed(path)) return false;
      copyInChild(path, to);
      return true;
    });
  } catch (error) {
    if (failedWith(error, "E_DATABASE_BUSY")) return false;
    throw error;
  } finally {
    db.close();
  }
}

/** Ended by a rollback: a commit, even of nothing, waits until nobody reads. */
function withWritersShutOut<Value>(db: Database, work: () => Value): Value {
  db.exec("BEGIN IMMEDIATE");
  try {
    return work();
  } finally {
    db.exec("ROLLBACK");
  }
}

/** A second connection moves the rest of the `-wal` into the file; with the write lock held nothing is added meanwhile. */
function isCheckpointed(path: string): boolean {
  const helper = openDatabase(path);
  try {
    const answer = helper.get("PRAGMA wal_checkpoint(PASSIVE)");
    return answer?.busy === 0n && answer.log === answer.checkpointed;
  } finally {
    helper.close();
  }
}

function openWriter(path: string): Database | null {
  try {
    return openDatabase(path);
  } catch (error) {
    if (failedWith(error, "E_DATABASE_READONLY")) return null;
    throw error;
  }
}

/** Nobody can write a read-only file, but a crash may have left a journal beside it: a read lock settles that first. */
function copyReadOnly(path: string, to: string): boolean {
  const db = openDatabase(path, { readonly: true });
  try {
    if (db.get("PRAGMA journal_mode")?.journal_mode === "wal") return false;
    db.read(() => {
      db.get("SELECT count(*) FROM sqlite_schema");
      copyInChild(path, to);
    });
    return true;
  } finally {
    db.close();
  }
}

function vacuumInto(path: string, to: string): void {
  rmSync(to, { force: true });
  const db = openDatabase(path, { readonly: true });
  try {
    db.exec("PRAGMA query_only = 0");
    db.run("VACUUM INTO ?", [to]);
  } finally {
    db.close();
  }
}

function copyInChild(path: string, to: string): void {
  const result =
    process.platform === "win32"
      ? runProcess(process.execPath, ["-e", "require('fs').copyFileSync(process.argv[1], process.argv[2])", path, to], { cwd: "." })
      : runProcess("cp", ["--", path, to], { cwd: "/" });
  if (result.code === 0) return;
  const full = /no space left|quota/i.test(result.stderr);
  throw new ExpverError(full ? "E_DISK_FULL" : "E_IO", `cannot copy ${path} to ${to}: ${result.stderr.trim()}`, { details: { path, to } });
}
