/**
 * Which values a column of some declared type holds as they are.
 *
 * SQLite converts what does not fit a column's type (the text `007` in an INTEGER column becomes 7), and DuckDB, an engine of
 * xetrack, cannot read a table at all in which a cell is of another class than its column. So a column that meets such a value
 * gets a wider type first, the cells that are there kept as they are.
 */
import { type Database, foldName, quoteName } from "../platform/sqlite.ts";
import { formatCell } from "./cells.ts";
import type { Column } from "./schema.ts";
import type { Cell } from "./types.ts";

const INTEGER = "INTEGER";
const REAL = "REAL";
/** Holds everything; DuckDB reads it as bytes. */
const UNTYPED = "";
// Beyond it a REAL has no room for every integer.
const EXACT_INTEGERS = 2n ** 53n;

/** The type xetrack would declare for a first value; none for NaN, because numbers will follow it. */
export function declaredType(cell: Cell): string {
  if (typeof cell === "bigint") return INTEGER;
  if (typeof cell === "number") return REAL;
  if (cell === "NaN") return UNTYPED;
  return cell instanceof Uint8Array ? "BLOB" : "TEXT";
}

/** A number for a TEXT column is given as text: SQLite's own conversion keeps 15 digits. */
export function cellFor(type: string, cell: Cell): Cell {
  return kindOf(type) === "text" && typeof cell === "number" ? formatCell(cell) : cell;
}

/** Gives columns that cannot hold their new cell a type that can. Inside a write transaction. */
export function widenColumns(db: Database, table: string, cells: readonly { column: Column; cell: Cell }[]): void {
  for (const { column, cell } of cells) {
    if (!holds(column.type, cell)) retypeColumn(db, table, { name: column.name, type: widerType(db, table, { column, cell }) });
  }
}

function holds(type: string, cell: Cell): boolean {
  if (cell === null) return true;
  switch (kindOf(type)) {
    case "integer":
      return typeof cell === "bigint";
    case "real":
      return typeof cell === "number" || (typeof cell === "bigint" && isExact(cell));
    case "text":
      return !(cell instanceof Uint8Array);
    case "other":
      return typeof cell === "string";
    default:
      return true;
  }
}

/** Which storage classes the values of a column have. */
interface ColumnClasses {
  integer: boolean;
  real: boolean;
  text: boolean;
  blob: boolean;
  /** An integer that no REAL is equal to. */
  beyondReal: boolean;
}

export interface TypedTable {
  name: string;
  columns: readonly Column[];
}

/** Gives columns that would convert values of a table of another database a type that keeps them. Answers them, with their new types. */
export function widenForTable(db: Database, ours: TypedTable, theirs: TypedTable & { schema: string }): Column[] {
  return ours.columns.flatMap((column): Column[] => {
    const other = theirs.columns.find(({ name }) => foldName(name) === foldName(column.name));
    if (other === undefined || other.type.toLowerCase() === column.type.toLowerCase()) return [];
    const incoming = classesOf(db, theirs.schema, { table: theirs.name, column: other.name });
    if (holdsClasses(column.type, incoming)) return [];
    const wider = {
      name: column.name,
      type: typeForClasses([incoming, classesOf(db, "main", { table: ours.name, column: column.name })]),
    };
    return retypeColumn(db, ours.name, wider) ? [wider] : [];
  });
}

function classesOf(db: Database, schema: string, { table, column }: { table: string; column: string }): ColumnClasses {
  const name = quoteName(column);
  const [row] = db.arrays(
    `SELECT total(typeof(${name}) = 'integer'), total(typeof(${name}) = 'real'), total(typeof(${name}) = 'text'), total(typeof(${name}) = 'blob'),
       total(typeof(${name}) = 'integer' AND ${name} NOT BETWEEN -${EXACT_INTEGERS} AND ${EXACT_INTEGERS})
     FROM ${schema}.${quoteName(table)}`,
  );
  const [integer, real, text, blob, beyondReal] = (row ?? []).map(Boolean);
  return { integer: integer === true, real: real === true, text: text === true, blob: blob === true, beyondReal: beyondReal === true };
}

