/**
 * flock(2) locks, the kind DVC uses. Node has no call for it, so flock(1) (or perl) takes the lock on a descriptor it
 * inherits from us: the lock belongs to the open file description and stays with us after the helper has gone. It ends
 * when we close the descriptor or die.
 */
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { ExpverError } from "../errors.ts";

export interface FileLock {
  release(): void;
}

/** Takes an exclusive lock, or answers null when somebody else has it. Writes our pid into the file as DVC does (` PID\n`). */
export function tryLock(path: string): FileLock | null {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, "a+");
  if (!flock(descriptor)) {
    closeSync(descriptor);
    return null;
  }
  ftruncateSync(descriptor, 0);
  writeSync(descriptor, ` ${process.pid}\n`);
  return { release: () => closeSync(descriptor) };
}

/** The pid somebody wrote into a lock file, for messages only. */
export function lockHolder(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, "utf8").trim(), 10);
    return Number.isFinite(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function flock(descriptor: number): boolean {
  const stdio = ["ignore", "ignore", "ignore", descriptor] as const;
  const tool = spawnSync("flock", ["-n", "-x", "3"], { stdio: [...stdio] });
  if (!tool.error) return tool.status === 0;
  const perl = spawnSync("perl", ["-e", "open(F,'+<&=3'); exit(flock(F,6) ? 0 : 1)"], { stdio: [...stdio] });
  if (!perl.error) return perl.status === 0;
  throw new ExpverError("E_IO", "cannot lock: neither flock(1) nor perl is installed", {
    hint: "Install util-linux (flock) or perl.",
  });
}
