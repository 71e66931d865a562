/** The nouns of the results database. */

export type RunStatus = "running" | "finished" | "failed" | "killed";

/**
 * A value of one cell, exactly: `bigint` is an INTEGER (of any size), `number` a REAL (so `1.0` stays apart from `1`);
 * NaN is the text "NaN" in the file.
 */
export type Cell = null | number | bigint | string | Uint8Array;

/** One execution, as stored in `expver_runs`. Field names are the column names. */
export interface RunRecord {
  run_id: string;
  version: string | null;
  status: RunStatus;
  /** Command as typed, shell-quoted for reading; the argument list is JSON in `argv`. */
  command: string;
  argv: string;
  /** JSON object name → exact text as given; secrets are `***`. */
  params: string;
  /** JSON object name → exact text of the aggregated metric. */
  metrics: string;
  message: string | null;
  /** ISO 8601 with zone. */
  start: string;
  end: string | null;
  exit_code: number | null;
  signal: string | null;
  /** Snapshot commit S. */
  git_commit: string | null;
  dvc_hash: string | null;
  /** 1 when the code of the run is not exactly S (`--no-commit`). */
  dirty: number;
  /** Text of the patch when dirty. */
  patch: string | null;
  /** JSON list of paths that changed while the run went on. */
  changed_during_run: string | null;
  environment: string | null;
  log: string | null;
  seed: string | null;
  host: string | null;
  user: string | null;
}

/**
 * Rows of one track id: those from `first` to `last`. A program may fix its track id, so a track id alone may be shared
 * by several runs; their rows then lie side by side in time.
 */
export interface TrackRows {
  table: string;
  track_id: string;
  /** Timestamp of the first and last row, as stored. */
  first: string;
  last: string;
  rows: number;
}

/** Which rows belong to a run. */
export interface RunTrack extends TrackRows {
  run_id: string;
}

/** Columns every row of a run carries; null = unknown, leaves the cell as it is. */
export interface Stamps {
  version: string | null;
  git_commit: string | null;
  dvc_hash: string | null;
}

/** What happened to rows since a copy was taken. */
export interface RowChanges {
  /** One entry per unbroken stretch of new rows of a track. */
  added: TrackRows[];
  /** Rows that were there and are gone. */
  vanished: number;
  /** Rows that were there and have other values now; added columns and stamps do not count. */
  changed: number;
}