/** Whether a column of that type keeps values of these classes as they are. */
function holdsClasses(type: string, { integer, real, text, beyondReal }: ColumnClasses): boolean {
  switch (kindOf(type)) {
    case "integer":
      return !real && !text;
    case "real":
      return !text && !beyondReal;
    case "text":
      return !integer && !real;
    case "other":
      return !text && !beyondReal;
    default:
      return true;
  }
}

/** A type that keeps all of them. */
function typeForClasses(sides: readonly ColumnClasses[]): string {
  const type = sides.some(({ real }) => real) ? REAL : INTEGER;
  return [type, "TEXT"].find((one) => sides.every((classes) => !classes.blob && holdsClasses(one, classes))) ?? UNTYPED;
}

function widerType(db: Database, table: string, { column, cell }: { column: Column; cell: Cell }): string {
  if (typeof cell !== "number") return UNTYPED;
  const name = quoteName(column.name);
  const beyond = `SELECT 1 FROM ${quoteName(table)} WHERE typeof(${name}) NOT IN ('null', 'integer', 'real')
    OR (typeof(${name}) = 'integer' AND ${name} NOT BETWEEN -${EXACT_INTEGERS} AND ${EXACT_INTEGERS}) LIMIT 1`;
  return db.get(beyond) === undefined ? REAL : UNTYPED;
}

/** SQLite cannot change a column's type: another column takes its cells and its name. False when that cannot be: it is the key. */
function retypeColumn(db: Database, table: string, column: Column): boolean {
  return (
    tryAll(db, () => exchangeColumn(db, table, column)) || tryAll(db, () => withoutDependents(db, () => exchangeColumn(db, table, column)))
  );
}

function exchangeColumn(db: Database, table: string, { name, type }: Column): void {
  const interim = quoteName(`${name}__retyped`);
  const column = quoteName(name);
  const alter = `ALTER TABLE ${quoteName(table)}`;
  db.exec(`${alter} ADD COLUMN ${interim} ${type}`);
  db.exec(`UPDATE ${quoteName(table)} SET ${interim} = ${column} WHERE ${column} IS NOT NULL`);
  db.exec(`${alter} DROP COLUMN ${column}`);
  db.exec(`${alter} RENAME COLUMN ${interim} TO ${column}`);
}

/** Somebody's index, view or trigger may stand on the column: they are made again as they were. */
function withoutDependents(db: Database, work: () => void): void {
  const dependents = db.arrays(
    "SELECT type, name, sql FROM main.sqlite_schema WHERE type IN ('index', 'view', 'trigger') AND sql IS NOT NULL ORDER BY rowid",
  );
  // With a view its triggers are gone.
  for (const [type, name] of dependents) db.exec(`DROP ${String(type)} IF EXISTS main.${quoteName(String(name))}`);
  work();
  for (const [, , sql] of dependents) db.exec(String(sql));
}

/** All of it or nothing; whether it was done. */
function tryAll(db: Database, work: () => void): boolean {
  db.exec("SAVEPOINT retype");
  try {
    work();
    db.exec("RELEASE retype");
    return true;
  } catch {
    db.exec("ROLLBACK TO retype");
    db.exec("RELEASE retype");
    return false;
  }
}

/** As both SQLite and DuckDB understand a declared type; where they differ (BOOLEAN, dates), the stricter. */
function kindOf(type: string): "integer" | "real" | "text" | "any" | "other" {
  const word = type.toLowerCase();
  if (/int|bool/.test(word)) return "integer";
  if (/char|clob|text/.test(word)) return "text";
  if (word === "" || word.includes("blob")) return "any";
  return /real|floa|doub|dec|num/.test(word) ? "real" : "other";
}

function isExact(value: bigint): boolean {
  return value >= -EXACT_INTEGERS && value <= EXACT_INTEGERS;
}
