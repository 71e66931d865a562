/** DVC's repository lock, taken the way DVC takes it, so that both programs keep out of each other's way. Reading never locks. */

import { createHash, randomBytes } from "node:crypto";
import { linkSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isWithin } from "../config/paths.ts";
import { type Place, topOf } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { hasCode, isMissing, readTextIfExists, writeFileAtomic } from "../platform/files.ts";
import { bytesFor } from "../platform/kept-bytes.ts";
import { type FileLock, lockHolder, tryLock } from "../platform/locks.ts";
import { fieldsOf } from "../platform/mapping.ts";
import { descendsFrom, isAlive } from "../platform/processes.ts";
import { dvcFolder, readDvcConfig } from "./settings/dvc-config.ts";
import { ignoreEdits } from "./settings/gitignore.ts";

export interface DvcLockOptions {
  /** Stored paths the work will write; DVC's own entries about them are honoured. */
  writes?: readonly string[];
  /** How long to wait for another holder, in milliseconds. */
  patience?: number;
}

const PATIENCE_MS = 3000;
const RETRY_MS = 100;
// A link lock's file carries the time it is good until; DVC refreshes it.
const LINK_LOCK_GRACE_MS = 10_000;

/** Does work under the lock. Throws E_BUSY, naming who has it, after a few seconds, or as long as the caller has patience. */
export async function withDvcLock<T>(project: Place, work: () => T | Promise<T>, options: DvcLockOptions = {}): Promise<T> {
  const { waiting } = project;
  const path = join(dvcFolder(project), "tmp", "lock");
  const take = readDvcConfig(project).hardlinkLock ? tryLinkLock : tryLock;
  const ends = Date.now() + (options.patience ?? waiting?.patience ?? PATIENCE_MS);
  let isSaid = false;
  const rest = async (busy: ExpverError) => {
    if (!isSaid) waiting?.report({ kind: "step", text: `waiting: ${busy.message}` });
    isSaid = true;
    await setTimeout(RETRY_MS);
    if (waiting?.signal?.aborted) throw new ExpverError("E_INTERRUPTED", `interrupted while waiting: ${busy.message}`);
  };
  for (;;) {
    const lock = takeOrSay(take, path, project);
    if (lock === null) {
      const busy = busyError(path);
      if (Date.now() >= ends) throw busy;
      await rest(busy);
      continue;
    }
    let held: ExpverError | null;
    try {
      held = heldError(project, options.writes ?? []);
      if (held === null) {
        hideOwnFiles(project);
        return await work();
      }
    } finally {
      lock.release();
    }
    // A stage may run for days: unasked nobody waits for it.
    if (waiting === undefined || Date.now() >= ends) throw held;
    await rest(held);
  }
}

function busyError(path: string): ExpverError {
  return new ExpverError("E_BUSY", `another dvc or expver process${holder(path)} is working in this repository`, {
    hint: `Wait until it has ended (--wait SECONDS). It holds ${path}.`,
    details: { lock: path, pid: lockHolder(path) },
  });
}

/** What DVC keeps for itself beside the user's files. Older versions told Git of less of it; a cache that Git sees is committed. */
function hideOwnFiles(project: Place): void {
  if (project.repository?.bare) return;
  const own = ["config.local", "tmp", "cache"].map((name) => join(dvcFolder(project), name));
  for (const { path, after } of ignoreEdits(project, own)) if (after !== null) writeFileAtomic(path, bytesFor(path, after));
}

