/** Files of rows merged into one: new rows are added, or replaced by key; streaming, within a memory limit. */

import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../../errors.ts";
import { counted } from "../../platform/words.ts";
import { besideOf, discard, putInPlace } from "../beside.ts";
import { type DataFile, kindOf, plainFormat, readDataFile, reading, writingLike } from "./data-file.ts";
import { type DuckDb, openDuckDb } from "./duckdb.ts";
import { type SettledColumn, settleSchema } from "./schema.ts";

export interface DataMerge {
  base: { path: string; name: string };
  sources: readonly { path: string; name: string }[];
  output: string;
  strategy: "merge" | "rebase";
  /** Merge: tells rows apart (none: all their values do). Rebase: says which rows replace which. */
  keyColumns: readonly string[];
  matchNullKeys: boolean;
  /** Of two values of one cell under one key; newest is not known of files. */
  onConflict: "ours" | "theirs" | undefined;
  allowWiden: boolean;
  /** Such as `1GB`. */
  memory?: string;
}

export interface DataReport {
  output: string;
  strategy: DataMerge["strategy"];
  columns: SettledColumn[];
  /** Rows of the base, and of the result. */
  before: number;
  after: number;
  sources: { source: string; rows: number; inserted: number; replaced: number; filled: number; resolved: number }[];
}

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
  const db = await openDuckDb({ spill, memory: merge.memory ?? "1GB" });
  try {
    const report = await mergeAll(db, merge, { temporary, spill });
    const changes = !existsSync(output) || (await digest(output)) !== (await digest(temporary));
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
  const base = await readDataFile(db, merge.base, { typed });
  const sources: DataFile[] = [];
  for (const source of ordered(merge)) sources.push(await readDataFile(db, source, { typed }));
  const files = [base, ...sources];
  const columns = settleSchema(files, merge);
  for (const file of files) await checkKey(db, file, merge);
  const sameColumns = columns.every(({ change }) => change === "same");
  const options =
    kindOf(merge.output) === kindOf(merge.base.path) ? await writingLike(db, base, { sameColumns }) : plainFormat(kindOf(merge.output));

  const before = await count(db, base);
  // One source after the other: what one adds the next one finds.
  const { into, result } = keepsBase(base, columns, merge)
    ? await readBase(db, base, { columns, spill })
    : await loadBase(db, base, columns);
  const reports: DataReport["sources"] = [];
  for (const source of sources) reports.push(await mergeOne(db, source, { columns, merge, into }));
  const [{ rows: after = 0 } = {}] = await db.rows("SELECT count(*) AS rows FROM merged");
  await db.run(`COPY (${await result()}) TO $1 (${options})`, [temporary]);
  return { output: merge.output, strategy: merge.strategy, columns, before, after: Number(after), sources: reports };
}

interface Merging {
  /** Table that new rows go into. */
  into: "merged" | "added";
  /** Query of all rows in their order, once all are there. */
  result: () => Promise<string>;
}

/** A table of its own, which spills: rows of the base may change or go. */
async function loadBase(db: DuckDb, base: DataFile, columns: readonly SettledColumn[]): Promise<Merging> {
  await db.run(`CREATE TABLE merged AS SELECT ${casts(columns, base)}, row_number() OVER () AS expver_row FROM ${reading(base.kind, 1)}`, [
    base.path,
  ]);
  return { into: "merged", result: async () => `SELECT ${names(columns)} FROM merged ORDER BY expver_row` };
}

/**
 * Nothing of the base changes: it is read where it lies, and only what is new is kept. In the end both are read as one file after the
 * other by one thread, as neither a union nor several threads keep order and row groups.
 */
async function readBase(
  db: DuckDb,
  base: DataFile,
  { columns, spill }: { columns: readonly SettledColumn[]; spill: string },
): Promise<Merging> {
  const all = names(columns);
  const literal = (path: string) => `'${path.replaceAll("'", "''")}'`;
  await db.run(`CREATE VIEW base AS SELECT ${casts(columns, base)} FROM read_parquet(${literal(base.path)})`);
  await db.run("CREATE TABLE added AS SELECT *, 0::BIGINT AS expver_row FROM base LIMIT 0");
  await db.run(`CREATE VIEW merged AS SELECT ${all} FROM base UNION ALL SELECT ${all} FROM added`);
  const rest = join(spill, "added.parquet");
  return {
    into: "added",
    result: async () => {
      await db.run(`COPY (SELECT ${all} FROM added ORDER BY expver_row) TO ${literal(rest)} (FORMAT parquet)`);
      await db.run("SET threads = 1");
      return `SELECT ${all} FROM read_parquet([${literal(base.path)}, ${literal(rest)}], union_by_name = true)`;
    },
  };
}

/** No row of the base changes, nor the type of any of its columns. */
function keepsBase(base: DataFile, columns: readonly SettledColumn[], { strategy, keyColumns }: DataMerge): boolean {
  const isAsItIs = ({ name, type }: DataFile["columns"][number]) => columns.some((one) => one.name === name && one.type === type);
  return base.kind === "parquet" && strategy === "merge" && keyColumns.length === 0 && base.columns.every(isAsItIs);
}

