/** Rows whose key occurs in a source give way to the source's. */
import { quoteName } from "../../platform/sqlite.ts";
import { columnNames } from "./columns-sql.ts";
import type { DataFile } from "./data-file.ts";
import type { DuckDb } from "./duckdb.ts";
import { addedRows, addFile, addRows, leaveOut, liesReady, renewAdded } from "./standing-rows.ts";
import { hasRows, surplus } from "./surplus.ts";
import type { DataReport, MergeStep } from "./types.ts";

export async function rebaseByKey(
  db: DuckDb,
  source: DataFile,
  step: MergeStep,
): Promise<Pick<DataReport["sources"][number], "inserted" | "replaced">> {
  const { merge, standing, rows } = step;
  const keys = step.keys.map(quoteName);
  const equal = keys.map((key) => `m.${key} ${merge.matchNullKeys ? "IS NOT DISTINCT FROM" : "="} i.${key}`).join(" AND ");
  const there = standing.gone === 0 ? "base" : "(SELECT * FROM base ANTI JOIN gone USING (expver_row))";
  const before = addedRows(standing);
  const gone = await leaveOut(db, standing, `SELECT m.expver_row FROM ${there} AS m SEMI JOIN incoming AS i ON ${equal}`);
  const all = columnNames(standing.columns);
  const still = (file: string) => `SELECT ${all} FROM ${file} AS m ANTI JOIN incoming AS i ON ${equal} ORDER BY m.file_row_number`;
  await renewAdded(db, standing, still);
  const replaced = gone + before - addedRows(standing);
  const isWhole = merge.matchNullKeys ? "true" : keys.map((key) => `${key} IS NOT NULL`).join(" AND ");
  const keyless = `NOT (${isWhole})`;
  const hasKeyless = !merge.matchNullKeys && (await hasRows(db, keyless));
  let inserted =
    !hasKeyless && liesReady(source, standing.columns)
      ? addFile(standing, { path: source.path, rows })
      : await addRows(db, standing, `SELECT ${all} FROM incoming WHERE ${isWhole}`);
  // Rows that replace nothing must not come again when the rebase is repeated, and stand where they stand then: before those that replace.
  if (hasKeyless) inserted += await addRows(db, standing, surplus(standing, keyless), { first: true });
  return { inserted, replaced };
}
