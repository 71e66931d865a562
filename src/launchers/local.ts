/**
 * Runs on this machine: a process group of its own whose output goes straight into its log file. Nothing of the job hangs
 * on us: kill -9 of the submitter leaves program and log whole, and a grandchild that keeps the log open delays nobody.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { ExpverError } from "../errors.ts";
import { readTextIfExists, writeFileAtomic } from "../platform/files.ts";
import { findByEnvironment, identityOf, lifeOf, type ProcessIdentity } from "../platform/processes.ts";
import type { Job, JobReference, JobStatus, Launcher } from "./launcher.ts";

/** Every job has it in its environment; it finds a program whose starter died before it could write down the pid. */
const JOB_MARKER = "EXPVER_RUN_ID";

const POLL_MS = 100;

/**
 * Writes the exit code down where nobody else may be left to see it: `$0` is the file, the rest is the program. Signals to the
 * group reach the program; the shell outlives them (its own traps do not pass to the program) to record what came of it.
 */
const RECORDER = 'trap : HUP INT TERM\n"$@"\ncode=$?\nprintf %s "$code" >"$0.tmp" && mv -f "$0.tmp" "$0"\nexit "$code"';

export function localLauncher(): Launcher {
  const children = new Map<string, Promise<JobStatus>>();
  const stateOf = (job: JobReference): JobStatus => {
    const seen = readEnd(job);
    if (seen !== null) return seen;
    const life = readLife(job);
    // It may have ended between the two looks.
    return life.state === "running" ? life : (readEnd(job) ?? life);
  };
  return {
    name: "local",
    capabilities: { arraySize: null, requeues: false, sharedFolder: true, limits: [] },
    async submit(job) {
      const known = readProcess(job);
      if (known !== null) return stateOf(job);
      // First of all: killed in the next moment, we leave a program that nobody has written down.
      writeFileAtomic(startFile(job), "");
      const child = await start(job);
      const process = identityOf(child.pid as number);
      children.set(job.id, endOf(child, process, job));
      writeFileAtomic(processFile(job), JSON.stringify(process));
      return { state: "running", exitCode: null, signal: null, process };
    },
    async states(jobs) {
      return new Map(jobs.map((job) => [job.id, stateOf(job)]));
    },
    async wait(job) {
      const own = children.get(job.id);
      if (own) return own;
      for (;;) {
        const status = stateOf(job);
        if (status.state === "ended" || status.state === "lost") return status;
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    },
    log: logFile,
    async stop(job, signal) {
      const status = stateOf(job);
      if (status.state !== "running" || status.process === null) return false;
      return signalGroup(status.process.pid, signal);
    },
  };
}

function start(job: Job): Promise<ChildProcess> {
  const log = openSync(logFile(job), "a", 0o644);
  const [program = "", ...args] = job.outlives ? ["sh", "-c", RECORDER, codeFile(job), ...job.argv] : job.argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: job.cwd,
      env: { ...job.env, [JOB_MARKER]: job.id },
      stdio: ["ignore", log, log],
      // A group of its own: signals reach the program and all it started, and Ctrl-C reaches it only through us.
      detached: true,
      windowsHide: true,
    });
    child.once("error", (error) => reject(cannotStart(program, error)));
    child.once("spawn", () => resolve(child));
  }).finally(() => closeSync(log)) as Promise<ChildProcess>;
}

/** The end record is written last, by rename: without it the job did not end before our eyes. */
function endOf(child: ChildProcess, process: ProcessIdentity, job: Job): Promise<JobStatus> {
  return new Promise((resolve) => {
    // "exit", not "close": a grandchild may hold the log open for ever.
    child.once("exit", (code, signal) => {
      const end = job.outlives && code !== null ? endOfCode(code) : { exitCode: code, signal };
      const status: JobStatus = { state: "ended", ...end, process };
      try {
        writeFileAtomic(endFile(job), JSON.stringify(end));
      } catch {
        // A full disk must not lose what we have just seen, nor end whoever waits for other jobs too.
      }
      resolve(status);
    });
  });
}

function readEnd(job: JobReference): JobStatus | null {
  const text = readTextIfExists(endFile(job));
  if (text === null) {
    const code = readTextIfExists(codeFile(job));
    return code === null ? null : { state: "ended", ...endOfCode(Number(code)), process: readProcess(job) };
  }
  const { exitCode, signal } = JSON.parse(text) as { exitCode: number | null; signal: string | null };
  return { state: "ended", exitCode, signal, process: readProcess(job) };
}

/** A shell says 128 and more for a program that a signal ended. */
function endOfCode(code: number): Pick<JobStatus, "exitCode" | "signal"> {
  const signal = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  return signal === undefined ? { exitCode: code, signal: null } : { exitCode: null, signal };
}

function readLife(job: JobReference): JobStatus {
  const process = readProcess(job);
  const running = process !== null && lifeOf(process) !== "dead";
  return { state: running ? "running" : "lost", exitCode: null, signal: null, process };
}

function readProcess(job: JobReference): ProcessIdentity | null {
  const text = readTextIfExists(processFile(job));
  if (text !== null) return JSON.parse(text) as ProcessIdentity;
  const pid = findByEnvironment(JOB_MARKER, job.id)[0];
  return pid === undefined ? null : identityOf(pid);
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

function cannotStart(program: string, cause: Error): ExpverError {
  const missing = "code" in cause && cause.code === "ENOENT";
  return new ExpverError("E_NOT_FOUND", `cannot start ${program}: ${missing ? "no such program" : cause.message}`, {
    hint: "Check the command after `--`: it is a program and its arguments, not a shell line.",
    details: { program },
    cause,
  });
}

const logFile = (job: JobReference) => join(job.folder, "log");
const startFile = (job: JobReference) => join(job.folder, "started");
const processFile = (job: JobReference) => join(job.folder, "process.json");
const codeFile = (job: JobReference) => join(job.folder, "exit-code");
const endFile = (job: JobReference) => join(job.folder, "end.json");
