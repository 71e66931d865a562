/** Runs as they are found: this machine's run folders (and who is alive) beside the rows of the results database. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { resultsDatabase, resultsPath } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import { localLauncher } from "../../launchers/local.ts";
import { lifeOf, numberHere } from "../../platform/processes.ts";
import type { Database } from "../../platform/sqlite.ts";
import { recordedTexts } from "../../results/runs.ts";
import type { RunRecord } from "../../results/types.ts";
import { type LeftFiles, listFacts, type RunFacts, readFacts, runFolder } from "../run/run-facts.ts";

export interface RunView {
  run_id: string;
  /** "lost": the machine went down, or the expver that watched it was killed; the next writing command records it. */
  status: RunRecord["status"] | "lost";
  version: string | null;
  command: string;
  message: string | null;
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** ISO 8601. */
  start: string;
  end: string | null;
  exit_code: number | null;
  signal: string | null;
  git_commit: string | null;
  dvc_hash: string | null;
  dirty: boolean;
  host: string | null;
  /** Absolute path; null when it is on another machine. */
  log: string | null;
  /** What it wrote that is in no version; null: nothing, or it ran on another machine. */
  left: LeftFiles | null;
  /** The program, while it runs here. */
  pid: number | null;
}

/** All runs, the latest first. */
export async function listRuns(project: Project): Promise<RunView[]> {
  return viewsOf(project, await headsOf(project));
}

/** What each measured, and on which code: ten thousand runs of five hundred parameters are not read for that. */
export async function numbersOfRuns(project: Project): Promise<Pick<RunView, "run_id" | "start" | "git_commit" | "metrics">[]> {
  const heads = await headsOf(project);
  const rows = await inDatabase(project, async (db) => (await import("../../results/runs.ts")).readRunNumbers(db));
  const byRun = new Map(rows.map((row) => [row.run_id, row]));
  return heads.map(({ run_id, start, facts }) => {
    const row = byRun.get(run_id);
    return {
      run_id,
      start,
      git_commit: facts === null ? (row?.git_commit ?? null) : facts.snapshot,
      metrics: recordedTexts(row?.metrics ?? "{}"),
    };
  });
}

/** Some of them: only theirs is read, so that the first of ten thousand are answered at once. */
export async function pageOfRuns(
  project: Project,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ runs: RunView[]; total: number }> {
  const heads = await headsOf(project);
  return { runs: await viewsOf(project, heads.slice(offset, offset + limit)), total: heads.length };
}

/** Ids of the runs that go on in this worktree. */
export async function runningHere(project: Project): Promise<string[]> {
  const open = listFacts(project).filter(({ phase, worktree }) => phase !== "closed" && worktree === project.repository?.root);
  const states = await Promise.all(open.map(({ run_id: id }) => localStatus(project, id)));
  return states.flatMap((state) => (state?.status === "running" ? [state.facts.run_id] : []));
}

/** One run by its id or an unambiguous beginning of it; without one the latest. Throws E_NOT_FOUND. */
export async function findRun(project: Project, wanted: string | undefined): Promise<RunView> {
  const facts = wanted === undefined ? null : readFacts(project, wanted);
  if (facts !== null) return viewOf(project, facts, (await readRecords(project, [facts.run_id]))[0]);
  const all = await headsOf(project);
  const found = wanted === undefined ? all.slice(0, 1) : all.filter(({ run_id: id }) => id === wanted || id.startsWith(wanted));
  const exact = found.find(({ run_id: id }) => id === wanted) ?? (found.length === 1 ? found[0] : undefined);
  const [view] = exact === undefined ? [] : await viewsOf(project, [exact]);
  if (view !== undefined) return view;
  const known = all.slice(0, 5).map(({ run_id: id }) => id);
  const what =
    wanted === undefined
      ? "there is no run yet"
      : found.length > 1
        ? `${wanted} is the beginning of ${found.length} runs`
        : `there is no run ${wanted}`;
  throw new ExpverError("E_NOT_FOUND", known.length === 0 || wanted === undefined ? what : `${what}; the latest are ${known.join(", ")}`, {
    hint: "`expver runs list` shows them all.",
    details: { asked: wanted ?? null, known },
  });
}

