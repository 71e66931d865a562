/** Which commits are on no local or remote-tracking branch. */
import { git, type Repository } from "../git/git.ts";
import { cutsOf, isShallow } from "../git/history.ts";

/** One process; in a shallow clone two. */
export function commitsOnNoBranch(repository: Repository, commits: readonly string[]): Set<string> {
  const known = [...new Set(commits)].filter((commit) => commit !== "");
  if (known.length === 0) return new Set();
  if (isShallow(repository)) return provablyOff(repository, known, [...cutsOf(repository)]);
  const args = ["rev-list", "--ignore-missing", "--stdin", "--not", "--branches", "--remotes"];
  return new Set(git(repository, args, { input: `${known.join("\n")}\n` }).split("\n"));
}

/**
 * Of a history that is cut nobody can tell what came before the cuts. But what comes after all cuts of the branches came not before any,
 * so it is on a branch only when a branch leads to it here.
 */
function provablyOff(repository: Repository, known: readonly string[], cuts: readonly string[]): Set<string> {
  const tips = git(repository, ["for-each-ref", "--format=%(objectname)", "refs/heads", "refs/remotes"]).split("\n").filter(Boolean);
  // A clone of a tag has no branches: those of the remote are not known.
  if (tips.length === 0) return new Set();
  const args = ["rev-list", "--ignore-missing", "--parents", "--topo-order", "--stdin"];
  const listed = git(repository, args, { input: `${[...known, ...tips].join("\n")}\n` });
  const history = listed
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" ") as [commit: string, ...parents: string[]]);
  const onBranch = new Set(tips);
  for (const [commit, ...parents] of history) if (onBranch.has(commit)) for (const parent of parents) onBranch.add(parent);
  const cutsBefore = new Map<string, bigint>();
  const before = (commit: string) => cutsBefore.get(commit) ?? 0n;
  const bitOf = new Map(cuts.filter((cut) => onBranch.has(cut)).map((cut, index) => [cut, 1n << BigInt(index)]));
  for (const [commit, ...parents] of history.reverse()) {
    cutsBefore.set(
      commit,
      parents.reduce((all, parent) => all | before(parent), bitOf.get(commit) ?? 0n),
    );
  }
  const all = (1n << BigInt(bitOf.size)) - 1n;
  return new Set(known.filter((commit) => !onBranch.has(commit) && before(commit) === all));
}
