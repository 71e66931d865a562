/** `expver runs`: looking at runs, waiting for one, stopping one. */

import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { listLeases } from "../../journal/lease.ts";
import { drain, followLog, startOfLastLines } from "../../launchers/follow-log.ts";
import { localLauncher } from "../../launchers/local.ts";
import type { Context } from "../../platform/context.ts";
import { fileSize } from "../../platform/files.ts";
import { lifeOf, maySignal } from "../../platform/processes.ts";
import type { Input, Plan, ReadWorkflow, WriteWorkflow } from "../contract.ts";
import { countOf, limitOf, textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { requestStop } from "../run/program/execute.ts";
import { runFolder } from "../run/run-facts.ts";
import { runFilter } from "./run-filter.ts";
import { findRun, listRuns, localStatus, pageOfRuns, type RunView } from "./run-views.ts";

const POLL_MS = 100;
const DEFAULT_LIMIT = 20;

export interface RunsList {
  runs: RunView[];
  /** All there are, matching `--where` or not. */
  total: number;
  /** Runs not shown because of `--limit` and `--offset`. */
  leftOut: number;
}

export const runsList: ReadWorkflow<Input, RunsList> = {
  async read(context, input) {
    const limit = limitOf(input, DEFAULT_LIMIT);
    const offset = input.offset === undefined ? 0 : countOf(input.offset, "--offset");
    const project = openProject(context);
    const where = textIn(input.where);
    if (where === undefined) {
      const page = await pageOfRuns(project, { offset, limit });
      return { ...page, leftOut: Math.max(0, page.total - page.runs.length) };
    }
    const all = await listRuns(project);
    const found = all.filter(runFilter(all, where, project.config.versions.prefix));
    const runs = found.slice(offset, offset + limit);
    return { runs, total: all.length, leftOut: found.length - runs.length };
  },
};

export const runsShow: ReadWorkflow<Input, RunView> = {
  read: async (context, input) => findRun(openProject(context), textIn(input.run)),
};

export interface RunLog {
  run_id: string;
  status: RunView["status"];
  /** All of the log, or its last lines; of very much the last part. */
  text: string;
  /** `-f`: the text has been shown as it grew. */
  followed: boolean;
}

export const runsLogs: ReadWorkflow<Input, RunLog> = {
  async read(context, input) {
    const project = openProject(context);
    const { run_id: runId, log, host } = await findRun(project, textIn(input.run));
    if (log === null) {
      throw new ExpverError("E_NOT_FOUND", `the log of run ${runId} is not on this machine`, {
        hint: host === null ? "Look where it ran." : `It ran on ${host}.`,
        details: { run: runId },
      });
    }
    const chunks: Uint8Array[] = [];
    const followed = input.follow === true;
    const from = input.lines === undefined ? 0 : startOfLastLines(log, countOf(input.lines, "-n"));
    if (followed) {
      await followLog(log, (chunk) => context.report({ kind: "answer", chunk }), { ended: endOf(project, runId, context), from });
    }
    drain(log, fitting(context, log, { from, told: followed }), (chunk) => chunks.push(chunk));
    const status = (await localStatus(project, runId))?.status ?? "finished";
    return { run_id: runId, status, text: Buffer.concat(chunks).toString("utf8"), followed };
  },
};

// Node has no texts of half a gigabyte.
const MOST_TEXT_MIB = 64;

/** Where to begin, so that not more is held in memory than that. */
function fitting({ report }: Context, log: string, { from, told }: { from: number; told: boolean }): number {
  const start = fileSize(log) - MOST_TEXT_MIB * 1024 * 1024;
  if (start <= from) return from;
  if (!told) report({ kind: "warning", text: `what follows is the last ${MOST_TEXT_MIB} MiB of the log`, hint: `All of it: ${log}` });
  return start;
}

/** Exit code 1 when the run did not finish well. */
export type WaitedRun = RunView & { exitCode: number };

export const runsWait: ReadWorkflow<Input, WaitedRun> = {
  async read(context, input) {
    const project = openProject(context);
    const { run_id: runId } = await findRun(project, textIn(input.run));
    await endOfWork(project, runId, context);
    const view = await findRun(project, runId);
    return { ...view, exitCode: view.status === "finished" ? 0 : 1 };
  },
};

export interface StopPlan extends Plan {
  runId: string;
  signal: NodeJS.Signals;
}

export const runsStop: WriteWorkflow<Input, StopPlan, RunView> = {
  async plan(context, input) {
    const view = await findRun(openProject(context), textIn(input.run));
    const signal = input.kill === true ? "SIGKILL" : "SIGTERM";
    if (view.pid === null) {
      throw new ExpverError("E_NOT_FOUND", `run ${view.run_id} does not run here: it is ${view.status}`, {
        hint:
          view.status === "running" && view.host !== null
            ? `Stop it where it runs: on ${view.host}.`
            : "`expver runs list` shows those that do.",
      });
    }
    refuseAnothers(view.run_id, view.pid);
    return {
      command: "runs stop",
      steps: [{ verb: "stop", target: view.run_id, detail: `${signal} to process group ${view.pid}: ${view.command}` }],
      destructive: false,
      fingerprint: fingerprintOf({ run: view.run_id, pid: view.pid, signal }),
      runId: view.run_id,
      signal,
    };
  },

  /** Tells the program, then waits until whoever watches the run has recorded its end; after ten seconds says how to insist. */
  async apply(context, { runId, signal }) {
    const project = openProject(context);
    const job = { id: runId, folder: runFolder(project, runId) };
    requestStop(job.folder, signal);
    await localLauncher().stop(job, signal);
    const patience = AbortSignal.timeout(10_000);
    await endOfWork(project, runId, { ...context, signal: patience }).catch(() => undefined);
    const view = await findRun(project, runId);
    if (view.status === "running") {
      context.report({ kind: "warning", text: `run ${runId} has not ended yet`, hint: `Insist: expver runs stop --kill ${runId}` });
    }
    return view;
  },
};

/** Told to stop though nobody could tell its program, a run that then ends well would be recorded as one that was stopped. Throws E_IO. */
export function refuseAnothers(runId: string, pid: number): void {
  if (maySignal(pid)) return;
  throw new ExpverError("E_IO", `the program of run ${runId} (process ${pid}) is another user's: the system lets nobody else stop it`, {
    hint: `Ask whoever started it; what you started yourself by sudo: sudo kill -- -${pid}`,
    details: { run: runId, pid },
  });
}

/** Resolves when the run is recorded, or lost: nothing is added to its log any more. */
async function endOf(project: Project, runId: string, { signal }: Pick<Context, "signal">): Promise<void> {
  for (;;) {
    const now = await localStatus(project, runId);
    if (now === null || now.status !== "running") return;
    if (signal?.aborted) throw new ExpverError("E_INTERRUPTED", `stopped waiting; run ${runId} goes on`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

/** Resolves when nobody works on the run any more: once it is recorded it may still be published, and until then no other may begin. */
async function endOfWork(project: Project, runId: string, context: Pick<Context, "signal">): Promise<void> {
  await endOf(project, runId, context);
  while (listLeases(project).some(({ facts, owner }) => facts.run === runId && lifeOf(owner) === "alive")) {
    if (context.signal?.aborted) throw new ExpverError("E_INTERRUPTED", `stopped waiting; run ${runId} is recorded, its expver goes on`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}
