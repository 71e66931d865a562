/** A run with its expver in front of it, from the lease to the last line. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { hideSecrets } from "../../config/secrets.ts";
import { ExpverError } from "../../errors.ts";
import { readIndexEntries } from "../../git/index-file.ts";
import { takeBack } from "../../journal/effects.ts";
import { acquireLease } from "../../journal/lease.ts";
import { beginOperation } from "../../journal/operations.ts";
import { localLauncher } from "../../launchers/local.ts";
import type { Context } from "../../platform/context.ts";
import { identityOf } from "../../platform/processes.ts";
import { closeUnversioned, closeVersioned } from "./close.ts";
import { type Collected, collectRows, forgetRun } from "./collect.ts";
import { createLog, type Ending, execute } from "./execute.ts";
import { takeMarks } from "./marks.ts";
import { type FileMark, markFile, readMetricsFile } from "./metrics-file.ts";
import { factsKeeper, type OpenRun } from "./open-run.ts";
import { type RunOutcome, refuseOutcome } from "./outcome.ts";
import type { RunPlan } from "./plan.ts";
import { summaryLine } from "./plan-steps.ts";
import { prepareRun } from "./prepare-run.ts";
import { programEnvironment } from "./program-environment.ts";
import { createRunFolder, errorFacts, type RunFacts, removeRunFolder } from "./run-facts.ts";
import { leaseName } from "./second-run.ts";
import { quoted } from "./snapshot-selection.ts";

export type { RunOutcome } from "./outcome.ts";

/** `wanted`: the id a detached run was given by its starter. */
export async function runAttached(context: Context, plan: RunPlan, wanted: string | null): Promise<RunOutcome> {
  const { project } = plan;
  const { runId, folder } = createRunFolder(project, context, wanted ?? undefined);
  const since = context.clock().toISOString();
  const lease = acquireLease(project, leaseName(project), { run: runId, since });
  try {
    return await runUnderLease(context, openRun(context, plan, { runId, folder, since }), wanted !== null);
  } finally {
    lease.release();
  }
}

async function runUnderLease(context: Context, run: OpenRun, supervised: boolean): Promise<RunOutcome> {
  const { plan, operation } = run;
  context.report({ kind: "step", text: `plan    ${summaryLine(plan)}` });
  for (const { path, reason, advice } of plan.selection.heldBack) {
    context.report({ kind: "warning", text: `${path} is not part of this experiment (${reason})`, hint: advice });
  }
  const startedAt = Date.now();
  try {
    createLog(join(run.folder, "log"));
    prepareRun(context, run);
    if (context.signal?.aborted) throw new ExpverError("E_INTERRUPTED", "interrupted before the program was started; nothing was run");
  } catch (error) {
    giveUp(run, error, supervised);
    throw error;
  }
  const watch = startWatch(run);
  let ending: Ending;
  try {
    ending = await execute(context, {
      launcher: localLauncher(),
      job: { id: run.runId, folder: run.folder, argv: plan.argv, cwd: context.cwd, env: programEnvironment(context, run) },
      onStart: () => run.save({ phase: "running" }),
    });
  } catch (error) {
    if (run.facts().phase === "preparing") giveUp(run, error, supervised);
    throw error;
  }
  run.save({
    phase: "closing",
    status: ending.status,
    exitCode: ending.exitCode,
    signal: ending.signal,
    endedAt: context.clock().toISOString(),
  });
  const seconds = (Date.now() - startedAt) / 1000;
  const collected = collect(context, run, watch.metricsBefore);
  const broken = collected.vanished + collected.changed > 0 && !plan.request.allowHistoryChange;
  const outcome = await (ending.status === "finished" && !broken
    ? closeVersioned(context, run, { collected, seconds, ...watch })
    : closeUnversioned(context, run, { collected, seconds }));
  rmSync(join(run.folder, "before.db"), { force: true });
  rmSync(join(run.folder, "index"), { force: true });
  if (broken && ending.status === "finished") throw historyChanged(run, collected, outcome);
  refuseOutcome(outcome);
  operation.finish();
  return outcome;
}

function historyChanged({ runId, plan }: OpenRun, { vanished, changed }: Collected, data: RunOutcome): ExpverError {
  const { database } = plan.places;
  const what = `of the rows that were in ${database} before it, ${vanished} are gone and ${changed} have other values`;
  return new ExpverError("E_HISTORY_CHANGED", `run ${runId} is recorded but not versioned: ${what}`, {
    hint: `If that was meant: expver tag VERSION --run ${runId}; next time: --allow-history-change. The rows as they were are in the database of the last version.`,
    details: { run: runId, vanished, changed, data },
  });
}

function openRun(context: Context, plan: RunPlan, { runId, folder, since }: { runId: string; folder: string; since: string }): OpenRun {
  const { project, repository, request, head, places, shownArgv, parameters } = plan;
  const command = shownArgv.map(quoted).join(" ");
  const operation = beginOperation(project, context, {
    command: "run",
    argv: ["run", "--", ...shownArgv],
    summary: `run ${runId}: ${request.message ?? command}`,
  });
  operation.note("run", runId);
  const facts: RunFacts = {
    run_id: runId,
    owner: identityOf(process.pid),
    worktree: repository.root,
    phase: "preparing",
    status: "running",
    command,
    message: request.message,
    params: hideSecrets(parameters),
    version: null,
    startedAt: since,
    endedAt: null,
    exitCode: null,
    signal: null,
    head,
    snapshot: null,
    results: null,
    dirty: false,
    dvcHash: null,
    inputs: [],
    inputEdits: [],
    database: places.database,
    outputs: [],
    models: [],
    changedDuringRun: [],
    error: null,
  };
  return { runId, folder, plan, project, repository, operation, ...factsKeeper(project, facts) };
}

/** The program never started: everything is taken back. */
function giveUp(run: OpenRun, error: unknown, supervised: boolean): void {
  const { project, runId, operation } = run;
  forgetRun(run.plan.places.databaseFile, runId);
  takeBack(project, operation.effects);
  operation.fail(error);
  if (supervised) run.save({ phase: "closed", status: "failed", error: errorFacts(error) });
  else removeRunFolder(project, runId);
}

interface Watch {
  marks: ReturnType<typeof takeMarks>;
  staged: ReturnType<typeof readIndexEntries>;
  metricsBefore: FileMark | null;
}

/** What must be known of the time before the start. */
function startWatch({ plan, project, repository }: OpenRun): Watch {
  const { places, pointers, selection } = plan;
  const pointerFiles = pointers.map(({ file }) => file);
  return {
    marks: takeMarks(project, places, pointers),
    staged: readIndexEntries(repository, [...selection.included.map(({ path }) => path), ...pointerFiles]),
    metricsBefore: places.metrics === null ? null : markFile(absolutePath(project, places.metrics)),
  };
}

function collect(context: Context, { runId, folder, plan, project }: OpenRun, metricsBefore: FileMark | null): Collected {
  const { places, parameters } = plan;
  const file = places.metrics === null ? null : readMetricsFile(absolutePath(project, places.metrics), metricsBefore);
  if (file !== null && file.state !== "read") {
    const what = file.state === "stale" ? "was not written during the run and counts for nothing" : "does not exist";
    context.report({ kind: "warning", text: `the metrics file ${places.metrics} ${what}` });
  }
  return collectRows(project, {
    runId,
    folder,
    databaseFile: places.databaseFile,
    parameters,
    metrics: file?.state === "read" ? file.metrics : {},
    ownRow: true,
  });
}
