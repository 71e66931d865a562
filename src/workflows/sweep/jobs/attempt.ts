/** One run of a sweep: begun in a workspace, closed when its program has ended, by whoever is there then. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { resultsDatabase } from "../../../config/results-place.ts";
import { hideSecrets } from "../../../config/secrets.ts";
import type { Job, JobStatus } from "../../../launchers/launcher.ts";
import { identityOf } from "../../../platform/processes.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { letGoOfClosed } from "../../../platform/sqlite.ts";
import { syncFiles } from "../../../platform/sync.ts";
import { copyDatabase } from "../../../results/copy.ts";
import { snapshotTo } from "../../../results/rows.ts";
import { insertRun } from "../../../results/runs.ts";
import { createShard } from "../../../results/shard.ts";
import { closeRun } from "../../run/closing/close.ts";
import { copyBefore } from "../../run/database/mend-database.ts";
import { recordOf } from "../../run/database/run-record.ts";
import { type ClosingRun, factsKeeper } from "../../run/open-run.ts";
import { keepLeft, warnOfLeft } from "../../run/outputs/left-files.ts";
import { metricsMarks, takeMarks } from "../../run/outputs/marks.ts";
import { readParameterFile, substitute } from "../../run/parameters/parameters.ts";
import { paramsMark } from "../../run/parameters/written-parameters.ts";
import { placesOf } from "../../run/places.ts";
import { createLog, endingOf, stopRequest } from "../../run/program/execute.ts";
import { programEnvironment } from "../../run/program/program-environment.ts";
import { createRunFolder, type RunFacts, readFacts, removeRunFolder, runFolder } from "../../run/run-facts.ts";
import type { OpenSweep } from "../open-sweep.ts";
import { shardOf } from "../rows/shards.ts";
import type { Attempt, Cause, RunEnd } from "../sweep-journal.ts";
import { freshWorkspace, openWorkspace, type Workspace, type WorkspaceInput, writeParameters } from "./workspace.ts";

/** Starts one job in the workspace of a slot. Nothing but a folder is left of it when that fails before the program exists. */
export async function startAttempt(sweep: OpenSweep, { job, slot }: Pick<Attempt, "job" | "slot">): Promise<Attempt> {
  const { context, project, launcher, write } = sweep;
  const workspace = await freshWorkspace(context, workspaceOf(sweep, slot));
  const { runId, folder } = createRunFolder(project, context);
  const attempt: Attempt = { job, run: runId, slot, end: null };
  try {
    createLog(join(folder, "log"));
    const { run, program } = prepare(sweep, workspace, { attempt, folder });
    write({ start: { job, run: runId, slot } });
    // The program may change the database's journal mode, which takes that nobody else has it open.
    await letGoOfClosed();
    await launcher.submit(program);
    run.save({ phase: "running" });
    return attempt;
  } catch (error) {
    if (!existsSync(join(folder, "process.json"))) {
      removeRunFolder(project, runId);
      write({ dropped: runId });
    }
    throw error;
  }
}

/** Records what came of an attempt. Safe to repeat; until it has been done the workspace must stay as it is. */
export async function closeAttempt(sweep: OpenSweep, attempt: Attempt, seen: { status: JobStatus; cause: Cause | null }): Promise<RunEnd> {
  const { context, project, write } = sweep;
  const facts = readFacts(project, attempt.run) as RunFacts;
  const run = closingRun(sweep, openWorkspace(context, workspaceOf(sweep, attempt.slot)), facts);
  const ending = endingOf(seen.status, stopRequest(run.folder));
  if (facts.phase !== "closed") {
    const marksAtEnd = takeMarks(run.project, run.places, facts.closing.pointers);
    const endedAt = facts.endedAt ?? context.clock().toISOString();
    run.save({ phase: "closing", ...ending, endedAt, closing: { ...facts.closing, marksAtEnd } });
  }
  const isToldBefore = sweep.state().attempts.some(({ end }) => end?.status === "finished");
  const { outcome } = await closeRun(context, run, { parameters: facts.params, mayVersion: false, isToldBefore });
  keepShard(sweep, run);
  const left = keepLeft(run);
  const isFirst = !sweep.state().attempts.some(({ end }) => end?.left !== undefined);
  if (left !== null && isFirst) warnOfLeft(context, run, left);
  const { status, exitCode, signal, problem } = run.facts();
  const end: RunEnd = {
    status: status as RunEnd["status"],
    exitCode,
    signal,
    cause: causeOf(status, { ...seen, problem }),
    ...(problem === undefined ? {} : { problem }),
    seconds: outcome.seconds,
    params: outcome.params,
    metrics: outcome.metrics,
    artifacts: outcome.outputs,
    ...(left === null ? {} : { left: left.files }),
  };
  write({ end: { run: attempt.run, ...end } });
  return end;
}

