/** The other side of a merge, by the name a person has for it: a worktree, a version, a branch, another commit, a file. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { nearestWord } from "../../config/nearest.ts";
import { type Project, requireRepository, topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { contextIn, findRepository, git, gitResult, type Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { sourceRemotes } from "../../git/remotes.ts";
import type { Context } from "../../platform/context.ts";
import { pickVersion, readVersions, versionMeant } from "../../versions/registry.ts";
import { type KnownWorktree, knownWorktrees } from "../worktree/records.ts";

export interface Side {
  /** As it was typed. */
  name: string;
  kind: "worktree" | "commit" | "file";
  /** Top of the worktree, or the file: absolute. */
  path: string | null;
  /** What a merge base is looked for with: HEAD of a worktree; null: unknown. */
  commit: string | null;
}

/** A worktree is meant before a branch of its name: it has what is not committed yet. Throws E_NOT_FOUND, E_VERSION, E_USAGE for this worktree itself. */
export function findSide(context: Context, project: Project, name: string): Side {
  const path = resolve(context.cwd, name);
  if (existsSync(path) && !statSync(path).isDirectory()) return { name, kind: "file", path, commit: null };
  const repository = requireRepository(project);
  const worktrees = knownWorktrees(project, repository).filter(({ bare, there }) => there && !bare);
  const worktree = worktreeMeant(worktrees, name, path);
  if (worktree !== undefined) {
    if (realpathSync(worktree.root) === realpathSync(topOf(project))) throw itself(name);
    return { name, kind: "worktree", path: worktree.root, commit: headOf(context, worktree.root) };
  }
  const versions = readVersions(project);
  const { prefix } = project.config.versions;
  const version = versionMeant(versions, name, prefix) && pickVersion(versions, name, prefix);
  const tries = [name, `exp/${name}`, ...sourceRemotes(repository).map((remote) => `refs/remotes/${remote}/${name}`)];
  const commit = version?.commit ?? tries.map((one) => resolveCommit(repository, one)).find((one) => one !== null) ?? null;
  if (commit !== null) return { name, kind: "commit", path: null, commit };
  const known = [
    ...worktrees.map((one) => one.record?.name ?? basename(one.root)),
    ...branches(repository),
    ...versions.map((one) => one.name),
  ];
  const near = nearestWord(name, known);
  throw new ExpverError(
    "E_NOT_FOUND",
    `${name} is no worktree, version, branch, commit or file${near === undefined ? "" : `; did you mean ${near}?`}`,
    {
      hint: "`expver worktrees` and `expver list` show what there is.",
      details: { asked: name },
    },
  );
}

/** The commit both sides came from. Null: there is none, or nobody knows. */
export function mergeBase(repository: Repository, { commit }: Side): string | null {
  const head = resolveCommit(repository, "HEAD");
  if (commit === null || head === null) return null;
  const found = gitResult(repository, ["merge-base", head, commit], { allow: [1] });
  return found.code === 0 ? found.stdout.toString("utf8").trim() : null;
}

function worktreeMeant(worktrees: readonly KnownWorktree[], name: string, path: string): KnownWorktree | undefined {
  const isThere = existsSync(path) ? realpathSync(path) : null;
  return (
    worktrees.find(({ root }) => isThere !== null && realpathSync(root) === isThere) ??
    worktrees.find(({ record }) => record?.kind === "experiment" && record.name === name) ??
    worktrees.find(({ root }) => basename(root) === name)
  );
}

function headOf(context: Context, root: string): string | null {
  const repository = findRepository(contextIn(context, root));
  return repository === null ? null : resolveCommit(repository, "HEAD");
}

function branches(repository: Repository): string[] {
  return git(repository, ["for-each-ref", "--format=%(refname:strip=2)", "refs/heads/"]).split("\n").filter(Boolean);
}

function itself(name: string): ExpverError {
  return new ExpverError("E_USAGE", `${name} is this worktree itself`, { hint: "Name another one, a branch, a version or a file." });
}
