/** The run tables: who ran, what came of it, which rows are its own. */

import { ExpverError } from "../errors.ts";
import { fieldsOf } from "../platform/mapping.ts";
import { type Database, quoteName, type SqlRow, type SqlValue } from "../platform/sqlite.ts";
import { type InstalledPackages, insertPackages } from "./packages.ts";
import { ensureRunTables, hasTable, RUN_FIELDS, RUN_TRACKS_TABLE, RUNS_TABLE } from "./schema.ts";
import type { RunRecord, RunTrack, TrackRows } from "./types.ts";

export function insertRun(db: Database, run: RunRecord, packages: InstalledPackages | null = null): void {
  const names = RUN_FIELDS.map(quoteName).join(", ");
  const places = RUN_FIELDS.map(() => "?").join(", ");
  db.write(() => {
    ensureRunTables(db);
    db.run(
      `INSERT INTO ${RUNS_TABLE} (${names}) VALUES (${places})`,
      RUN_FIELDS.map((name) => toSql(run[name])),
    );
    if (packages !== null) insertPackages(db, packages);
  });
}

/** Changes some fields of a run. Throws E_NOT_FOUND when there is no such run. */
export function updateRun(db: Database, runId: string, changes: Partial<Omit<RunRecord, "run_id">>): void {
  const names = RUN_FIELDS.filter((name) => name !== "run_id" && name in changes) as (keyof typeof changes)[];
  if (names.length === 0) return;
  const sets = names.map((name) => `${quoteName(name)} = ?`).join(", ");
  const changed = db.write(() => {
    ensureRunTables(db);
    return db.run(`UPDATE ${RUNS_TABLE} SET ${sets} WHERE run_id = ?`, [...names.map((name) => toSql(changes[name] ?? null)), runId]);
  });
  if (changed === 0) throw noSuchRun(db, runId);
}

/** All runs, or those of these names, the latest first. `patch` is null unless asked for: it may be large. */
export function readRuns(db: Database, { patch = false, only }: { patch?: boolean; only?: readonly string[] } = {}): RunRecord[] {
  if (!hasTable(db, RUNS_TABLE)) return [];
  const where = only === undefined ? "" : "WHERE run_id IN (SELECT value FROM json_each(?))";
  const sql = `SELECT ${selection(db, patch)} FROM ${RUNS_TABLE} ${where} ORDER BY start DESC, run_id`;
  return db.all(sql, only === undefined ? [] : [JSON.stringify(only)]).map(toRecord);
}

/** Which runs there are, the latest first, without their texts: a run of five hundred parameters has ten kilobytes of them. */
export function readRunStarts(db: Database): Pick<RunRecord, "run_id" | "start">[] {
  if (!hasTable(db, RUNS_TABLE)) return [];
  const rows = db.arrays(`SELECT run_id, start FROM ${RUNS_TABLE} ORDER BY start DESC, run_id`);
  return rows.map(([run_id, start]) => ({ run_id: String(run_id), start: String(start) }));
}

/** What each run measured and on which code, without its other texts; see {@link readRunStarts}. */
export function readRunNumbers(db: Database): Pick<RunRecord, "run_id" | "git_commit" | "metrics">[] {
  if (!hasTable(db, RUNS_TABLE)) return [];
  const text = (value: SqlValue | undefined) => (value === null || value === undefined ? null : String(value));
  return db
    .arrays(`SELECT ${columnsOf(db, ["run_id", "git_commit", "metrics"])} FROM ${RUNS_TABLE}`)
    .map(([run, commit, metrics]) => ({ run_id: String(run), git_commit: text(commit), metrics: text(metrics) ?? "{}" }));
}

/** One run with everything, or null. */
export function readRun(db: Database, runId: string): RunRecord | null {
  if (!hasTable(db, RUNS_TABLE)) return null;
  const row = db.get(`SELECT ${selection(db, true)} FROM ${RUNS_TABLE} WHERE run_id = ?`, [runId]);
  return row === undefined ? null : toRecord(row);
}

