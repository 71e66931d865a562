/** Rows that nothing but their values tells apart: how often each occurs is merged. */
import { type Database, joined, quoteName } from "../../platform/sqlite.ts";
import { rowNumberName } from "../../results/row-numbers.ts";
import { type CellSql, cellsOf, type TableSides } from "./cells-sql.ts";
import { findColumn } from "./tables.ts";
import type { Table, TableReport } from "./types.ts";

export interface UnkeyedMerge extends TableSides {
  /** The table's key: only rows without a whole one are meant. Empty: all rows. */
  key: readonly string[];
  /** Every row of theirs is another one than ours. */
  append?: boolean | undefined;
}

/**
 * A row that occurs `o` times here, `n` times there and `a` times in the ancestor occurs max(o, n) times afterwards, or as often
 * as on the one side that has changed it.
 */
export function mergeUnkeyedRows(db: Database, merge: UnkeyedMerge, report: TableReport): void {
  const cells = cellsOf(merge).filter(({ name }) => !isGiven(merge, name));
  const { ours, theirs, base, key, append = false } = merge;
  const part = (side: number, alias: string, from: string, value: (cell: CellSql) => string) =>
    `SELECT ${side} AS side, ${cells.map((cell, index) => `+${value(cell)} COLLATE BINARY AS c${index}`).join(", ")} FROM ${from} AS ${alias}${withoutKey(alias, key)}`;
  const parts = [
    part(0, "o", `main.${quoteName(ours.name)}`, (cell) => cell.ours),
    part(1, "n", `theirs.${quoteName(theirs.name)}`, (cell) => cell.theirs),
    ...(base === undefined ? [] : [part(2, "a", `base.${quoteName(base.name)}`, (cell) => cell.ancestor)]),
  ];
  const columns = cells.map((_, index) => `c${index}`).join(", ");
  db.exec("DROP TABLE IF EXISTS temp.expver_counted");
  db.exec(
    `CREATE TEMP TABLE expver_counted AS
     SELECT *, ${append ? "o + n" : base === undefined ? "max(o, n)" : "CASE WHEN o = a THEN n WHEN n = a THEN o ELSE max(o, n) END"} AS goal FROM (
       SELECT ${columns}, total(side = 0) AS o, total(side = 1) AS n, total(side = 2) AS a FROM (${parts.join(" UNION ALL ")})
       GROUP BY ${columns})`,
  );
  const [equal = 0, inserted = 0, removed = 0, keptGone = 0, most = 0] = (
    db.arrays(
      `SELECT total(min(o, n, goal)), total(max(goal - o, 0)), total(max(o - goal, 0)), total(max(min(n, a) - goal, 0)), max(goal - o) FROM expver_counted`,
    )[0] ?? []
  ).map(Number);
  report.equal += equal;
  report.inserted += inserted;
  report.removed += removed;
  report.keptGone += keptGone;
  if (inserted > 0) insertMissing(db, { table: ours.name, cells, columns, most });
  if (removed > 0) deleteSurplus(db, { ours, cells, key });
  db.exec("DROP TABLE temp.expver_counted");
}

/** A number that SQLite gives each row here and the source knows nothing of: with it no row would ever be there already. */
function isGiven({ ours, theirs }: TableSides, name: string): boolean {
  const [only] = ours.key.length === 1 ? ours.key : [];
  return name === only && findColumn(ours, name)?.type.toUpperCase() === "INTEGER" && findColumn(theirs, name) === undefined;
}

function insertMissing(
  db: Database,
  { table, cells, columns, most }: { table: string; cells: CellSql[]; columns: string; most: number },
): void {
  const names = cells.map(({ name }) => quoteName(name)).join(", ");
  db.run(
    `WITH RECURSIVE times(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM times WHERE i < ?)
     INSERT INTO main.${quoteName(table)} (${names}) SELECT ${columns} FROM expver_counted JOIN times ON i <= goal - o`,
    [BigInt(most)],
  );
}

function deleteSurplus(db: Database, { ours, cells, key }: { ours: Table; cells: CellSql[]; key: readonly string[] }): void {
  const table = `main.${quoteName(ours.name)}`;
  const values = cells.map((cell) => `+${cell.ours} COLLATE BINARY`);
  const equal = joined(
    values.map((value, index) => `${value} IS s.c${index}`),
    "AND",
  );
  // A column of the table may be called rowid.
  const id = rowNumberName(db, "main", { name: ours.name, columns: ours.columns.map(({ name }) => name) });
  if (id === undefined) {
    // It has a key, so no two of its rows are equal.
    db.run(`DELETE FROM ${table} AS o WHERE EXISTS (SELECT 1 FROM expver_counted AS s WHERE s.goal < s.o AND ${equal})`);
    return;
  }
  db.run(
    `DELETE FROM ${table} WHERE ${id} IN (SELECT id FROM (
       SELECT o.${id} AS id, s.o - s.goal AS surplus, row_number() OVER (PARTITION BY ${values.join(", ")} ORDER BY o.${id} DESC) AS number
       FROM ${table} AS o JOIN expver_counted AS s ON s.goal < s.o AND ${equal}${withoutKey("o", key)}
     ) WHERE number <= surplus)`,
  );
}

function withoutKey(alias: string, key: readonly string[]): string {
  return key.length === 0 ? "" : ` WHERE (${key.map((column) => `${alias}.${quoteName(column)} IS NULL`).join(" OR ")})`;
}
