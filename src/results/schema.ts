/** Tables of the results database: xetrack's events tables, found by their columns, and our own. */
import { ExpverError } from "../errors.ts";
import { type Database, foldName, quoteName } from "../platform/sqlite.ts";
import type { RunRecord } from "./types.ts";

/** xetrack's name for its table; a reserved word, so names are always quoted. */
export const DEFAULT_TABLE = "default";
export const RUNS_TABLE = "expver_runs";
export const RUN_TRACKS_TABLE = "expver_run_tracks";
/** Sets of installed packages, which runs name by digest. Not there before the first. */
export const PACKAGES_TABLE = "expver_packages";
/** Which rows a merge brought from where. */
export const ROW_SOURCES_TABLE = "expver_row_sources";
export const STAMP_COLUMNS = ["version", "git_commit", "dvc_hash"] as const;

export interface EventsTable {
  name: string;
  columns: Column[];
  /** No two rows share track_id and timestamp. xetrack's own tables always; tables made by other tools perhaps not. */
  keyed: boolean;
}

export interface Column {
  name: string;
  /** As declared; cells may hold another type. */
  type: string;
}

/** Every table with a `track_id` and a `timestamp` column. `schema` is `main` or the name of an attached database. */
export function eventsTables(db: Database, schema: "main" | "before" = "main"): EventsTable[] {
  const rows = db.arrays(
    `SELECT t.name, c.name, c.type, c.pk FROM ${schema}.sqlite_schema AS t JOIN pragma_table_info(t.name, '${schema}') AS c
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.rowid, c.cid`,
  );
  const found = new Map<string, EventsTable & { key: string[] }>();
  for (const [table, name, type, position] of rows as [string, string, string, bigint][]) {
    const entry = found.get(table) ?? { name: table, columns: [], keyed: false, key: [] };
    entry.columns.push({ name, type });
    if (position > 0n) entry.key.push(foldName(name));
    found.set(table, entry);
  }
  return [...found.values()]
    .filter(({ columns }) => hasColumn(columns, "track_id") && hasColumn(columns, "timestamp"))
    .map(({ name, columns, key }) => ({ name, columns, keyed: key.sort().join() === "timestamp,track_id" }));
}

/** Columns of one table; empty when there is no such table. */
export function tableColumns(db: Database, table: string): Column[] {
  return db.arrays("SELECT name, type FROM pragma_table_info(?, 'main')", [table]).map(([name, type]) => ({
    name: String(name),
    type: String(type),
  }));
}

/** SQLite compares names without case (of ASCII letters): `Loss` and `loss` are one column. */
export function hasColumn(columns: readonly Column[], name: string): boolean {
  return columns.some((column) => foldName(column.name) === foldName(name));
}

/** Makes an events table as xetrack does, if it is missing. Inside a write transaction. */
export function ensureEventsTable(db: Database, table: string): void {
  db.exec(`CREATE TABLE IF NOT EXISTS ${quoteName(table)} (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp))`);
}

/** It is an events table, or can be made one: there is no other table, and no view, of that name. */
export function takesRows(db: Database, table: string): boolean {
  const columns = tableColumns(db, table);
  return columns.length === 0 || (hasTable(db, table) && ["track_id", "timestamp"].every((name) => hasColumn(columns, name)));
}

/** SQLite makes no table with more. */
export const MOST_COLUMNS = 2000;

/**
 * Adds the columns that are missing, and answers them. Inside a write transaction nobody can add one between our look and our ALTER;
 * a column of that name made by another process before is no error, whatever its type.
 */
export function addColumns(db: Database, table: string, wanted: readonly Column[]): Column[] {
  const present = tableColumns(db, table);
  const added: Column[] = [];
  for (const column of wanted) {
    if (hasColumn(present, column.name)) continue;
    if (isComputed(db, table, column.name)) throw computed(table, column.name);
    if (present.length >= MOST_COLUMNS) {
      throw new ExpverError("E_DATABASE", `the table ${table} has ${present.length} columns, and can have no ${column.name} besides`, {
        hint: "Log fewer names, or into another table: what has thousands of values belongs into a file.",
        details: { table, column: column.name },
      });
    }
    db.exec(`ALTER TABLE main.${quoteName(table)} ADD COLUMN ${quoteName(column.name)} ${plainType(column.type)}`);
    present.push(column);
    added.push(column);
  }
  return added;
}

