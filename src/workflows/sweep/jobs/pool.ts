/** Runs the jobs of a sweep, so many at once, to their ends: time limits, retries, being asked to stop. */

import type { JobReference, JobStatus } from "../../../launchers/launcher.ts";
import type { Context } from "../../../platform/context.ts";
import { onInterrupt, onSuspension } from "../../../platform/interrupts.ts";
import { counted } from "../../../platform/words.ts";
import { requestStop, stopRequest } from "../../run/program/execute.ts";
import { readFacts, runFolder } from "../../run/run-facts.ts";
import type { OpenSweep } from "../open-sweep.ts";
import type { Pace } from "../request.ts";
import { type Ended, isEnded } from "../state.ts";
import type { Attempt, Cause } from "../sweep-journal.ts";
import { closeAttempt, dropAttempt, startAttempt, wasStarted } from "./attempt.ts";

export interface PoolInput {
  /** Jobs to be started, in order. */
  queue: number[];
  /** False: runs that go on are seen to their ends, and none is begun, again or for the first time. */
  mayStart: boolean;
  pace: Pace;
  /** Hears Ctrl-C. */
  signal: Context["signal"];
  /** A run has ended. */
  onEnd: (run: Ended) => void;
}

export interface PoolOutcome {
  /** Why not all jobs were started; null: they were. */
  halted: "interrupted" | "fail-fast" | "error" | null;
  /** What kept a run from being started or recorded. */
  error: unknown;
}

/** After it has been asked to stop a program has so long before it is killed. */
const GRACE_MS = 5_000;
const LOOK_MS = 250;
/** A timer for longer goes off at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Attempts that an earlier command left open come first, each in its own slot. */
export async function runPool(sweep: OpenSweep, { queue, mayStart, pace, signal, onEnd }: PoolInput): Promise<PoolOutcome> {
  const outcome: PoolOutcome = { halted: null, error: null };
  const open = sweep.state().attempts.filter((attempt) => !isEnded(attempt));
  const tries = new Map<number, number>();
  const count = (job: number) => tries.set(job, (tries.get(job) ?? 0) + 1);
  for (const { job } of sweep.state().attempts.filter(isEnded)) count(job);
  const slots = new Set([...Array.from({ length: pace.jobs }, (_, index) => index + 1), ...open.map(({ slot }) => slot)]);
  const watch = watchStops(sweep, { signal, outcome });
  const work = async (slot: number) => {
    const left = open.findIndex((attempt) => attempt.slot === slot);
    if (left >= 0) await take(slot, open.splice(left, 1)[0] as Attempt);
    // A slot beyond the number asked for only ends what was left in it; one whose run is not recorded must not be cleared.
    while (slot <= pace.jobs && outcome.halted === null && queue.length > 0) await take(slot, queue.shift() as number);
  };
  const again = (job: number) => {
    if (mayStart && outcome.halted === null) queue.push(job);
  };
  const take = async (slot: number, what: number | Attempt) => {
    try {
      const attempt = await runOne(sweep, { slot, what, limitSeconds: pace.limitSeconds, watch });
      const { job, end } = attempt;
      if (isEnded(attempt)) {
        count(job);
        onEnd(attempt);
      }
      if (end?.status === "finished") return;
      // What a command that is gone had begun is begun again, unless it failed by itself.
      const isLeft = typeof what !== "number" && end?.status !== "failed" && end?.cause !== "time limit";
      if (isLeft || end === null) return again(job);
      if (end.cause !== "stopped" && (tries.get(job) ?? 0) <= pace.retry) again(job);
      else if (pace.failFast) outcome.halted ??= "fail-fast";
    } catch (error) {
      outcome.halted = "error";
      outcome.error ??= error;
    }
  };
  try {
    // What comes back into the queue late may find that its neighbours have gone home.
    do await Promise.all([...slots].map(work));
    while (outcome.halted === null && queue.length > 0);
    return outcome;
  } finally {
    watch.end();
  }
}

interface RunOne {
  slot: number;
  /** A job to be started, or an attempt that was. */
  what: number | Attempt;
  limitSeconds: number | null;
  watch: StopWatch;
}

async function runOne(sweep: OpenSweep, { slot, what, limitSeconds, watch }: RunOne): Promise<Attempt> {
  if (typeof what !== "number" && !wasStarted(sweep, what)) {
    dropAttempt(sweep, what);
    return { ...what, end: null };
  }
  const attempt = typeof what === "number" ? await startAttempt(sweep, { job: what, slot }) : what;
  const { status, cause } = await waitFor(sweep, attempt, { what, limitSeconds, watch });
  return { ...attempt, end: await closeAttempt(sweep, attempt, { status, cause }) };
}

async function waitFor(
  sweep: OpenSweep,
  { run }: Attempt,
  { what, limitSeconds, watch }: Omit<RunOne, "slot">,
): Promise<{ status: JobStatus; cause: Cause | null }> {
  const { project, launcher, context } = sweep;
  const job: JobReference = { id: run, folder: runFolder(project, run) };
  let isOver = false;
  const stop = (signal: NodeJS.Signals) => {
    requestStop(job.folder, signal);
    void launcher.stop(job, signal);
    const kill = setTimeout(() => void launcher.stop(job, "SIGKILL"), GRACE_MS);
    timers.push(kill);
  };
  const timers: NodeJS.Timeout[] = [];
  if (limitSeconds !== null) {
    const started = Date.parse(readFacts(project, run)?.startedAt ?? context.clock().toISOString());
    const left = Math.min(LONGEST_MS, Math.max(0, limitSeconds * 1000 - (context.clock().getTime() - started)));
    const timer = setTimeout(() => {
      isOver = true;
      stop("SIGTERM");
    }, left);
    timers.push(timer);
  }
  watch.running.set(run, stop);
  // Whoever began it may have been killed while Ctrl-Z had stopped them all.
  if (typeof what !== "number") void launcher.stop(job, "SIGCONT");
  try {
    const status = await launcher.wait(job);
    const cause = isOver ? "time limit" : stopRequest(job.folder) !== null ? "stopped" : null;
    return { status, cause };
  } finally {
    watch.running.delete(run);
    for (const timer of timers) clearTimeout(timer);
  }
}

interface StopWatch {
  /** How to stop each run that goes on. */
  running: Map<string, (signal: NodeJS.Signals) => void>;
  end(): void;
}

/** The first request lets running programs end, the second stops them: by Ctrl-C, or left in the sweep's folder by `sweep stop`. */
function watchStops(
  { context, folder, launcher, project }: OpenSweep,
  { signal, outcome }: { signal: Context["signal"]; outcome: PoolOutcome },
): StopWatch {
  const running: StopWatch["running"] = new Map();
  let asked = 0;
  const hear = (level: number) => {
    if (level <= asked) return;
    asked = level;
    outcome.halted ??= "interrupted";
    if (level === 1) {
      const text = `stopping: ${counted(running.size, "running program")} may end; again stops them`;
      context.report({ kind: "step", text });
    } else for (const stop of running.values()) stop("SIGTERM");
  };
  const unlisten = onInterrupt(signal === undefined ? {} : { signal }, () => hear(asked + 1));
  const unsuspend = onSuspension((sent) => {
    for (const run of running.keys()) void launcher.stop({ id: run, folder: runFolder(project, run) }, sent);
  });
  const timer = setInterval(() => hear(levelOf(stopRequest(folder))), LOOK_MS);
  return {
    running,
    end: () => {
      unlisten();
      unsuspend();
      clearInterval(timer);
    },
  };
}

function levelOf(request: string | null): number {
  return request === null ? 0 : request === "now" ? 2 : 1;
}
