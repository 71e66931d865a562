/** A key is one: its columns are there, and in a merge its values occur once. */
import { ExpverError } from "../../errors.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { ownColumn } from "./columns-sql.ts";
import type { DataFile } from "./data-file.ts";
import type { DuckDb } from "./duckdb.ts";

/** Throws E_KEY for a column that is not there. A file without a row has all that is wanted. */
export function requireKey(file: DataFile, keys: readonly string[]): void {
  const missing = keys.filter((name) => ownColumn(file, name) === undefined);
  if (missing.length === 0 || file.columns.length === 0) return;
  throw new ExpverError(
    "E_KEY",
    `${file.name} has no column ${missing.join(", ")}; it has ${file.columns.map(({ name }) => name).join(", ")}`,
    { details: { file: file.path, missing } },
  );
}

/** Throws E_KEY for two rows of one key, with the key. Rows without a value in one of its columns have none. */
export async function requireUnique(
  db: DuckDb,
  table: "base" | "incoming",
  { file, keys }: { file: DataFile; keys: readonly string[] },
): Promise<void> {
  const names = keys.map(quoteName);
  const text = names.map((key) => `${key}::VARCHAR`).join(" || ' ' || ");
  const [twice] = await db.rows(
    `SELECT ${text} AS key, count(*) AS times FROM ${table} WHERE ${names.map((key) => `${key} IS NOT NULL`).join(" AND ")} GROUP BY ${names.join(", ")} HAVING count(*) > 1 ORDER BY 1 LIMIT 1`,
  );
  if (twice === undefined) return;
  throw new ExpverError("E_KEY", `${file.name} has ${twice.times} rows with the key ${twice.key} (${keys.join(", ")})`, {
    details: { file: file.path, key: twice.key },
  });
}
