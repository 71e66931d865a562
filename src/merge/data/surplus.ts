/** Rows told apart by all their values: each as often as the side that has it most often. */
import { quoteName } from "../../platform/sqlite.ts";
import { columnNames } from "./columns-sql.ts";
import type { DuckDb } from "./duckdb.ts";
import type { StandingRows } from "./standing-rows.ts";

/** Query of the rows that occur more often in `incoming` than in `merged`, as many times as they do; of those that are `where`. */
export async function surplus(db: DuckDb, { columns }: StandingRows, where = "true"): Promise<string> {
  const all = columnNames(columns);
  const same = columns.map(({ name }) => `n.${quoteName(name)} IS NOT DISTINCT FROM c.${quoteName(name)}`).join(" AND ");
  // Only rows that may be among the incoming ones are counted: grouping all of a large file would not fit into memory.
  const alike = `hash(${all}) IN (SELECT hash(${all}) FROM incoming WHERE ${where})`;
  const [row] = await db.rows(`SELECT count(*) = count(DISTINCT hash(${all})) AS differ FROM incoming WHERE ${where}`);
  // Where no two of the incoming rows are equal, which is nearly always, they need not be numbered.
  if (row?.differ === true)
    return `SELECT ${columns.map(({ name }) => `n.${quoteName(name)}`).join(", ")} FROM (SELECT * FROM incoming WHERE ${where}) AS n
      ANTI JOIN (SELECT ${all} FROM merged WHERE ${where} AND ${alike}) AS c ON ${same} ORDER BY n.expver_row`;
  return `SELECT ${columns.map(({ name }) => `n.${quoteName(name)}`).join(", ")} FROM (
    SELECT *, row_number() OVER (PARTITION BY ${all} ORDER BY expver_row) AS expver_nth FROM incoming WHERE ${where}) AS n
    LEFT JOIN (SELECT ${all}, count(*) AS expver_times FROM merged WHERE ${where} AND ${alike} GROUP BY ${all}) AS c ON ${same}
    WHERE n.expver_nth > coalesce(c.expver_times, 0) ORDER BY n.expver_row`;
}

/** Whether any incoming row is `where`. */
export async function hasRows(db: DuckDb, where: string): Promise<boolean> {
  return (await db.rows(`SELECT 1 FROM incoming WHERE ${where} LIMIT 1`)).length > 0;
}
