/** Files of a commit or tree, made somewhere else as a checkout would make them: filters, line endings, modes, links. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { makeFolders } from "../platform/files.ts";
import { filtersOfWorktree, withoutFilters } from "./checkout-settings.ts";
import { git, gitPath, type Repository } from "./git.ts";

/**
 * `into`: absolute folder. Touches neither index nor worktree. Two or three git processes. `apart`: an empty folder for what is needed meanwhile; the
 * attributes are then those of the tree, not of the worktree, and nothing is written to the repository. `filtered`: without it only line
 * endings and `ident` are applied, and no program runs.
 */
export function checkoutFiles(
  repository: Repository,
  tree: string,
  { paths, into, apart, filtered = true }: { paths: readonly string[]; into: string; apart?: string; filtered?: boolean },
): void {
  if (paths.length === 0) return;
  const name = `expver-index-${randomBytes(6).toString("hex")}`;
  const file = apart === undefined ? gitPath(repository, name) : `${apart}.${name}`;
  const env = { GIT_INDEX_FILE: file, ...(apart === undefined ? {} : { GIT_WORK_TREE: apart }) };
  try {
    makeFolders(into);
    git(repository, ["-c", "index.sparse=false", "read-tree", tree], { env });
    // A link is then a file that says where it leads, as Git stores it.
    const settings = apart === undefined ? [] : ["-c", "core.symlinks=false"];
    const args = [...settings, "checkout-index", "--force", `--prefix=${into}/`, "-z", "--stdin"];
    const filters = !filtered ? withoutFilters(repository) : apart === undefined ? {} : filtersOfWorktree(repository);
    git(repository, args, { env: { ...env, ...filters }, input: paths.map((path) => `${path}\0`).join("") });
  } finally {
    rmSync(file, { force: true });
    rmSync(`${file}.lock`, { force: true });
  }
}
