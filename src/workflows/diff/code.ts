/** The code of two sides: what Git says, without the pointers, which stand for data. */
import { gitResult, type Repository } from "../../git/git.ts";
import { reading } from "../../git/worktree-tree.ts";
import type { Side } from "./sides.ts";

export interface CodeDifference {
  from: string;
  to: string;
  /** Lines added and removed; null for binary files. Renames name both paths. */
  files: { path: string; was: string | null; added: number | null; removed: number | null }[];
  /** The patch as Git writes it; only when it was asked for. */
  patch: string | null;
}

const WITHOUT_POINTERS = [".", ":(top,exclude,glob)**/*.dvc", ":(top,exclude,glob)**/dvc.lock", ":(top,exclude,glob)**/.gitignore"];

/** `objects`: where trees of worktrees lie. */
export function codeDifference(
  repository: Repository,
  [from, to]: readonly [Side, Side],
  { patch, objects }: { patch: boolean; objects: readonly string[] },
): CodeDifference {
  const compare = (...options: string[]) => {
    // Whoever never wants to hear of a submodule in `git status` still has other code when it stands elsewhere.
    // The patch is one that `git apply` takes, of the whole tree, whatever the user's own Git is told to show.
    const how = ["--no-ext-diff", "--no-color", "--no-relative", "-M", "--ignore-submodules=none", "--src-prefix=a/", "--dst-prefix=b/"];
    const args = ["diff", ...how, ...options, from.code, to.code, "--", ...WITHOUT_POINTERS];
    return gitResult(repository, args, { env: reading(objects) }).stdout.toString("utf8");
  };
  return { from: from.name, to: to.name, files: parseNumbers(compare("--numstat", "-z")), patch: patch ? compare("--patch") : null };
}

/** `added TAB removed TAB path NUL`, or, of a rename, `added TAB removed TAB NUL old NUL new NUL`. */
function parseNumbers(text: string): CodeDifference["files"] {
  const fields = text.split("\0");
  const files: CodeDifference["files"] = [];
  for (let index = 0; index < fields.length - 1; index += 1) {
    const [added = "", removed = "", path = ""] = (fields[index] ?? "").split("\t");
    const lines = (count: string) => (count === "-" ? null : Number(count));
    const renamed = path === "";
    const was = renamed ? (fields[++index] ?? "") : null;
    files.push({ path: renamed ? (fields[++index] ?? "") : path, was, added: lines(added), removed: lines(removed) });
  }
  return files;
}
