/** The program itself: started, watched, told to stop when we are. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { followLog } from "../../../launchers/follow-log.ts";
import type { Job, JobStatus, Launcher } from "../../../launchers/launcher.ts";
import type { Context } from "../../../platform/context.ts";
import { isMissing, readTextIfExists, writeFileAtomic } from "../../../platform/files.ts";
import { type Interrupt, onInterrupt, onMessage, onSuspension } from "../../../platform/interrupts.ts";
import type { RunStatus } from "../../../results/types.ts";

export interface Ending {
  status: Exclude<RunStatus, "running">;
  exitCode: number | null;
  /** That ended the program, or that it was asked to stop with. */
  signal: string | null;
}

export interface ExecuteOptions {
  launcher: Launcher;
  job: Job;
  /** The program exists now and its process is known. */
  onStart: (status: JobStatus) => void;
}

/**
 * Runs the job to its end and passes its output on as it appears in the log. The first interrupt is handed to the program,
 * the second kills it; a program that ends well after an interrupt still counts as killed: it did not do all it had to. Signals that are
 * no interrupts are the program's own business.
 */
export async function execute(context: Context, { launcher, job, onStart }: ExecuteOptions): Promise<Ending> {
  let interrupted: Interrupt | null = null;
  let started = false;
  const stopListening = onInterrupt(context, (signal) => {
    const again = interrupted !== null;
    interrupted ??= signal;
    if (started) void launcher.stop(job, again ? "SIGKILL" : signal);
  });
  const stopPassing = onMessage((signal) => {
    if (started) void launcher.tell(job, signal);
  });
  const stopSuspending = onSuspension((signal) => {
    if (started) void launcher.stop(job, signal);
  });
  try {
    const status = await launcher.submit(job);
    try {
      onStart(status);
    } catch (error) {
      // What comes of the run is taken back, and the next one may begin: nobody would know that it goes on.
      await launcher.stop(job, "SIGKILL");
      throw error;
    }
    started = true;
    if (interrupted !== null) await launcher.stop(job, interrupted);
    const ended = launcher.wait(job);
    await followLog(launcher.log(job), (chunk) => context.report({ kind: "output", chunk }), { ended });
    return endingOf(await ended, interrupted ?? stopRequest(job.folder));
  } finally {
    stopListening();
    stopPassing();
    stopSuspending();
  }
}

/** What an end means. `stopped`: somebody asked it to stop. */
export function endingOf({ exitCode, signal }: Pick<JobStatus, "exitCode" | "signal">, stopped: string | null): Ending {
  const asked = stopped ?? signal;
  if (asked !== null) return { status: "killed", exitCode, signal: signal ?? stopped };
  return { status: exitCode === 0 ? "finished" : exitCode === null ? "killed" : "failed", exitCode, signal };
}

/** Leaves word that a run was stopped on purpose, for whoever watches it. */
export function requestStop(folder: string, signal: string): void {
  writeFileAtomic(stopFile(folder), signal);
}

export function stopRequest(folder: string): string | null {
  return readTextIfExists(stopFile(folder));
}

function stopFile(folder: string): string {
  return join(folder, "stop");
}

/** Makes the log exist before anything can fail: every run has one from second zero. */
export function createLog(path: string): void {
  try {
    closeSync(openSync(path, "a"));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
