/**
 * The merged file: all that stands, in order. What can stay of the base's own row groups stays, if the file is to be like the base; what
 * comes behind them is written by several writers, each some of the columns.
 */
import { closeSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { appendBytes, writeAll } from "../../platform/files.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { together } from "../../platform/together.ts";
import { columnNames } from "./columns-sql.ts";
import { type DuckDb, fileText, sqlText, WITHOUT_FOLDERS } from "./duckdb.ts";
import type { Struct } from "./parquet/compact-protocol.ts";
import { addedColumns, FILE, type Footer, numberOf, readFooter } from "./parquet/footer.ts";
import { copyGroups, type KeptGroups, keepGroups, type ParquetFile, writeBehind } from "./parquet/keep-row-groups.ts";
import type { SettledColumn } from "./schema.ts";
import { addedRows, FILE_ROW, fitsJoin, IN_ORDER, leftOut, type StandingRows } from "./standing-rows.ts";

/** How the file is written, as far as that does not depend on which rows change. */
export interface WritingPlan {
  /** Of COPY. */
  options: string;
  /** The first line, where it is not what COPY would write. */
  header: string | null;
  /** A file without rows: names and types of columns that the base lacks. */
  model: string;
  /** The end of the base, and the columns that it lacks; null where none of its row groups can stay as it is. */
  base: { footer: Footer; added: Struct[] } | null;
}

export async function planWriting(
  db: DuckDb,
  { columns, file, isSource, spill }: StandingRows,
  { options, header, likeBase }: { options: string; header: string | null; likeBase: boolean },
): Promise<WritingPlan> {
  const model = join(spill, "model.parquet");
  await db.run(`COPY (SELECT ${columnNames(columns)} FROM base LIMIT 0) TO ${sqlText(model)} (FORMAT parquet)`);
  const [footer, written] = likeBase && isSource ? [readFooter(file.path), readFooter(model)] : [null, null];
  const added = footer && written && addedColumns(footer, written);
  return { options, header, model, base: footer === null || added === null ? null : { footer, added } };
}

export async function writeRows(db: DuckDb, standing: StandingRows, plan: WritingPlan, path: string): Promise<void> {
  const kept = await stayingGroups(db, standing, plan);
  // Base and added rows are read as one file after the other by one thread for each writer: neither a union nor several threads keep order
  // and row groups.
  await db.run(`SET threads = 1; ${IN_ORDER}`);
  if (kept === null || !(await writeBehindKept(db, standing, { plan, kept, path }))) await copyAll(db, standing, plan, path);
}

async function copyAll(db: DuckDb, standing: StandingRows, plan: WritingPlan, path: string): Promise<void> {
  const all = { plan, columns: standing.columns, from: 0 };
  if (plan.header === null) return copyRows(db, standing, { ...all, path });
  const body = join(standing.spill, "body");
  await copyRows(db, standing, { ...all, path: body });
  const file = openSync(path, "w");
  try {
    writeAll(file, Buffer.from(plan.header));
    appendBytes(file, body);
  } finally {
    closeSync(file);
  }
}

/** Answers false where what was written cannot be put together. */
async function writeBehindKept(
  db: DuckDb,
  standing: StandingRows,
  { plan, kept, path }: { plan: WritingPlan; kept: KeptGroups; path: string },
): Promise<boolean> {
  const parts = partsOf(db, standing, kept).map((columns, index) => ({
    plan,
    columns,
    from: kept.rows,
    path: join(standing.spill, `behind-${index}.parquet`),
  }));
  const file = openSync(path, "w");
  try {
    // DuckDB's threads write, and this one copies.
    const copying = async () => copyGroups(file, kept);
    await together([...parts.map((part) => copyRows(db, standing, part)), copying()]);
    const more: ParquetFile[] = [];
    for (const { path } of parts) {
      const footer = readFooter(path);
      if (footer === null) return false;
      more.push({ path, footer });
    }
    return writeBehind(file, { base: kept, added: plan.base?.added ?? [], more });
  } finally {
    closeSync(file);
  }
}

/** Row groups of the base that lose no row. */
async function stayingGroups(db: DuckDb, { file, filled, gone }: StandingRows, { base }: WritingPlan): Promise<KeptGroups | null> {
  if (base === null || filled.length > 0) return null;
  const [first] = gone === 0 ? [] : await db.rows("SELECT min(expver_row) AS row FROM gone");
  return keepGroups({ path: file.path, footer: base.footer }, { before: Number(first?.row ?? Number.POSITIVE_INFINITY) });
}

/** What it costs a writer to find out which rows there are is more than it saves below that. */
const LEAST_ROWS = 20_000;
const LEAST_COLUMNS = 4;
/** A writer has buffers. */
const MOST_PARTS = 4;

/** The columns, divided among so many writers as there are processors. */
function partsOf(db: DuckDb, standing: StandingRows, kept: KeptGroups): (readonly SettledColumn[])[] {
  const { columns } = standing;
  const rows = numberOf(kept.footer.fields, FILE.rows) - kept.rows - standing.gone + addedRows(standing);
  const most = Math.min(availableParallelism(), MOST_PARTS, Math.floor(columns.length / LEAST_COLUMNS));
  // Each keeps the numbers of rows that are left out.
  const parts = rows < LEAST_ROWS || !fitsJoin(db, leftOut(standing) * most) ? 1 : Math.max(1, most);
  const begin = (part: number) => Math.round((part * columns.length) / parts);
  return Array.from({ length: parts }, (_, part) => columns.slice(begin(part), begin(part + 1)));
}

/** Some of the columns, without the first rows of the base. */
async function copyRows(
  db: DuckDb,
  standing: StandingRows,
  { plan, columns, from, path }: { plan: WritingPlan; columns: readonly SettledColumn[]; from: number; path: string },
): Promise<void> {
  const { file, row, filled, gone, added } = standing;
  const files = [file.path, plan.model, ...added.map((one) => one.path)];
  const { at, option } = fileNumber(standing.columns, files);
  const last = filled.at(-1);
  const cells = columns.map((column) => {
    const name = quoteName(column.name);
    return last?.columns.includes(column) ? `CASE WHEN ${at} > 0 THEN f.${name} ELSE o.${name} END AS ${name}` : `f.${name}`;
  });
  const source = [`read_parquet([${files.map(fileText).join(", ")}], union_by_name = true, ${option}${WITHOUT_FOLDERS}) AS f`];
  if (last !== undefined) source.push(`POSITIONAL JOIN read_parquet(${fileText(last.path)}, ${WITHOUT_FOLDERS}) AS o`);
  if (gone > 0) source.push(`ANTI JOIN gone ON CASE WHEN ${at} = 0 THEN f.${row} END = gone.expver_row`);
  for (const [index, { without }] of added.entries()) {
    const isOne = `CASE WHEN ${at} = ${index + 2} THEN f.${FILE_ROW} END = ${without?.table}.expver_row`;
    if (without !== null) source.push(`ANTI JOIN ${without.table} ON ${isOne}`);
  }
  if (from > 0) source.push(`WHERE ${at} > 0 OR f.${row} >= ${from}`);
  if (!fitsJoin(db, leftOut(standing))) source.push(`ORDER BY ${at}, f.${row}`);
  await db.run(`COPY (SELECT ${cells.join(", ")} FROM ${source.join(" ")}) TO ${sqlText(path)} (${plan.options})`);
}

/** SQL of which of the files a row is from: DuckDB's own number, unless a column has that name. */
function fileNumber(columns: readonly SettledColumn[], files: readonly string[]): { at: string; option: string } {
  if (columns.every(({ name }) => name.toLowerCase() !== "file_index")) return { at: "f.file_index", option: "" };
  return { at: `(list_position([${files.map(sqlText).join(", ")}], f.expver_file) - 1)`, option: "filename = 'expver_file', " };
}
