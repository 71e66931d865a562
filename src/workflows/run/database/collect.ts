/** After the program's end: which rows are the run's, what they say, and the stamps on them. */
import { existsSync } from "node:fs";
import { guessDirection } from "../../../config/metric-direction.ts";
import type { Project } from "../../../config/project.ts";
import { hideSecrets } from "../../../config/secrets.ts";
import { type Database, foldName } from "../../../platform/sqlite.ts";
import { brokenRule } from "../../../platform/sqlite-errors.ts";
import { parseCell } from "../../../results/cells.ts";
import { columnOf } from "../../../results/column-names.ts";
import { openResults } from "../../../results/database.ts";
import { aggregate } from "../../../results/numbers.ts";
import { addStampColumns, appendRow, restampRows, rowsSince, type StampConflict, stampRows } from "../../../results/rows.ts";
import { digestRun, removeRun } from "../../../results/run-rows.ts";
import { addRunTracks, runTracks, updateRun } from "../../../results/runs.ts";
import { DEFAULT_TABLE, hasColumn, MOST_COLUMNS, mainTable, STAMP_COLUMNS, tableColumns, takesRows } from "../../../results/schema.ts";
import type { Cell, RunRecord, Stamps, TrackRows } from "../../../results/types.ts";
import { numberOf } from "../../../versions/exact-numbers.ts";
import { copyBefore } from "./mend-database.ts";
import { outsideTracks } from "./outside-tracks.ts";

export interface CollectInput {
  runId: string;
  /** Has the copy made before the start. */
  folder: string;
  databaseFile: string;
  /** As they reach the row; hidden before they are stored. */
  parameters: Readonly<Record<string, string>>;
  /** What a metrics file said. */
  metrics: Readonly<Record<string, string>>;
  /** Append a row of our own when the program wrote none. */
  ownRow: boolean;
}

export interface Collected {
  rows: number;
  /** Exact text; secrets hidden. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** Metrics that several trackers have values of their own of, none of them a metrics file's: how many have. */
  ofSeveral: Readonly<Record<string, number>>;
  /** Metrics the program logged as objects. */
  objects: readonly string[];
  /** Rows that were there before the start and are gone, or say something else. */
  vanished: number;
  changed: number;
}

/** Finds the run's rows and writes down whose they are. Safe to repeat. */
export function collectRows(project: Project, input: CollectInput): Collected {
  return withResults(input.databaseFile, (db) => {
    const copy = copyBefore(input.folder);
    const found = existsSync(copy) ? rowsSince(db, copy) : { added: runTracks(db, input.runId), vanished: 0, changed: 0 };
    const outside = outsideTracks(input.folder);
    const own = found.added.filter(({ track_id: track }) => !outside.has(track));
    const parameters = hideSecrets(input.parameters);
    const added = own.length > 0 || !input.ownRow ? own : writeOwnRow(db, project, input, parameters);
    addRunTracks(db, input.runId, added);
    const said = aggregate(db, input.runId, project.config);
    const inFile = asConfigured(project.config.metrics, input.metrics);
    return {
      rows: added.reduce((sum, { rows }) => sum + rows, 0),
      params: { ...withoutNames(hideSecrets(said.params), { ...parameters, ...input.metrics }), ...parameters },
      metrics: withoutParameters({ ...calledAsIn(inFile, said.metrics), ...inFile }, { parameters, configured: project.config.metrics }),
      ofSeveral: withoutNames(said.ofSeveral, inFile),
      objects: said.objects.filter((name) => !Object.hasOwn(inFile, name)),
      vanished: found.vanished,
      changed: found.changed,
    };
  });
}

/** Writes the stamps and the run's record together with what is known now. Answers cells the program had stamped otherwise. */
export function stampRun(
  databaseFile: string,
  runId: string,
  { stamps, record }: { stamps: Stamps; record: Partial<Omit<RunRecord, "run_id">> },
): StampConflict[] {
  return withResults(databaseFile, (db) => {
    const conflicts = stampRows(db, runTracks(db, runId), stamps);
    updateRun(db, runId, record);
    return conflicts;
  });
}

/** The run's rows no longer claim this version. */
export function unstampVersion(databaseFile: string, runId: string, version: string): void {
  withResults(databaseFile, (db) => {
    addStampColumns(db); // a table the program made in its last moment has none yet
    restampRows(db, runTracks(db, runId), { from: version, to: null });
    updateRun(db, runId, { version: null });
  });
}

/** A run that never started leaves no row. */
export function forgetRun(databaseFile: string, runId: string): void {
  if (existsSync(databaseFile)) withResults(databaseFile, (db) => removeRun(db, runId));
}

