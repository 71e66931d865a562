/** Databases that are objects of the cache, merged into a file of our own. */
import { constants, copyFileSync } from "node:fs";
import { ExpverError } from "../../errors.ts";
import { setMode } from "../../platform/files.ts";
import { openDatabase } from "../../platform/sqlite.ts";
import { withStoredResults } from "../../results/database.ts";
import { eventsTables, hasTable, RUNS_TABLE } from "../../results/schema.ts";
import { mergeInto } from "../results/merge-into.ts";
import type { ConflictChoice, SourceReport } from "../results/types.ts";

export interface StoredSides {
  /** Absolute paths of objects. Null: not known, so a union. */
  base: string | null;
  ours: string;
  theirs: string;
}

/** Whether its rows are results, which may be merged; of another program's database we do not know what its rows mean. Throws E_DATABASE. */
export function holdsResults(object: string): boolean {
  return withStoredResults(object, (db) => eventsTables(db).length > 0 || hasTable(db, RUNS_TABLE));
}

/** Makes the file `to`: ours with the rows of theirs. Journal mode as in ours. Throws as {@link mergeInto}. */
export function mergeStored({ base, ours, theirs }: StoredSides, to: string, onConflict: ConflictChoice | undefined): SourceReport {
  copyFileSync(ours, to, constants.COPYFILE_FICLONE);
  setMode(to, 0o600);
  const db = openDatabase(to);
  try {
    // Nobody else sees this file, and it is synced when it is stored.
    db.exec("PRAGMA synchronous = OFF");
    const report = mergeInto(
      db,
      { path: theirs, name: "theirs", stored: true, ...(base === null ? {} : { ancestor: base }) },
      { onConflict },
    );
    // A driver that lets go late leaves in the `-wal` what the file does not have yet.
    const left = db.get("PRAGMA wal_checkpoint(TRUNCATE)")?.busy;
    if (left !== undefined && left !== 0n)
      throw new ExpverError("E_DATABASE_BUSY", `${to} could not be made whole`, { details: { path: to } });
    return report;
  } finally {
    db.close();
  }
}
