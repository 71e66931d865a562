/** A worktree that has only some folders of its commit: Git's sparse checkout, in cone mode. */
import { existsSync } from "node:fs";
import { git, gitPath, type Repository } from "./git.ts";

/** Puts the commit's files into a worktree that was made without any; `folders` from the top, null for all of them. */
export function fillWorktree(repository: Repository, folders: readonly string[] | null): void {
  if (folders !== null)
    git(repository, ["sparse-checkout", "set", "--cone", "--skip-checks", "--stdin"], { input: folders.map((one) => `${one}\n`).join("") });
  // Git hands on what the worktree has in which it was asked.
  else if (existsSync(gitPath(repository, "info/sparse-checkout"))) git(repository, ["sparse-checkout", "disable"]);
  git(repository, ["read-tree", "-m", "-u", "HEAD"]);
}