function causeOf(
  status: RunFacts["status"],
  { status: { state }, cause, problem }: { status: JobStatus; cause: Cause | null; problem: string | undefined },
): Cause | null {
  if (status === "killed") return cause ?? (state === "lost" ? "lost" : null);
  return status === "failed" && problem !== undefined ? "metrics file" : null;
}

/** One whose program was never started, as far as anybody can tell. */
export function dropAttempt({ project, write }: OpenSweep, { run }: Attempt): void {
  removeRunFolder(project, run);
  write({ dropped: run });
}

/** Or was about to be: a program that ended before it was written down has left rows all the same. */
export function wasStarted({ project }: OpenSweep, { run }: Attempt): boolean {
  const folder = runFolder(project, run);
  return ["started", "process.json", "end.json", "exit-code"].some((file) => existsSync(join(folder, file)));
}

function workspaceOf({ folder, project, paramsFile, mayLink, facts, state }: OpenSweep, slot: number): WorkspaceInput {
  return {
    project,
    root: join(folder, "slots", String(slot)),
    commit: facts().snapshot ?? "",
    folder: state().folder,
    paramsFile,
    mayLink,
  };
}

interface Prepared {
  run: ClosingRun;
  program: Job;
}

function prepare(sweep: OpenSweep, workspace: Workspace, { attempt, folder }: { attempt: Attempt; folder: string }): Prepared {
  const { context, state, paramsFile, environment, schema } = sweep;
  const { text, packages } = environment;
  const { jobs, request } = state();
  const settings = jobs[attempt.job] ?? {};
  const given = { ...request.params, ...settings };
  writeParameters(workspace, paramsFile, given);
  const parameters = { ...readParameterFile(workspace.project), ...given };
  const { argv } = substitute(sweep.argv, parameters);
  const run = closingRun(sweep, workspace, ownFacts(sweep, workspace, { runId: attempt.run, parameters }));
  const { databaseFile } = run.places;
  const shown = substitute(state().argv, hideSecrets(parameters)).argv;
  const record = recordOf(run, {
    argv: shown,
    environment: text,
    patch: null,
    params: hideSecrets(parameters),
    start: run.facts().startedAt,
  });
  createShard(databaseFile, { schema, tables: workspace.project.config.results.tables }, (db) => insertRun(db, record, packages));
  snapshotTo(databaseFile, copyBefore(folder));
  const closing = {
    ...run.facts().closing,
    metricsMarks: metricsMarks(run.project, run.places),
    paramsMark: paramsMark(run.project),
    marks: takeMarks(run.project, run.places, workspace.pointers),
  };
  run.save({ closing });
  const env = programEnvironment(context, { ...run, parameters, given, version: sweep.facts().version });
  return { run, program: { id: attempt.run, folder, argv, cwd: workspace.cwd, env, outlives: true } };
}

/** As of a run that makes no version by itself. */
function ownFacts(
  { facts, state, given, context }: OpenSweep,
  { pointers }: Workspace,
  { runId, parameters }: { runId: string; parameters: Record<string, string> },
): RunFacts {
  const shared = facts();
  const { argv } = state();
  return {
    ...shared,
    run_id: runId,
    owner: identityOf(process.pid),
    phase: "preparing",
    status: "running",
    command: substitute(argv, hideSecrets(parameters)).argv.map(shellWord).join(" "),
    params: hideSecrets(parameters),
    version: null,
    startedAt: context.clock().toISOString(),
    inputEdits: [],
    closing: {
      ...shared.closing,
      given: [...given],
      commit: false,
      pointers,
      databaseExisted: false,
      heldBack: [],
      staged: [],
    },
  };
}

function closingRun({ project }: OpenSweep, workspace: Workspace, facts: RunFacts): ClosingRun {
  return {
    runId: facts.run_id,
    folder: runFolder(project, facts.run_id),
    project: workspace.project,
    repository: workspace.repository,
    places: placesOf(workspace.project, facts.closing.metrics),
    isShard: true,
    // Nothing that others see is changed: there is nothing to be taken back.
    operation: { record: () => {}, note: () => {} },
    ...factsKeeper(project, facts),
  };
}

function keepShard(sweep: OpenSweep, { runId, project }: ClosingRun): void {
  const shard = shardOf(sweep.project, runId);
  copyDatabase(resultsDatabase(project), shard);
  syncFiles([shard]);
}
