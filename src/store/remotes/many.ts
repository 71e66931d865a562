/** Doing the same to many objects at once, with a limit, a report, and an end when going on makes no sense. */
import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { ExpverError } from "../../errors.ts";
import { createTeller, type Done, interruptedWhile, type Pacing } from "../../platform/pace.ts";
import type { ObjectName } from "../objects/layout.ts";
import type { TransferFailure } from "./remote.ts";
import { concernsAll, retrying, tellingOfTries } from "./retry.ts";

export interface ManyOptions {
  pacing: Pacing;
  /** Connections, unless the caller's pacing says how many. */
  jobs: number;
  /** Reads after "while": `pushing to store`. */
  label: string;
  /** Bytes to move, when known. */
  totalBytes?: number;
}

export interface Tools {
  signal: AbortSignal;
  /** Tells of bytes moved. */
  tell: (done: Done) => void;
}

// A failure that may concern one object only ends everything when it is all that happens.
const HOPELESS = 12;

// Of larger ones so few share the way that each gets on: what breaks off is to have come far.
const LARGE_BYTES = 2 ** 20;
const MOST_LARGE = 16;
// Each answer makes room for one more: a server that is asked for the first time may have to make itself ready (SeaweedFS never answers 64 at once then).
const FIRST = 16;

/** dvc's default, with a floor: waiting for a server uses no core. */
export function defaultJobs(floor = 16): number {
  return Math.max(floor, 4 * availableParallelism());
}

/**
 * Runs `work` for every item, tried again where that can help. Answers the failures; after one that concerns all, the items not yet begun
 * fail with it, untried. Throws E_INTERRUPTED, when everything under way has ended.
 */
export async function forMany<Item extends { object: ObjectName; from?: string; size?: number }>(
  items: readonly Item[],
  { pacing, jobs, label, totalBytes }: ManyOptions,
  work: (item: Item, tools: Tools) => Promise<void>,
): Promise<TransferFailure[]> {
  const { signal, release } = signalOf(pacing);
  const teller = createTeller(pacing.report, { label, total: items.length, ...(totalBytes === undefined ? {} : { totalBytes }) });
  const tell = (done: Done) => void teller(done);
  const tries = tellingOfTries(pacing, label);
  const failures: TransferFailure[] = [];
  let broken: ExpverError | null = null;
  let bug: unknown = null;
  let succeeded = 0;
  const isLarge = ({ size = 0 }: Item) => size > LARGE_BYTES;
  // Each is taken by one worker.
  const small = items.filter((item) => !isLarge(item)).values();
  const large = items.filter(isLarge).values();

  const limit = Math.min(pacing.connections ?? jobs, items.length);
  const workers: Promise<void>[] = [];
  const addWorker = () => {
    if (workers.length < limit) workers.push(worker(workers.length));
  };
  const worker = async (number: number) => {
    for (const item of itemsOf(number < MOST_LARGE ? [large, small] : [small])) {
      const { object } = item;
      if (bug !== null || signal.aborted) return;
      if (broken !== null) {
        failures.push({ object, error: broken });
        continue;
      }
      try {
        await retrying(() => work(item, { signal, tell }), { signal, again: tries.again });
        tries.over();
        succeeded += 1;
        tell({ files: 1, bytes: 0 });
        addWorker();
      } catch (error) {
        if (!(error instanceof ExpverError)) bug ??= error;
        else {
          failures.push({ object, error: error.code === "E_NOT_FOUND" ? null : error });
          const hopeless = succeeded === 0 && failures.length >= HOPELESS && error.code.startsWith("E_REMOTE");
          const isOfItsFile = item.from !== undefined && error.details.path === item.from;
          if ((concernsAll(error) && !isOfItsFile) || hopeless) broken ??= error;
        }
      }
    }
  };
  try {
    for (let first = 0; first < FIRST; first += 1) addWorker();
    // Those that are added meanwhile too.
    for (let number = 0; number < workers.length; number += 1) await workers[number];
  } finally {
    tries.over();
    release();
  }
  if (pacing.signal?.aborted) throw interruptedWhile({ label, total: items.length }, succeeded);
  if (bug !== null) throw bug;
  return failures;
}

function* itemsOf<Item>(queues: readonly Iterator<Item, undefined>[]): Generator<Item> {
  for (const queue of queues) for (let next = queue.next(); !next.done; next = queue.next()) yield next.value;
}

/** A signal of our own: the caller's may be missing, and listeners on it must not pile up. Several things may be read at the same time. */
export function signalOf({ signal }: Pacing): { signal: AbortSignal; release: () => void } {
  const controller = newController();
  if (signal !== undefined) setMaxListeners(0, signal);
  const abort = () => controller.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  return { signal: controller.signal, release: () => signal?.removeEventListener("abort", abort) };
}

/** One listener for each request is no leak. */
export function newController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