/** The order matters only where a later source is to win. */
function ordered({ sources, strategy, onConflict }: DataMerge): DataMerge["sources"] {
  if (strategy === "rebase" || onConflict === "theirs") return sources;
  return [...sources].sort((one, other) => (one.name < other.name ? -1 : 1));
}

interface Step extends Pick<Merging, "into"> {
  columns: SettledColumn[];
  merge: DataMerge;
}

async function mergeOne(db: DuckDb, source: DataFile, step: Step): Promise<DataReport["sources"][number]> {
  const { columns, merge } = step;
  await db.run(
    `CREATE OR REPLACE TABLE incoming AS SELECT ${casts(columns, source)}, row_number() OVER () AS expver_row FROM ${reading(source.kind, 1)}`,
    [source.path],
  );
  const rows = await numberOf(db, "SELECT count(*) AS n FROM incoming");
  const report = { source: source.name, rows, inserted: 0, replaced: 0, filled: 0, resolved: 0 };
  const keys = merge.keyColumns.map((name) => quoted(nameIn(columns, name)));
  const hasKey = keys.map((key) => `${key} IS NOT NULL`).join(" AND ");
  if (merge.strategy === "rebase") {
    const equal = keys.map((key) => (merge.matchNullKeys ? `i.${key} IS NOT DISTINCT FROM m.${key}` : `i.${key} = m.${key}`)).join(" AND ");
    const [{ Count = 0 } = {}] = await db.rows(`DELETE FROM merged AS m WHERE EXISTS (SELECT 1 FROM incoming AS i WHERE ${equal})`);
    report.replaced = Number(Count);
    // Rows that replace nothing must not come again when the rebase is repeated.
    const isWhole = merge.matchNullKeys ? "true" : hasKey;
    report.inserted = await append(db, step, `SELECT * FROM incoming WHERE ${isWhole}`);
    if (!merge.matchNullKeys) report.inserted += await append(db, step, surplus(columns, `NOT (${hasKey})`));
  } else if (keys.length === 0) report.inserted = await append(db, step, surplus(columns, "true"));
  else Object.assign(report, await mergeByKey(db, source, { keys, hasKey }, step));
  await db.run("DROP TABLE incoming");
  return report;
}

/** Rows that occur more often in `incoming` than in `merged`, as many times as they do. */
function surplus(columns: readonly SettledColumn[], where: string): string {
  const all = names(columns);
  const same = columns.map(({ name }) => `n.${quoted(name)} IS NOT DISTINCT FROM c.${quoted(name)}`).join(" AND ");
  // Only rows that may be among the incoming ones are counted: grouping all of a large file would not fit into memory.
  const alike = `hash(${all}) IN (SELECT hash(${all}) FROM incoming WHERE ${where})`;
  return `SELECT n.* EXCLUDE (expver_nth) FROM (SELECT *, row_number() OVER (PARTITION BY ${all} ORDER BY expver_row) AS expver_nth FROM incoming WHERE ${where}) AS n
    LEFT JOIN (SELECT ${all}, count(*) AS expver_times FROM merged WHERE ${where} AND ${alike} GROUP BY ${all}) AS c ON ${same} WHERE n.expver_nth > coalesce(c.expver_times, 0)`;
}

/** Appends rows in their order, after those that are there. */
async function append(db: DuckDb, { columns, into }: Step, rows: string): Promise<number> {
  const list = names(columns);
  const [{ Count = 0 } = {}] = await db.rows(
    `INSERT INTO ${into} SELECT ${list}, (SELECT coalesce(max(expver_row), 0) FROM ${into}) + row_number() OVER (ORDER BY expver_row) FROM (${rows})`,
  );
  return Number(Count);
}

async function mergeByKey(
  db: DuckDb,
  source: DataFile,
  { keys, hasKey }: { keys: readonly string[]; hasKey: string },
  step: Step,
): Promise<{ inserted: number; filled: number; resolved: number }> {
  const { columns, merge } = step;
  const values = columns.map(({ name }) => quoted(name)).filter((name) => !keys.includes(name));
  const sameKey = keys.map((key) => `i.${key} = m.${key}`).join(" AND ");
  const clash = (name: string) => `(m.${name} IS NOT NULL AND i.${name} IS NOT NULL AND m.${name} <> i.${name})`;
  const fill = (name: string) => `(m.${name} IS NULL AND i.${name} IS NOT NULL)`;
  const sum = (terms: string[]) => (terms.length === 0 ? "0" : `coalesce(sum(${terms.map((term) => `${term}::INT`).join(" + ")}), 0)`);
  const both = `FROM merged AS m JOIN incoming AS i ON ${sameKey}`;
  const [{ filled = 0, resolved = 0 } = {}] = await db.rows(
    `SELECT ${sum(values.map(fill))} AS filled, ${sum(values.map(clash))} AS resolved ${both}`,
  );
  if (Number(resolved) > 0 && merge.onConflict === undefined)
    throw await conflict(db, source, { keys, values, both, clash, count: Number(resolved) });
  if (Number(filled) > 0 || Number(resolved) > 0) {
    const chosen = (name: string) => (merge.onConflict === "theirs" ? `coalesce(i.${name}, m.${name})` : `coalesce(m.${name}, i.${name})`);
    const all = columns.map(({ name }) => quoted(name)).map((name) => (values.includes(name) ? `${chosen(name)} AS ${name}` : `m.${name}`));
    await db.run(`CREATE TABLE filled AS SELECT ${all.join(", ")}, m.expver_row FROM merged AS m LEFT JOIN incoming AS i ON ${sameKey}`);
    await db.run("DROP TABLE merged");
    await db.run("ALTER TABLE filled RENAME TO merged");
  }
  const added = await append(
    db,
    step,
    `SELECT * FROM incoming AS i WHERE ${hasKey} AND NOT EXISTS (SELECT 1 FROM merged AS m WHERE ${sameKey})`,
  );
  const keyless = await append(db, step, surplus(columns, `NOT (${hasKey})`));
  return { inserted: added + keyless, filled: Number(filled), resolved: Number(resolved) };
}

