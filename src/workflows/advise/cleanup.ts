/** `expver advise cleanup`: what could go, what stands in the way of it, and the commands, safest first. */
import { openProject } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { modelsPrune } from "../models/prune.ts";
import { recordsOf, type WorktreeRecord } from "../worktree/records.ts";
import { type ListedWorktree, worktrees } from "../worktrees.ts";

export interface CleanupItem {
  what: string;
  /** Empty: it can go. */
  blockedBy: string[];
  command: string;
}

export interface CleanupAdvice {
  items: CleanupItem[];
}

export const adviseCleanup: ReadWorkflow<Input, CleanupAdvice> = {
  async read(context) {
    const project = openProject(context);
    const records = [...recordsOf(project, "experiment"), ...recordsOf(project, "exploration")];
    const listed = (await worktrees.read(context, { check: true })).worktrees;
    const isAway = listed.some(({ kind }) => kind === "gone");
    const items = [...ofWorktrees(listed, records), ...(await ofCandidates(context)), cacheItem(isAway)];
    return { items: items.sort((one, other) => one.blockedBy.length - other.blockedBy.length) };
  },
};

function ofWorktrees(listed: readonly ListedWorktree[], records: readonly WorktreeRecord[]): CleanupItem[] {
  return listed.flatMap(({ kind, name, root, findings }): CleanupItem[] => {
    const blockedBy = (findings ?? []).map(({ what, remedy }) => `${what}: ${remedy}`);
    if (kind === "exploration")
      return [{ what: `exploration of ${name} in ${root}`, blockedBy, command: `expver cleanup ${shellWord(name ?? "")}` }];
    if (kind === "experiment")
      return [{ what: `experiment ${name} in ${root}`, blockedBy, command: `expver worktree remove ${shellWord(name ?? "")}` }];
    if (kind !== "gone") return [];
    const record = records.find((one) => one.root === root);
    const command =
      record === undefined
        ? "git worktree prune"
        : `expver ${record.kind === "experiment" ? "worktree remove" : "cleanup"} ${shellWord(record.name)}`;
    return [{ what: `worktree whose folder ${root} is gone`, blockedBy, command }];
  });
}

async function ofCandidates(context: Context): Promise<CleanupItem[]> {
  try {
    const { steps } = await modelsPrune.plan({ ...context, report: () => {} }, {});
    const going = steps.filter(({ verb }) => verb === "remove" || verb === "trash");
    if (going.length === 0) return [];
    return [
      {
        what: `${counted(going.length, "candidate")} beyond the best few, kept elsewhere`,
        blockedBy: [],
        command: "expver models prune --dry-run",
      },
    ];
  } catch (error) {
    // A repository without candidates, or without a known metric, has nothing to advise here.
    if (error instanceof ExpverError) return [];
    throw error;
  }
}

/** Never counted here: reading every listing of every version costs more than the advice. */
function cacheItem(isAway: boolean): CleanupItem {
  return {
    what: "objects of the cache that no version, branch, stash, reflog or worktree names",
    blockedBy: isAway ? ["what a worktree needs whose folder is gone is not known"] : [],
    command: "expver data gc -w -a -T -A --reflog --dry-run",
  };
}
