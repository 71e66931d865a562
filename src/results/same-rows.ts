/** Do two databases say the same, whatever their bytes. */
import { type Database, quoteName } from "../platform/sqlite.ts";
import { withCopy } from "./with-copy.ts";

/** Every row of every table is in both; a table or column that only one of them has holds nothing. */
export function sameRows(db: Database, copy: string): boolean {
  return withCopy(db, copy, () => db.read(() => sameTables(db)));
}

/** No table holds a row. */
export function hasNoRows(db: Database): boolean {
  return tableNames(db, "main").every((name) => isEmpty(db, "main", name));
}

type Schema = "main" | "before";

function sameTables(db: Database): boolean {
  const here = new Set(tableNames(db, "main"));
  const there = new Set(tableNames(db, "before"));
  return [...new Set([...here, ...there])].every((name) => {
    if (!here.has(name)) return isEmpty(db, "before", name);
    return there.has(name) ? sameTable(db, name) : isEmpty(db, "main", name);
  });
}

function sameTable(db: Database, name: string): boolean {
  const here = columnNames(db, "main", name);
  const there = columnNames(db, "before", name);
  const shared = here.filter((column) => there.includes(column));
  const blank = (schema: Schema, columns: readonly string[]) =>
    columns
      .filter((column) => !shared.includes(column))
      .every((column) => isNone(db, `${schema}.${quoteName(name)} WHERE ${quoteName(column)} IS NOT NULL`));
  if (!blank("main", here) || !blank("before", there)) return false;
  const list = (shared.length > WIDE ? asTexts(shared) : withClasses(shared)).join(", ");
  const rows = (schema: Schema) => `SELECT ${list}, count(*) FROM ${schema}.${quoteName(name)} GROUP BY ${list}`;
  return isNone(db, `(${rows("main")} EXCEPT ${rows("before")})`) && isNone(db, `(${rows("before")} EXCEPT ${rows("main")})`);
}

/** With the storage class beside each value: 1 is not 1.0. A column's own collation may take 'A' for 'a'. */
function withClasses(columns: readonly string[]): string[] {
  return columns.map(quoteName).flatMap((column) => [`${column} COLLATE BINARY`, `typeof(${column})`]);
}

/** So many columns, their classes and a count are what SQLite answers at once. */
const WIDE = 900;
const IN_ONE_TEXT = 50;

/** The same as few texts. A text's bytes: one with a NUL in it would end there. */
function asTexts(columns: readonly string[]): string[] {
  const texts = columns.map(quoteName).map((column) => {
    const bytes = `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`;
    return `typeof(${column}) || quote(${bytes})`;
  });
  return Array.from({ length: Math.ceil(texts.length / IN_ONE_TEXT) }, (_, index) =>
    texts.slice(index * IN_ONE_TEXT, (index + 1) * IN_ONE_TEXT).join(" || ',' || "),
  );
}

function tableNames(db: Database, schema: Schema): string[] {
  const sql = `SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`;
  return db.arrays(sql).map(([name]) => String(name));
}

function columnNames(db: Database, schema: Schema, table: string): string[] {
  return db.arrays(`SELECT name FROM pragma_table_info(?, '${schema}')`, [table]).map(([name]) => String(name));
}

function isEmpty(db: Database, schema: Schema, table: string): boolean {
  return isNone(db, `${schema}.${quoteName(table)}`);
}

function isNone(db: Database, from: string): boolean {
  return db.get(`SELECT 1 FROM ${from} LIMIT 1`) === undefined;
}
