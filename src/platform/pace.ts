/**
 * Long synchronous work that can still hear Ctrl-C and show progress. It is written once, as a generator that yields what it
 * has done; whoever starts it decides whether to run it through or to pause now and then.
 */
import { setImmediate } from "node:timers/promises";
import { ExpverError } from "../errors.ts";
import type { Context } from "./context.ts";

/** A piece of work done: files finished, and bytes read or written. */
export interface Done {
  files: number;
  bytes: number;
}

/** Time has passed: whoever runs the work may pause. */
export const NOTHING_DONE: Done = { files: 0, bytes: 0 };

export type Work<T> = Generator<Done, T, void>;

/** What pacing needs of a context; a whole Context fits. */
export type Pacing = Partial<Pick<Context, "report" | "signal" | "connections">>;

export interface PaceOptions {
  /** Reads after "while": `storing data`. */
  label: string;
  /** Files and bytes in all, when known. */
  total?: number;
  totalBytes?: number;
}

const TURN_MS = 40;

/** Milliseconds that only grow. `performance` would have to be loaded first. */
const clock = () => process.uptime() * 1000;

/** Runs work to its end without a pause: for callers that are not asynchronous. */
export function finishWork<T>(work: Work<T>, { report }: Pacing = {}, options: PaceOptions = { label: "working" }): T {
  const tell = createTeller(report, options);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    tell(step.value);
  }
}

/** Runs work with a pause every 40 ms. Throws E_INTERRUPTED after Ctrl-C, when the work's own `finally` has cleaned up. */
export async function paceWork<T>(work: Work<T>, { report, signal }: Pacing, options: PaceOptions): Promise<T> {
  const tell = createTeller(report, options);
  let files = 0;
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    files += step.value.files;
    if (!tell(step.value)) continue;
    await setImmediate();
    if (signal?.aborted) work.throw(interruptedWhile(options, files));
  }
}

/** Says how far it came, where it is known how far there was to go. */
export function interruptedWhile({ label, total }: PaceOptions, files: number): ExpverError {
  const amount = total === undefined || total === 0 ? "" : ` (${files} of ${total} files)`;
  return new ExpverError("E_INTERRUPTED", `interrupted while ${label}${amount}`, { details: { files, total: total ?? null } });
}

/** Adds up and reports now and then; true when a turn has passed. */
export function createTeller(report: Pacing["report"], { label, total, totalBytes }: PaceOptions): (done: Done) => boolean {
  let files = 0;
  let bytes = 0;
  let turnEnds = clock() + TURN_MS;
  return (done) => {
    files += done.files;
    bytes += done.bytes;
    const now = clock();
    if (now < turnEnds) return false;
    turnEnds = now + TURN_MS;
    report?.({
      kind: "progress",
      label,
      done: files,
      unit: "files",
      bytes,
      ...(total === undefined ? {} : { total }),
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
    return true;
  };
}

// What is held of so many files at once is small beside what is known of all of them, and gone before the collector takes it for lasting.
const BATCH = 5000;
// A second batch costs a twentieth of so many files: it must be worth that.
const FIRST_BATCH = 20_000;

export function* batchesOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0, to = FIRST_BATCH; from < all.length; from = to, to += BATCH) yield all.slice(from, to);
}

/** Of so many bytes and so many items at most; one that is larger stands alone. */
export function* batchesBySize<T>(
  all: readonly T[],
  { bytesOf, bytes, items = Number.POSITIVE_INFINITY }: { bytesOf: (one: T) => number; bytes: number; items?: number },
): Generator<T[]> {
  let [batch, sum]: [T[], number] = [[], 0];
  for (const one of all) {
    const size = bytesOf(one);
    if (batch.length === items || (batch.length > 0 && sum + size > bytes)) {
      yield batch;
      [batch, sum] = [[], 0];
    }
    batch.push(one);
    sum += size;
  }
  if (batch.length > 0) yield batch;
}
