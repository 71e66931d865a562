/** Files of rows merged into one: new rows are added, or replaced by key; streaming, within a memory limit. */

import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { ExpverError, failedWith } from "../../errors.ts";
import { appendBytes, hasSameBytes } from "../../platform/files.ts";
import { together } from "../../platform/together.ts";
import { besideOf, discard, putInPlace } from "../beside.ts";
import { ownColumn, settledColumns } from "./columns-sql.ts";
import { csvOptions, headerLine, isTabbed } from "./csv-form.ts";
import { type DataFile, kindOf, plainFormat, readDataFile, reading, writingLike } from "./data-file.ts";
import { type DuckDb, openDuckDb } from "./duckdb.ts";
import { mergeByKey } from "./merge-by-key.ts";
import { refuseAlikeNames } from "./own-names.ts";
import { refuseNanoseconds, refuseWideDecimals } from "./parquet/exact-values.ts";
import { rebaseByKey } from "./rebase-by-key.ts";
import { requireKey, requireUnique } from "./require-key.ts";
import { type SettledColumn, settleSchema } from "./schema.ts";
import { addedRows, isAsBase, numbersRows, type StandingRows, standOn } from "./standing-rows.ts";
import { addSurplus } from "./surplus.ts";
import { mergeThreeWay } from "./three-way.ts";
import type { DataMerge, DataReport, MergeStep } from "./types.ts";
import { planWriting, type WritingPlan, writeRows } from "./write-rows.ts";

export interface PreparedData {
  temporary: string;
  output: string;
  report: DataReport;
  /** False: the output has these very bytes. */
  changes: boolean;
}

/**
 * Makes the merged file beside the output. Throws E_SCHEMA, E_CONFLICT, E_KEY (a key that is not one: missing columns,
 * duplicates), with nothing left behind.
 */
export async function prepareDataMerge(merge: DataMerge): Promise<PreparedData> {
  const { output } = merge;
  const temporary = besideOf(output, "merged");
  const spill = besideOf(output, "spill");
  mkdirSync(spill, { recursive: true });
  const db = await openDuckDb({ spill, memory: merge.memory ?? "1GB", readsJson: readsJson(merge) });
  try {
    const report = await mergeAll(db, merge, { temporary, spill });
    const changes = !isSame(output, temporary);
    return { temporary, output, report, changes };
  } catch (error) {
    discard(temporary);
    throw error;
  } finally {
    db.close();
    discard(spill);
  }
}

export function commitDataMerge({ temporary, output, changes }: PreparedData): void {
  if (changes) putInPlace(temporary, output);
  else discard(temporary);
}

async function mergeAll(db: DuckDb, merge: DataMerge, { temporary, spill }: { temporary: string; spill: string }): Promise<DataReport> {
  const kinds = [merge.base.path, merge.output, ...merge.sources.map(({ path }) => path)].map(kindOf);
  const typed = new Set(kinds).size > 1;
  const [base, ...sources] = await readFiles(db, merge, { typed, spill });
  if (base === undefined) throw new TypeError("a merge has a base");
  const files = [base, ...sources];
  try {
    return await mergeFiles(db, files, { merge, temporary, spill });
  } catch (error) {
    throw namingFile(error, files);
  }
}

/** What is wrong in a line is said of the file as a person calls it, not of a copy. */
function namingFile(error: unknown, files: readonly DataFile[]): unknown {
  const file = error instanceof ExpverError && files.find(({ path, csv }) => [path, csv?.path].includes(String(error.details?.path)));
  if (!file) return error;
  const { code, message, hint, details, cause } = error as ExpverError;
  return new ExpverError(
    code,
    message.replace(String(details?.path), () => file.name),
    { hint, details: { ...details, path: file.path }, cause },
  );
}

async function mergeFiles(
  db: DuckDb,
  files: readonly DataFile[],
  { merge, temporary, spill }: { merge: DataMerge; temporary: string; spill: string },
): Promise<DataReport> {
  const [base, ...sources] = files as [DataFile, ...DataFile[]];
  const columns = settleSchema(files, merge);
  for (const file of files) requireKey(file, merge.keyColumns);
  const standing = await standOn(db, base, { columns, spill });
  const [{ before, plan }, reports] = await together([
    look(db, base, { merge, standing }),
    mergeSources(db, { base, sources }, { merge, standing, keys: merge.keyColumns.map((name) => nameIn(columns, name)) }),
  ]);
  if (isLike(merge) && isAsBase(standing)) copyContents(base.path, temporary);
  else await writeRows(db, standing, plan, temporary);
  const after = before - standing.gone + addedRows(standing);
  return { output: merge.output, strategy: merge.strategy, columns, before, after, sources: reports };
}

/** The base, then the sources. JSON is read whole to know its columns: one file after the other, for the sake of memory. */
async function readFiles(db: DuckDb, merge: DataMerge, options: { typed: boolean; spill: string }): Promise<DataFile[]> {
  const named = [merge.base, ...ordered(merge)];
  const readOne = async (one: DataMerge["base"]) => {
    const file = await readDataFile(db, one, options);
    await refuseAlikeNames(db, file);
    if (file.kind === "parquet") {
      await refuseWideDecimals(db, file);
      if (!merge.allowWiden) await refuseNanoseconds(db, file, options);
    }
    return file;
  };
  if (!readsJson(merge)) return [...(await together(named.map(readOne)))];
  const files: DataFile[] = [];
  for (const one of named) files.push(await readOne(one));
  return files;
}

