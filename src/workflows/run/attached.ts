import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readIndexEntries } from "../../git/index-file.ts";
import { acquireLease, type Lease } from "../../journal/lease.ts";
import { beginOperation } from "../../journal/operations.ts";
import { takeBack } from "../../journal/take-back.ts";
import type { Job } from "../../launchers/launcher.ts";
import { localLauncher } from "../../launchers/local.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { letGoOfClosed } from "../../platform/sqlite.ts";
import { type Draft, editDescription, noDescription } from "../describe/edit.ts";
import { leaseName } from "../second-run.ts";
import { type Closed, closeRun } from "./closing/close.ts";
import { type RunOutcome, refuseOutcome } from "./closing/outcome.ts";
import { publishMade } from "./closing/publish-made.ts";
import { forgetRun } from "./database/collect.ts";
import { firstFacts } from "./first-facts.ts";
import { factsKeeper, type OpenRun } from "./open-run.ts";
import { metricsMarks, takingMarks } from "./outputs/marks.ts";
import { paramsMark } from "./parameters/written-parameters.ts";
import type { RunPlan } from "./planning/plan.ts";
import { summaryLine } from "./planning/plan-steps.ts";
import { prepareRun } from "./prepare-run.ts";
import { createLog, execute } from "./program/execute.ts";
import { programEnvironment } from "./program/program-environment.ts";
import { createRunFolder, errorFacts, removeRunFolder } from "./run-facts.ts";
import { tellSelection } from "./snapshot/tell-selection.ts";

export type { RunOutcome } from "./closing/outcome.ts";

/** `wanted`: the id a detached run was given by its starter. */
export async function runAttached(context: Context, plan: RunPlan, wanted: string | null): Promise<RunOutcome> {
  const { project } = plan;
  const { runId, folder } = createRunFolder(project, context, wanted ?? undefined);
  const since = context.clock().toISOString();
  const lease = leaseFor(project, { runId, since });
  try {
    return await runUnderLease(context, openRun(context, plan, { runId, folder, since }), wanted !== null);
  } finally {
    lease.release();
  }
}

function leaseFor(project: Project, { runId, since }: { runId: string; since: string }): Lease {
  try {
    return acquireLease(project, leaseName(project), { run: runId, since });
  } catch (error) {
    removeRunFolder(project, runId);
    throw error;
  }
}

async function runUnderLease(context: Context, run: OpenRun, supervised: boolean): Promise<RunOutcome> {
  const { plan } = run;
  context.report({ kind: "step", text: `plan    ${summaryLine(plan)}` });
  tellSelection(context, plan.selection);
  let env: Job["env"];
  try {
    createLog(join(run.folder, "log"));
    await prepareRun(context, run);
    await watchFromNow(context, run);
    env = programEnvironment(context, { ...run, parameters: plan.parameters, given: plan.request.params, version: run.facts().version });
    // The program may change the database's journal mode, which takes that nobody else has it open.
    await letGoOfClosed();
    if (context.signal?.aborted) throw new ExpverError("E_INTERRUPTED", "interrupted before the program was started; nothing was run");
  } catch (error) {
    giveUp(run, error, supervised);
    throw error;
  }
  await executeProgram(context, run, { env, supervised });
  const outcome = await close(context, run);
  return publishMade(context, run.project, { outcome, asked: run.facts().closing.publish });
}

async function executeProgram(
  context: Context,
  run: OpenRun,
  { env, supervised }: { env: Job["env"]; supervised: boolean },
): Promise<void> {
  const { plan, project, places } = run;
  try {
    const { status, exitCode, signal } = await execute(context, {
      launcher: localLauncher(),
      job: { id: run.runId, folder: run.folder, argv: plan.argv, cwd: context.cwd, env },
      onStart: () => run.save({ phase: "running" }),
    });
    // Not to be interrupted: without them there would be no version.
    const marks = takingMarks(project, places, plan.pointers);
    const marksAtEnd = await paceWork(marks, { report: context.report }, { label: "looking at what was written" });
    const endedAt = context.clock().toISOString();
    run.save({ phase: "closing", status, exitCode, signal, endedAt, closing: { ...run.facts().closing, marksAtEnd } });
  } catch (error) {
    if (run.facts().phase === "preparing") giveUp(run, error, supervised);
    throw error;
  }
}

