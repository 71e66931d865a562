/** The library's `track()`: rows from a JavaScript program in the tables xetrack's Tracker writes. */
import { dirname, resolve } from "node:path";
import { absolutePath, storedPath } from "../config/paths.ts";
import { openProject } from "../config/project.ts";
import { HIDDEN_VALUE, isSecretKey } from "../config/secrets.ts";
import { ExpverError } from "../errors.ts";
import { type Context, systemContext } from "../platform/context.ts";
import { makeFolders } from "../platform/files.ts";
import { runName } from "../platform/run-name.ts";
import { type Database, openDatabase } from "../platform/sqlite.ts";
import { toCell } from "./cells.ts";
import { appendRow } from "./rows.ts";
import { mainTable } from "./schema.ts";
import type { Cell } from "./types.ts";

export interface TrackOptions {
  /**
   * The results database; made, with its folder, when it is not there. Default: that of the run (`EXPVER_DB`), else the one
   * `expver.yaml` names.
   */
  database?: string | undefined;
  /** Default: the run's (`EXPVER_TABLE`), else the first `expver.yaml` names, else the first there is, else `default`. */
  table?: string | undefined;
  /** Default: the run's id (`EXPVER_RUN_ID`), else a new name of two words and four digits. */
  trackId?: string | undefined;
  /** Go into every row; what a row itself says comes before them. */
  params?: Readonly<Record<string, unknown>> | undefined;
}

/** The key of a row that was written. */
export interface LoggedRow {
  table: string;
  trackId: string;
  /** Local time with microseconds, as xetrack writes it; unlike any other of the track. */
  timestamp: string;
}

export interface Track {
  /** Absolute path. */
  readonly database: string;
  readonly table: string;
  readonly trackId: string;
  /**
   * Appends one row, on disk when the call returns; new keys become new columns. Numbers keep every digit, NaN and Infinity
   * too; whole numbers and booleans are integers, dates ISO 8601 text, objects JSON text; null and undefined leave the cell
   * empty. Values whose key looks like a secret are stored as `***`. Characters of a key outside `[A-Za-z0-9_]` become `_`.
   *
   * Throws `E_USAGE` for the keys `track_id` and `timestamp`, `E_DATABASE_BUSY` when another program keeps the database locked
   * for half a minute.
   */
  log(values: Readonly<Record<string, unknown>>): LoggedRow;
  /** Closes the file. Every row is on disk already, so a program that never calls it loses nothing. */
  close(): void;
}

/**
 * Opens a track: a series of rows under one `track_id` in a table of the results database, as xetrack's `Tracker` does.
 * Inside `expver run` the defaults are the run's own. Any number of processes, in any language, may write one table at once.
 *
 * ```js
 * import { track } from "expver";
 * const t = track({ params: { lr: 0.1 } });
 * for (const [epoch, loss] of losses.entries()) t.log({ epoch, loss });
 * t.close();
 * ```
 *
 * Throws `ExpverError`: `E_NO_PROJECT` when no database is named and there is no project around the working directory,
 * `E_DATABASE` when the file is no SQLite database, `E_DATABASE_READONLY`, `E_NO_SQLITE`.
 */
export function track(options: TrackOptions = {}): Track {
  return openTrack(systemContext(), options);
}

/** {@link track} in another surrounding than the process's own. */
export function openTrack(context: Context, { database: wanted, table: named, trackId: fixed, params = {} }: TrackOptions = {}): Track {
  const { env } = context;
  const { database, tables } = databaseFor(context, wanted);
  const db = openForRows(database);
  const table = named ?? mainTable(db, tables);
  const trackId = fixed ?? (env.EXPVER_RUN_ID || runName(context.random));
  return {
    database,
    table,
    trackId,
    log(values) {
      const row = appendRow(db, table, { trackId, values: storedCells({ ...params, ...values }), at: context.clock() });
      return { table, trackId, timestamp: row.first };
    },
    close: () => db.close(),
  };
}

/** Where rows go: what was asked for, the run's, the project's; with the tables of choice in it. */
export function databaseFor(context: Context, asked: string | undefined): { database: string; tables: readonly string[] } {
  const { EXPVER_DB: ofRun, EXPVER_TABLE: tableOfRun } = context.env;
  if (asked !== undefined) return { database: resolve(context.cwd, asked), tables: [] };
  if (ofRun) return { database: resolve(context.cwd, ofRun), tables: tableOfRun ? [tableOfRun] : [] };
  const project = openProject(context);
  if (project.repository?.bare) {
    throw new ExpverError("E_GIT", `${project.root} is a bare repository: it has no results database`, {
      hint: "Log in a clone of it, or name a database: --db FILE.",
    });
  }
  const { database, tables } = project.config.results;
  return { database: absolutePath(project, storedPath(project, database)), tables };
}

/** The file is made when it is not there. No run tables: it may be anybody's. */
export function openForRows(database: string): Database {
  makeFolders(dirname(database));
  return openDatabase(database, { create: true });
}

/** Values as cells, secrets hidden. */
function storedCells(values: Readonly<Record<string, unknown>>): Record<string, Cell> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, isSecretKey(key) ? HIDDEN_VALUE : toCell(value)]));
}
