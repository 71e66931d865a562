/**
 * Runs on this machine: a process group of its own whose output goes straight into its log file. Nothing of the job hangs
 * on us: kill -9 of the submitter leaves program and log whole, and a grandchild that keeps the log open delays nobody.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { ExpverError } from "../errors.ts";
import { readTextIfExists, writeFileAtomic } from "../platform/files.ts";
import { findByEnvironment, identityOf, lifeOf, numberHere, type ProcessIdentity } from "../platform/processes.ts";
import type { Job, JobReference, JobStatus, Launcher } from "./launcher.ts";

/** Every job has it in its environment; it finds a program whose starter died before it could write down the pid. */
const JOB_MARKER = "EXPVER_RUN_ID";

const POLL_MS = 100;

/**
 * Writes the exit code down where nobody else may be left to see it: `$0` is the file, the rest is the program. Signals to the
 * group reach the program; the shell outlives them (its own traps do not pass to the program) to record what came of it.
 */
const RECORDER = 'trap : HUP INT TERM USR1 USR2\n"$@"\ncode=$?\nprintf %s "$code" >"$0.tmp" && mv -f "$0.tmp" "$0"\nexit "$code"';

export function localLauncher(): Launcher {
  const children = new Map<string, Promise<JobStatus>>();
  const stateOf = (job: JobReference): JobStatus => {
    const seen = readEnd(job);
    if (seen !== null) return seen;
    const life = readLife(job);
    // It may have ended between the two looks.
    return life.state === "running" ? life : (readEnd(job) ?? life);
  };
  const runningPid = (job: JobReference): number | null => {
    const { state, process: running } = stateOf(job);
    return state === "running" && running !== null ? numberHere(running) : null;
  };
  return {
    async submit(job) {
      const known = readProcess(job);
      if (known !== null) return stateOf(job);
      // First of all: killed in the next moment, we leave a program that nobody has written down.
      writeFileAtomic(startFile(job), "");
      const child = await start(job);
      const process = identityOf(child.pid as number);
      children.set(job.id, endOf(child, process, job));
      const written: KnownProcess = { ...process, ...(job.outlives ? { outlives: true } : {}) };
      try {
        writeFileAtomic(processFile(job), JSON.stringify(written));
      } catch (error) {
        // Nobody would know of it, and its folder would be given to another one.
        signalGroup(process.pid, "SIGKILL");
        throw error;
      }
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
    async tell(job, signal) {
      const pid = runningPid(job);
      return pid !== null && signalFirst([pid], signal);
    },
    async stop(job, signal) {
      const pid = runningPid(job);
      const isSent = pid !== null && signalGroup(pid, signal);
      // A program that Ctrl-Z has stopped hears of nothing else before that.
      if (isSent && signal !== "SIGSTOP") signalGroup(pid, "SIGCONT");
      return isSent;
    },
  };
}

/** `outlives`: of the recorder, without whom the program may go on. */
type KnownProcess = ProcessIdentity & { outlives?: boolean };

/** When the program ended, or gave its last sign of life where nobody saw that; milliseconds since 1970. */
export function lastSign(job: JobReference): number {
  const seen = [endFile(job), codeFile(job), logFile(job)].map((file) => statSync(file, { throwIfNoEntry: false }));
  return seen.find((stat) => stat !== undefined)?.mtimeMs ?? 0;
}

function start(job: Job): Promise<ChildProcess> {
  const log = openSync(logFile(job), "a");
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
      // Whoever kills what the job is known by means the job: the program is not to outlive its recorder unseen.
      if (job.outlives && code === null) signalGroup(process.pid, "SIGKILL");
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
  const known = readProcess(job);
  const isAlive = known !== null && lifeOf(known) !== "dead";
  // The recorder may have been killed alone; the program then still writes where another one would be put.
  const left = !isAlive && known?.outlives === true ? findProcess(job) : null;
  return { state: isAlive || left !== null ? "running" : "lost", exitCode: null, signal: null, process: left ?? known };
}

function readProcess(job: JobReference): KnownProcess | null {
  const text = readTextIfExists(processFile(job));
  return text === null ? findProcess(job) : (JSON.parse(text) as KnownProcess);
}

function findProcess(job: JobReference): ProcessIdentity | null {
  const pid = findByEnvironment(JOB_MARKER, job.id)[0];
  return pid === undefined ? null : identityOf(pid);
}

/** A program whose recorder is gone leads no group. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return signalFirst([-pid, pid], signal);
}

function signalFirst(targets: readonly number[], signal: NodeJS.Signals): boolean {
  return targets.some((target) => {
    try {
      return process.kill(target, signal);
    } catch {
      return false;
    }
  });
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