/** Says that these rows are the run's; repeating changes nothing. */
export function addRunTracks(db: Database, runId: string, tracks: readonly TrackRows[]): void {
  const sql = `INSERT OR REPLACE INTO ${RUN_TRACKS_TABLE} (run_id, "table", track_id, first, last, rows) VALUES (?, ?, ?, ?, ?, ?)`;
  db.write(() => {
    ensureRunTables(db);
    for (const { table, track_id, first, last, rows } of tracks) db.run(sql, [runId, table, track_id, first, last, BigInt(rows)]);
  });
}

/** The rows of one run, or of all of them. */
export function runTracks(db: Database, runId?: string): RunTrack[] {
  return runId === undefined ? tracksWhere(db, "") : tracksWhere(db, "WHERE run_id = ?", runId);
}

/** The stretches of these runs, and those of tracks that are called as one of them. */
export function tracksAbout(db: Database, runs: readonly string[]): RunTrack[] {
  return tracksWhere(
    db,
    "WHERE run_id IN (SELECT value FROM json_each(?1)) OR track_id IN (SELECT value FROM json_each(?1))",
    JSON.stringify(runs),
  );
}

function tracksWhere(db: Database, where: string, ...values: SqlValue[]): RunTrack[] {
  if (!hasTable(db, RUN_TRACKS_TABLE)) return [];
  const sql = `SELECT run_id, "table", track_id, first, last, rows FROM ${RUN_TRACKS_TABLE} ${where} ORDER BY run_id, "table", first`;
  return db.arrays(sql, values).map(([run_id, table, track_id, first, last, rows]) => ({
    run_id: String(run_id),
    table: String(table),
    track_id: String(track_id),
    first: String(first),
    last: String(last),
    rows: Number(rows),
  }));
}

/** Each once. */
export function versionsOfRuns(db: Database): string[] {
  if (!hasTable(db, RUNS_TABLE)) return [];
  return db.arrays(`SELECT DISTINCT version FROM ${RUNS_TABLE} WHERE version IS NOT NULL`).map(([version]) => String(version));
}

/** `patch` may be large. */
function selection(db: Database, patch: boolean): string {
  return columnsOf(db, RUN_FIELDS, patch ? [] : ["patch"]);
}

/** Columns a database of an older expver lacks read as null, and so do those that are left out. */
function columnsOf(db: Database, names: readonly string[], leftOut: readonly string[] = []): string {
  const present = new Set(db.arrays("SELECT name FROM pragma_table_info(?)", [RUNS_TABLE]).map(([name]) => name));
  return names.map((name) => (present.has(name) && !leftOut.includes(name) ? quoteName(name) : `NULL AS ${quoteName(name)}`)).join(", ");
}

function toRecord(row: SqlRow): RunRecord {
  const record = Object.fromEntries(
    RUN_FIELDS.map((name) => [name, typeof row[name] === "bigint" ? Number(row[name]) : (row[name] ?? null)]),
  );
  const filled = { ...record, params: record.params ?? "{}", metrics: record.metrics ?? "{}", dirty: record.dirty ?? 0 };
  return filled as unknown as RunRecord;
}

function toSql(value: string | number | null): SqlValue {
  return typeof value === "number" ? BigInt(value) : value;
}

function noSuchRun(db: Database, runId: string): ExpverError {
  const known = db.arrays(`SELECT run_id FROM ${RUNS_TABLE} ORDER BY start DESC LIMIT 5`).map(([id]) => String(id));
  const latest = known.length === 0 ? "it has no runs yet" : `the latest are ${known.join(", ")}`;
  return new ExpverError("E_NOT_FOUND", `${db.path} has no run ${runId}; ${latest}`, { details: { run: runId, known } });
}

/** `params` or `metrics` of a record: exact texts by name. What somebody else has written there, and is none, says nothing. */
export function recordedTexts(json: string): Record<string, string> {
  try {
    const value = fieldsOf(JSON.parse(json));
    // What we wrote is texts already: ten thousand runs of five hundred are not copied.
    if (isTexts(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, typeof item === "string" ? item : JSON.stringify(item)]));
  } catch {
    return {};
  }
}

function isTexts(value: object): value is Record<string, string> {
  return Object.values(value).every((item) => typeof item === "string");
}