function readsJson({ base, sources }: DataMerge): boolean {
  return [base, ...sources].some(({ path }) => kindOf(path) === "json");
}

/** What needs no source: how many rows the base has, and how the result will be written. */
async function look(
  db: DuckDb,
  base: DataFile,
  { merge, standing }: { merge: DataMerge; standing: StandingRows },
): Promise<{ before: number; plan: WritingPlan }> {
  const sameColumns = standing.columns.every(({ change }) => change === "same");
  const form = isLike(merge) ? base.csv : undefined;
  const header = form === undefined ? null : headerLine(form, standing.columns);
  const options =
    form !== undefined
      ? csvOptions(form, { header: header === null })
      : isLike(merge)
        ? await writingLike(db, base, { sameColumns })
        : plainFormat(merge.output);
  const plan = await planWriting(db, standing, { options, header, likeBase: isLike(merge) });
  return { before: await countRows(db, "base"), plan };
}

/** The result is a file of the same kind as the base. */
function isLike({ base, output }: DataMerge): boolean {
  return kindOf(output) === kindOf(base.path) && isTabbed(output) === isTabbed(base.path);
}

async function mergeSources(
  db: DuckDb,
  { base, sources }: { base: DataFile; sources: readonly DataFile[] },
  step: Omit<MergeStep, "rows">,
): Promise<DataReport["sources"]> {
  const { merge, standing, keys } = step;
  // Rows of one key replace all rows of that key: in a rebase a key may stand for many rows.
  const isUnique = merge.strategy === "merge" && keys.length > 0;
  if (isUnique) await requireUnique(db, "base", { file: base, keys });
  const reports: DataReport["sources"] = [];
  // One source after the other: what one adds the next one finds.
  for (const source of sources) {
    await viewIncoming(db, source, standing.columns);
    if (isUnique) await requireUnique(db, "incoming", { file: source, keys });
    reports.push(await mergeOne(db, source, { ...step, rows: await countRows(db, "incoming") }));
  }
  return reports;
}

/** The order matters only where a later source is to win. */
function ordered({ sources, strategy, onConflict }: DataMerge): DataMerge["sources"] {
  if (strategy === "rebase" || onConflict === "theirs") return sources;
  return [...sources].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function mergeOne(db: DuckDb, source: DataFile, step: MergeStep): Promise<DataReport["sources"][number]> {
  const report = { source: source.name, rows: step.rows, inserted: 0, replaced: 0, removed: 0, filled: 0, resolved: 0 };
  if (step.merge.strategy === "rebase") return { ...report, ...(await rebaseByKey(db, source, step)) };
  if (step.keys.length > 0) return { ...report, ...(await mergeByKey(db, source, step)) };
  const ancestor = await readAncestor(db, step);
  if (ancestor !== null) return { ...report, ...(await mergeThreeWay(db, step.standing, ancestor)) };
  return { ...report, inserted: await addSurplus(db, step.standing, { source, rows: step.rows }) };
}

/** Null: there is none, or it is no such file (an empty one). */
async function readAncestor(db: DuckDb, { merge: { ancestor }, standing }: MergeStep): Promise<DataFile | null> {
  if (ancestor === undefined) return null;
  try {
    return await readDataFile(db, ancestor, { typed: false, spill: standing.spill });
  } catch (error) {
    if (!failedWith(error, "E_DATA")) throw error;
    return null;
  }
}

/** `incoming`: a source's rows, with the settled columns and `expver_row`, their order. */
async function viewIncoming(db: DuckDb, source: DataFile, columns: readonly SettledColumn[]): Promise<void> {
  const rows = (number: string) => `SELECT ${settledColumns(columns, source)}, ${number} AS expver_row FROM ${reading(source)} AS f`;
  await db.run("DROP VIEW IF EXISTS incoming");
  if (source.kind === "parquet" && numbersRows(source)) await db.run(`CREATE VIEW incoming AS ${rows("f.file_row_number")}`);
  else {
    await db.run(`CREATE OR REPLACE TABLE incoming_rows AS ${rows("row_number() OVER ()")}`);
    await db.run("CREATE VIEW incoming AS SELECT * FROM incoming_rows");
  }
}

/** Not its mode: what DVC has stored is read-only. */
function copyContents(from: string, to: string): void {
  const file = openSync(to, "w");
  try {
    appendBytes(file, from);
  } finally {
    closeSync(file);
  }
}

function nameIn(columns: readonly SettledColumn[], name: string): string {
  return ownColumn({ columns }, name)?.name ?? name;
}

async function countRows(db: DuckDb, table: "base" | "incoming"): Promise<number> {
  const [row] = await db.rows(`SELECT count(*) AS n FROM ${table}`);
  return Number(row?.n);
}

function isSame(one: string, other: string): boolean {
  return existsSync(one) && statSync(one).size === statSync(other).size && hasSameBytes(one, other);
}
