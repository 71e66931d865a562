/** A database made what a copy of it was: every table, row and value, by SQL, because a program may have it open. */
import { type Database, quoteName } from "../platform/sqlite.ts";
import { rowNumberName } from "./row-numbers.ts";
import { withCopy } from "./with-copy.ts";

/** `copy`: a file nobody writes; null: nothing was there. In one transaction. Views and virtual tables stay: no merge touches them. */
export function restoreDatabase(db: Database, copy: string | null): void {
  if (copy === null) db.write(() => dropTables(db));
  else withCopy(db, copy, () => db.write(() => copyTables(db)));
}

function copyTables(db: Database): void {
  dropTables(db);
  const tables = tableNames(db, "before");
  for (const name of tables) copyTable(db, name);
  // Sequences and what hangs on tables come last: a trigger would change what is being restored.
  if (tables.length > 0 && hasSequences(db, "main") && hasSequences(db, "before")) {
    db.exec("DELETE FROM main.sqlite_sequence; INSERT INTO main.sqlite_sequence SELECT * FROM before.sqlite_sequence");
  }
  const rest = "SELECT sql FROM before.sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL";
  for (const [sql] of db.arrays(`${rest} AND tbl_name IN (${TABLES("before")}) ORDER BY type, rowid`)) db.exec(String(sql));
}

function copyTable(db: Database, name: string): void {
  const [[sql] = []] = db.arrays("SELECT sql FROM before.sqlite_schema WHERE type = 'table' AND name = ?", [name]);
  db.exec(String(sql));
  const columns = db.arrays("SELECT name FROM pragma_table_info(?, 'before')", [name]).map(([column]) => String(column));
  const rowid = rowNumberName(db, "before", { name, columns });
  const list = [...(rowid === undefined ? [] : [rowid]), ...columns.map(quoteName)].join(", ");
  db.exec(`INSERT INTO main.${quoteName(name)} (${list}) SELECT ${list} FROM before.${quoteName(name)}`);
}

function dropTables(db: Database): void {
  for (const name of tableNames(db, "main")) db.exec(`DROP TABLE main.${quoteName(name)}`);
}

function tableNames(db: Database, schema: "main" | "before"): string[] {
  return db.arrays(`${TABLES(schema)} ORDER BY rowid`).map(([name]) => String(name));
}

/** Not virtual ones, nor their shadows. */
const TABLES = (schema: "main" | "before") =>
  `SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
   AND name IN (SELECT name FROM pragma_table_list WHERE schema = '${schema}' AND type = 'table')`;

function hasSequences(db: Database, schema: "main" | "before"): boolean {
  return db.get(`SELECT 1 FROM ${schema}.sqlite_schema WHERE name = 'sqlite_sequence'`) !== undefined;
}
