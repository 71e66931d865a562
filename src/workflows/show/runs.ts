/** The runs of a version: which, by its tag; what they did, by the database object in its own commit. */
import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { type Database, quoteName } from "../../platform/sqlite.ts";
import { withStoredResults } from "../../results/database.ts";
import { readRuns, recordedTexts, runTracks } from "../../results/runs.ts";
import { eventsTables, hasColumn } from "../../results/schema.ts";
import type { RunRecord, RunStatus, RunTrack } from "../../results/types.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import type { Pointer } from "../../store/types.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import type { RunEntry, Version } from "../../versions/types.ts";
import { type RanWith, runBehindIn } from "./environment.ts";

export interface ShownRun {
  run: string;
  /** Parameters of this run as the tag has them, else as the database has them. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** Null: the database does not know the run, or is not in the cache. */
  status: RunStatus | null;
  command: string | null;
  /** ISO 8601. */
  start: string | null;
  seconds: number | null;
  exitCode: number | null;
  rows: number | null;
}

export interface ShownRuns {
  runs: ShownRun[];
  /** Rows of its runs, else those in its database that carry its name; null when that is not known. */
  rows: number | null;
  /** Why the runs are known by name only: the database of this version is not in the cache, or has none. Null: they are known. */
  unknown: string | null;
}

/** And the one behind the version, see {@link runBehindIn}. */
export function runsOf(
  project: Project,
  context: Context,
  { version, database }: { version: Version; database: Pointer | null },
): { runs: ShownRuns; behind: RanWith | null } {
  const { message, name } = version;
  const byName = (unknown: string) => ({
    runs: { runs: message.runs.map((entry) => shownRun(entry, undefined, [])), rows: null, unknown },
    behind: null,
  });
  if (database === null || database.hash === null) return byName("its commit tracks no results database");
  const file = objectFile(cacheDir(project), database.hash);
  if (!existsSync(file)) return byName(`its results database (${database.hash}) is not in the cache`);
  try {
    return withStoredResults(file, (db) => {
      const told = message.kind === null ? undefined : message.runs.map(({ run }) => run);
      const records = new Map(readRuns(db, told && { only: told }).map((record) => [record.run_id, record]));
      const named = told === undefined ? [...records.values()].filter((record) => record.version === name).map(entryOf) : message.runs;
      const runs = named.map((entry) => shownRun(entry, records.get(entry.run), runTracks(db, entry.run)));
      return { runs: { runs, rows: ownRows(runs) ?? stampedRows(db, name), unknown: null }, behind: runBehindIn(db, version) };
    });
  } catch (error) {
    const why = error instanceof ExpverError ? error.message : String(error);
    context.report({ kind: "warning", text: `the results database of ${name} cannot be read: ${why}` });
    return byName("its results database cannot be read");
  }
}

function entryOf(record: RunRecord): RunEntry {
  return { run: record.run_id, params: {} };
}

function shownRun({ run, params }: RunEntry, record: RunRecord | undefined, own: readonly RunTrack[]): ShownRun {
  if (record === undefined)
    return { run, params, metrics: {}, status: null, command: null, start: null, seconds: null, exitCode: null, rows: null };
  const { status, command, start, end, exit_code: exitCode } = record;
  return {
    run,
    params: Object.keys(params).length > 0 ? params : recordedTexts(record.params),
    metrics: recordedTexts(record.metrics),
    status,
    command,
    start,
    seconds: end === null ? null : (Date.parse(end) - Date.parse(start)) / 1000,
    exitCode,
    rows: own.reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** Of runs that the database knows: counting stamps would read a whole table, which may have millions of rows. */
function ownRows(runs: readonly ShownRun[]): number | null {
  const counts = runs.flatMap(({ rows }) => (rows === null ? [] : [rows]));
  return runs.length > 0 && counts.length === runs.length ? counts.reduce((sum, rows) => sum + rows, 0) : null;
}

/** Rows stamped with the version's name, as `expver run` and the original workflow both write it. */
function stampedRows(db: Database, name: string): number | null {
  const stamped = eventsTables(db).filter(({ columns }) => hasColumn(columns, "version"));
  if (stamped.length === 0) return null;
  return stamped.reduce((sum, events) => sum + db.count(`SELECT count(*) FROM ${quoteName(events.name)} WHERE version = ?`, [name]), 0);
}
