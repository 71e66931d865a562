/** Which folders a client may work in: those named at the start, what lies in them, and their linked worktrees. */
import { realpathSync, statSync } from "node:fs";
import { isAbsolute, relative, sep } from "node:path";
import { ExpverError } from "../errors.ts";
import { findRepository } from "../git/git.ts";
import { linkedWorktrees } from "../git/worktrees.ts";
import type { Context } from "../platform/context.ts";

export interface Repositories {
  /** Absolute path of the folder commands run in; the first allowed one when nothing is asked. Throws E_OUTSIDE, E_NOT_FOUND. */
  choose(asked: string | undefined): string;
}

/** @param roots absolute paths of existing folders, the first being the default. */
export function allowedRepositories(context: Context, roots: readonly string[]): Repositories {
  const allowed = roots.map((root) => realpathSync(root));
  const first = allowed[0] ?? context.cwd;
  return {
    choose(asked) {
      if (asked === undefined) return first;
      const isFolder = isAbsolute(asked) && statSync(asked, { throwIfNoEntry: false })?.isDirectory();
      if (!isFolder) {
        throw new ExpverError("E_NOT_FOUND", `repository: ${JSON.stringify(asked)} is not the absolute path of a folder`, {
          hint: `Leave it out for ${first}.`,
        });
      }
      const real = realpathSync(asked);
      if (allowed.some((root) => isIn(real, root))) return real;
      if (allowed.some((root) => worktreesOf(context, root).some((worktree) => isIn(real, worktree)))) return real;
      throw new ExpverError("E_OUTSIDE", `repository: ${asked} is none of those this server was started for: ${allowed.join(", ")}`, {
        hint: `The person can start it with: expver mcp --repository ${asked}`,
        details: { asked, allowed },
      });
    },
  };
}

function isIn(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function worktreesOf(context: Context, root: string): string[] {
  const repository = findRepository({ ...context, cwd: root });
  if (repository === null) return [];
  return linkedWorktrees(repository).flatMap(({ root: path }) => {
    try {
      return [realpathSync(path)];
    } catch {
      return [];
    }
  });
}
