/** Rows told apart by all their values: each as often as the side that has it most often. */
import { quoteName } from "../../platform/sqlite.ts";
import { columnNames } from "./columns-sql.ts";
import type { DataFile } from "./data-file.ts";
import type { DuckDb } from "./duckdb.ts";
import type { SettledColumn } from "./schema.ts";
import { addRows, addUnknown, mergedRows, type StandingRows } from "./standing-rows.ts";

/** Adds the rows that occur more often in `source` than in what is there, as many times as they do. Answers how many. */
export async function addSurplus(
  db: DuckDb,
  standing: StandingRows,
  { source, rows }: { source: DataFile; rows: number },
): Promise<number> {
  const { columns } = standing;
  const [first] = columns;
  const distinct = (some: readonly SettledColumn[]) => `count(DISTINCT hash(${columnNames(some)})) = ${rows} AS differ`;
  // The first column often tells rows apart, and is asked in a third of the time.
  const [one] = await db.rows(
    `SELECT ${distinct(columns.slice(0, 1))}, count(${columnNames(columns.slice(0, 1))}) = ${rows} AS filled FROM incoming`,
  );
  const differ = one?.differ === true || (await db.rows(`SELECT ${distinct(columns)} FROM incoming`))[0]?.differ === true;
  // Where two of the incoming rows are equal, which they hardly ever are, they must be numbered.
  if (!differ) return addRows(db, standing, surplus(standing));
  // By a column that is plainly equal, DuckDB skips what is far from any incoming row; more of them cost more than they spare.
  const isPlain = one?.filled === true && PLAIN.test(first?.type ?? "");
  const isEqual = ({ name }: SettledColumn, index: number) =>
    `c.${quoteName(name)} ${isPlain && index === 0 ? "=" : "IS NOT DISTINCT FROM"} n.${quoteName(name)}`;
  const known = `SELECT DISTINCT n.expver_row FROM ${mergedRows(standing)} AS c JOIN incoming AS n ON ${columns.map(isEqual).join(" AND ")}`;
  return addUnknown(db, standing, { source, rows, known });
}

/** Not nested, and not JSON: of those an equal value may have a NULL in it. */
const PLAIN = /^(?!JSON)[A-Z0-9_ ]+$/;

/** Query of the same rows, of those that are `where`. */
export function surplus(standing: StandingRows, where = "true"): string {
  const { columns } = standing;
  const all = columnNames(columns);
  const same = columns.map(({ name }) => `n.${quoteName(name)} IS NOT DISTINCT FROM c.${quoteName(name)}`).join(" AND ");
  // Only rows that may be among the incoming ones are counted: grouping all of a large file would not fit into memory.
  const alike = `hash(${all}) IN (SELECT hash(${all}) FROM incoming WHERE ${where})`;
  return `SELECT ${columns.map(({ name }) => `n.${quoteName(name)}`).join(", ")} FROM (
    SELECT *, row_number() OVER (PARTITION BY ${all} ORDER BY expver_row) AS expver_nth FROM incoming WHERE ${where}) AS n
    LEFT JOIN (SELECT ${all}, count(*) AS expver_times FROM ${mergedRows(standing)} WHERE ${where} AND ${alike} GROUP BY ${all}) AS c ON ${same}
    WHERE n.expver_nth > coalesce(c.expver_times, 0) ORDER BY n.expver_row`;
}

/** Whether any incoming row is `where`. */
export async function hasRows(db: DuckDb, where: string): Promise<boolean> {
  return (await db.rows(`SELECT 1 FROM incoming WHERE ${where} LIMIT 1`)).length > 0;
}
