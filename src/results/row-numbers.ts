/** SQLite's own numbers of a table's rows. */
import { type Database, foldName } from "../platform/sqlite.ts";

/** What they are called; undefined where the table has none, or its own columns have taken all the names. */
export function rowNumberName(
  db: Database,
  schema: string,
  { name, columns }: { name: string; columns: readonly string[] },
): string | undefined {
  const [[without] = []] = db.arrays("SELECT wr FROM pragma_table_list WHERE schema = ? AND name = ?", [schema, name]);
  const taken = new Set(columns.map((column) => foldName(column)));
  return without === 1n ? undefined : ["rowid", "_rowid_", "oid"].find((alias) => !taken.has(alias));
}
