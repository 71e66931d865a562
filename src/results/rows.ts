/** Rows of the events tables: appending, finding those a run added, stamping them. */
import { writeFileSync } from "node:fs";
import { ExpverError, failedWith } from "../errors.ts";
import { bindable, type Database, foldName, placeholder, quoteName, readOnlyUri, type SqlValue } from "../platform/sqlite.ts";
import { brokenRule, isDuplicateKey } from "../platform/sqlite-errors.ts";
import { nameColumns } from "./column-names.ts";
import { cellFor, declaredType, widenColumns } from "./column-types.ts";
import { copyDatabase } from "./copy.ts";
import { compareTable } from "./row-changes.ts";
import { addColumns, ensureEventsTable, eventsTables, hasColumn, MOST_COLUMNS, STAMP_COLUMNS, tableColumns, takesRows } from "./schema.ts";
import { formatTimestamp, nextMicroseconds } from "./timestamps.ts";
import type { Cell, RowChanges, Stamps, TrackRows } from "./types.ts";

export interface NewRow {
  trackId: string;
  /** By column; a null adds no column, so that a first null fixes no type. */
  values: Record<string, Cell>;
  /** Default: now. */
  at?: Date;
}

/** Appends one row, making table and columns as needed. Answers its key. Safe among any number of writing processes. */
export function appendRow(db: Database, table: string, { trackId, values, at = new Date() }: NewRow): TrackRows {
  return db.write(() => {
    if (!takesRows(db, table)) throw notOurs(table);
    ensureEventsTable(db, table);
    const present = tableColumns(db, table);
    const types = new Map(present.map(({ name, type }) => [name, type]));
    const cells = nameColumns(values, present)
      .filter(([, cell]) => cell !== null)
      .map(([name, cell]) => ({ column: { name, type: types.get(name) ?? declaredType(cell) }, cell }));
    addColumns(
      db,
      table,
      cells.map(({ column }) => column),
    );
    widenColumns(db, table, cells);
    const stored = cells.map(({ column, cell }) => cellFor(column.type, cell));
    const names = ["track_id", "timestamp", ...cells.map(({ column }) => column.name)].map(quoteName).join(", ");
    const places = stored.map((cell) => `, ${placeholder(cell)}`).join("");
    const sql = `INSERT INTO ${quoteName(table)} (${names}) VALUES (?, ?${places})`;
    const bound = stored.map(bindable);
    for (let moment = nextMicroseconds(at); ; moment++) {
      const timestamp = formatTimestamp(moment);
      try {
        db.run(sql, [trackId, timestamp, ...bound]);
        return { table, track_id: trackId, first: timestamp, last: timestamp, rows: 1 };
      } catch (error) {
        // Another process logged for the same track in the same microsecond; or a column of its own lets no value come twice.
        if (!isDuplicateKey(error) || !hasRow(db, table, { trackId, timestamp })) throw error;
      }
    }
  });
}

function notOurs(table: string): ExpverError {
  return new ExpverError("E_DATABASE", `${table} has no columns track_id and timestamp: nothing can be logged into it`, {
    hint: "Name another table in expver.yaml: results: { table: NAME }. A program that makes its table anew (pandas' to_sql) takes one of its own.",
    details: { table },
  });
}

function hasRow(db: Database, table: string, { trackId, timestamp }: { trackId: string; timestamp: string }): boolean {
  return db.get(`SELECT 1 FROM ${quoteName(table)} WHERE track_id = ? AND timestamp = ?`, [trackId, timestamp]) !== undefined;
}

/** Copies the database as it is now, for {@link rowsSince}. A database that does not exist yet gives an empty copy. */
export function snapshotTo(path: string, copy: string): void {
  try {
    copyDatabase(path, copy);
  } catch (error) {
    if (!failedWith(error, "E_NOT_FOUND")) throw error;
    writeFileSync(copy, "");
  }
}

/** What happened to the rows of all events tables since the copy was taken; null: there were none. */
export function rowsSince(db: Database, copy: string | null): RowChanges {
  db.run("ATTACH ? AS before", [copy === null ? ":memory:" : readOnlyUri(copy)]);
  try {
    return db.read(() => {
      const before = new Map(eventsTables(db, "before").map((table) => [foldName(table.name), table]));
      const total: RowChanges = { added: [], vanished: 0, changed: 0 };
      for (const table of eventsTables(db)) {
        const found = compareTable(db, table, before.get(foldName(table.name)));
        before.delete(foldName(table.name));
        total.added.push(...found.added);
        total.vanished += found.vanished;
        total.changed += found.changed;
      }
      for (const { name } of before.values()) {
        total.vanished += db.count(`SELECT count(*) FROM before.${quoteName(name)}`);
      }
      return total;
    });
  } finally {
    db.exec("DETACH before");
  }
}