async function conflict(
  db: DuckDb,
  source: DataFile,
  {
    keys,
    values,
    both,
    clash,
    count: all,
  }: { keys: readonly string[]; values: readonly string[]; both: string; clash: (name: string) => string; count: number },
): Promise<ExpverError> {
  const conflicts: Record<string, unknown>[] = [];
  for (const name of values) {
    if (conflicts.length >= 20) break;
    const key = keys.map((one) => `m.${one}::VARCHAR`).join(" || ' ' || ");
    const found = await db.rows(
      `SELECT ${key} AS key, m.${name}::VARCHAR AS ours, i.${name}::VARCHAR AS theirs ${both} WHERE ${clash(name)} ORDER BY 1 LIMIT 20`,
    );
    conflicts.push(...found.map((one) => ({ column: name.slice(1, -1).replaceAll('""', '"'), ...one })));
  }
  const lines = conflicts.slice(0, 5).map(({ key, column, ours, theirs }) => `  ${key} ${column}: ${ours} here, ${theirs} there`);
  return new ExpverError(
    "E_CONFLICT",
    [`${counted(all, "cell")} of ${source.name} ${all === 1 ? "differs" : "differ"} from those that are there:`, ...lines].join("\n"),
    {
      details: { source: source.name, count: all, conflicts },
    },
  );
}

/** Throws E_KEY: a key column that is not there, or, in a merge, two rows with one key. */
async function checkKey(db: DuckDb, file: DataFile, { keyColumns, strategy }: DataMerge): Promise<void> {
  if (keyColumns.length === 0) return;
  const missing = keyColumns.filter((name) => !file.columns.some((column) => column.name.toLowerCase() === name.toLowerCase()));
  if (missing.length > 0) {
    throw new ExpverError(
      "E_KEY",
      `${file.name} has no column ${missing.join(", ")}; it has ${file.columns.map(({ name }) => name).join(", ")}`,
      {
        details: { file: file.path, missing },
      },
    );
  }
  // Rows of one key replace all rows of that key: a key may stand for many rows.
  if (strategy === "rebase") return;
  const keys = keyColumns.map((name) =>
    quoted(file.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name),
  );
  const text = keys.map((key) => `${key}::VARCHAR`).join(" || ' ' || ");
  const [twice] = await db.rows(
    `SELECT ${text} AS key, count(*) AS times FROM ${reading(file.kind, 1)} WHERE ${keys.map((key) => `${key} IS NOT NULL`).join(" AND ")} GROUP BY ${keys.join(", ")} HAVING count(*) > 1 ORDER BY 1 LIMIT 1`,
    [file.path],
  );
  if (twice !== undefined) {
    throw new ExpverError("E_KEY", `${file.name} has ${twice.times} rows with the key ${twice.key} (${keyColumns.join(", ")})`, {
      details: { file: file.path, key: twice.key },
    });
  }
}

function casts(columns: readonly SettledColumn[], file: DataFile): string {
  return columns
    .map(({ name, type }) => {
      const own = file.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
      if (own === undefined) return `NULL::${type} AS ${quoted(name)}`;
      return own.type === type ? `${quoted(own.name)} AS ${quoted(name)}` : `${quoted(own.name)}::${type} AS ${quoted(name)}`;
    })
    .join(", ");
}

function names(columns: readonly SettledColumn[]): string {
  return columns.map(({ name }) => quoted(name)).join(", ");
}

function nameIn(columns: readonly SettledColumn[], name: string): string {
  return columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function count(db: DuckDb, file: DataFile): Promise<number> {
  const [{ n = 0 } = {}] = await db.rows(`SELECT count(*) AS n FROM ${reading(file.kind, 1)}`, [file.path]);
  return Number(n);
}

async function numberOf(db: DuckDb, sql: string): Promise<number> {
  const [{ n = 0 } = {}] = await db.rows(sql);
  return Number(n);
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
