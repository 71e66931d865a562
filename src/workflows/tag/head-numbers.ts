/** Numbers for a version made by hand: what the database object of HEAD's own tree says about rows of that version. */
import type { Config } from "../../config/config.ts";
import { hideSecrets } from "../../config/secrets.ts";
import { type Database, quoteName } from "../../platform/sqlite.ts";
import { someOf } from "../../platform/words.ts";
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
  /** Why there are none, where runs without a version would have had some. */
  notTaken?: { run: string; why: string };
}

export interface AtHead {
  /** The object that HEAD's pointer to the results database names. */
  file: string;
  version: string;
  /** Digest of HEAD's inputs. */
  dataHash: string | null;
  /** Files of HEAD's code that are not what a run, with that snapshot, ran; none where that is not known. */
  codeSince(run: string, snapshot: string): string[];
}

/**
 * Rows stamped with this version; without any, those of the latest run, when no version has it and it ran HEAD's code on HEAD's data. Never those
 * of another version, of a run that failed (`--run` makes a version of it), or of one that another has followed, whose model HEAD has
 * by now: better no numbers than wrong ones.
 */
export function numbersAtHead(
  { file, version, dataHash, codeSince }: AtHead,
  config: Pick<Config, "metrics" | "aggregate" | "versions">,
): HeadNumbers {
  return withStoredResults(file, (db) => {
    const tracks = readTracks(db, config.versions.prefix);
    const owners = new Map(runTracks(db).map((track) => [keyOf(track), track.run_id]));
    const stamped = groupByRun(
      tracks.filter((track) => track.version === version),
      owners,
    );
    if (stamped.length > 0) return numbersOf(db, stamped, config);
    const ended = groupByRun(tracks, owners)
      .map((group) => ({ ...group, record: readRun(db, group.run) }))
      .filter(({ record }) => record === null || record.status === "finished");
    const loose = ended.filter(({ record, versions }) => versions.size === 0 && !record?.version);
    const latest = ended.at(-1);
    const candidate = loose.at(-1);
    if (latest === undefined || candidate === undefined) return numbersOf(db, [], config);
    if (candidate !== latest) {
      const of = latest.record?.version ?? [...latest.versions].at(-1);
      return { ...numbersOf(db, [], config), notTaken: { run: candidate.run, why: `${latest.run} came later, and is ${of}'s` } };
    }
    if (candidate.record !== null && dataHash !== null && candidate.record.dvc_hash !== dataHash) {
      return { ...numbersOf(db, [], config), notTaken: { run: candidate.run, why: "it read other data than HEAD has" } };
    }
    const code = candidate.record?.git_commit ?? null;
    const changed = code === null ? [] : codeSince(candidate.run, code);
    if (changed.length > 0) {
      return { ...numbersOf(db, [], config), notTaken: { run: candidate.run, why: `HEAD has other code: ${someOf(changed, 3)}` } };
    }
    return { ...numbersOf(db, [candidate], config), passedOver: loose.length - 1 };
  });
}

type Track = TrackRows & { version: string | null };

interface RunRows {
  run: string;
  tracks: TrackRows[];
  /** That its rows carry. */
  versions: Set<string>;
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
    const group = found.get(run) ?? { run, tracks: [], versions: new Set<string>(), last: "" };
    group.tracks.push(track);
    if (track.version !== null) group.versions.add(track.version);
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
