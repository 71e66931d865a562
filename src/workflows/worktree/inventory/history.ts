/** What only a branch (or a detached HEAD) has of commits, stashes and versions. */
import type { Project } from "../../../config/project.ts";
import { git, type Repository } from "../../../git/git.ts";
import { readRef } from "../../../git/refs.ts";
import { listRemotes } from "../../../git/remotes.ts";
import { counted } from "../../../platform/words.ts";
import { readVersions } from "../../../versions/registry.ts";
import type { Version } from "../../../versions/types.ts";
import { type Finding, finding } from "./finding.ts";

export interface Line {
  /** Short name of the branch that would be deleted; null: detached. */
  branch: string | null;
  /** Full commits: its tip, and where HEAD is. */
  tips: string[];
}

/** HEAD of a worktree may have left its branch: both count. */
export function lineOf(repository: Repository, branch: string | null, { head = true }: { head?: boolean } = {}): Line {
  const tips = [head ? readRef(repository, "HEAD") : null, branch === null ? null : readRef(repository, `refs/heads/${branch}`)];
  return { branch, tips: [...new Set(tips.filter((tip) => tip !== null))] };
}

export function historyFindings(project: Project, repository: Repository, line: Line, { disposable = false } = {}): Finding[] {
  return [...commits(repository, line), ...(disposable ? [] : [...stashes(repository, line), ...unpublished(project, repository, line)])];
}

function commits(repository: Repository, { branch, tips }: Line): Finding[] {
  if (tips.length === 0) return [];
  const rest = [
    "--exclude=refs/expver/*",
    "--tags",
    "--remotes",
    ...(branch === null ? ["--branches"] : [`--exclude=${branch}`, "--branches"]),
  ];
  const lost = git(repository, ["rev-list", "--format=%h %s", "--no-commit-header", ...tips, "--not", ...rest])
    .split("\n")
    .filter(Boolean);
  return finding("commits", lost, {
    what: (count) => `${counted(count, "commit")} on no other branch, tag or remote`,
    remedy: branch === null ? "git branch KEEP HEAD, there" : `git merge ${branch}, or push it`,
  });
}

function stashes(repository: Repository, { branch }: Line): Finding[] {
  const own = git(repository, ["stash", "list", "--format=%gd %s"])
    .split("\n")
    .filter((line) => branch !== null && (line.includes(` on ${branch}:`) || line.includes(` On ${branch}:`)));
  return finding("stashes", own, {
    what: (count) => `${counted(count, "stash", "stashes")} of its branch`,
    remedy: "git stash pop, or drop them",
  });
}

/** Versions made on it that nobody else has yet. */
function unpublished(project: Project, repository: Repository, line: Line): Finding[] {
  if (listRemotes(repository).length === 0) return [];
  const names = ownVersions(project, repository, line)
    .filter((version) => version.unpublished)
    .map(({ name }) => name);
  return finding("versions", names, {
    what: (count) => `${counted(count, "version")} that ${count === 1 ? "is" : "are"} not published`,
    remedy: `expver publish ${names.join(" ")}`,
  });
}

/** Versions whose commits are on no other branch, here or on a remote; lowest first. */
export function ownVersions(project: Project, repository: Repository, { branch, tips }: Line): Version[] {
  if (branch === null || tips.length === 0) return [];
  const own = new Set(git(repository, ["rev-list", ...tips, "--not", `--exclude=${branch}`, "--branches", "--remotes"]).split("\n"));
  return readVersions(project).filter(({ commit }) => commit !== "" && own.has(commit));
}
