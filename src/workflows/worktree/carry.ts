/** Files Git does not have (`.env`, an environment's folder) that a new worktree gets from this one. */

import { constants, cpSync, lstatSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathFromUser } from "../../config/paths.ts";
import { type Project, topOf } from "../../config/project.ts";
import { isSecretFile } from "../../config/secrets.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import { ignoredByGit } from "../../git/ignored.ts";
import type { Context } from "../../platform/context.ts";
import { isThere, makeFolders } from "../../platform/files.ts";

export interface Carried {
  /** From the top. */
  path: string;
  bytes: number;
}

/** Ignored things at the top that programs often need: environments, secrets, installed packages; folders end in `/`. */
export function environmentFiles(repository: Repository): string[] {
  if (repository.bare) return [];
  const { stdout } = gitResult(repository, ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]);
  const ignored = stdout.toString("utf8").split("\0").filter(Boolean);
  return ignored.filter((path) => /^(?:\.env[^/]*|\.envrc|\.venv\/|venv\/|node_modules\/|\.python-version|\.tool-versions)$/.test(path));
}

/** Throws E_NOT_FOUND for what is not there, E_USAGE for what Git has. Reads only. */
export function whatToCarry(project: Project, repository: Repository, context: Context, words: readonly string[]): Carried[] {
  const paths = [...new Set(words.map((word) => pathFromUser(project, context, word)))];
  return paths.map((path) => {
    const from = join(topOf(project), path);
    if (path === "" || !isThere(from)) {
      throw new ExpverError("E_NOT_FOUND", `--copy: there is no ${path || "."} here`, {
        hint: "It takes files Git ignores, such as .env.",
        details: { path },
      });
    }
    if (git(repository, ["--literal-pathspecs", "ls-files", "-z", "--", path]) !== "") {
      throw new ExpverError("E_USAGE", `--copy takes files Git does not have, and Git has ${path}: it will be there as it was committed`, {
        details: { path },
      });
    }
    return { path, bytes: sizeOf(from) };
  });
}

/** Throws E_DATA when something that looks like a secret would not be ignored there: the next `git add` would take it. */
export function carry(from: Project, there: Repository, carried: readonly Carried[]): void {
  const targets = carried.map(({ path }) => join(there.root, path));
  const ignored = new Set(ignoredByGit(there, targets));
  for (const [index, { path }] of carried.entries()) {
    const to = targets[index] as string;
    if (isSecretFile(path) && !ignored.has(to)) {
      throw new ExpverError("E_DATA", `${path} looks like a secret, and Git does not ignore it there`, {
        hint: `Add ${path} to .gitignore and commit that, or begin at a commit that ignores it.`,
        details: { path },
      });
    }
    makeFolders(dirname(to));
    cpSync(join(topOf(from), path), to, {
      recursive: true,
      force: false,
      errorOnExist: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
    });
  }
}

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
