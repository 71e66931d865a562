/** What two states of a table have apart: columns, and rows, told apart by a key or by all their values. Streaming, within a memory limit. */
import { ExpverError } from "../../errors.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { csvFormOf } from "./csv-form.ts";
import { type DataColumn, kindOf, reading } from "./data-file.ts";
import { type DuckDb, openDuckDb } from "./duckdb.ts";
import { refuseWideDecimals } from "./parquet/exact-values.ts";
import { withSpillFolder } from "./spill-folder.ts";

export interface TableDifference {
  /** Rows of each. */
  before: number;
  after: number;
  columns: { added: string[]; removed: string[]; retyped: { name: string; from: string; to: string }[] };
  /** Empty: rows were told apart by all values of the columns both have. */
  key: string[];
  added: number;
  removed: number;
  /** Rows of one key with another value; null without a key. */
  changed: number | null;
  /** How many of those by column, the most first. */
  cells: Record<string, number>;
  /** The first changed rows, each cell that differs. */
  examples: { key: Record<string, string | null>; column: string; from: string | null; to: string | null }[];
}

export interface TableComparison {
  /** Absolute paths of the bytes, whatever their names. */
  before: string;
  after: string;
  /** What a person calls it; its ending says what kind of file it is. */
  name: string;
  /** Columns whose values tell rows apart. */
  key: readonly string[];
  /** Such as `1GB`. */
  memory?: string;
}

const EXAMPLES = 5;

/** Throws E_KEY for a key that is not one in either, E_DATA for bytes that are no such file, E_NO_DUCKDB. */
export async function compareTables({ before, after, name, key, memory = "1GB" }: TableComparison): Promise<TableDifference> {
  return withSpillFolder("expver-diff-", async (spill) => {
    const db = await openDuckDb({ spill, memory });
    try {
      const kind = kindOf(name);
      for (const [view, path] of [
        ["a", before],
        ["b", after],
      ] as const) {
        const file = kind === "csv" ? { path, kind, csv: csvFormOf({ path, name }, spill) } : { path, kind };
        if (kind === "parquet") await refuseWideDecimals(db, { path, name });
        await db.run(`CREATE VIEW ${view} AS SELECT * FROM ${reading(file)}`);
      }
      return await compare(db, name, key);
    } finally {
      db.close();
    }
  });
}

async function compare(db: DuckDb, name: string, key: readonly string[]): Promise<TableDifference> {
  const [ours, theirs] = [await columnsOf(db, "a"), await columnsOf(db, "b")];
  const typeIn = (columns: readonly DataColumn[], column: string) => columns.find((one) => one.name === column)?.type;
  const shared = ours.filter((column) => typeIn(theirs, column.name) !== undefined).map((column) => column.name);
  const retyped = shared.filter((column) => typeIn(ours, column) !== typeIn(theirs, column));
  const columns = {
    added: theirs.map((column) => column.name).filter((column) => !shared.includes(column)),
    removed: ours.map((column) => column.name).filter((column) => !shared.includes(column)),
    retyped: retyped.map((column) => ({ name: column, from: typeIn(ours, column) ?? "", to: typeIn(theirs, column) ?? "" })),
  };
  const [counts] = await db.rows("SELECT (SELECT count(*) FROM a) AS before, (SELECT count(*) FROM b) AS after");
  const whole = { before: Number(counts?.before), after: Number(counts?.after), columns, key: [...key] };
  // Values of other types are compared as they read; those of JSON too, which DuckDB does not join by.
  const isText = (column: string) => retyped.includes(column) || typeIn(ours, column) === "JSON";
  const isPartlyWhole = (column: string) => [ours, theirs].some((columns) => WHOLE.test(typeIn(columns, column) ?? ""));
  const cell = (side: string, column: string) => {
    const value = `${side}.${quoteName(column)}`;
    if (!isText(column)) return value;
    const isFloat = FLOAT.test(typeIn(side === "a" ? ours : theirs, column) ?? "");
    return isFloat && isPartlyWhole(column) ? wholeText(value) : `${value}::VARCHAR`;
  };
  if (key.length === 0) return { ...whole, ...(await byValues(db, shared, cell)), changed: null, cells: {}, examples: [] };
  await requireKey(db, { name, key, shared });
  return { ...whole, ...(await byKey(db, { key, others: shared.filter((column) => !key.includes(column)), cell })) };
}

const WHOLE = /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$/;
const FLOAT = /^(?:FLOAT|DOUBLE)$/;

/** pandas makes a column of whole numbers one of floats where a value is missing: 34.0 is still the 34 that was there. */
function wholeText(value: string): string {
  return `CASE WHEN isfinite(${value}) AND ${value} = trunc(${value}) AND abs(${value}) < 1e37 THEN ${value}::HUGEINT::VARCHAR ELSE ${value}::VARCHAR END`;
}

