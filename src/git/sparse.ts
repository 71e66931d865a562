/** A worktree that has only some folders of its commit: Git's sparse checkout, in cone mode. */
import { existsSync } from "node:fs";
import { dirname } from "node:path/posix";
import { git, gitPath, gitResult, NOT_KNOWN, type Repository } from "./git.ts";
import { catFilesIfThere } from "./tree.ts";

/** Puts the commit's files into a worktree that was made without any; `folders` from the top, null for all of them. */
export function fillWorktree(repository: Repository, folders: readonly string[] | null): void {
  if (folders !== null) setCone(repository, folders.map((one) => `${one}\n`).join(""));
  // Git hands on what the worktree has in which it was asked.
  else if (existsSync(gitPath(repository, "info/sparse-checkout"))) git(repository, ["sparse-checkout", "disable"]);
  git(repository, ["read-tree", "-m", "-u", "--no-recurse-submodules", "HEAD"]);
}

function setCone(repository: Repository, input: string): void {
  const { code } = gitResult(repository, ["sparse-checkout", "set", "--cone", "--skip-checks", "--stdin"], { input, allow: [NOT_KNOWN] });
  if (code !== NOT_KNOWN) return;
  // Git before 2.36.
  git(repository, ["sparse-checkout", "init", "--cone"]);
  git(repository, ["sparse-checkout", "set", "--stdin"], { input });
}

/** Folders called `.dvc` (from the top) that a sparse checkout leaves out of this worktree. No process where there is none. */
export function dvcFoldersLeftOut(repository: Repository): string[] {
  if (repository.bare || !existsSync(gitPath(repository, "info/sparse-checkout"))) return [];
  const entries = git(repository, ["ls-files", "-t", "-z", "--", ":(top,glob)**/.dvc/config"]).split("\0");
  return entries.flatMap((entry) => (entry.startsWith("S ") ? [dirname(entry.slice(2))] : []));
}

/** Nothing was ever checked out here: `git clone --no-checkout`, or no commit yet. */
export function isUnfilled(repository: Repository): boolean {
  return !repository.bare && !existsSync(gitPath(repository, "index"));
}

/** A file (from the top) as Git has it, where the worktree is without it on purpose: a bare repository, nothing checked out, a sparse checkout. */
export function textLeftOut(repository: Repository, path: string): string | null {
  const rev = repository.bare || isUnfilled(repository) ? "HEAD" : isLeftOut(repository, path) ? "" : null;
  if (rev === null) return null;
  const name = `${rev}:${path}`;
  return catFilesIfThere(repository, [name]).get(name)?.toString("utf8") ?? null;
}

function isLeftOut(repository: Repository, path: string): boolean {
  if (!existsSync(gitPath(repository, "info/sparse-checkout"))) return false;
  return git(repository, ["ls-files", "-t", "-z", "--", `:(top,literal)${path}`]).startsWith("S ");
}