/** The state of a run by what this machine knows alone: cheap enough to be asked again and again. */
export async function localStatus(
  project: Project,
  runId: string,
): Promise<{ facts: RunFacts; status: RunView["status"]; pid: number | null } | null> {
  const facts = readFacts(project, runId);
  if (facts === null) return null;
  if (facts.phase === "closed") return { facts, status: facts.status, pid: null };
  const program = (await localLauncher().states([{ id: runId, folder: runFolder(project, runId) }])).get(runId);
  const isRunning = program?.state === "running";
  const pid = isRunning && program.process !== null ? numberHere(program.process) : null;
  const goesOn = isRunning || lifeOf(facts.owner) !== "dead";
  return { facts, status: goesOn ? "running" : "lost", pid };
}

async function viewOf(project: Project, facts: RunFacts, record: RunRecord | undefined): Promise<RunView> {
  const now = await localStatus(project, facts.run_id);
  const log = join(runFolder(project, facts.run_id), "log");
  return {
    run_id: facts.run_id,
    status: now?.status ?? facts.status,
    // Once it is closed the row alone knows: an undo or another number changes only that.
    version: record !== undefined && facts.phase === "closed" ? record.version : (record?.version ?? facts.version),
    command: facts.command,
    message: facts.message,
    params: record === undefined ? facts.params : recordedTexts(record.params),
    metrics: record === undefined ? {} : recordedTexts(record.metrics),
    start: facts.startedAt,
    end: facts.endedAt,
    exit_code: facts.exitCode,
    signal: facts.signal,
    git_commit: facts.snapshot,
    dvc_hash: facts.dvcHash,
    dirty: facts.dirty,
    host: record?.host ?? null,
    log: existsSync(log) ? log : null,
    left: facts.left ?? null,
    pid: now?.pid ?? null,
  };
}

function viewOfRecord(record: RunRecord): RunView {
  const { run_id, status, version, command, message, start, end, exit_code, signal, git_commit, dvc_hash, dirty, host } = record;
  const tables = { params: recordedTexts(record.params), metrics: recordedTexts(record.metrics) };
  return {
    run_id,
    status,
    version,
    command,
    message,
    ...tables,
    start,
    end,
    exit_code,
    signal,
    git_commit,
    dvc_hash,
    dirty: dirty !== 0,
    host,
    log: null,
    left: null,
    pid: null,
  };
}

interface Head {
  run_id: string;
  start: string;
  /** What this machine knows of it. */
  facts: RunFacts | null;
}

/** Which runs there are, the latest first. */
async function headsOf(project: Project): Promise<Head[]> {
  const starts = await inDatabase(project, async (db) => (await import("../../results/runs.ts")).readRunStarts(db));
  const recorded = new Set(starts.map(({ run_id }) => run_id));
  const own = resultsPath(project);
  // A run that is over and has no row was undone, or belongs to another database: of another worktree, or project.
  const isOurs = ({ worktree, database }: RunFacts) => worktree === project.repository?.root && database === own;
  const local = listFacts(project).filter((facts) => recorded.has(facts.run_id) || (facts.phase !== "closed" && isOurs(facts)));
  const known = new Set(local.map(({ run_id }) => run_id));
  const heads = [
    ...local.map((facts): Head => ({ run_id: facts.run_id, start: facts.startedAt, facts })),
    ...starts.filter(({ run_id }) => !known.has(run_id)).map((head): Head => ({ ...head, facts: null })),
  ];
  return heads.sort((one, other) => (one.start < other.start ? 1 : one.start > other.start ? -1 : 0));
}

async function viewsOf(project: Project, heads: readonly Head[]): Promise<RunView[]> {
  const records = new Map(
    (
      await readRecords(
        project,
        heads.map(({ run_id }) => run_id),
      )
    ).map((record) => [record.run_id, record]),
  );
  const views = await Promise.all(
    heads.map(async ({ run_id, facts }) => {
      const record = records.get(run_id);
      if (facts !== null) return viewOf(project, facts, record);
      return record === undefined ? null : viewOfRecord(record);
    }),
  );
  return views.filter((view) => view !== null);
}

/** From so many on all are read at once. */
const MANY = 200;

async function readRecords(project: Project, ids: readonly string[]): Promise<RunRecord[]> {
  if (ids.length === 0) return [];
  return inDatabase(project, async (db) => {
    const { readRun, readRuns } = await import("../../results/runs.ts");
    return ids.length > MANY ? readRuns(db) : ids.flatMap((id) => readRun(db, id) ?? []);
  });
}

async function inDatabase<Row>(project: Project, read: (db: Database) => Promise<Row[]>): Promise<Row[]> {
  const path = resultsDatabase(project);
  if (!existsSync(path)) return [];
  const { openResults } = await import("../../results/database.ts");
  const db = openResults(path, { readonly: true });
  try {
    return await read(db);
  } finally {
    db.close();
  }
}