/** `pragma_table_info`, and so every other look at a table, has no generated columns. */
function isComputed(db: Database, table: string, column: string): boolean {
  return db.get("SELECT 1 FROM pragma_table_xinfo(?, 'main') WHERE name = ? COLLATE NOCASE", [table, column]) !== undefined;
}

function computed(table: string, column: string): ExpverError {
  return new ExpverError("E_DATABASE", `the table ${table} computes its column ${column}: no value of it can be stored`, {
    hint: "Leave it out, or give it another name; or drop it here: ALTER TABLE … DROP COLUMN.",
    details: { table, column },
  });
}

/** Makes the table of another database here: its columns and key, none of its other rules. */
export function createLike(
  db: Database,
  { name, columns, key }: { name: string; columns: readonly Column[]; key: readonly string[] },
): void {
  const parts = columns.map((column) => `${quoteName(column.name)} ${plainType(column.type)}`);
  if (key.length > 0) parts.push(`PRIMARY KEY (${key.map(quoteName).join(", ")})`);
  db.exec(`CREATE TABLE main.${quoteName(name)} (${parts.join(", ")})`);
}

/** A declared type comes from somebody else's file and goes into our SQL: words, numbers, brackets. */
function plainType(type: string): string {
  return /^[A-Za-z0-9_ ]*(?:\([0-9 ,]*\))?$/.test(type) ? type : "";
}

const RUN_COLUMNS: Record<keyof RunRecord, "TEXT" | "INTEGER"> = {
  run_id: "TEXT",
  version: "TEXT",
  status: "TEXT",
  command: "TEXT",
  argv: "TEXT",
  params: "TEXT",
  metrics: "TEXT",
  message: "TEXT",
  start: "TEXT",
  end: "TEXT",
  exit_code: "INTEGER",
  signal: "TEXT",
  git_commit: "TEXT",
  dvc_hash: "TEXT",
  dirty: "INTEGER",
  patch: "TEXT",
  changed_during_run: "TEXT",
  environment: "TEXT",
  log: "TEXT",
  seed: "TEXT",
  host: "TEXT",
  user: "TEXT",
};
export const RUN_FIELDS = Object.keys(RUN_COLUMNS) as (keyof RunRecord)[];

/** Makes the run tables, and columns an older expver did not know. Inside a write transaction. */
export function ensureRunTables(db: Database): void {
  db.exec(`CREATE TABLE IF NOT EXISTS ${RUNS_TABLE} (run_id TEXT PRIMARY KEY)`);
  addColumns(
    db,
    RUNS_TABLE,
    RUN_FIELDS.map((name) => ({ name, type: RUN_COLUMNS[name] })),
  );
  db.exec(
    `CREATE TABLE IF NOT EXISTS ${RUN_TRACKS_TABLE} (run_id TEXT, "table" TEXT, track_id TEXT, first TEXT, last TEXT, rows INTEGER,
     PRIMARY KEY (run_id, "table", track_id, first))`,
  );
}

/** Where expver writes rows of its own: the first table of choice, else the first there is, else xetrack's default. */
export function mainTable(db: Database | null, tables: readonly string[]): string {
  const found = db === null || tables.length > 0 ? [] : eventsTables(db);
  const hasDefault = found.some(({ name }) => name === DEFAULT_TABLE);
  return tables[0] ?? found.find((one) => !hasDefault || !isOfOldXetrack(one))?.name ?? DEFAULT_TABLE;
}

/** Until xetrack 0.3 there was one table, `events`; its Reader of today looks into `default`. */
function isOfOldXetrack({ name, columns: [first] }: EventsTable): boolean {
  return name === "events" && first?.name === "timestamp";
}

/** As SQLite compares their names: without case. */
export function hasTable(db: Database, name: string): boolean {
  return db.get("SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", [name]) !== undefined;
}