type Cell = (side: string, column: string) => string;

async function byValues(db: DuckDb, shared: readonly string[], cell: Cell): Promise<{ added: number; removed: number }> {
  const rows = (side: string) => `SELECT ${shared.map((column) => cell(side, column)).join(", ") || "1"} FROM ${side}`;
  const only = (one: string, other: string) => `(SELECT count(*) FROM (${rows(one)} EXCEPT ALL ${rows(other)}))`;
  const [row] = await db.rows(`SELECT ${only("b", "a")} AS added, ${only("a", "b")} AS removed`);
  return { added: Number(row?.added), removed: Number(row?.removed) };
}

async function byKey(
  db: DuckDb,
  { key, others, cell }: { key: readonly string[]; others: readonly string[]; cell: Cell },
): Promise<Pick<TableDifference, "added" | "removed" | "changed" | "cells" | "examples">> {
  // A key may be missing in one row: that row is the same as the one without it.
  const same = key.map((column) => `${cell("a", column)} IS NOT DISTINCT FROM ${cell("b", column)}`).join(" AND ");
  // In one FROM: in a sub-query the name of the other table could be taken for a column of this one.
  const only = (one: string, other: string) => `(SELECT count(*) FROM ${one} ANTI JOIN ${other} ON ${same})`;
  const differs = others.map((column) => `${cell("a", column)} IS DISTINCT FROM ${cell("b", column)}`);
  const both = `FROM a JOIN b ON ${same} WHERE ${differs.length === 0 ? "false" : differs.join(" OR ")}`;
  const each = differs.map((difference, index) => `, count(*) FILTER (WHERE ${difference}) AS c${index}`).join("");
  const [gone] = await db.rows(`SELECT ${only("b", "a")} AS added, ${only("a", "b")} AS removed`);
  const [row] = await db.rows(`SELECT count(*) AS changed${each} ${both}`);
  const counts = others.map((column, index): [string, number] => [column, Number(row?.[`c${index}`])]);
  const keys = key.map((column, index) => `(${cell("a", column)})::VARCHAR AS k${index}`);
  const values = others.flatMap((column, index) => [
    `(${cell("a", column)})::VARCHAR AS f${index}`,
    `(${cell("b", column)})::VARCHAR AS t${index}`,
  ]);
  const order = key.map((column) => cell("a", column)).join(", ");
  const first = await db.rows(`SELECT ${[...keys, ...values].join(", ")} ${both} ORDER BY ${order} LIMIT ${EXAMPLES}`);
  const text = (value: unknown) => (value === null || value === undefined ? null : String(value));
  return {
    added: Number(gone?.added),
    removed: Number(gone?.removed),
    changed: Number(row?.changed),
    cells: Object.fromEntries(counts.filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one)),
    examples: first.flatMap((found) =>
      others.flatMap((column, index) => {
        const [from, to] = [text(found[`f${index}`]), text(found[`t${index}`])];
        const named = Object.fromEntries(key.map((one, at) => [one, text(found[`k${at}`])]));
        return from === to ? [] : [{ key: named, column, from, to }];
      }),
    ),
  };
}

async function requireKey(
  db: DuckDb,
  { name, key, shared }: { name: string; key: readonly string[]; shared: readonly string[] },
): Promise<void> {
  const missing = key.find((column) => !shared.includes(column));
  const refuse = (what: string) =>
    new ExpverError("E_KEY", `${name}: ${what}`, {
      hint: `Columns of both: ${shared.join(", ")}. Without --key-columns rows are told apart by all their values.`,
      details: { file: name, key: [...key] },
    });
  if (missing !== undefined) throw refuse(`there is no column ${missing} on both sides`);
  const list = key.map(quoteName).join(", ");
  for (const side of ["a", "b"]) {
    const [twice] = await db.rows(
      `SELECT ${key.map((column, index) => `${quoteName(column)}::VARCHAR AS k${index}`).join(", ")} FROM ${side} GROUP BY ${list} HAVING count(*) > 1 ORDER BY ${list} LIMIT 1`,
    );
    if (twice !== undefined)
      throw refuse(
        `${key.join(", ")} is no key: ${key.map((column, index) => `${column}=${twice[`k${index}`]}`).join(" ")} occurs more than once`,
      );
  }
}

async function columnsOf(db: DuckDb, view: string): Promise<DataColumn[]> {
  const columns = await db.rows(`DESCRIBE ${view}`);
  return columns.map(({ column_name: name, column_type: type }) => ({ name: String(name), type: String(type) }));
}
