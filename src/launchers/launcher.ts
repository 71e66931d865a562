/**
 * Where runs execute. Six words are enough for a local process, Slurm or Ray: submit, states, wait, log, tell, stop.
 *
 * A launcher keeps nothing in memory that it needs: the submitter may die, or be another process on another login node when
 * it asks again. All it must know is in the job's folder, and the folder is named after the run.
 */
import type { ProcessIdentity } from "../platform/processes.ts";

/** One program to execute once. */
export interface Job {
  /** Our own id (the run id). Submitting an id that is already there starts nothing. */
  id: string;
  /** Absolute; exists. Receives the log and the launcher's own records. */
  folder: string;
  /** Program and arguments: a list, no shell. */
  argv: readonly string[];
  /** Absolute working directory. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Its end is to be known even when nobody was there to see it. Default false. */
  outlives?: boolean;
}

export interface JobStatus {
  /** "lost": it is not running and nobody saw how it ended. */
  state: "pending" | "running" | "ended" | "lost";
  exitCode: number | null;
  signal: string | null;
  /** Where the launcher has one: who it is, for ever. */
  process: ProcessIdentity | null;
}

/** How to find a job again: the part of {@link Job} that survives the submitter. */
export type JobReference = Pick<Job, "id" | "folder">;

export interface Launcher {
  /** Starts (or queues) the job; resolves when it is known to exist. */
  submit(job: Job): Promise<JobStatus>;
  states(jobs: readonly JobReference[]): Promise<Map<string, JobStatus>>;
  /** Resolves when the job is no longer pending or running. */
  wait(job: JobReference): Promise<JobStatus>;
  /** File that standard output and error go to. */
  log(job: JobReference): string;
  /** Sends a signal to the program alone: what it started may know nothing of it, and end. False when it is not running. */
  tell(job: JobReference, signal: NodeJS.Signals): Promise<boolean>;
  /** Sends a signal to everything the job started; false when it is not running. */
  stop(job: JobReference, signal: NodeJS.Signals): Promise<boolean>;
}
