/**
 * Rows told apart by all their values, with what both sides came from: each as often as on the side that has changed that, and as often as
 * on the one with more where both have. What one side deleted, or changed, does not come back by the other.
 */
import { columnNames, settledColumns } from "./columns-sql.ts";
import { type DataFile, reading } from "./data-file.ts";
import type { DuckDb } from "./duckdb.ts";
import { addRows, leaveOut, type StandingRows } from "./standing-rows.ts";

/** To be asked before anything else is brought in: `base` is ours. */
export async function mergeThreeWay(
  db: DuckDb,
  standing: StandingRows,
  ancestor: DataFile,
): Promise<{ inserted: number; removed: number }> {
  const all = columnNames(standing.columns);
  await db.run(
    `CREATE OR REPLACE VIEW ancestor AS SELECT ${settledColumns(standing.columns, ancestor, { isLenient: true })}, 0 AS expver_row FROM ${reading(ancestor)} AS f`,
  );
  const sides = ["base", "incoming", "ancestor"];
  const union = (columns: string, where = "") =>
    sides.map((side, number) => `SELECT ${number} AS expver_side, ${columns} FROM ${side}${where}`).join(" UNION ALL ");
  const [o, n, a] = sides.map((_, number) => `count(*) FILTER (WHERE expver_side = ${number})`);
  // Few rows differ, and only those are compared as a whole: all rows of a large file would not fit into memory.
  await db.run(
    `CREATE OR REPLACE TABLE differing AS SELECT expver_hash FROM (${union(`hash(${all}) AS expver_hash`)}) GROUP BY expver_hash
     HAVING ${o} <> ${n} OR ${o} <> ${a}`,
  );
  const some = union(`${all}, expver_row`, ` WHERE hash(${all}) IN (SELECT expver_hash FROM differing)`);
  const of = (number: number) => `count(*) FILTER (WHERE expver_side = ${number}) OVER (PARTITION BY ${all})`;
  await db.run(
    `CREATE OR REPLACE TABLE moving AS SELECT expver_side, expver_row FROM (
       SELECT *, CASE WHEN o = a THEN n WHEN n = a THEN o ELSE greatest(o, n) END AS goal FROM (
         SELECT expver_side, expver_row, ${of(0)} AS o, ${of(1)} AS n, ${of(2)} AS a,
           row_number() OVER (PARTITION BY ${all}, expver_side ORDER BY expver_row) AS nth FROM (${some})))
     WHERE (expver_side = 0 AND nth > goal) OR (expver_side = 1 AND nth > o AND nth <= goal)`,
  );
  const moving = (side: number) => `SELECT expver_row FROM moving WHERE expver_side = ${side}`;
  const removed = await leaveOut(db, standing, moving(0));
  const isNew = `SELECT ${all} FROM incoming SEMI JOIN (${moving(1)}) AS m USING (expver_row) ORDER BY expver_row`;
  return { inserted: await addRows(db, standing, isNew), removed };
}
