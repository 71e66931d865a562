/** Merging two commits without touching anything: no index, no worktree, no ref. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { removePath } from "../platform/files.ts";
import { git, gitPath, gitResult, NOT_KNOWN, type Repository } from "./git.ts";
import { readUnmerged } from "./unmerged.ts";

export interface MergedTrees {
  tree: string;
  /** Paths both have changed, each in its own way; what the tree has there is nothing to go by. */
  conflicts: string[];
}

/** Throws E_GIT where Git cannot merge them, as without any history in common. */
export function mergeTrees(repository: Repository, ours: string, theirs: string): MergedTrees {
  const args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs];
  const answer = gitResult(repository, args, { allow: [1, NOT_KNOWN] });
  if (answer.code === NOT_KNOWN) return mergeApart(repository, ours, theirs);
  const [tree = "", ...conflicts] = answer.stdout.toString("utf8").split("\0").filter(Boolean);
  return { tree, conflicts };
}

/** As Git before 2.38 can: in an index and a worktree of their own. */
function mergeApart(repository: Repository, ours: string, theirs: string): MergedTrees {
  const folder = mkdtempSync(gitPath(repository, "expver-merge-"));
  try {
    const root = join(folder, "tree");
    mkdirSync(root);
    const apart = { ...repository, root, env: { ...repository.env, GIT_INDEX_FILE: join(folder, "index"), GIT_WORK_TREE: root } };
    git(apart, ["read-tree", ours]);
    const bases = git(repository, ["merge-base", "--all", ours, theirs]).split("\n").filter(Boolean);
    gitResult(apart, ["merge-recursive", ...bases, "--", ours, theirs], { allow: [1] });
    const unmerged = readUnmerged(apart);
    const settled = unmerged.flatMap(({ path, ours: side }) => [
      `0 ${"0".repeat(ours.length)}\t${path}\0`,
      ...(side === undefined ? [] : [`${side.mode} ${side.object} 0\t${path}\0`]),
    ]);
    if (settled.length > 0) git(apart, ["update-index", "-z", "--index-info"], { input: settled.join("") });
    return { tree: git(apart, ["write-tree"]).trim(), conflicts: unmerged.map(({ path }) => path) };
  } finally {
    removePath(folder);
  }
}
