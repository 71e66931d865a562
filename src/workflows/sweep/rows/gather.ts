/**
 * The rows of a sweep's runs: each run's shard goes into one file of the sweep, stamped with the version; that file goes into the
 * results database in one transaction. Doing it again adds nothing.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { OpenOperation } from "../../../journal/operations.ts";
import type { Effect } from "../../../journal/types.ts";
import { mergeInto } from "../../../merge/results/merge-into.ts";
import { type Database, letGoOfClosed, readOnlyUri } from "../../../platform/sqlite.ts";
import { openResults } from "../../../results/database.ts";
import { stampRows } from "../../../results/rows.ts";
import { digestRun } from "../../../results/run-rows.ts";
import { readRun, runTracks, updateRun } from "../../../results/runs.ts";
import { hasTable, RUN_TRACKS_TABLE } from "../../../results/schema.ts";
import type { RunRecord } from "../../../results/types.ts";
import { bringInLacking } from "../../run/database/bring-in-lacking.ts";
import { withResults } from "../../run/database/collect.ts";
import type { LackingRows } from "../../run/database/lacking-rows.ts";
import type { Places } from "../../run/places.ts";
import type { Wrote } from "../../undo/outputs.ts";
import type { OpenSweep } from "../open-sweep.ts";
import { separateRows } from "./separate-rows.ts";
import { collectRows, removeDatabase, rowFiles } from "./shards.ts";

export interface GatherInput {
  operation: Pick<OpenOperation, "record" | "note">;
  places: Places;
  lacking: LackingRows | null;
  /** Of these runs; null: nothing has a version yet. */
  version: { name: string; runs: readonly string[] } | null;
}

/** Answers how many runs were not there before. */
export async function gatherRows(sweep: OpenSweep, { operation, places, lacking, version }: GatherInput): Promise<number> {
  const files = rowFiles(sweep.project, sweep.state());
  const runs = files.flatMap((file) => file.runs);
  const wrote: Wrote[] = [{ path: places.database, kind: "database", hash: "", existed: existsSync(places.databaseFile) }];
  operation.note("wrote", wrote);
  if (lacking !== null) bringInLacking(sweep.project, lacking, places.databaseFile);
  const known = existsSync(places.databaseFile)
    ? withResults(places.databaseFile, (db) => knownRuns(db, files))
    : new Map<string, RunRecord>();
  const all = join(sweep.folder, "rows.db");
  const versioned = new Set(version?.runs);
  collectRows(all, files, (db) => {
    for (const run of runs) if (versioned.has(run)) stampRun(db, run, version?.name ?? "");
  });
  try {
    const digests = withResults(all, (db) => new Map(runs.map((run) => [run, digestRun(db, run)])));
    const { database } = places;
    operation.record(
      ...runs.flatMap((run): Effect[] => {
        const [record, digest] = [known.get(run) ?? null, digests.get(run)];
        if (record === null) return [{ kind: "rows", database, run, ...(digest == null ? {} : { digest }) }];
        const after = version !== null && versioned.has(run) ? version.name : record.version;
        return record.version === after ? [] : [{ kind: "stamp", database, run, before: record.version, after }];
      }),
    );
    await letGoOfClosed();
    const db = openResults(places.databaseFile, { create: true });
    try {
      forgetStretches(db, all);
      // A cell that somebody has changed since these rows were first brought here stays as it is.
      mergeInto(db, { path: all, name: sweep.id }, { onConflict: "ours" });
    } finally {
      db.close();
    }
    return runs.filter((run) => (known.get(run) ?? null) === null).length;
  } finally {
    removeDatabase(all);
  }
}

/** Rows of those it does not know yet are made to fit beside its own. */
function knownRuns(db: Database, files: readonly { path: string; runs: string[] }[]): Map<string, RunRecord> {
  const known = new Map<string, RunRecord>();
  for (const { path, runs } of files) {
    for (const run of runs) {
      const record = readRun(db, run);
      if (record !== null) known.set(run, record);
    }
    separateRows(db, path);
  }
  return known;
}

/** Those of its runs that are other now: rows of a run that ended later lie between theirs. */
function forgetStretches(db: Database, all: string): void {
  if (!hasTable(db, RUN_TRACKS_TABLE)) return;
  db.run("ATTACH ? AS fresh", [readOnlyUri(all)]);
  try {
    db.run(
      `DELETE FROM main.${RUN_TRACKS_TABLE} AS o WHERE run_id IN (SELECT run_id FROM fresh.${RUN_TRACKS_TABLE}) AND NOT EXISTS (
         SELECT 1 FROM fresh.${RUN_TRACKS_TABLE} AS n WHERE n.run_id = o.run_id AND n."table" = o."table" AND n.track_id = o.track_id
         AND n.first = o.first AND n.last = o.last)`,
    );
  } finally {
    db.exec("DETACH fresh");
  }
}

function stampRun(db: Database, run: string, version: string): void {
  stampRows(db, runTracks(db, run), { version, git_commit: null, dvc_hash: null });
  updateRun(db, run, { version });
}