/** Tells later whether the run's rows still are what they are now. */
export function digestOfRun(databaseFile: string, runId: string): string | null {
  return withResults(databaseFile, (db) => digestRun(db, runId));
}

export function withResults<Value>(path: string, act: (db: Database) => Value): Value {
  const db = openResults(path);
  try {
    return act(db);
  } finally {
    db.close();
  }
}

/**
 * A program that logs nothing still leaves one row, so that every run is found in the tables. None where the tables have rules that such a row
 * breaks: the run's record has what it says.
 */
function writeOwnRow(db: Database, project: Project, input: CollectInput, parameters: Record<string, string>): TrackRows[] {
  for (const table of new Set([mainTable(db, project.config.results.tables), DEFAULT_TABLE])) {
    if (!takesRows(db, table)) continue;
    try {
      return [appendOwnRow(db, table, input, parameters)];
    } catch (error) {
      if (brokenRule(error) === null) throw error;
    }
  }
  return [];
}

function appendOwnRow(db: Database, table: string, { runId, metrics }: CollectInput, parameters: Record<string, string>): TrackRows {
  const present = tableColumns(db, table);
  const said = Object.entries({ ...metrics, ...parameters, ...metrics }).filter(([name]) => !NOT_SAID.has(foldName(columnOf(name))));
  const cells = said.map(([name, text]) => [name, parseCell(text)] as const);
  // Of more names than a table can have, the run's record has all.
  const isNew = ([name]: readonly [string, Cell]) => !hasColumn(present, name);
  const fitting = new Set(cells.filter(isNew).slice(0, Math.max(0, MOST_COLUMNS - RESERVE - present.length)));
  return appendRow(db, table, {
    trackId: runId,
    values: Object.fromEntries(cells.filter((cell) => !isNew(cell) || fitting.has(cell))),
  });
}

/** Columns that say what row it is. Of a file's `timestamp` or a parameter `version` the run's record knows. */
const NOT_SAID = new Set(["track_id", "timestamp", ...STAMP_COLUMNS]);

/** Columns that are left for what programs log, and for the stamps. */
const RESERVE = 500;

/** What was given as a parameter is known already, under its own name or the column's (`net.depth` is logged as `net_depth`). */
function withoutNames<Value>(logged: Record<string, Value>, parameters: Readonly<Record<string, string>>): Record<string, Value> {
  const given = new Set(Object.keys(parameters).flatMap((name) => [name, columnOf(name)]));
  return Object.fromEntries(Object.entries(logged).filter(([name]) => !given.has(name)));
}

/**
 * A parameter that was logged again is none, nor is what became of one (a rate that decays). One that says another thing (`loss: mse`, and a loss of
 * 0.3) is a number of its own.
 */
function withoutParameters(
  logged: Record<string, string>,
  { parameters, configured }: { parameters: Readonly<Record<string, string>>; configured: Readonly<Record<string, unknown>> },
): Record<string, string> {
  const given = new Map(Object.entries(parameters).flatMap(([name, value]) => [[columnOf(name), value] as const, [name, value] as const]));
  const isItsOwn = ([name, value]: [string, string]) => {
    const parameter = given.get(name);
    if (parameter === undefined) return true;
    const number = numberOf(parameter);
    if (number === null) return true;
    return number !== numberOf(value) && (Object.hasOwn(configured, name) || guessDirection(name) !== undefined);
  };
  return Object.fromEntries(Object.entries(logged).filter(isItsOwn));
}

/** A number of the file is called like its column where only that stands in `expver.yaml`. */
function asConfigured(configured: Readonly<Record<string, unknown>>, inFile: Readonly<Record<string, string>>): Record<string, string> {
  const isConfigured = (name: string) => Object.hasOwn(configured, name);
  const nameOf = (name: string) => (!isConfigured(name) && isConfigured(columnOf(name)) ? columnOf(name) : name);
  return Object.fromEntries(Object.entries(inFile).map(([name, value]) => [nameOf(name), value]));
}

/** The columns a file's numbers were put into are those numbers; in the order of the columns, of which the telling ones come first. */
function calledAsIn(inFile: Readonly<Record<string, string>>, logged: Readonly<Record<string, string>>): Record<string, string> {
  const names = new Map(Object.keys(inFile).map((name) => [columnOf(name).toLowerCase(), name]));
  return Object.fromEntries(Object.entries(logged).map(([name, value]) => [names.get(name.toLowerCase()) ?? name, value]));
}
