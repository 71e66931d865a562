/**
 * Where an ordinary repository is, without asking Git: it takes Git five milliseconds to say what is nearly always `.git` in a folder
 * above. Whatever is not quite ordinary is left to Git: another's repository, a linked worktree, a submodule, a bare one, a setting that
 * moves the worktree.
 */
import { lstatSync, realpathSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../platform/context.ts";
import { readTextIfExists } from "../platform/files.ts";

/** Top of the worktree and its `.git`, both absolute and without links. */
export interface Ordinary {
  root: string;
  gitDir: string;
}

// Of Git's variables those that say nothing about where a repository is.
const HARMLESS =
  /^GIT_(?:(?:AUTHOR|COMMITTER|CURL|HTTP|PROXY|SSH|SSL|TRACE)(?:_|\d?$)|(?:ASKPASS|CONFIG_GLOBAL|CONFIG_NOSYSTEM|EDITOR|OPTIONAL_LOCKS|PAGER|PAGER_IN_USE|SEQUENCE_EDITOR|TERMINAL_PROMPT)$)/;

/** Null: not found, or not ordinary; ask Git. */
export function findOrdinary({ cwd, env }: Pick<Context, "cwd" | "env">): Ordinary | null {
  const user = process.geteuid?.();
  if (user === undefined || Object.keys(env).some((name) => name.startsWith("GIT_") && !HARMLESS.test(name))) return null;
  try {
    const start = realpathSync(cwd);
    const { dev } = lstatSync(start);
    for (let root = start; ; root = dirname(root)) {
      const folder = lstatSync(root);
      // Git does not look beyond a mount, and this may be a repository itself, bare or the inside of a `.git`.
      if (folder.dev !== dev || statOf(join(root, "HEAD")) !== undefined) return null;
      const gitDir = join(root, ".git");
      const stat = statOf(gitDir);
      if (stat !== undefined) {
        const isMine = folder.uid === user && stat.uid === user;
        return isMine && stat.isDirectory() && isOrdinary(gitDir) ? { root, gitDir } : null;
      }
      if (dirname(root) === root) return null;
    }
  } catch {
    return null;
  }
}

function isOrdinary(gitDir: string): boolean {
  const head = readTextIfExists(join(gitDir, "HEAD")) ?? "";
  const config = readTextIfExists(join(gitDir, "config")) ?? "";
  return (
    /^(?:ref: refs\/\S+|[0-9a-f]{40})\n$/.test(head) &&
    ["objects", "refs"].every((name) => statOf(join(gitDir, name))?.isDirectory()) &&
    statOf(join(gitDir, "commondir")) === undefined &&
    /^\s*repositoryformatversion = 0$/m.test(config) &&
    // Nothing else may be said of these, however it is written.
    !/worktree|include|extensions|bare|repositoryformatversion/i.test(
      config.replace(/^\s*repositoryformatversion = 0$/m, "").replace(/^\s*bare = false$/m, ""),
    )
  );
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
