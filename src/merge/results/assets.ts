/** xetrack's three asset tables: bytes by hash, names to hashes, and how often each hash is used. */
import { type Database, quoteName } from "../../platform/sqlite.ts";
import { createLike } from "../../results/schema.ts";
import { pickleCount, readPickle } from "./pickle.ts";
import { findColumn, readTables } from "./tables.ts";
import type { Table, TableReport } from "./types.ts";

const ASSETS = "assets";
const KEYS = "keys";
const COUNTS = "counts";
export const ASSET_TABLES = [ASSETS, KEYS, COUNTS] as const;

/** Tables of these names that are not xetrack's, on either side, are merged as any other. */
export function hasAssets(theirs: ReadonlyMap<string, Table>, ours: ReadonlyMap<string, Table>): boolean {
  const isAssets = (table: Table | undefined) => table?.key.join() === "key" && findColumn(table, "value") !== undefined;
  return ASSET_TABLES.every((name) => isAssets(theirs.get(name)) && (!ours.has(name) || isAssets(ours.get(name))));
}

/** To be called when the events' cells are merged: names and counts follow from them. Nothing here is ever a conflict. */
export function mergeAssets(db: Database, events: readonly Table[], reportOf: (table: string) => TableReport): void {
  const theirs = readTables(db, "theirs");
  const ours = readTables(db, "main");
  for (const name of ASSET_TABLES) {
    const table = theirs.get(name);
    if (table !== undefined && !ours.has(name)) createLike(db, table);
  }
  const report = reportOf(ASSETS);
  const [shared = 0] = (db.arrays(`SELECT count(*) FROM theirs.${ASSETS} JOIN main.${ASSETS} USING (key)`)[0] ?? []).map(Number);
  report.equal += shared;
  report.inserted += db.run(
    `INSERT INTO main.${ASSETS} (key, value) SELECT key, value FROM theirs.${ASSETS} WHERE key NOT IN (SELECT key FROM main.${ASSETS})`,
  );
  mergeNames(db, events, reportOf(KEYS));
  countUses(db, events, reportOf(COUNTS));
}

/** A name that leads to two hashes leads to the one of the newest row that uses it. */
function mergeNames(db: Database, events: readonly Table[], report: TableReport): void {
  const pairs = db.arrays(`SELECT n.key, n.value, o.value FROM theirs.${KEYS} AS n JOIN main.${KEYS} AS o USING (key)`);
  for (const [key, theirs, ours] of pairs) {
    const [name, there, here] = [fromBase64(key), hashOf(theirs), hashOf(ours)];
    if (there === here || name === undefined || there === undefined) {
      report.equal += 1;
      continue;
    }
    const lastUse = (hash: string) =>
      events
        .map((table) => {
          const column = findColumn(table, name);
          if (column === undefined || findColumn(table, "timestamp") === undefined) return "";
          const latest = db.arrays(`SELECT max(timestamp) FROM main.${quoteName(table.name)} WHERE ${quoteName(column.name)} = ?`, [hash]);
          return String(latest[0]?.[0] ?? "");
        })
        .sort()
        .at(-1) ?? "";
    const [thereUsed, hereUsed] = [lastUse(there), here === undefined ? "" : lastUse(here)];
    const theirsWin = thereUsed === hereUsed ? there > (here ?? "") : thereUsed > hereUsed;
    report.resolved += 1;
    if (theirsWin) db.run(`UPDATE main.${KEYS} SET value = ? WHERE key = ?`, [theirs ?? null, key ?? null]);
  }
  report.inserted += db.run(
    `INSERT INTO main.${KEYS} (key, value) SELECT key, value FROM theirs.${KEYS} WHERE key NOT IN (SELECT key FROM main.${KEYS})`,
  );
}

/** Counted anew from the cells; a hash no cell has (stored without a row) keeps the count it has. */
function countUses(db: Database, events: readonly Table[], report: TableReport): void {
  report.inserted += db.run(
    `INSERT INTO main.${COUNTS} (key, value) SELECT key, value FROM theirs.${COUNTS} WHERE key NOT IN (SELECT key FROM main.${COUNTS})`,
  );
  const uses = new Map<string, number>();
  for (const table of events) {
    for (const { name } of table.columns) {
      const column = quoteName(name);
      const found = db.arrays(
        `SELECT ${column}, count(*) FROM main.${quoteName(table.name)} WHERE typeof(${column}) = 'text' AND length(${column}) = 16
         AND ${column} IN (SELECT key FROM main.${COUNTS}) GROUP BY ${column}`,
      );
      for (const [hash, count] of found) uses.set(String(hash), (uses.get(String(hash)) ?? 0) + Number(count));
    }
  }
  for (const [hash, count] of uses) {
    const value = db.arrays(`SELECT value FROM main.${COUNTS} WHERE key = ?`, [hash])[0]?.[0];
    if (value instanceof Uint8Array && readPickle(value) === BigInt(count)) report.equal += 1;
    else {
      db.run(`UPDATE main.${COUNTS} SET value = ? WHERE key = ?`, [pickleCount(count), hash]);
      report.resolved += 1;
    }
  }
}

function hashOf(value: unknown): string | undefined {
  const hash = value instanceof Uint8Array ? readPickle(value) : undefined;
  return typeof hash === "string" ? hash : undefined;
}

function fromBase64(key: unknown): string | undefined {
  return typeof key === "string" ? hashOf(Buffer.from(key, "base64")) : undefined;
}
