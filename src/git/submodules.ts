/** Submodules of a commit, and their files in a further worktree: Git leaves their folders empty there. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../platform/context.ts";
import { fileNameOf } from "../platform/files.ts";
import { contextIn, findRepository, git, gitPath, gitResult, type Repository } from "./git.ts";
import { readTree } from "./tree.ts";

export interface Submodule {
  /** From the top, with `/`. */
  path: string;
  commit: string;
  /** Null: not checked out here, or without that commit. */
  repository: Repository | null;
}

/** Those of a commit and those in them. No Git process where the worktree has no `.gitmodules`. */
export function findSubmodules(context: Context, from: Repository, commit: string, under = ""): Submodule[] {
  if (!existsSync(join(from.root, ".gitmodules"))) return [];
  const entries = readTree(from, commit).filter(({ type }) => type === "commit");
  return entries.flatMap(({ path: name, object }) => {
    const path = join(under, name);
    const root = join(from.root, name);
    const inner = existsSync(join(root, ".git")) ? findRepository(contextIn(context, root)) : null;
    if (inner === null || gitResult(inner, ["cat-file", "-e", `${object}^{commit}`], { allow: [1, 128] }).code !== 0)
      return [{ path, commit: object, repository: null }];
    return [{ path, commit: object, repository: inner }, ...findSubmodules(context, inner, object, path)];
  });
}

/** Their files as their commits have them, without a repository: for a worktree that is thrown away. What was changed there is put right. */
export function fillSubmodules(to: Repository, submodules: readonly Submodule[]): void {
  for (const { path, commit, repository } of submodules) {
    if (repository === null) continue;
    const root = join(to.root, path);
    mkdirSync(root, { recursive: true });
    // An index of its own: that of the submodule stays as it is.
    const env = { GIT_INDEX_FILE: gitPath(to, `expver-${fileNameOf(path)}`) };
    const there = { ...repository, root, env: { ...repository.env, GIT_WORK_TREE: root } };
    git(there, ["read-tree", "--reset", "-u", "--no-recurse-submodules", commit], { env });
    git(there, ["clean", "-ffdxq"], { env });
  }
}
