/** A result that is made beside the file it will replace, in the same folder, so that one rename puts it there. */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExpverError } from "../errors.ts";
import { hiddenStem, syncFolder } from "../platform/files.ts";
import { isAlive } from "../platform/processes.ts";
import { syncFiles } from "../platform/sync.ts";

/** A name for what is on its way; it goes when this process ends. Throws E_NOT_FOUND when the folder is not there. */
export function besideOf(output: string, word: "merged" | "before" | "spill"): string {
  if (!existsSync(dirname(output))) {
    throw new ExpverError("E_NOT_FOUND", `there is no folder ${dirname(output)} for the merged file`, { details: { path: output } });
  }
  removeLeftovers(output);
  const path = join(dirname(output), `${hiddenStem(output)}${process.pid}.${word}.tmp`);
  removeAtExit(path);
  return path;
}

/** Makes the bytes durable, then gives them their name. */
export function putInPlace(beside: string, output: string): void {
  syncFiles([beside]);
  renameSync(beside, output);
  syncFolder(dirname(output));
}

export function discard(path: string | null): void {
  if (path !== null) rmSync(path, { force: true, recursive: true });
}

const atExit = new Set<string>();

function removeAtExit(path: string): void {
  if (atExit.size === 0) {
    process.once("exit", () => {
      for (const one of atExit) {
        try {
          discard(one);
        } catch {} // the way out is no place to fail
      }
    });
  }
  atExit.add(path);
}

/** Of processes that were killed, also while they copied into it. */
function removeLeftovers(output: string): void {
  const start = hiddenStem(output);
  for (const name of readdirSync(dirname(output))) {
    const [, pid] = name.startsWith(start)
      ? (/^(\d+)\.(?:merged|before|spill)\.tmp(?:-journal|\.\d+\.tmp)?$/.exec(name.slice(start.length)) ?? [])
      : [];
    if (pid !== undefined && Number(pid) !== process.pid && !isAlive(Number(pid))) discard(join(dirname(output), name));
  }
}
