/**
 * Where merged rows came from: stretches of new rows by source, in a table of their own. It has no key that two merges could share, so
 * that merging databases that have it is a union.
 */
import { type Database, foldName, quoteName } from "../../platform/sqlite.ts";
import { compareTable } from "../../results/row-changes.ts";
import { eventsTables, ROW_SOURCES_TABLE } from "../../results/schema.ts";
import type { TrackRows } from "../../results/types.ts";
import { mergeInto } from "./merge-into.ts";
import type { MergeRules, MergeSource, RowOrigin, SourceReport } from "./types.ts";

/** {@link mergeInto}; what it adds is written down under the source's name. */
export function mergeRecorded(db: Database, source: MergeSource & { origin: RowOrigin }, rules: MergeRules): SourceReport {
  db.exec("ATTACH ':memory:' AS before");
  try {
    for (const { name } of eventsTables(db)) {
      db.exec(`CREATE TABLE before.${quoteName(name)} AS SELECT track_id, timestamp FROM main.${quoteName(name)}`);
      db.exec(`CREATE INDEX before.${quoteName(`${name} keys`)} ON ${quoteName(name)} (track_id, timestamp)`);
    }
    const report = mergeInto(db, source, rules);
    db.write(() => record(db, source, addedRows(db)));
    return report;
  } finally {
    db.exec("DETACH before");
  }
}

function addedRows(db: Database): TrackRows[] {
  const known = new Map(eventsTables(db, "before").map((table) => [foldName(table.name), table]));
  return eventsTables(db).flatMap((table) => compareTable(db, table, known.get(foldName(table.name))).added);
}

function record(db: Database, { name, origin }: MergeSource & { origin: RowOrigin }, added: readonly TrackRows[]): void {
  if (added.length === 0) return;
  db.exec(
    `CREATE TABLE IF NOT EXISTS main.${ROW_SOURCES_TABLE} ("table" TEXT, track_id TEXT, first TEXT, last TEXT, rows INTEGER, source TEXT,
     git_commit TEXT, merged_at TEXT, PRIMARY KEY ("table", track_id, first, source, merged_at))`,
  );
  for (const { table, track_id, first, last, rows } of added) {
    db.run(`INSERT OR IGNORE INTO main.${ROW_SOURCES_TABLE} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, [
      table,
      track_id,
      first,
      last,
      BigInt(rows),
      name,
      origin.commit,
      origin.at,
    ]);
  }
}
