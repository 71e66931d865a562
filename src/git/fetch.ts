/** Fetching refs by name. */
import { gitResult, type Repository } from "./git.ts";
import type { MovedBranch } from "./tracking-branches.ts";

/** Brings these tags and what they lead to. Never replaces a tag, never prunes one, whatever the configuration says. Throws E_GIT. */
export function fetchTags(repository: Repository, remote: string, names: readonly string[]): void {
  fetch(
    repository,
    remote,
    names.map((name) => `refs/tags/${name}:refs/tags/${name}`),
  );
}

/** Where branches of the remote are now, as `git fetch` would note it. Throws E_GIT. */
export function fetchBranches(repository: Repository, remote: string, branches: readonly MovedBranch[]): void {
  fetch(
    repository,
    remote,
    branches.map(({ sign, ref, tracking }) => `${sign}${ref}:${tracking}`),
  );
}

function fetch(repository: Repository, remote: string, refspecs: readonly string[]): void {
  if (refspecs.length === 0) return;
  const args = ["fetch", "--quiet", "--no-tags", "--no-prune", "--no-prune-tags", "--no-recurse-submodules", "--stdin", "--", remote];
  gitResult(repository, args, { input: refspecs.map((refspec) => `${refspec}\n`).join("") });
}
