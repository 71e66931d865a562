/**
 * Rows of a sweep's runs until they are merged: a shard for each run. Once the sweep has ended one file has all of them and the shards
 * go; after an undo the sweep can be ended again from it.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Place, type Project, topOf } from "../../../config/project.ts";
import { mergeInto } from "../../../merge/results/merge-into.ts";
import { syncFolder } from "../../../platform/files.ts";
import { letGoOfClosed } from "../../../platform/sqlite.ts";
import { syncFiles } from "../../../platform/sync.ts";
import { openResults } from "../../../results/database.ts";
import { RUNS_TABLE } from "../../../results/schema.ts";
import { readVersions } from "../../../versions/registry.ts";
import type { Version } from "../../../versions/types.ts";
import { runFolder } from "../../run/run-facts.ts";
import { standingResult } from "../standing.ts";
import { isEnded } from "../state.ts";
import { listSweeps, type Sweep, sweepFolder } from "../sweep-journal.ts";
import { partStretches } from "./part-stretches.ts";
import { separateRows } from "./separate-rows.ts";

type SweepRuns = Pick<Sweep, "id" | "attempts">;

export function shardOf(place: Pick<Place, "stateDir">, run: string): string {
  return join(runFolder(place, run), "shard.db");
}

/** Where the rows of its closed runs are; no run is in two of them. */
export function rowFiles(place: Pick<Place, "stateDir">, sweep: SweepRuns): { path: string; runs: string[] }[] {
  const packed = packedFile(place, sweep);
  const inside = existsSync(packed) ? runsIn(packed) : [];
  const known = new Set(inside);
  // Whoever packed them may have been killed before the shards went.
  const own = closedRuns(sweep).filter((run) => !known.has(run) && existsSync(shardOf(place, run)));
  return [
    ...(inside.length === 0 ? [] : [{ path: packed, runs: inside }]),
    ...own.map((run) => ({ path: shardOf(place, run), runs: [run] })),
  ];
}

/** Makes the file `to`, which nobody else sees and which can be made again. `act` is done once all rows are in. */
export function collectRows(
  to: string,
  files: readonly { path: string; runs: string[] }[],
  act: (db: ReturnType<typeof openResults>) => void = () => {},
): void {
  removeDatabase(to);
  const db = openResults(to, { create: true });
  try {
    db.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    for (const { path, runs } of files) {
      separateRows(db, path);
      mergeInto(db, { path, name: runs.join(" ") }, { append: true });
    }
    partStretches(db, files);
    act(db);
  } finally {
    db.close();
  }
}

/** For sweeps of this worktree that are over, this one and those whose command was killed. */
export async function packShards(project: Project): Promise<void> {
  let versions: readonly Version[] | undefined;
  const allVersions = () => (versions ??= readVersions(project));
  for (const sweep of listSweeps(project)) {
    if (sweep.worktree !== topOf(project) || standingResult(project, sweep, allVersions) === null) continue;
    const shards = closedRuns(sweep).map((run) => shardOf(project, run));
    const there = shards.filter((shard) => existsSync(shard));
    if (there.length === 0) continue;
    const [packed, temporary] = [packedFile(project, sweep), join(sweepFolder(project, sweep.id), "packing.db")];
    const files = rowFiles(project, sweep);
    if (files.some(({ path }) => path !== packed)) {
      collectRows(temporary, files);
      await letGoOfClosed();
      syncFiles([temporary]);
      renameSync(temporary, packed);
      syncFolder(sweepFolder(project, sweep.id));
    }
    removeDatabase(temporary);
    for (const shard of there) removeDatabase(shard);
  }
}

export function removeDatabase(path: string): void {
  for (const end of ["", "-journal", "-wal", "-shm"]) rmSync(path + end, { force: true });
}

function closedRuns({ attempts }: SweepRuns): string[] {
  return attempts.filter(isEnded).map(({ run }) => run);
}

function runsIn(path: string): string[] {
  const db = openResults(path, { readonly: true });
  try {
    return db.arrays(`SELECT run_id FROM ${RUNS_TABLE} ORDER BY rowid`).map(([run]) => String(run));
  } finally {
    db.close();
  }
}

function packedFile(place: Pick<Place, "stateDir">, { id }: SweepRuns): string {
  return join(sweepFolder(place, id), "all-rows.db");
}
