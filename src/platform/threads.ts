/**
 * Synchronous work on many small pieces, shared with worker threads. Everybody takes the next few pieces until none are left, this
 * thread too; results lie in shared memory. A thread that comes late, or not at all, costs time only.
 */
import { existsSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { SHARE_ENV, Worker } from "node:worker_threads";
import type { Work } from "./pace.ts";
import { packageRoot } from "./package-root.ts";
import { AT_WORK, NEXT, type Share, STOP, takePieces } from "./pieces.ts";
import type { Task } from "./tasks.ts";

// Starting a thread takes as long as copying a thousand files, or looking at ten thousand: it must be worth its processor time.
const MANY = { copy: 2000, stat: 50_000 };
// More are not faster: they wait for the file system.
const MOST_THREADS = 4;
const WAIT_MS = 20;

interface Thread {
  worker: Worker;
  isAlive: boolean;
}

const started: Thread[] = [];

interface Pieces {
  kind: Task["kind"];
  count: number;
  /** Bytes of each; null: the work is no progress to be told. */
  sizes: Float64Array | null;
  perform: (piece: number) => void;
  /** How many threads may take part; by default as many as there are idle processors. */
  most?: number;
}

/** So many files are going to be copied: threads that will take part start meanwhile. */
export function expectCopies(count: number): void {
  if (count >= MANY.copy) startThreads(idleProcessors());
}

/** Does `perform` for every piece, in any order; threads, if there are any, get the task and do the same with it. */
export function* sharingWork(taskFor: () => Task, { kind, count, sizes, perform, most = idleProcessors() }: Pieces): Work<void> {
  const threads = count < (started.length === 0 ? MANY[kind] : MANY.copy) ? [] : startThreads(most);
  const share = { count, control: new Int32Array(new SharedArrayBuffer(4 * (AT_WORK + 1 + threads.length))) };
  const task = threads.length > 0 ? taskFor() : null;
  for (const [index, { worker }] of threads.entries()) worker.postMessage({ task, share, thread: index + 1 });
  let told = 0;
  const news = () => {
    if (sizes === null) return { files: 0, bytes: 0 };
    const begun = Math.min(count, Atomics.load(share.control, NEXT));
    const bytes = sizes.subarray(told, begun).reduce((sum, size) => sum + size, 0);
    const files = begun - told;
    told = begun;
    return { files, bytes };
  };
  try {
    while (takePieces(share, 0, perform)) yield news();
    while (threads.some((thread, index) => isAtWork(share, index + 1, thread))) yield news();
  } finally {
    Atomics.store(share.control, STOP, 1);
    for (const [index, thread] of threads.entries()) while (isAtWork(share, index + 1, thread));
  }
}

/** Waits a moment for a thread that is at work. */
function isAtWork({ control }: Share, thread: number, { isAlive }: Thread): boolean {
  return isAlive && Atomics.wait(control, AT_WORK + thread, 1, WAIT_MS) !== "not-equal";
}

/** Beside the one we use. On a busy machine threads would only take turns, and wait for each other. */
function idleProcessors(): number {
  const processors = availableParallelism();
  return Math.max(0, Math.min(processors - 1, Math.round(processors - (loadavg()[0] ?? 0))));
}

function startThreads(most: number): Thread[] {
  const wanted = Math.min(most, MOST_THREADS - 1);
  const file = join(packageRoot(), "dist", "worker.cjs");
  if (started.length < wanted && existsSync(file)) while (started.length < wanted) started.push(startThread(file));
  return started.slice(0, wanted).filter(({ isAlive }) => isAlive);
}

function startThread(file: string): Thread {
  const worker = new Worker(file, { env: SHARE_ENV });
  const thread = { worker, isAlive: true };
  worker.unref();
  worker.on("exit", () => {
    thread.isAlive = false;
  });
  // Its pieces are done by others, or are found undone.
  worker.on("error", () => undefined);
  return thread;
}
