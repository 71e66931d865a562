/** Rows that a key tells apart: new ones go in, empty cells are filled, two different values are a conflict. */
import { type Database, foldName, quoteName } from "../../platform/sqlite.ts";
import { formatCell } from "../../results/cells.ts";
import { rowNumberName } from "../../results/row-numbers.ts";
import { sameKey } from "../../results/same-key.ts";
import { type CellSql, cellsOf, clashes, fillsOurs, sameVector, type TableSides, takesTheirs } from "./cells-sql.ts";
import { laterRun } from "./later-run.ts";
import type { CellConflict, ConflictChoice, Table, TableReport } from "./types.ts";

// SQLite sums at most 2,000 terms at once.
const COLUMNS_AT_ONCE = 100;
const MOST_CONFLICTS = 100;

export interface KeyedMerge extends TableSides {
  key: readonly string[];
  onConflict: ConflictChoice | undefined;
  source: string;
}

export interface Clashes {
  count: number;
  /** The first of them. */
  first: CellConflict[];
}

/** Merges the rows that have a whole key; those without one are for `unkeyed-rows.ts`. */
export function mergeKeyedRows(db: Database, merge: KeyedMerge, report: TableReport): Clashes {
  const { theirs } = merge;
  const cells = cellsOf(merge, report.addedColumns).filter(({ name }) => !merge.key.some((column) => foldName(column) === foldName(name)));
  const sql = pairRows(db, merge, sqlOf(merge, cells));
  const [shared = 0, differing = 0] = numbers(db, `SELECT count(*), total(${sql.differs}) FROM ${sql.pairs}`);
  report.equal += shared - differing;

  const wins =
    merge.onConflict === undefined ? "false" : merge.onConflict === "newest" ? laterRun(db, merge) : String(merge.onConflict === "theirs");
  const { changing, left } = differing === 0 ? { changing: [], left: none() } : compareCells(db, merge, { cells, sql, wins, report });
  const rowClashes = merge.base === undefined ? none() : mergeDeletions(db, merge, { cells, sql, report });
  if (changing.length > 0) updateCells(db, { changing, sql, wins });

  const columns = theirs.columns.map(({ name }) => quoteName(name)).join(", ");
  report.inserted += db.run(
    `INSERT INTO ${sql.table} (${columns}) SELECT ${columns} FROM ${sql.source} AS n
     WHERE ${sql.hasKey} AND NOT ${sql.isThere} AND ${sql.comesBack}`,
  );
  db.exec("DROP TABLE IF EXISTS temp.expver_pairs");
  return { count: left.count + rowClashes.count, first: [...left.first, ...rowClashes.first] };
}

interface MergeSql {
  table: string;
  source: string;
  /** Of `n`. */
  hasKey: string;
  /** Of `n`: ours has it too. */
  isThere: string;
  /** FROM clause of the rows both have, with `a` where there is an ancestor. */
  shared: string;
  /** Rest of FROM for an UPDATE of `o`, and what makes it the same row. */
  joined: string;
  isOne: string;
  /** FROM clause that says of each row both have whether it `differs`. */
  pairs: string;
  differs: string;
  /** For a row of `n` that ours lacks: it is new, or was deleted here and changed there, and may come back. */
  comesBack: string;
}

function sqlOf({ ours, theirs, base, key, onConflict }: KeyedMerge, cells: readonly CellSql[]): MergeSql {
  const table = `main.${quoteName(ours.name)}`;
  const source = `theirs.${quoteName(theirs.name)}`;
  const ancestor = base === undefined ? "" : `base.${quoteName(base.name)}`;
  const keyOf = (left: string, right: string) => sameKey(left, right, { columns: key, by: "=" });
  const fromAncestor = base === undefined ? "" : ` LEFT JOIN ${ancestor} AS a ON ${keyOf("a", "n")}`;
  const shared = `${source} AS n JOIN ${table} AS o ON ${keyOf("o", "n")}${fromAncestor}`;
  const unchanged = sameVector(
    cells.map(({ theirs: value }) => value),
    cells.map(({ ancestor: value }) => value),
  );
  const known = base === undefined ? "" : `SELECT 1 FROM ${ancestor} AS a WHERE ${keyOf("a", "n")}`;
  return {
    table,
    source,
    hasKey: key.map((column) => `n.${quoteName(column)} IS NOT NULL`).join(" AND "),
    isThere: `EXISTS (SELECT 1 FROM ${table} AS o WHERE ${keyOf("o", "n")})`,
    shared,
    joined: `${source} AS n${fromAncestor}`,
    isOne: keyOf("o", "n"),
    pairs: shared,
    differs: `NOT ${sameVector(
      cells.map(({ ours: value }) => value),
      cells.map(({ theirs: value }) => value),
    )}`,
    comesBack: base === undefined ? "true" : `NOT EXISTS (${known}${onConflict === "ours" ? "" : ` AND ${unchanged}`})`,
  };
}

