/** What Git would call the bytes of files as they lie in the worktree. */
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { git, type Repository } from "./git.ts";

/** Paths from the top, as `git add` would take them; what is no file is left out. */
export function hashesHere(repository: Repository, paths: readonly string[]): Map<string, string> {
  const stats = paths.map((path) => ({ path, stat: lstatSync(join(repository.root, path), { throwIfNoEntry: false }) }));
  const files = stats.filter(({ path, stat }) => stat?.isFile() && !path.includes("\n")).map(({ path }) => path);
  const input = files.map((path) => `${path}\n`).join("");
  const names = files.length === 0 ? [] : git(repository, ["hash-object", "--stdin-paths"], { input }).split("\n");
  const found = new Map(files.map((path, index) => [path, names[index] ?? ""]));
  for (const { path, stat } of stats) {
    if (stat?.isSymbolicLink())
      found.set(path, git(repository, ["hash-object", "--stdin"], { input: readlinkSync(join(repository.root, path)) }).trim());
  }
  return found;
}
