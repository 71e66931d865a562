/** Numbers for a version made by hand: what the database object of HEAD's own tree says about rows of that version. */
import type { Config } from "../../config/config.ts";
import { hideSecrets } from "../../config/secrets.ts";
import { type Database, quoteName } from "../../platform/sqlite.ts";
import { withStoredResults } from "../../results/database.ts";
import { aggregateRows } from "../../results/numbers.ts";
import { readRun, recordedTexts, runTracks } from "../../results/runs.ts";
import { eventsTables, hasColumn } from "../../results/schema.ts";
import { compareTimestamps } from "../../results/timestamps.ts";
import type { TrackRows } from "../../results/types.ts";
import { compareMetric } from "../../versions/metrics.ts";
import { parseTagName } from "../../versions/tag-name.ts";

export interface HeadNumbers {
  /** Runs the version stands for; a track id that no run owns counts as one. */
  runs: string[];
  /** The one the numbers are of, when there are several and the primary metric's direction is known. */
  best: string | null;
  /** Exact texts, secrets hidden. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** The command line of the run the numbers are of, when it is known. */
  command?: string;
  /** Runs without a version that were passed over because a later one exists. */
  passedOver: number;
}

/**
 * Rows stamped with this version; without any, those of the latest run that no version has. Never those of another
 * version, or of a run that failed (`--run` makes a version of it): better no numbers than wrong ones.
 */
export function numbersAtHead(file: string, version: string, config: Pick<Config, "metrics" | "aggregate" | "versions">): HeadNumbers {
  return withStoredResults(file, (db) => {
    const tracks = readTracks(db, config.versions.prefix);
    const owners = new Map(runTracks(db).map((track) => [keyOf(track), track.run_id]));
    const stamped = groupByRun(
      tracks.filter((track) => track.version === version),
      owners,
    );
    if (stamped.length > 0) return numbersOf(db, stamped, config);
    const loose = groupByRun(
      tracks.filter((track) => track.version === null),
      owners,
    ).filter(({ run }) => {
      const record = readRun(db, run);
      return record === null || (!record.version && record.status === "finished");
    });
    return { ...numbersOf(db, loose.slice(-1), config), passedOver: Math.max(0, loose.length - 1) };
  });
}

type Track = TrackRows & { version: string | null };

interface RunRows {
  run: string;
  tracks: TrackRows[];
  /** Timestamp of the last row. */
  last: string;
}

function readTracks(db: Database, prefix: string): Track[] {
  return eventsTables(db).flatMap(({ name, columns }) => {
    const [ours, older] = ["version", "experiment_version"].map((column) =>
      hasColumn(columns, column) ? `NULLIF(${column}, '')` : "NULL",
    );
    const sql = `SELECT track_id, ${ours}, ${older}, min(timestamp), max(timestamp), count(*) FROM ${quoteName(name)} GROUP BY 1, 2, 3`;
    return db.arrays(sql).map(([track, version, named, first, last, rows]) => ({
      table: name,
      track_id: String(track),
      version: textOf(version) ?? versionNamed(textOf(named), prefix),
      first: String(first),
      last: String(last),
      rows: Number(rows),
    }));
  });
}

/** The older skill's quickstart has programs write the version themselves; another's parameter of that name is none. */
function versionNamed(text: string | null, prefix: string): string | null {
  return text === null || parseTagName(text, prefix) === null ? null : text;
}

function textOf(cell: unknown): string | null {
  return cell === null || cell === undefined ? null : String(cell);
}

/** Oldest first, by the last row. */
function groupByRun(tracks: readonly Track[], owners: ReadonlyMap<string, string>): RunRows[] {
  const found = new Map<string, RunRows>();
  for (const track of tracks) {
    const run = owners.get(keyOf(track)) ?? track.track_id;
    const group = found.get(run) ?? { run, tracks: [], last: "" };
    group.tracks.push(track);
    if (group.last === "" || compareTimestamps(track.last, group.last) > 0) group.last = track.last;
    found.set(run, group);
  }
  return [...found.values()].sort((one, other) => compareTimestamps(one.last, other.last));
}

/** A fixed track id may be shared by runs; such rows count as those of the last one that used it. */
function keyOf({ table, track_id }: Pick<TrackRows, "table" | "track_id">): string {
  return `${table}\0${track_id}`;
}

function numbersOf(db: Database, groups: readonly RunRows[], config: Pick<Config, "metrics" | "aggregate">): HeadNumbers {
  const each = groups.map(({ run, tracks }) => ({ run, ...ofRun(db, run, tracks, config) }));
  const [primary, direction] = Object.entries(config.metrics)[0] ?? [];
  const ranked =
    primary === undefined || direction === undefined
      ? []
      : each.toSorted((one, other) => compareMetric(one.metrics[primary], other.metrics[primary], direction));
  const chosen = ranked[0] ?? each.at(-1);
  const command = chosen === undefined ? undefined : readRun(db, chosen.run)?.command;
  return {
    ...(command ? { command } : {}),
    runs: each.map(({ run }) => run),
    best: each.length > 1 ? (ranked[0]?.run ?? null) : null,
    params: hideSecrets(chosen?.params ?? {}),
    metrics: chosen?.metrics ?? {},
    passedOver: 0,
  };
}

/** A run of ours has its numbers in its record, which also knows parameters and metrics that never were in a row. */
function ofRun(
  db: Database,
  run: string,
  tracks: readonly TrackRows[],
  config: Pick<Config, "metrics" | "aggregate">,
): Pick<HeadNumbers, "params" | "metrics"> {
  const record = readRun(db, run);
  if (record !== null && record.metrics !== "{}") return { params: recordedTexts(record.params), metrics: recordedTexts(record.metrics) };
  const { params, metrics } = aggregateRows(db, tracks, config);
  return { params, metrics };
}
