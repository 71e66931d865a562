/**
 * Synchronous work on many small pieces, shared with worker threads. Everybody takes the next few pieces until none are left, this
 * thread too; results lie in shared memory. A thread that comes late, or not at all, costs time only.
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { SHARE_ENV, Worker } from "node:worker_threads";
import type { Work } from "../pace.ts";
import { packageRoot } from "../package-root.ts";
import { AT_WORK, newShare, type Perform, type Share, STOP, takingPieces } from "./pieces.ts";
import type { Task } from "./tasks.ts";

// Starting a thread takes as long as copying a thousand files, or looking at ten thousand: it must be worth its processor time.
const MANY = { copy: 2000, stat: 50_000 };
/** Reading, hashing and writing so many bytes takes as long as a small file. */
const LIKE_A_FILE = 2 ** 14;
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
  /** So many of the first are large files, of so many bytes in all. */
  large?: Large;
  perform: Perform;
  /** How many threads may take part; by default as many as there are idle processors. */
  most?: number;
}

interface Large {
  count: number;
  bytes: number;
}

/** So many files are going to be copied: threads that will take part start meanwhile. */
export function expectCopies(count: number, bytes = 0): void {
  if (count > 1 && count + bytes / LIKE_A_FILE >= MANY.copy) startThreads(Math.min(count - 1, idleProcessors()));
}

/** Does `perform` for every piece, in any order; threads, if there are any, get the task and do the same with it. */
export function* sharingWork(taskFor: () => Task, { kind, count, large, perform, most = idleProcessors() }: Pieces): Work<void> {
  const weight = count + (large?.bytes ?? 0) / LIKE_A_FILE;
  const isMuch = count > 1 && weight >= (started.length === 0 ? MANY[kind] : MANY.copy);
  const threads = isMuch ? startThreads(Math.min(count - 1, most)) : [];
  const share = newShare(1 + threads.length, { count, large: large?.count ?? 0 });
  const task = threads.length > 0 ? taskFor() : null;
  for (const [index, { worker }] of threads.entries()) worker.postMessage({ task, share, thread: index + 1 });
  const told = { files: 0, bytes: 0 };
  const news = () => {
    const sum = (from: number) => share.done.reduce((all, amount, index) => (index % 2 === from ? all + amount : all), 0);
    const [files, bytes] = [sum(0) - told.files, sum(1) - told.bytes];
    told.files += files;
    told.bytes += bytes;
    return kind === "stat" ? { files: 0, bytes: 0 } : { files, bytes };
  };
  try {
    for (const _ of takingPieces(share, 0, perform)) yield news();
    while (threads.some((thread, index) => isAtWork(share, index + 1, thread))) yield news();
    yield news();
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
  return Math.max(0, Math.min(processors - 1, Math.round(processors - othersAtWork())));
}

/** By the load of the last minute, in which our own last command counts too, or by what runs at this moment: the less of both. */
function othersAtWork(): number {
  const load = loadavg()[0] ?? 0;
  try {
    const running = /(\d+)\/\d+ \d+\s*$/.exec(readFileSync("/proc/loadavg", "latin1"))?.[1];
    return running === undefined ? load : Math.min(load, Number(running) - 1);
  } catch {
    return load; // not Linux
  }
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