/** Adds the stamp columns to every events table, and makes the named tables first. Before the command of a run starts. */
export function addStampColumns(db: Database, tables: readonly string[] = []): void {
  db.write(() => {
    for (const table of tables) ensureEventsTable(db, table);
    for (const { name } of eventsTables(db)) addStamps(db, name);
  });
}

/** As many as the table has room for. Answers those it has by now. */
function addStamps(db: Database, table: string): readonly string[] {
  const present = tableColumns(db, table);
  const lacking = STAMPS.filter(({ name }) => !hasColumn(present, name));
  const added = addColumns(db, table, lacking.slice(0, Math.max(0, MOST_COLUMNS - present.length)));
  return STAMP_COLUMNS.filter((name) => hasColumn([...present, ...added], name));
}

export interface StampConflict {
  table: string;
  column: (typeof STAMP_COLUMNS)[number];
  /** What the program itself had written, and was kept. */
  value: Cell;
  rows: number;
  /** Why the rows of the table could not be stamped at all: a rule of it. */
  rule?: string;
}

/** Writes the stamps into the cells of these rows that are NULL. Answers cells that already said something else, and tables that take no stamp. */
export function stampRows(db: Database, tracks: readonly TrackRows[], stamps: Stamps): StampConflict[] {
  const known = STAMP_COLUMNS.filter((column) => stamps[column] !== null);
  if (known.length === 0) return [];
  return db.write(() => {
    const conflicts = new Map<string, StampConflict>();
    const places = new Map([...new Set(tracks.map(({ table }) => table))].map((table) => [table, addStamps(db, table)]));
    for (const track of tracks) {
      const { table } = track;
      const columns = known.filter((column) => places.get(table)?.includes(column));
      const cannot = (rule: string) => conflicts.set(table, { table, column: "version", value: null, rows: track.rows, rule });
      if (columns.length < known.length) cannot(`it has ${MOST_COLUMNS} columns already`);
      if (columns.length === 0) continue;
      for (const column of columns) {
        for (const conflict of conflictsOf(db, track, { column, stamp: stamps[column] })) {
          const key = JSON.stringify([conflict.table, column, String(conflict.value)]);
          conflicts.set(key, { ...conflict, rows: conflict.rows + (conflicts.get(key)?.rows ?? 0) });
        }
      }
      const sets = columns.map((column) => `${column} = coalesce(${column}, ?)`).join(", ");
      const missing = columns.map((column) => `${column} IS NULL`).join(" OR ");
      const sql = `UPDATE ${quoteName(table)} SET ${sets} WHERE ${WITHIN} AND (${missing})`;
      try {
        db.run(sql, [...columns.map((column) => stamps[column]), ...within(track)]);
      } catch (error) {
        // Somebody's trigger may let no row be changed; whose rows they are is known all the same.
        const rule = brokenRule(error);
        if (rule === null) throw error;
        cannot(rule);
      }
    }
    return [...conflicts.values()];
  });
}

/**
 * Replaces one stamp by another in these rows: a version that got a new number. Answers the number of rows. A table may have been dropped, have
 * lost its stamps by other hands, or never had room for them.
 */
export function restampRows(db: Database, tracks: readonly TrackRows[], version: { from: string | null; to: string | null }): number {
  const stamped = new Set(eventsTables(db).flatMap(({ name, columns }) => (hasColumn(columns, "version") ? [foldName(name)] : [])));
  return db.write(() =>
    tracks
      .filter(({ table }) => stamped.has(foldName(table)))
      .map((track) =>
        db.run(`UPDATE ${quoteName(track.table)} SET version = ? WHERE ${WITHIN} AND version IS ?`, [
          version.to,
          ...within(track),
          version.from,
        ]),
      )
      .reduce((sum, rows) => sum + rows, 0),
  );
}

const STAMPS = STAMP_COLUMNS.map((name) => ({ name, type: "TEXT" }));

/**
 * SQL that is true for the rows of a stretch; takes the values of {@link within}. The bytes of the track decide: the column's own
 * collation, which its index has, only finds them.
 */
export const WITHIN = "track_id = ? AND track_id COLLATE BINARY = ? AND timestamp BETWEEN ? AND ?";

export function within({ track_id, first, last }: Pick<TrackRows, "track_id" | "first" | "last">): SqlValue[] {
  return [track_id, track_id, first, last];
}

function conflictsOf(
  db: Database,
  track: TrackRows,
  { column, stamp }: { column: StampConflict["column"]; stamp: string | null },
): StampConflict[] {
  const sql = `SELECT ${column}, count(*) FROM ${quoteName(track.table)} WHERE ${WITHIN} AND ${column} <> ? GROUP BY 1`;
  return db
    .arrays(sql, [...within(track), stamp])
    .map(([value, rows]) => ({ table: track.table, column, value: value ?? null, rows: Number(rows) }));
}