/** The rows both have, looked up by their key only once; from then on by their numbers, where both tables have them. */
function pairRows(db: Database, { ours, theirs, base, key }: KeyedMerge, sql: MergeSql): MergeSql {
  const numberOf = (schema: string, { name, columns }: Table) =>
    rowNumberName(db, schema, { name, columns: columns.map((column) => column.name) });
  const [o, n] = [numberOf("main", ours), numberOf("theirs", theirs)];
  if (o === undefined || n === undefined) return sql;
  db.exec("DROP TABLE IF EXISTS temp.expver_pairs");
  db.exec(
    `CREATE TEMP TABLE expver_pairs AS SELECT n.${n} AS n, o.${o} AS o, ${sql.differs} AS differs FROM ${sql.source} AS n JOIN ${sql.table} AS o ON ${sql.isOne}`,
  );
  const pairs = "temp.expver_pairs AS p";
  const known = sameKey("a", "n", { columns: key, by: "=" });
  const fromAncestor = base === undefined ? "" : ` LEFT JOIN base.${quoteName(base.name)} AS a ON ${known}`;
  return {
    ...sql,
    isThere: `n.${n} IN (SELECT n FROM temp.expver_pairs)`,
    shared: `${pairs} CROSS JOIN ${sql.source} AS n ON n.${n} = p.n CROSS JOIN ${sql.table} AS o ON o.${o} = p.o${fromAncestor}`,
    joined: `${pairs} CROSS JOIN ${sql.source} AS n ON n.${n} = p.n${fromAncestor}`,
    isOne: `o.${o} = p.o`,
    pairs,
    differs: "p.differs",
  };
}

interface Comparison {
  cells: readonly CellSql[];
  sql: MergeSql;
  /** SQL of "theirs wins this row's conflicts"; NULL where it cannot be told. */
  wins: string;
  report: TableReport;
}

/** Counts, per column, what would change; collects what cannot be decided. */
function compareCells(db: Database, merge: KeyedMerge, { cells, sql, wins, report }: Comparison): { changing: CellSql[]; left: Clashes } {
  const changing: CellSql[] = [];
  const left = none();
  const isOpen = (cell: CellSql) => (merge.onConflict === undefined ? clashes(cell) : `(${clashes(cell)} AND (${wins}) IS NULL)`);
  for (let start = 0; start < cells.length; start += COLUMNS_AT_ONCE) {
    const some = cells.slice(start, start + COLUMNS_AT_ONCE);
    const sumsOf = (cell: CellSql) => [fillsOurs(cell), takesTheirs(cell), clashes(cell), isOpen(cell)];
    // Without an ancestor, or a choice, some are the same.
    const sums = [...new Set(some.flatMap(sumsOf))];
    const counts = numbers(db, `SELECT ${sums.map((sum) => `total(${sum})`).join(", ")} FROM ${sql.shared} WHERE ${sql.differs}`);
    some.forEach((cell) => {
      const [filled = 0, taken = 0, clashing = 0, open = 0] = sumsOf(cell).map((sum) => counts[sums.indexOf(sum)]);
      if (filled > 0) report.filled[cell.name] = filled;
      if (taken > filled) report.updated[cell.name] = taken - filled;
      report.resolved += clashing;
      if (taken > 0 || clashing > open) changing.push(cell);
      if (open === 0) return;
      left.count += open;
      if (left.first.length < MOST_CONFLICTS) left.first.push(...listClashes(db, merge, { cell, sql, isOpen: isOpen(cell) }));
    });
  }
  return { changing, left };
}

function listClashes(
  db: Database,
  { key, ours, source }: KeyedMerge,
  { cell, sql, isOpen }: { cell: CellSql; sql: MergeSql; isOpen: string },
): CellConflict[] {
  const names = key.map((column) => `o.${quoteName(column)}`).join(", ");
  return db
    .arrays(`SELECT ${names}, ${cell.ours}, ${cell.theirs} FROM ${sql.shared} WHERE ${isOpen} ORDER BY ${names} LIMIT ${MOST_CONFLICTS}`)
    .map((row) => ({
      table: ours.name,
      source,
      key: keyTexts(key, row),
      column: cell.name,
      ours: formatCell(row[key.length] ?? null),
      theirs: formatCell(row[key.length + 1] ?? null),
    }));
}

