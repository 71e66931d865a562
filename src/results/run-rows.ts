/** All that belongs to one run as a whole: is it still as it was, and taking it away. */
import { createHash } from "node:crypto";
import { type Database, foldName, quoteName, type SqlRow } from "../platform/sqlite.ts";
import { removeUnused } from "./packages.ts";
import { rowNumberName } from "./row-numbers.ts";
import { restampRows, WITHIN, within } from "./rows.ts";
import { readRun, runTracks, updateRun } from "./runs.ts";
import { type EventsTable, eventsTables, hasTable, RUN_TRACKS_TABLE, RUNS_TABLE } from "./schema.ts";

/**
 * Digest of a run's record, tracks and every cell of its rows (value and storage class), or null when there is no such run.
 * Columns that other runs added, empty in these rows, do not change it.
 */
export function digestRun(db: Database, runId: string): string | null {
  return db.read(() => {
    const record = readRun(db, runId);
    if (record === null) return null;
    const digest = createHash("sha256");
    digest.update(JSON.stringify(Object.entries(record)));
    const orders = new Map(eventsTables(db).map((table) => [foldName(table.name), orderOf(db, table)]));
    for (const track of runTracks(db, runId)) {
      digest.update(JSON.stringify(track));
      const order = orders.get(foldName(track.table));
      if (order === undefined) continue;
      const sql = `SELECT * FROM ${quoteName(track.table)} WHERE ${WITHIN} ORDER BY ${order}`;
      for (const row of db.all(sql, within(track))) digest.update(rowText(row));
    }
    return digest.digest("hex").slice(0, 32);
  });
}

/** Rows of one moment have an order by their numbers alone, which a table without a key always has. */
function orderOf(db: Database, { name, columns }: EventsTable): string {
  const number = rowNumberName(db, "main", { name, columns: columns.map((column) => column.name) });
  return number === undefined ? "timestamp" : `timestamp, ${number}`;
}

/** Gives a run another version (null: none), in its record and in those of its rows that carry the old one. In one transaction. */
export function restampRun(db: Database, runId: string, version: { from: string | null; to: string | null }): number {
  return db.write(() => {
    const rows = restampRows(db, runTracks(db, runId), version);
    updateRun(db, runId, { version: version.to });
    return rows;
  });
}

/** Removes a run with its rows, in one transaction. Answers the number of rows. */
export function removeRun(db: Database, runId: string): number {
  return db.write(() => {
    const record = readRun(db, runId);
    const tables = new Set(eventsTables(db).map(({ name }) => foldName(name)));
    let rows = 0;
    for (const track of runTracks(db, runId)) {
      if (tables.has(foldName(track.table))) rows += db.run(`DELETE FROM ${quoteName(track.table)} WHERE ${WITHIN}`, within(track));
    }
    // A run that was killed when it began may not even have made them.
    for (const name of [RUN_TRACKS_TABLE, RUNS_TABLE]) if (hasTable(db, name)) db.run(`DELETE FROM ${name} WHERE run_id = ?`, [runId]);
    if (record !== null) removeUnused(db, record);
    return rows;
  });
}

function rowText(row: SqlRow): string {
  const cells = Object.entries(row)
    .filter(([, value]) => value !== null)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => {
      if (typeof value === "bigint") return [name, "integer", value.toString()];
      if (typeof value === "number") return [name, "real", Object.is(value, -0) ? "-0" : String(value)];
      return value instanceof Uint8Array ? [name, "blob", Buffer.from(value).toString("hex")] : [name, "text", value];
    });
  return `${JSON.stringify(cells)}\n`;
}
