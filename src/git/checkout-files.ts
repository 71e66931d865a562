/** Files of a commit or tree, made somewhere else as a checkout would make them: filters, line endings, modes, links. */
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { git, gitPath, type Repository } from "./git.ts";

/** `into`: absolute folder. Touches neither index nor worktree. Two git processes. */
export function checkoutFiles(repository: Repository, tree: string, { paths, into }: { paths: readonly string[]; into: string }): void {
  if (paths.length === 0) return;
  const file = gitPath(repository, `expver-index-${randomBytes(6).toString("hex")}`);
  const env = { GIT_INDEX_FILE: file };
  try {
    mkdirSync(into, { recursive: true });
    git(repository, ["-c", "index.sparse=false", "read-tree", tree], { env });
    const args = ["checkout-index", "--force", `--prefix=${into}/`, "-z", "--stdin"];
    git(repository, args, { env, input: paths.map((path) => `${path}\0`).join("") });
  } finally {
    rmSync(file, { force: true });
    rmSync(`${file}.lock`, { force: true });
  }
}
