/** The worktrees of a repository. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { isMissing, readTextIfExists } from "../platform/files.ts";
import { git, type Repository } from "./git.ts";

export interface Worktree {
  /** Top of the worktree; for a bare repository its own folder. */
  root: string;
  bare: boolean;
  /** False when its folder is not there: deleted, or on a disk that is not mounted. */
  there: boolean;
  /** Null: bare, or no commit yet. */
  head: string | null;
  /** Short name; null: detached. */
  branch: string | null;
}

/** All of them, the main one first. One git process. */
export function linkedWorktrees(repository: Repository): Worktree[] {
  const records = git(repository, ["worktree", "list", "--porcelain", "-z"]).split("\0\0").filter(Boolean);
  return records.map((record) => {
    const lines = record.split("\0");
    const textOf = (key: string) => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
    const [root = "", head = "", ref] = [textOf("worktree"), textOf("HEAD"), textOf("branch")];
    return {
      root,
      bare: lines.includes("bare"),
      there: existsSync(root),
      head: /[^0]/.test(head) ? head : null,
      branch: ref?.replace(/^refs\/heads\//, "") ?? null,
    };
  });
}

/** The repository as seen from a worktree that is there. Starts no process; null for what is none. */
export function repositoryIn({ commonDir, env }: Repository, root: string): Repository | null {
  const dotGit = join(root, ".git");
  const link = statSync(dotGit, { throwIfNoEntry: false })?.isFile()
    ? /^gitdir: (.*)/.exec(readTextIfExists(dotGit) ?? "")?.[1]
    : undefined;
  const gitDir = link === undefined ? dotGit : resolve(root, link);
  return existsSync(gitDir) ? { root, gitDir, commonDir, bare: false, env: { ...env, GIT_DIR: gitDir, GIT_WORK_TREE: root } } : null;
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
