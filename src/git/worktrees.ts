/** The worktrees of a repository. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isMissing, readTextIfExists } from "../platform/files.ts";
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

export interface WorktreeState {
  /** Git's own folder for it, `.git/worktrees/ID`; null when Git does not know it. */
  admin: string | null;
  /** Why somebody locked it, which may be an empty text; null: it is not locked. */
  locked: string | null;
}

/** What Git keeps of a linked worktree, there or not. Starts no process. */
export function worktreeState({ commonDir }: Repository, root: string): WorktreeState {
  const folder = join(commonDir, "worktrees");
  const admin = namesIn(folder)
    .map((name) => join(folder, name))
    .find((one) => readTextIfExists(join(one, "gitdir"))?.trimEnd() === join(root, ".git"));
  if (admin === undefined) return { admin: null, locked: null };
  return { admin, locked: readTextIfExists(join(admin, "locked"))?.trim() ?? null };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
