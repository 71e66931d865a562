/** Paths of the index that a merge left in conflict, with what each side had. */
import { git, type Repository } from "./git.ts";
import type { UnmergedPath } from "./index-file.ts";

const SIDES = { 1: "base", 2: "ours", 3: "theirs" } as const;

/** One git process. */
export function readUnmerged(repository: Repository): UnmergedPath[] {
  const found = new Map<string, UnmergedPath>();
  for (const record of git(repository, ["ls-files", "--unmerged", "-z", "--full-name", ":(top)"]).split("\0")) {
    const tab = record.indexOf("\t");
    const [mode, object, stage] = record.slice(0, tab).split(" ");
    if (mode === undefined || object === undefined || stage === undefined) continue;
    const path = record.slice(tab + 1);
    const entry = found.get(path) ?? { path };
    entry[SIDES[Number(stage) as 1 | 2 | 3]] = { mode, object };
    found.set(path, entry);
  }
  return [...found.values()];
}