/** Often another user's repository that was named with `gc -p`, or a read-only mount. */
function takeOrSay(take: (path: string) => FileLock | null, path: string, project: Place): FileLock | null {
  try {
    return take(path);
  } catch (error) {
    const errno = error instanceof Error && "code" in error ? error.code : undefined;
    // Node says ENOENT where the folder of the lock cannot be made.
    if (errno !== "EACCES" && errno !== "EPERM" && errno !== "EROFS" && errno !== "ENOENT") throw error;
    const why =
      errno === "EROFS" ? "its file system is read-only" : errno === "ENOENT" ? "its folder cannot be made" : "you may not write it";
    throw new ExpverError("E_IO", `the lock of ${topOf(project)} cannot be taken: ${why} (${path})`, {
      hint: "Nothing was changed: without the lock, a command at work there could not be seen. Have its owner run this, or let you write that file.",
      details: { lock: path, errno },
      cause: error,
    });
  }
}

/** While a stage's command runs, DVC gives up the lock and notes in `rwlock` which paths the stage reads and writes. */
function heldError(project: Place, writes: readonly string[]): ExpverError | null {
  const text = readTextIfExists(join(dvcFolder(project), "tmp", "rwlock"));
  if (text === null || text.trim() === "") return null;
  const top = topOf(project);
  for (const { path, pid, command } of entriesOf(text)) {
    const mine = writes.find((one) => overlaps(join(top, one), path));
    if (mine === undefined || pid === process.pid || !isAlive(pid)) continue;
    // Of the stage that we are part of: it waits for us.
    if (descendsFrom(pid)) continue;
    return new ExpverError("E_BUSY", `${mine} is in use by process ${pid} (${command})`, {
      hint: "Wait until it has ended (--wait SECONDS).",
      details: { path: mine, pid, command },
    });
  }
  return null;
}

interface Held {
  path: string;
  pid: number;
  command: string;
}

function entriesOf(text: string): Held[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return []; // half-written by somebody: it says nothing
  }
  const { read, write } = fieldsOf(value) as Record<string, Record<string, unknown> | undefined>;
  const all = [...Object.entries(read ?? {}), ...Object.entries(write ?? {})];
  return all.flatMap(([path, holders]) =>
    [holders].flat().flatMap((one) => {
      const { pid, cmd } = fieldsOf(one);
      return typeof pid === "number" ? [{ path, pid, command: String(cmd ?? "?") }] : [];
    }),
  );
}

function overlaps(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

/** `core.hardlink_lock`: the lock is a hard link to a claim file that holds the claim's own path. */
function tryLinkLock(path: string): FileLock | null {
  const claim = join(
    path,
    "..",
    `${createHash("md5")
      .update(`${path}|${hostname()}|${process.pid}|${randomBytes(8).toString("hex")}`)
      .digest("hex")}.lock`,
  );
  mkdirSync(join(path, ".."), { recursive: true });
  breakStale(path);
  writeFileSync(claim, claim, { flag: "wx" });
  const year = new Date(Date.now() + 365 * 24 * 3600 * 1000);
  utimesSync(claim, year, year);
  try {
    linkSync(claim, path);
  } catch (error) {
    const isTaken = statSync(claim).nlink !== 2;
    if (isTaken) {
      rmSync(claim, { force: true });
      if (hasCode(error, "EEXIST")) return null;
      throw error;
    }
  }
  return {
    release() {
      if (readTextIfExists(path) === claim) rmSync(path, { force: true });
      rmSync(claim, { force: true });
    },
  };
}

/** Who else finds it stale may have broken it meanwhile and taken it: only what is still stale once nobody else can reach it goes. */
function breakStale(path: string): void {
  if (!isStale(path)) return;
  const aside = `${path}-${randomBytes(8).toString("hex")}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (isStale(aside)) {
    const claim = readTextIfExists(aside);
    if (claim !== null && dirname(claim) === dirname(path) && claim.endsWith(".lock")) rmSync(claim, { force: true });
  } else giveBack(aside, path);
  rmSync(aside, { force: true });
}

function giveBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

function isStale(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs + LINK_LOCK_GRACE_MS < Date.now();
}

function holder(path: string): string {
  const pid = lockHolder(path);
  // Of a program that writes none there it is that of whoever had the lock before.
  return pid === undefined || !isAlive(pid) ? "" : ` (${pid})`;
}
