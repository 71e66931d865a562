/** `nohup`: Node takes a signal that whoever started it ignores for one that nobody has decided on. What else tells of it is asked here. */
import { fstatSync, readFileSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { hasCode } from "./files.ts";

let answer: boolean | undefined;

/** Whether the terminal's end is not to be ours. */
export function outlivesTerminal(): boolean {
  answer ??= isStartedByNohup() || hasUnreadableInput() || isIgnoredAbove();
  return answer;
}

/** Shells leave the path of what they start in the environment, and `nohup` does not change it. */
function isStartedByNohup(): boolean {
  return basename(process.env._ ?? "") === "nohup";
}

/** In place of a terminal it gives programs a null device that can only be written to: also those that a script it runs starts. */
function hasUnreadableInput(): boolean {
  try {
    if (fstatSync(0).rdev !== statSync("/dev/null").rdev) return false;
    readSync(0, Buffer.alloc(1));
    return false;
  } catch (error) {
    return hasCode(error, "EBADF");
  }
}

/** A shell that ignores a signal has its children ignore it. */
function isIgnoredAbove(): boolean {
  const [, ignored = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(statusOf(process.ppid)) ?? [];
  return (BigInt(`0x${ignored}`) & 1n) === 1n;
}

/** Of another user's process, as Slurm's and sudo's are, it may not be read everywhere. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}
