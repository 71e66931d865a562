/** One events table against its earlier self, compared inside SQLite: keys added, rows vanished, rows changed. */
import { type Database, foldName, joined, quoteName } from "../platform/sqlite.ts";
import { sameKey } from "./same-key.ts";
import { type EventsTable, hasColumn, STAMP_COLUMNS } from "./schema.ts";
import type { RowChanges, TrackRows } from "./types.ts";

const SAME_KEY = sameKey("o", "n", { columns: ["track_id", "timestamp"], by: "IS" });

/** `before` is undefined for a table that did not exist. Inside one reading transaction, the copy attached as `before`. */
export function compareTable(db: Database, table: EventsTable, before: EventsTable | undefined): RowChanges {
  const now = `main.${quoteName(table.name)}`;
  if (before === undefined) return { added: stretches(db, table.name, "true"), vanished: 0, changed: 0 };
  const old = `before.${quoteName(before.name)}`;
  const isNew = `NOT EXISTS (SELECT 1 FROM ${old} AS o WHERE ${SAME_KEY})`;
  const added = stretches(db, table.name, isNew);
  const vanished = db.count(`SELECT count(*) FROM ${old} AS o WHERE NOT EXISTS (SELECT 1 FROM ${now} AS n WHERE ${SAME_KEY})`);
  return { added, vanished, changed: countChanged(db, table, before) };
}

/**
 * Unbroken stretches (in time) of rows for which `isNew` holds, per track. Rows without a key cannot be told apart and are
 * left out.
 */
function stretches(db: Database, table: string, isNew: string): TrackRows[] {
  const sql = `
    WITH keys AS MATERIALIZED (
      SELECT track_id COLLATE BINARY AS track_id, timestamp COLLATE BINARY AS timestamp, ${isNew} AS fresh FROM main.${quoteName(table)} AS n WHERE track_id IS NOT NULL AND timestamp IS NOT NULL
    ), numbered AS (
      SELECT *, sum(NOT fresh) OVER (PARTITION BY track_id ORDER BY timestamp) AS stretch FROM keys
      WHERE track_id IN (SELECT track_id FROM keys WHERE fresh)
    )
    SELECT track_id, min(timestamp), max(timestamp), count(*) FROM numbered WHERE fresh GROUP BY track_id, stretch ORDER BY 2, 1`;
  return db.arrays(sql).map(([track_id, first, last, rows]) => ({
    table,
    track_id: String(track_id),
    first: String(first),
    last: String(last),
    rows: Number(rows),
  }));
}

/** Rows with the same key and other values. Columns that were added do not count, nor the stamps, which are copies of the tag's truth. */
function countChanged(db: Database, table: EventsTable, before: EventsTable): number {
  const compared = before.columns
    .map(({ name }) => name)
    .filter((name) => !["track_id", "timestamp", ...STAMP_COLUMNS].includes(foldName(name)));
  if (compared.length === 0) return 0;
  const kept = compared.filter((name) => hasColumn(table.columns, name));
  const lost = compared.filter((name) => !hasColumn(table.columns, name));
  const now = `main.${quoteName(table.name)}`;
  const old = `before.${quoteName(before.name)}`;
  if (!before.keyed || !table.keyed) {
    const list = ["track_id", "timestamp", ...kept].map((name) => `${quoteName(name)} COLLATE BINARY AS ${quoteName(name)}`).join(", ");
    const losses =
      joined(
        lost.map((name) => `${quoteName(name)} IS NOT NULL`),
        "OR",
      ) || "false";
    return db.count(`SELECT count(*) FROM (
         SELECT ${list} FROM ${old} EXCEPT SELECT ${list} FROM ${now}
         UNION SELECT ${list} FROM ${old} WHERE ${losses}
       ) AS o WHERE EXISTS (SELECT 1 FROM ${now} AS n WHERE ${SAME_KEY})`);
  }
  // `+` takes the declared type out of the comparison: the text '1' is not the number 1.
  const differs = [
    ...kept.map(quoteName).map((name) => `+o.${name} COLLATE BINARY IS NOT +n.${name}`),
    ...lost.map(quoteName).map((name) => `o.${name} IS NOT NULL`),
  ];
  return db.count(`SELECT count(*) FROM ${old} AS o JOIN ${now} AS n ON ${SAME_KEY} WHERE ${joined(differs, "OR")}`);
}
