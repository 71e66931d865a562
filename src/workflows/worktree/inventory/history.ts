/** What only a branch (or a detached HEAD) has of commits, stashes and versions. */
import type { Project } from "../../../config/project.ts";
import { git, type Repository } from "../../../git/git.ts";
import { readRef } from "../../../git/refs.ts";
import { listRemotes, lsRemoteTags, publishRemote } from "../../../git/remotes.ts";
import { ownRefs } from "../../../git/worktrees.ts";
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

/** HEAD of a worktree may have left its branch: both count, and refs that only this worktree has (a bisect's, a rebase's). */
export function lineOf(repository: Repository, branch: string | null, { head = true }: { head?: boolean } = {}): Line {
  const tips = [
    head ? readRef(repository, "HEAD") : null,
    branch === null ? null : readRef(repository, `refs/heads/${branch}`),
    ...(head ? ownRefs(repository).map(({ commit }) => commit) : []),
  ];
  return { branch, tips: [...new Set(tips.filter((tip) => tip !== null))] };
}

export function historyFindings(project: Project, repository: Repository, line: Line, { disposable = false } = {}): Finding[] {
  return [...commits(repository, line), ...(disposable ? [] : [...stashes(repository, line), ...unpublished(project, repository, line)])];
}

/** Of a HEAD on no branch whose worktree cannot be gone to. */
export function commitsOnlyAt(repository: Repository, commit: string): Finding[] {
  return commits(repository, { branch: null, tips: [commit] }, `git branch KEEP ${commit.slice(0, 12)}`);
}

function commits(repository: Repository, { branch, tips }: Line, keeping = "git branch KEEP HEAD, there"): Finding[] {
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
    remedy: branch === null ? keeping : `git merge ${branch}, or push it`,
  });
}

function stashes(repository: Repository, { branch }: Line): Finding[] {
  // As `git stash list` does, which refuses in a bare repository; its worktrees have stashes too.
  const all = readRef(repository, "refs/stash") === null ? "" : git(repository, ["log", "-g", "--format=%gd %s", "refs/stash", "--"]);
  const own = all.split("\n").filter((line) => branch !== null && (line.includes(` on ${branch}:`) || line.includes(` On ${branch}:`)));
  return finding("stashes", own, {
    what: (count) => `${counted(count, "stash", "stashes")} of its branch`,
    remedy: "git stash pop, or drop them",
  });
}

/** Versions made on it that nobody else has yet. */
function unpublished(project: Project, repository: Repository, line: Line): Finding[] {
  if (listRemotes(repository).length === 0) return [];
  const versions = ownVersions(project, repository, line);
  const names = versions.filter((version) => version.unpublished).map(({ name }) => name);
  return [
    ...finding("versions", names, {
      what: (count) => `${counted(count, "version")} that ${count === 1 ? "is" : "are"} not published`,
      remedy: `expver publish ${names.join(" ")}`,
    }),
    ...unpushedTags(repository, line, { leaveOut: new Set(names), versions: new Set(versions.map(({ name }) => name)) }),
  ];
}

/** Tags made by hand: only the remote can say whether it has them. It is asked when there are any. */
function unpushedTags(
  repository: Repository,
  line: Line,
  { leaveOut, versions }: { leaveOut: ReadonlySet<string>; versions: ReadonlySet<string> },
): Finding[] {
  const own = ownCommits(repository, line);
  const tags = git(repository, ["for-each-ref", "--format=%(objectname) %(*objectname) %(refname:strip=2)", "refs/tags"])
    .split("\n")
    .map((text) => /^(\w+) (\w*) (.*)$/.exec(text)?.slice(1) ?? [])
    .filter(([object = "", commit = "", name = ""]) => own.has(commit || object) && !leaveOut.has(name));
  if (tags.length === 0) return [];
  const remote = publishRemote(repository) ?? listRemotes(repository)[0] ?? "";
  const there = lsRemoteTags(repository, remote, "", REMOTE_WAIT_MS);
  const lacking = tags.flatMap(([object, , name = ""]) => (there?.get(name) === object ? [] : [name]));
  const remedies = [
    ...[lacking.filter((name) => versions.has(name))].flatMap((names) => (names.length === 0 ? [] : [`expver publish ${names.join(" ")}`])),
    ...[lacking.filter((name) => !versions.has(name))].flatMap((names) =>
      names.length === 0 ? [] : [`git push ${remote} ${names.join(" ")}`],
    ),
  ];
  return finding("versions", lacking, {
    what: (count) =>
      there === null
        ? `${counted(count, "tag")} of which ${remote} cannot be asked whether it has ${count === 1 ? "it" : "them"}`
        : `${counted(count, "tag")} that ${remote} does not have`,
    remedy: remedies.join("; "),
  });
}

const REMOTE_WAIT_MS = 10_000;

/** Versions whose commits are on no other branch, here or on a remote; lowest first. */
export function ownVersions(project: Project, repository: Repository, line: Line): Version[] {
  const own = ownCommits(repository, line);
  return own.size === 0 ? [] : readVersions(project).filter(({ commit }) => own.has(commit));
}

function ownCommits(repository: Repository, { branch, tips }: Line): Set<string> {
  if (branch === null || tips.length === 0) return new Set();
  const args = ["rev-list", ...tips, "--not", `--exclude=${branch}`, "--branches", "--remotes"];
  return new Set(git(repository, args).split("\n").filter(Boolean));
}
