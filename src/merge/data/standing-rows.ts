/**
 * What a merged file holds so far: the rows of the base, read where they lie, without those that are gone, with cells that were filled;
 * and behind them the added ones. Only what differs from the base is kept, so that a large base needs little memory.
 *
 * As SQL: `base` (gone rows too) has `expver_row`, the order of its rows, beside the settled columns.
 */
import { join } from "node:path";
import { quoteName } from "../../platform/sqlite.ts";
import { columnNames, settledColumns } from "./columns-sql.ts";
import { type DataFile, reading } from "./data-file.ts";
import { type DuckDb, fileText, sqlText, WITHOUT_FOLDERS } from "./duckdb.ts";
import type { SettledColumn } from "./schema.ts";

export interface StandingRows {
  columns: readonly SettledColumn[];
  /** Folder for what is made on the way. */
  spill: string;
  /** The base, with the settled types of its columns. */
  file: DataFile;
  /** It is the base's own file, not what was made of it. */
  isSource: boolean;
  /** Column of the file that numbers its rows. */
  row: string;
  /** Files of filled columns, row by row as in the base; the last one is in force. */
  filled: { path: string; columns: readonly SettledColumn[] }[];
  /** How many rows are gone from the base. */
  gone: number;
  /** Files of added rows, in order. */
  added: AddedRows[];
  /** How many were ever made. */
  files: number;
}

interface AddedRows {
  path: string;
  rows: number;
  /** Before those without it. */
  first: boolean;
  /** Rows of the file that are not among them: a table of their numbers. */
  without: { table: string; rows: number } | null;
}

export async function standOn(
  db: DuckDb,
  base: DataFile,
  { columns, spill }: Pick<StandingRows, "columns" | "spill">,
): Promise<StandingRows> {
  const own = columns.filter(({ change }) => change !== "added");
  const isReady = base.kind === "parquet" && numbersRows(base) && base.columns.every(({ type }, index) => own[index]?.type === type);
  const path = join(spill, "base.parquet");
  if (!isReady) {
    const rows = `SELECT ${[settledColumns(own, base), "row_number() OVER () AS expver_row"].filter(Boolean).join(", ")} FROM ${reading(base)} AS f`;
    await db.run(`COPY (${rows}) TO ${sqlText(path)} (FORMAT parquet)`);
  }
  const standing: StandingRows = {
    columns,
    spill,
    file: isReady ? base : { ...base, path, kind: "parquet", columns: own },
    isSource: isReady,
    row: numbersRows(base) ? FILE_ROW : "expver_row",
    filled: [],
    gone: 0,
    added: [],
    files: 0,
  };
  await viewBase(db, standing);
  await db.run("CREATE TABLE gone (expver_row BIGINT)");
  return standing;
}

export const FILE_ROW = "file_row_number";

/** The rows of a parquet file have numbers, unless a column of its own has that name. */
export function numbersRows({ columns }: DataFile): boolean {
  return columns.every(({ name }) => name.toLowerCase() !== FILE_ROW);
}

/** From now on the rows of the base with these numbers are not there. Answers how many. */
export async function leaveOut(db: DuckDb, standing: StandingRows, numbers: string): Promise<number> {
  const count = await db.change(`INSERT INTO gone ${numbers}`);
  standing.gone += count;
  return count;
}

/** Rows with the settled columns, in the order the query has them; `first`: before those added without it. Answers how many. */
export async function addRows(db: DuckDb, standing: StandingRows, query: string, { first = false } = {}): Promise<number> {
  const added = await writeAdded(db, standing, query);
  if (added.rows === 0) return 0;
  standing.added.push({ ...added, first });
  standing.added.sort((one, other) => Number(other.first) - Number(one.first));
  return added.rows;
}

/** All rows of a source, as it lies; to be asked {@link liesReady}. */
export function addFile(standing: StandingRows, { path, rows }: { path: string; rows: number }): number {
  if (rows > 0) standing.added.push({ path, rows, first: false, without: null });
  return rows;
}

/** The `rows` of a source, but for those whose numbers the query `known` has; where they lie, if they can be left there. Answers how many. */
export async function addUnknown(
  db: DuckDb,
  standing: StandingRows,
  { source, rows, known }: { source: DataFile; rows: number; known: string },
): Promise<number> {
  standing.files += 1;
  const table = `known_${standing.files}`;
  const without = { table, rows: await db.change(`CREATE TABLE ${table} AS ${known}`) };
  if (without.rows < rows && liesReady(source, standing.columns) && fitsJoin(db, leftOut(standing) + without.rows)) {
    standing.added.push({ path: source.path, rows: rows - without.rows, first: false, without: without.rows === 0 ? null : without });
    return rows - without.rows;
  }
  // With several threads a join keeps no order, not even one in memory.
  const isNew = `SELECT ${columnNames(standing.columns)} FROM incoming ANTI JOIN ${table} USING (expver_row) ORDER BY expver_row`;
  const added = without.rows === rows ? 0 : await addRows(db, standing, isNew);
  await db.run(`DROP TABLE ${table}`);
  return added;
}

