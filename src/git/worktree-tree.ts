/** A worktree as it stands, as a tree that Git can compare. Nothing of it stays: its objects lie in a folder of their own. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { git, gitResult, type Repository } from "./git.ts";
import { copyIndex } from "./index-file.ts";

/** Untracked files that are larger are data nobody has tracked yet, not code. */
const LARGEST_UNTRACKED = 2 ** 20;

/** Tree of the tracked files and of small untracked ones. `folder`: empty, for its objects; see {@link reading}. `isNone`: untracked, and no code. */
export function worktreeTree(repository: Repository, folder: string, isNone: (path: string) => boolean): string {
  const env = {
    GIT_INDEX_FILE: join(folder, "index"),
    GIT_OBJECT_DIRECTORY: folder,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: listed([join(repository.commonDir, "objects")]),
  };
  copyIndex(repository, env.GIT_INDEX_FILE);
  gitResult(repository, ["add", "--update", "--", "."], { env });
  const untracked = git(repository, ["ls-files", "-z", "--others", "--exclude-standard"], { env }).split("\0").filter(Boolean);
  const small = untracked.filter((path) => {
    if (isNone(path)) return false;
    const stat = lstatSync(join(repository.root, path), { throwIfNoEntry: false });
    return stat !== undefined && !stat.isDirectory() && stat.size <= LARGEST_UNTRACKED;
  });
  const list = ["--literal-pathspecs", "add", "--pathspec-from-file=-", "--pathspec-file-nul"];
  if (small.length > 0) gitResult(repository, list, { env, input: small.join("\0") });
  return git(repository, ["write-tree"], { env }).trim();
}

/** Environment in which the trees of these folders can be read. */
export function reading(folders: readonly string[]): Record<string, string> {
  return folders.length === 0 ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: listed(folders) };
}

/** A folder may be called after the time of day (`12:30`); in quotes a colon parts no list. */
function listed(folders: readonly string[]): string {
  return folders.map((folder) => (/[:"]/.test(folder) ? `"${folder.replace(/["\\]/g, "\\$&")}"` : folder)).join(":");
}
