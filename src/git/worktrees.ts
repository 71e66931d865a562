/** The worktrees of a repository. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isFile, namesIn, readTextIfExists } from "../platform/files.ts";
import { git, gitResult, NOT_KNOWN, type Repository } from "./git.ts";

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
  return worktreeRecords(repository).map((lines, index) => {
    const textOf = (key: string) => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
    const [told = "", head = "", ref] = [textOf("worktree"), textOf("HEAD"), textOf("branch")];
    const root = index === 0 && !lines.includes("bare") ? mainRoot(repository, told) : told;
    return {
      root,
      bare: lines.includes("bare"),
      there: existsSync(root),
      head: /[^0]/.test(head) ? head : null,
      branch: ref?.replace(/^refs\/heads\//, "") ?? null,
    };
  });
}

/** Lines of each. */
function worktreeRecords(repository: Repository): string[][] {
  const list = ["worktree", "list", "--porcelain"];
  const { code, stdout } = gitResult(repository, [...list, "-z"], { allow: [NOT_KNOWN] });
  // Git before 2.36: a path with a line break in it is then not found.
  const [text, end] = code === NOT_KNOWN ? [git(repository, list), "\n"] : [stdout.toString("utf8"), "\0"];
  return text
    .split(end + end)
    .filter(Boolean)
    .map((record) => record.split(end));
}

/** Of a submodule, and of `git init --separate-git-dir`, Git names its own folder. Where that is all it knows, one has to be there. */
function mainRoot(repository: Repository, told: string): string {
  const home = realpathSync(repository.commonDir);
  if (told !== home) return told;
  if (!repository.bare && realpathSync(repository.gitDir) === home) return repository.root;
  const set = gitResult(repository, ["config", "--file", join(home, "config"), "--get", "core.worktree"], { allow: [1] });
  return resolve(home, set.stdout.toString("utf8").trimEnd() || told);
}

/** The repository as seen from a worktree that is there. Starts no process; null for what is none. */
export function repositoryIn({ commonDir, env }: Repository, root: string): Repository | null {
  const gitDir = linkedGitDir(root) ?? join(root, ".git");
  return existsSync(gitDir) ? { root, gitDir, commonDir, bare: false, env: { ...env, GIT_DIR: gitDir, GIT_WORK_TREE: root } } : null;
}

/** False for a folder that is another repository now, or a worktree of another one. */
export function isWorktreeOf({ commonDir }: Repository, root: string): boolean {
  const gitDir = linkedGitDir(root) ?? join(root, ".git");
  if (!existsSync(join(root, ".git"))) return true;
  // The main one's is the repository itself.
  if (existsSync(gitDir) && realpathSync(gitDir) === realpathSync(commonDir)) return true;
  // Git may have forgotten this worktree: only the folder of all of them is asked for.
  const home = dirname(dirname(gitDir));
  return existsSync(home) && realpathSync(home) === realpathSync(commonDir);
}

/** Where the `.git` file of a linked worktree leads, there or not; null: it has none. */
export function linkedGitDir(root: string): string | null {
  const file = join(root, ".git");
  const link = isFile(file) ? /^gitdir: (.*)/.exec(readTextIfExists(file) ?? "")?.[1] : undefined;
  return link === undefined ? null : resolve(root, link);
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

/** What only this worktree leads to: its HEAD, its index as a tree (not while a merge is undecided), refs that no other worktree sees. */
export function ownObjects(repository: Repository): { name: string; object: string }[] {
  const textOf = (args: readonly string[]) => {
    const { code, stdout } = gitResult(repository, args, { allow: [1, 128] });
    return code === 0 ? stdout.toString("utf8").trim() : "";
  };
  const staged = textOf(["write-tree"]);
  return [
    { name: "HEAD", object: textOf(["rev-parse", "--verify", "--quiet", "HEAD"]) },
    { name: "index", object: staged === textOf(["rev-parse", "--verify", "--quiet", "HEAD^{tree}"]) ? "" : staged },
    ...ownRefs(repository),
  ].filter(({ object }) => object !== "");
}

/** Refs that each worktree has for itself; names without `refs/`. `commit`: null for what leads to none. */
export function ownRefs(repository: Repository): { name: string; object: string; commit: string | null }[] {
  const format = "--format=%(objectname) %(objecttype) %(*objecttype) %(refname:strip=1)";
  return git(repository, ["for-each-ref", format, "refs/worktree", "refs/bisect", "refs/rewritten"])
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [object = "", type, tagged, ...name] = line.split(" ");
      return { name: name.join(" "), object, commit: type === "commit" || tagged === "commit" ? object : null };
    });
}