/** Its rows need not be written anew to stand among the others: they have the settled columns. */
export function liesReady(source: DataFile, columns: readonly SettledColumn[]): boolean {
  const settled = new Map(columns.map(({ name, type }) => [name, type]));
  const hasAll = source.columns.length === columns.length && source.columns.every(({ name, type }) => settled.get(name) === type);
  return source.kind === "parquet" && numbersRows(source) && hasAll;
}

/** Each file of added rows becomes what `query` makes of it. */
export async function renewAdded(db: DuckDb, standing: StandingRows, query: (file: string) => string): Promise<void> {
  for (const [index, { first, ...rows }] of standing.added.entries())
    standing.added[index] = { ...(await writeAdded(db, standing, query(`(SELECT f.*, f.${FILE_ROW} FROM ${whatIsAdded(rows)})`))), first };
}

export function addedRows({ added }: StandingRows): number {
  return added.reduce((sum, { rows }) => sum + rows, 0);
}

async function writeAdded(db: DuckDb, standing: StandingRows, query: string): Promise<Omit<AddedRows, "first">> {
  standing.files += 1;
  const path = join(standing.spill, `added-${standing.files}.parquet`);
  await db.run(IN_ORDER);
  const rows = await db.change(`COPY (${query}) TO ${sqlText(path)} (FORMAT parquet)`);
  await db.run("RESET disabled_optimizers");
  return { path, rows, without: null };
}

/** As `f`. */
function whatIsAdded({ path, without }: Pick<AddedRows, "path" | "without">): string {
  const whole = `read_parquet(${fileText(path)}, ${WITHOUT_FOLDERS}) AS f`;
  return without === null ? whole : `${whole} ANTI JOIN ${without.table} AS k ON f.${FILE_ROW} = k.expver_row`;
}

/** How many rows of the base and of added files are not there any more, or never were. */
export function leftOut({ gone, added }: StandingRows): number {
  return added.reduce((sum, { without }) => sum + (without?.rows ?? 0), gone);
}

/** Cells of the `touched` columns become what `chosen` says of `m`, a row that is there, and `i`, the incoming one of its key, if any. */
export async function fillCells(
  db: DuckDb,
  standing: StandingRows,
  { touched, chosen, sameKey }: { touched: readonly SettledColumn[]; chosen: (name: string) => string; sameKey: string },
): Promise<void> {
  const { filled, spill } = standing;
  const columns = [...touched, ...(filled.at(-1)?.columns ?? []).filter((column) => !touched.includes(column))];
  const cell = (column: SettledColumn) => {
    const name = quoteName(column.name);
    return touched.includes(column) ? `${chosen(name)} AS ${name}` : `m.${name}`;
  };
  const path = join(spill, `filled-${filled.length}.parquet`);
  const joined = (table: string) => `FROM ${table} AS m LEFT JOIN incoming AS i ON ${sameKey}`;
  await db.run(
    `COPY (SELECT ${columns.map(cell).join(", ")} ${joined("base")} ORDER BY m.expver_row) TO ${sqlText(path)} (FORMAT parquet)`,
  );
  filled.push({ path, columns });
  await viewBase(db, standing);
  await renewAdded(db, standing, (file) => `SELECT ${standing.columns.map(cell).join(", ")} ${joined(file)} ORDER BY m.file_row_number`);
}

async function viewBase(db: DuckDb, { columns, file, row, filled }: StandingRows): Promise<void> {
  const last = filled.at(-1);
  const cells = columns.map((column) => (last?.columns.includes(column) ? `o.${quoteName(column.name)}` : settledColumns([column], file)));
  const beside = last === undefined ? "" : ` POSITIONAL JOIN read_parquet(${fileText(last.path)}, ${WITHOUT_FOLDERS}) AS o`;
  await db.run(`CREATE OR REPLACE VIEW base AS SELECT ${cells.join(", ")}, f.${row} AS expver_row FROM ${reading(file)} AS f${beside}`);
}

/** Query of all that is there, in parentheses. */
export function mergedRows({ columns, gone, added }: StandingRows): string {
  const all = columnNames(columns);
  const base = `SELECT ${all} FROM base${gone === 0 ? "" : " ANTI JOIN gone USING (expver_row)"}`;
  return `(${[base, ...added.map((rows) => `SELECT ${all} FROM ${whatIsAdded(rows)}`)].join(" UNION ALL ")})`;
}

/** So many row numbers can be joined with in memory; a join that cannot be loses the order of the rows. */
export function fitsJoin(db: DuckDb, numbers: number): boolean {
  return numbers * 64 < db.memory / 4;
}

/** Whether all that is there is the base as it was. */
export function isAsBase({ columns, filled, gone, added }: StandingRows): boolean {
  return columns.every(({ change }) => change === "same") && filled.length === 0 && gone === 0 && added.length === 0;
}

/** The planner may not turn joins round: only the side that is read row by row keeps its order. */
export const IN_ORDER = "SET disabled_optimizers = 'join_order,build_side_probe_side'";
