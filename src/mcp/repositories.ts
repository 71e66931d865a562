/** Which folders a client may work in: those named at the start, what lies in them, and their linked worktrees. */

import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { ExpverError } from "../errors.ts";
import { findRepository } from "../git/git.ts";
import { linkedWorktrees } from "../git/worktrees.ts";
import type { Context } from "../platform/context.ts";
import { isFolder } from "../platform/files.ts";

export interface Repositories {
  /** Absolute path of the folder commands run in; the first allowed one when nothing is asked. Throws E_OUTSIDE, E_NOT_FOUND. */
  choose(asked: string | undefined): string;
  /** A path as it was given to a command in that folder: throws E_OUTSIDE when it, or what it links to, lies in no allowed folder. */
  require(folder: string, path: string): void;
}

/** @param roots absolute paths of existing folders, the first being the default. */
export function allowedRepositories(context: Context, roots: readonly string[]): Repositories {
  const allowed = roots.map((root) => realpathSync(root));
  const first = allowed[0] ?? context.cwd;
  const holds = (real: string) =>
    allowed.some((root) => isIn(real, root)) || allowed.some((root) => worktreesOf(context, root).some((worktree) => isIn(real, worktree)));
  return {
    require(folder, path) {
      if (holds(realOf(resolve(folder, path)))) return;
      throw new ExpverError("E_OUTSIDE", `${path} is in none of the folders this server was started for: ${allowed.join(", ")}`, {
        hint: "Name a path in the repository, or type the command in a terminal.",
        details: { path, allowed },
      });
    },
    choose(asked) {
      if (asked === undefined) return first;
      const isRepositoryFolder = isAbsolute(asked) && isFolder(asked);
      if (!isRepositoryFolder) {
        throw new ExpverError("E_NOT_FOUND", `repository: ${JSON.stringify(asked)} is not the absolute path of a folder`, {
          hint: `Leave it out for ${first}.`,
        });
      }
      const real = realpathSync(asked);
      if (holds(real)) return real;
      throw new ExpverError("E_OUTSIDE", `repository: ${asked} is none of those this server was started for: ${allowed.join(", ")}`, {
        hint: `The person can start it with: expver mcp --repository ${asked}`,
        details: { asked, allowed },
      });
    },
  };
}

/** Of what is not there yet: where its nearest folder really is. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realOf(parent), basename(path));
  }
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