/** Until the run is closed its operation stays open: what could not be done now is done by the next writing command. */
async function close(context: Context, run: OpenRun): Promise<RunOutcome> {
  const { operation, plan, repository } = run;
  const edit = plan.request.edit ? (draft: Draft) => editDescription(context, repository, draft) : undefined;
  try {
    const closed = await closeRun(context, run, { parameters: plan.parameters, ...(edit === undefined ? {} : { edit }) });
    const { outcome } = closed;
    if (outcome.status === "finished" && closed.vanished + closed.changed > 0) throw historyChanged(run, closed);
    refuseOutcome(outcome);
    if (edit !== undefined && plan.request.tag && outcome.status === "finished" && outcome.version === null) throw undescribed(outcome);
    operation.finish();
    return outcome;
  } catch (error) {
    if (run.facts().phase === "closed") operation.fail(error);
    else throw notStored(run, error);
    throw error;
  }
}

function undescribed(outcome: RunOutcome): ExpverError {
  const { run_id: run } = outcome;
  return noDescription(`run ${run} is recorded and its results are committed, without a version`, `expver tag -m TEXT --run ${run}`, {
    run,
    data: outcome,
  });
}

function notStored({ runId, facts }: OpenRun, error: unknown): unknown {
  if (!(error instanceof ExpverError)) return error;
  return new ExpverError(
    error.code,
    `the program of run ${runId} has ${facts().status}, but not all of it could be recorded: ${error.message}`,
    {
      hint: `${error.hint} Then \`expver doctor --fix\` (or any writing command) closes the run.`,
      details: { ...error.details, run: runId },
      cause: error,
    },
  );
}

function historyChanged({ runId, places }: OpenRun, { vanished, changed, before, outcome: data }: Closed): ExpverError {
  const { database } = places;
  const what = `of the rows that were in ${database} before it, ${vanished} are gone and ${changed} have other values`;
  return new ExpverError("E_HISTORY_CHANGED", `run ${runId} is recorded but not versioned: ${what}`, {
    hint: `If that was meant: expver tag VERSION --run ${runId}; next time: --allow-history-change. The rows as they were${before === null ? " are in the database of the last version" : `: ${before}`}.`,
    details: { run: runId, vanished, changed, before, data },
  });
}

function openRun(context: Context, plan: RunPlan, { runId, folder, since }: { runId: string; folder: string; since: string }): OpenRun {
  const { project, repository, request, places } = plan;
  const facts = firstFacts(plan, { runId, since });
  const operation = beginOperation(project, context, {
    command: "run",
    argv: ["run", "--", ...plan.shownArgv],
    summary: `run ${runId}: ${request.message ?? facts.command}`,
  });
  operation.note("run", runId);
  return { runId, folder, plan, project, repository, places, operation, ...factsKeeper(project, facts) };
}

/** The program never started: everything is taken back. */
function giveUp(run: OpenRun, error: unknown, supervised: boolean): void {
  const { project, runId, operation } = run;
  try {
    forgetRun(run.places.databaseFile, runId);
  } catch (second) {
    if (!(second instanceof ExpverError)) throw second; // a file that cannot be opened has no row of ours
  }
  takeBack(project, operation.effects);
  operation.fail(error);
  if (supervised) run.save({ phase: "closed", status: "failed", error: errorFacts(error) });
  else removeRunFolder(project, runId);
}

/** What must be known of the time before the start. */
async function watchFromNow(context: Context, { plan, project, repository, places, facts, save }: OpenRun): Promise<void> {
  const { pointers, selection } = plan;
  const pointerFiles = pointers.map(({ file }) => file);
  const staged = readIndexEntries(repository, [...selection.included.map(({ path }) => path), ...pointerFiles]);
  const before = metricsMarks(project, places);
  const marks = await paceWork(takingMarks(project, places, pointers), context, { label: "looking at what is there" });
  save({ closing: { ...facts().closing, marks, staged: [...staged], metricsMarks: before, paramsMark: paramsMark(project) } });
}
