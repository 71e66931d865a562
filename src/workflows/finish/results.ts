/** The experiment's rows, worked out against the main database: shown, then brought in by SQL, a run at a time undoable. */
import { existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { storedPath } from "../../config/paths.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { changesTable, commitMerge, discardMerge, type PreparedMerge, prepareMerge } from "../../merge/results/merge-files.ts";
import type { SourceReport } from "../../merge/results/types.ts";
import { copyDatabase } from "../../results/copy.ts";
import { openResults } from "../../results/database.ts";
import { digestRun } from "../../results/run-rows.ts";
import { readRuns } from "../../results/runs.ts";
import { openCache } from "../../store/cache.ts";
import { objectPath, trustedSize } from "../../store/layout.ts";
import { readPointersAt } from "../../store/pointers.ts";
import { describeChanges } from "../merge/database-part.ts";
import { databaseOf } from "../worktree/inventory/results.ts";
import type { Choices } from "./choices.ts";
import type { Scene } from "./scene.ts";

export interface ResultsMerge {
  /** Stored path of the main database. */
  path: string;
  /** Absolute path of the experiment's. */
  theirs: string;
  /** Null: the main worktree has no database, and gets a copy. */
  prepared: PreparedMerge | null;
  reports: SourceReport[];
  /** Nothing that is not there already. */
  isDone: boolean;
  destructive: boolean;
  /** One line for the plan. */
  detail: string;
}

/** Null when the experiment has no database, or its results are not wanted. Throws E_CONFLICT. */
export function prepareResults({ main, there, base }: Scene, { results, keyColumns, onConflict }: Choices): ResultsMerge | null {
  const [ours, theirs] = [databaseOf(main.project), databaseOf(there.project)];
  if (results === "none" || !existsSync(theirs)) return null;
  const path = storedPath(main.project, main.project.config.results.database);
  if (!existsSync(ours)) {
    return { path, theirs, prepared: null, reports: [], isDone: false, destructive: false, detail: "a copy: there is none here yet" };
  }
  const ancestor = results === "rebase" ? undefined : ancestorOf(main, base, path);
  const rules = { onConflict, ...(results === "rebase" ? { rebase: { keyColumns, matchNullKeys: false } } : {}) };
  // Worked out among our own state: a look at the plan leaves nothing beside the database.
  const beside = join(main.project.stateDir, "tmp", basename(ours));
  mkdirSync(dirname(beside), { recursive: true });
  const made = prepareMerge({ base: ours, sources: [{ path: theirs, name: theirs, ancestor }], output: beside, rules, inPlace: true });
  const prepared = { ...made, merge: { ...made.merge, output: ours } };
  const tables = prepared.reports.flatMap((report) => report.tables);
  const changed = tables.filter(changesTable);
  return {
    path,
    theirs,
    prepared,
    reports: prepared.reports,
    isDone: changed.length === 0,
    destructive: tables.some(({ removed, replaced }) => removed + replaced > 0),
    detail: changed.map((report) => `${report.table}: ${describeChanges(report)}`).join("; ") || "everything in it is there already",
  };
}

export function discardResults(merge: ResultsMerge | null): void {
  if (merge?.prepared) discardMerge(merge.prepared);
}

/** Brings the rows in. Each run that is new is recorded with the digest its rows will have, so that undo can take it away again. */
export function commitResults(operation: OpenOperation, { path, prepared }: ResultsMerge & { prepared: PreparedMerge }): void {
  const before = new Set(runsOf(prepared.merge.output).keys());
  const added = [...runsOf(prepared.temporary)].filter(([run]) => !before.has(run));
  operation.record(
    ...added.map(([run, digest]) => ({ kind: "rows" as const, database: path, run, ...(digest === null ? {} : { digest }) })),
  );
  commitMerge(prepared);
}

export function copyResults(theirs: string, to: string): void {
  copyDatabase(theirs, to);
}

function runsOf(file: string): Map<string, string | null> {
  const db = openResults(file, { readonly: true });
  try {
    return new Map(readRuns(db).map(({ run_id: run }) => [run, digestRun(db, run)]));
  } finally {
    db.close();
  }
}

/** The database both sides came from, when the cache has it. */
function ancestorOf({ project }: Scene["main"], base: string | null, path: string): string | undefined {
  const pointer = base === null ? undefined : readPointersAt(project, base).find((one) => one.path === path);
  if (pointer === undefined || pointer.hash === null) return undefined;
  const object = { hash: pointer.hash, hashName: pointer.hashName };
  const { dir } = openCache(project);
  return trustedSize(dir, object) === null ? undefined : objectPath(dir, object);
}
