import { existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { networkFileSystem } from "../../platform/file-system.ts";
import { copyFileAtomic } from "../../platform/files.ts";
import { firstBytes } from "../../platform/hashing.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import type { Check } from "./check.ts";
import { databaseOf } from "./experiment-checks.ts";

export const databaseLink: Check = {
  id: "database-link",
  title: "the results database as a file of its own",
  find(scene) {
    const path = databaseOf(scene);
    const found = path === null ? undefined : lstatSync(path, { throwIfNoEntry: false });
    if (path === null || found === undefined) return [];
    const shared = found.isSymbolicLink()
      ? `a link to ${readlinkSync(path)}`
      : found.nlink > 1
        ? `one of ${found.nlink} names of the same bytes`
        : null;
    if (shared === null) return [];
    const writers = whoHasOpen(path) ?? [];
    const what = `${path} is ${shared}: a program that writes it damages the stored object`;
    if (writers.length > 0)
      return [{ level: "problem", what, remedy: `Stop process ${writers.join(", ")}, which has it open; then: expver doctor --fix` }];
    return [{ level: "problem", what, remedy: "expver doctor --fix", fix: `make ${path} a copy`, subject: path }];
  },
  fix(_scene, { subject = "" }) {
    // Objects of the cache are read-only.
    copyFileAtomic(subject, subject, { mode: statSync(subject).mode | 0o600 });
    return `${subject} is a file of its own now`;
  },
};

export const walOnNetwork: Check = {
  id: "wal-on-network",
  title: "SQLite's locking on this file system",
  find(scene) {
    const path = databaseOf(scene);
    if (path === null || !existsSync(path)) return [];
    const network = networkFileSystem(path);
    if (network === null) return [];
    if (isWal(path)) {
      const remedy = "Close every program that uses it, then: sqlite3 FILE 'PRAGMA journal_mode=DELETE'";
      return [{ level: "problem", what: `${path} is in WAL mode on ${network}: processes on several hosts will corrupt it`, remedy }];
    }
    return [
      {
        level: "warning",
        what: `${path} is on ${network}, whose locks SQLite cannot rely on`,
        remedy: "Let each host write its own database, and merge them.",
      },
    ];
  },
};

export const databaseCost: Check = {
  id: "database-cost",
  title: "what the results database costs per version",
  find(scene) {
    const path = databaseOf(scene);
    const size = path === null ? undefined : statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined || size === 0) return [];
    const what = `each new version stores a copy of the results database: ${size} bytes now`;
    return [
      {
        level: size > LARGE ? "warning" : "note",
        what,
        remedy:
          size > LARGE
            ? "Keep values of single data points out of it (a parquet file as an output), or split it per project."
            : "Nothing to do.",
      },
    ];
  },
};

const LARGE = 1024 ** 3;

/** Byte 18 of the header is 2 in WAL mode. This process has no connection to it, so opening the file drops no lock. */
function isWal(path: string): boolean {
  return firstBytes(path, 19)[18] === 2;
}
