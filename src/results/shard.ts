/** A run's own part of the results database: the same tables and columns, none of the rows. */
import { existsSync } from "node:fs";
import type { Database } from "../platform/sqlite.ts";
import { openResults } from "./database.ts";
import { addStampColumns } from "./rows.ts";
import { PACKAGES_TABLE, RUN_TRACKS_TABLE, RUNS_TABLE } from "./schema.ts";

/** SQL that makes the tables and indexes of a database; empty when there is none. */
export function schemaOf(path: string): string[] {
  if (!existsSync(path)) return [];
  const db = openResults(path, { readonly: true });
  try {
    return db
      .arrays(
        `SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND tbl_name NOT IN (?, ?, ?) AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY type DESC, rowid`,
        [RUNS_TABLE, RUN_TRACKS_TABLE, PACKAGES_TABLE],
      )
      .map(([sql]) => String(sql));
  } finally {
    db.close();
  }
}

/** Makes the file. `act` writes what it begins with. */
export function createShard(
  path: string,
  { schema, tables }: { schema: readonly string[]; tables: readonly string[] },
  act: (db: Database) => void,
): void {
  const db = openResults(path, { create: true });
  try {
    db.write(() => {
      for (const sql of schema) db.exec(sql);
    });
    addStampColumns(db, tables);
    act(db);
  } finally {
    db.close();
  }
}
