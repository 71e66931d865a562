/** The worktrees of a repository. */
import { existsSync } from "node:fs";
import { git, type Repository } from "./git.ts";

export interface Worktree {
  /** Top of the worktree; for a bare repository its own folder. */
  root: string;
  bare: boolean;
  /** False when its folder is not there: deleted, or on a disk that is not mounted. */
  there: boolean;
}

/** All of them, the main one first. One git process. */
export function linkedWorktrees(repository: Repository): Worktree[] {
  const records = git(repository, ["worktree", "list", "--porcelain", "-z"]).split("\0\0").filter(Boolean);
  return records.map((record) => {
    const lines = record.split("\0");
    const root = lines.find((line) => line.startsWith("worktree "))?.slice("worktree ".length) ?? "";
    return { root, bare: lines.includes("bare"), there: existsSync(root) };
  });
}
