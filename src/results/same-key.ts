/** Rows of two tables that have the same key, as SQL. */
import { quoteName } from "../platform/sqlite.ts";

/** Their bytes decide. A column's own collation may take 'A' for 'a': that only finds them, for it is the one of the table's index. */
export function sameKey(left: string, right: string, { columns, by }: { columns: readonly string[]; by: "=" | "IS" }): string {
  return columns
    .map((column) => [`${left}.${quoteName(column)}`, `${right}.${quoteName(column)}`] as const)
    .map(([one, other]) => `${one} ${by} ${other} AND ${one} COLLATE BINARY ${by} ${other}`)
    .join(" AND ");
}
