/** What is counted across seeds: runs. A version of one run counts as it is; one of several by the runs in its own database. */
import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { withStoredResults } from "../../results/database.ts";
import { readRuns, recordedTexts } from "../../results/runs.ts";
import type { RunRecord } from "../../results/types.ts";
import { readPointersOf } from "../../store/pointers/pointers.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import type { Version } from "../../versions/types.ts";
import type { ListedVersion } from "./listed.ts";

export interface Unit {
  version: string;
  /** Null: the version says of no run. */
  run: string | null;
  date: string;
  data: string | null;
  kind: ListedVersion["kind"];
  params: Readonly<Record<string, string>>;
  metrics: Readonly<Record<string, string>>;
}

type Counted = Pick<ListedVersion, "version" | "date" | "data" | "kind" | "params" | "metrics" | "runs">;

/** `unread`: versions of several runs whose own database is not here; they count as one, their best. */
export function unitsOf(
  project: Project,
  context: Context,
  { listed, versions }: { listed: readonly Counted[]; versions: readonly Version[] },
): { units: Unit[]; unread: string[] } {
  const byName = new Map(versions.map((version) => [version.name, version]));
  const several = listed.flatMap(({ version, runs }) => (runs > 1 ? [byName.get(version) as Version] : []));
  const recordsOf = ownRecords(project, context, several);
  const unread: string[] = [];
  const units = listed.flatMap((one): Unit[] => {
    const { version, date, data, kind, params, metrics } = one;
    const message = byName.get(version)?.message;
    const whole = { version, run: message?.bestRun ?? message?.runs[0]?.run ?? null, date, data, kind, params, metrics };
    if (one.runs < 2) return [whole];
    const records = recordsOf(version);
    const found = (message?.runs ?? []).flatMap((entry): Unit[] => {
      const record = records?.get(entry.run);
      if (record?.status !== "finished") return [];
      return [
        { ...whole, run: entry.run, params: { ...recordedTexts(record.params), ...entry.params }, metrics: recordedTexts(record.metrics) },
      ];
    });
    if (found.length > 0) return found;
    unread.push(version);
    return [whole];
  });
  return { units, unread };
}

/** A run is counted once, whatever other names its version was tagged with: the first counts. */
export function onePerRun<One extends { run: string | null }>(units: readonly One[]): One[] {
  const seen = new Set<string>();
  return units.filter(({ run }) => run === null || (!seen.has(run) && seen.add(run)));
}

/** Each database object is read once, however many versions have it, and of it their runs only. */
function ownRecords(project: Project, context: Context, versions: readonly Version[]): (name: string) => Map<string, RunRecord> | null {
  const path = resultsPath(project);
  const pointers = readPointersOf(project, [...new Set(versions.map(({ commit }) => commit))], () => {});
  const hashes = new Map<string, string>();
  const runs = new Map<string, string[]>();
  for (const { name, commit, message } of versions) {
    const hash = pointers.get(commit)?.find((pointer) => pointer.path === path)?.hash ?? null;
    if (hash === null) continue;
    hashes.set(name, hash);
    runs.set(hash, [...(runs.get(hash) ?? []), ...message.runs.map(({ run }) => run)]);
  }
  const read = new Map<string, Map<string, RunRecord> | null>();
  return (name) => {
    const hash = hashes.get(name);
    if (hash === undefined) return null;
    if (!read.has(hash)) read.set(hash, recordsIn(objectFile(cacheDir(project), hash), runs.get(hash) ?? [], context));
    return read.get(hash) ?? null;
  };
}

function recordsIn(file: string, only: readonly string[], context: Context): Map<string, RunRecord> | null {
  if (!existsSync(file)) return null;
  try {
    return withStoredResults(file, (db) => new Map(readRuns(db, { only }).map((record) => [record.run_id, record])));
  } catch (error) {
    context.report({ kind: "warning", text: `${file} is not counted: ${error instanceof ExpverError ? error.message : String(error)}` });
    return null;
  }
}
