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

/** Takes an exclusive lock, or answers null when somebody else has it. Writes our pid into the file as DVC does (` PID\n`). Throws E_IO where there are no locks. */
export function tryLock(path: string): FileLock | null {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, "a+");
  const said = flock(descriptor);
  if (said !== "taken") closeSync(descriptor);
  if (said === "another's") return null;
  if (said !== "taken") throw withoutLocks(path, said);
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

/** As flock(2) says it of a network file system whose lock service does not answer. */
function withoutLocks(path: string, said: string): ExpverError {
  return new ExpverError("E_IO", `${path} cannot be locked: ${said}`, {
    hint: "Ask for the lock service of that file system, or keep the repository on another. For dvc and `expver data`: expver data config core.hardlink_lock true",
    details: { path },
  });
}

/** "taken", "another's", or why no lock can be taken at all. */
function flock(descriptor: number): string {
  const stdio = ["ignore", "ignore", "pipe", descriptor] as const;
  const tool = spawnSync("flock", ["-n", "-x", "3"], { stdio: [...stdio], encoding: "utf8" });
  if (!tool.error) return answerOf(tool.status, tool.stderr);
  const script = "open(F,'+<&=3'); exit 0 if flock(F,6); exit 1 if $!{EWOULDBLOCK}; print STDERR $!; exit 2";
  const perl = spawnSync("perl", ["-e", script], { stdio: [...stdio], encoding: "utf8" });
  if (!perl.error) return answerOf(perl.status, perl.stderr);
  throw new ExpverError("E_IO", "cannot lock: neither flock(1) nor perl is installed", {
    hint: "Install util-linux (flock) or perl.",
  });
}

function answerOf(status: number | null, stderr: string): string {
  if (status === 0) return "taken";
  // Ctrl-C ends it too, and is heard of elsewhere.
  return status === 1 || status === null ? "another's" : stderr.trim().replace(/^flock: (?:\d+: )?/, "") || `exit code ${status}`;
}
