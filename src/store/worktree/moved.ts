/** What is known of the files of an output goes along when the output is moved, so that nobody has to read them again. */
import { type Stats, statSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { fileStat } from "../../platform/file-stat.ts";
import type { HashName } from "../types.ts";
import { openSingles } from "./scan.ts";
import { moveRemembered } from "./stat-cache.ts";

/** To be called before the move (absolute paths); what it answers, after it. */
export function takingAlong(project: Project, { from, to, hashName }: { from: string; to: string; hashName: HashName }): () => void {
  const stat = statSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return () => undefined;
  if (stat.isDirectory()) return () => moveRemembered(project.stateDir, { from, to, kind: hashName });
  const md5 = openSingles(project, hashName).get(from, fileStat(stat));
  return () => {
    const now = statSync(to, { throwIfNoEntry: false });
    if (md5 === undefined || now === undefined || !isSameFile(stat, now)) return;
    const memory = openSingles(project, hashName);
    memory.setPlaced(to, fileStat(now), md5);
    memory.save({ keepOthers: true });
  };
}

/** A file's change time is new after a move. */
function isSameFile(one: Stats, other: Stats): boolean {
  return one.dev === other.dev && one.ino === other.ino && one.size === other.size && one.mtimeMs === other.mtimeMs;
}
