/** A result that is made beside the file it will replace, in the same folder, so that one rename puts it there. */
import { existsSync, lstatSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ExpverError } from "../errors.ts";
import { hiddenStem, removePath, syncFolder } from "../platform/files.ts";
import { isAlive, lifeOfMark, processMark } from "../platform/processes.ts";
import { syncFiles } from "../platform/sync.ts";

/** A name for what is on its way; it goes when this process ends. Throws E_NOT_FOUND when the folder is not there. */
export function besideOf(output: string, word: "merged" | "before" | "spill"): string {
  if (!existsSync(dirname(output))) {
    throw new ExpverError("E_NOT_FOUND", `there is no folder ${dirname(output)} for the merged file`, { details: { path: output } });
  }
  removeLeftovers(output);
  const path = join(dirname(output), `${hiddenStem(output)}${processMark()}.${word}.tmp`);
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
  if (path !== null) removePath(path);
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
    const path = join(dirname(output), name);
    if (name.startsWith(start) && MARKED.test(`.${name.slice(start.length)}`) && makerOf(path) === "dead") discard(path);
  }
}

const MARKED = /^\.(\d+(?:-[0-9a-z]+-[0-9a-f]{12})?)\.(?:merged|before|spill)\.tmp(?:-journal|\.\d+\.tmp)?$/;

/** Whether the merge that made such a file still goes on; null for what is none. A pid alone is what earlier versions wrote. */
export function makerOf(path: string): "alive" | "dead" | "unknown" | null {
  const [, mark] = /\.(\d+(?:-[0-9a-z]+-[0-9a-f]{12})?)\.(?:merged|before|spill)\.tmp/.exec(basename(path)) ?? [];
  if (mark === undefined) return null;
  if (!mark.includes("-")) return isAlive(Number(mark)) ? "alive" : "dead";
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "dead" : lifeOfMark(mark, stat.mtimeMs);
}
