/**
 * One command line of expver as a process of its own: what a tool answers is what `--json` prints, work can be cancelled while it computes,
 * and nothing it does can reach this process's stdout, which belongs to the protocol.
 */
import { join } from "node:path";
import type { Envelope } from "../cli/envelope.ts";
import { ExpverError } from "../errors.ts";
import { packageRoot } from "../platform/package-root.ts";
import { type StartedProgram, startProgram } from "../platform/programs.ts";

/** No call takes longer: clients give up after 60 s. */
const PATIENCE_MS = 40_000;

/** Systems start no program with a longer one. */
const LONGEST_WORD = 100_000;

const GRACE_MS = 5_000;

export type Ended = { state: "ended"; envelope: Envelope; exitCode: number };
export type Outcome = Ended | { state: "running" };

export interface Job {
  id: string;
  repository: string;
  argv: readonly string[];
  /** It changes something: giving up waiting does not stop it. */
  isWriting: boolean;
  /** Resolves when it ends; never rejects. */
  ended: Promise<Ended>;
  /** Asks it to stop, as Ctrl-C would. */
  interrupt(): void;
  kill(): void;
}

/** Commands under way, by the id a later call waits with. */
export class Jobs {
  readonly #running = new Map<string, Job>();
  #count = 0;

  start(repository: string, argv: readonly string[], { isWriting = false } = {}): Job {
    if (argv.some((word) => Buffer.byteLength(word) > LONGEST_WORD)) {
      throw new ExpverError("E_USAGE", `an argument is longer than ${LONGEST_WORD} bytes`, { hint: "Ask for less at once." });
    }
    this.#count += 1;
    const program = startProgram(process.execPath, [...process.execArgv, mainScript(), ...withJson(argv)], { cwd: repository });
    const job: Job = {
      id: `job-${this.#count}`,
      repository,
      argv,
      isWriting,
      ended: program.ended.then((result) => ({ state: "ended", ...envelopeOf(result) })),
      interrupt: () => program.signal("SIGINT"),
      kill: () => program.signal("SIGKILL"),
    };
    this.#running.set(job.id, job);
    // Only an application's end is worth keeping for a later call.
    if (!isWriting) void job.ended.then(() => this.#running.delete(job.id));
    return job;
  }

  find(id: string): Job | undefined {
    return this.#running.get(id);
  }

  /** Waits for a job, until the caller gives up or patience ends; an ended one is answered once and then forgotten. */
  async wait(job: Job, { signal, patienceMs = PATIENCE_MS }: { signal?: AbortSignal; patienceMs?: number } = {}): Promise<Outcome> {
    const outcome = await Promise.race<Outcome>([job.ended, givenUp(signal, patienceMs)]);
    if (outcome.state === "ended") this.#running.delete(job.id);
    return outcome;
  }

  /** Nobody waits for it any more. A question that computes on does not hear: it is killed, and has changed nothing. */
  stop(job: Job, graceMs = GRACE_MS): void {
    job.interrupt();
    const timer = setTimeout(() => job.kill(), graceMs);
    void job.ended.then(() => clearTimeout(timer));
  }

  /**
   * The connection is gone: nothing of it goes on. Asked twice, as by two Ctrl-C (a sweep lets its programs end at the first), then killed:
   * the next command repairs. A detached run is the user's, not the connection's.
   */
  async stopAll(graceMs = GRACE_MS): Promise<void> {
    const left = new Set(this.#running.values());
    for (const job of left) void job.ended.then(() => left.delete(job));
    for (const ask of ["interrupt", "interrupt", "kill"] as const) {
      for (const job of left) job[ask]();
      await Promise.race([Promise.all([...left].map(({ ended }) => ended)), new Promise((done) => setTimeout(done, graceMs).unref())]);
    }
  }
}

/** The command line with `--json`, before `--`: what follows belongs to a program. */
function withJson(argv: readonly string[]): string[] {
  return withOptions(argv, ["--json"]);
}

export function withOptions(argv: readonly string[], options: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return end < 0 ? [...argv, ...options] : [...argv.slice(0, end), ...options, ...argv.slice(end)];
}

/** The built command beside this file, or that of an installed package. */
function mainScript(): string {
  return join(packageRoot(), "dist", "main.cjs");
}

function givenUp(signal: AbortSignal | undefined, patienceMs: number): Promise<{ state: "running" }> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ state: "running" }), patienceMs);
    timer.unref();
    const giveUp = () => resolve({ state: "running" });
    // A signal that was given before anybody listened is not given again.
    if (signal?.aborted) giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}

function envelopeOf({ code, stdout, stderr }: Awaited<StartedProgram["ended"]>): { envelope: Envelope; exitCode: number } {
  const text = stdout.toString("utf8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (isEnvelope(parsed)) return { envelope: parsed, exitCode: code };
  // The verbs that speak dvc's dialect print their bare value, and errors as text.
  if (parsed !== undefined && code === 0)
    return { envelope: { schema: 1, ok: true, data: parsed, warnings: [], error: null }, exitCode: code };
  const message = stderr.trim() || `expver ended with ${code} and said nothing`;
  const error = { code: "E_FAILED", message, details: {}, hint: "" };
  return { envelope: { schema: 1, ok: false, data: null, warnings: [], error }, exitCode: code };
}

function isEnvelope(value: unknown): value is Envelope {
  return typeof value === "object" && value !== null && "schema" in value && "ok" in value && "error" in value;
}