function updateCells(db: Database, { changing, sql, wins }: { changing: CellSql[]; sql: MergeSql; wins: string }): void {
  const sets = changing.map(
    (cell) =>
      `${quoteName(cell.name)} = CASE WHEN ${takesTheirs(cell)}${wins === "false" ? "" : ` OR (${clashes(cell)} AND (${wins}))`} THEN ${cell.theirs} ELSE ${cell.ours} END`,
  );
  db.run(`UPDATE ${sql.table} AS o SET ${sets.join(", ")} FROM ${sql.joined} WHERE ${sql.isOne} AND ${sql.differs}`);
}

/** Rows of the ancestor that one side no longer has. */
function mergeDeletions(
  db: Database,
  { ours, base, key, onConflict, source }: KeyedMerge,
  { cells, sql, report }: Omit<Comparison, "wins">,
): Clashes {
  if (base === undefined) return none();
  const ancestor = `base.${quoteName(base.name)}`;
  const keyOf = (left: string, right: string) => sameKey(left, right, { columns: key, by: "=" });
  const columnsOf = (side: "ours" | "theirs") => cells.map((cell) => cell[side]);
  const ancestors = cells.map((cell) => cell.ancestor);

  const goneHere = `FROM ${ancestor} AS a JOIN ${sql.source} AS n ON ${keyOf("n", "a")}
    WHERE NOT EXISTS (SELECT 1 FROM ${sql.table} AS o WHERE ${keyOf("o", "a")})`;
  const unchangedThere = sameVector(columnsOf("theirs"), ancestors);
  const changedThere = count(db, `${goneHere} AND NOT ${unchangedThere}`);
  report.keptGone += count(db, goneHere) - changedThere;

  const goneThere = `FROM ${ancestor} AS a JOIN ${sql.table} AS o ON ${keyOf("o", "a")}
    WHERE NOT EXISTS (SELECT 1 FROM ${sql.source} AS n WHERE ${keyOf("n", "a")})`;
  const unchangedHere = sameVector(columnsOf("ours"), ancestors);
  const missing = count(db, goneThere);
  const changedHere = count(db, `${goneThere} AND NOT ${unchangedHere}`);
  report.removed += missing - changedHere;

  const clashing = changedThere + changedHere;
  const left = none();
  if (onConflict !== undefined) report.resolved += clashing;
  else if (clashing > 0) {
    left.count = clashing;
    const keys = key.map((column) => `a.${quoteName(column)}`).join(", ");
    const list = (from: string, where: string, words: { ours: string; theirs: string }) =>
      db
        .arrays(`SELECT ${keys} ${from} AND NOT ${where} ORDER BY ${keys} LIMIT ${MOST_CONFLICTS}`)
        .map((row) => ({ table: ours.name, source, key: keyTexts(key, row), column: null, ...words }));
    left.first.push(
      ...list(goneHere, unchangedThere, { ours: "deleted", theirs: "changed" }),
      ...list(goneThere, unchangedHere, { ours: "changed", theirs: "deleted" }),
    );
  }
  // A row somebody changed outlives its deletion, unless the deleting side was chosen.
  const goes = onConflict === "theirs" ? "true" : unchangedHere;
  const list = key.map((column) => `${quoteName(column)} COLLATE BINARY`).join(", ");
  const chosen = key.map((column) => `o.${quoteName(column)}`).join(", ");
  if (missing > 0) db.run(`DELETE FROM ${sql.table} WHERE (${list}) IN (SELECT ${chosen} ${goneThere} AND ${goes})`);
  return left;
}

function keyTexts(key: readonly string[], row: readonly (Parameters<typeof formatCell>[0] | undefined)[]): Record<string, string> {
  return Object.fromEntries(key.map((column, index) => [column, formatCell(row[index] ?? null)]));
}

function none(): Clashes {
  return { count: 0, first: [] };
}

function count(db: Database, from: string): number {
  return numbers(db, `SELECT count(*) ${from}`)[0] ?? 0;
}

function numbers(db: Database, sql: string): number[] {
  return (db.arrays(sql)[0] ?? []).map(Number);
}
