/** Fetching tags by name. */
import { gitResult, type Repository } from "./git.ts";

/** Brings these tags and what they lead to. Never replaces a tag, never prunes one, whatever the configuration says. Throws E_GIT. */
export function fetchTags(repository: Repository, remote: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const args = ["fetch", "--quiet", "--no-tags", "--no-prune", "--no-prune-tags", "--no-recurse-submodules", "--stdin", "--", remote];
  gitResult(repository, args, { input: names.map((name) => `refs/tags/${name}:refs/tags/${name}\n`).join("") });
}
