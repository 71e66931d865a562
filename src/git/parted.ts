/** How far branches have parted: one walk over what is not common to all of them, however many there are. */
import { git, gitResult, type Repository } from "./git.ts";

export interface Parted {
  /** Commits that `tip` has and `base` has not. Both must be among the commits that were asked for. */
  own(tip: string, base: string): Set<string>;
}

/** Two git processes. `tips`: full commits. */
export function howParted(repository: Repository, tips: readonly string[]): Parted {
  const heads = [...new Set(tips)];
  const parents = heads.length < 2 ? new Map<string, string[]>() : walk(repository, heads);
  const reached = new Map<string, Set<string>>();
  const reach = (tip: string): Set<string> => {
    const known = reached.get(tip);
    if (known !== undefined) return known;
    const found = new Set<string>();
    for (const left = [tip]; left.length > 0; ) {
      const commit = left.pop() as string;
      if (found.has(commit) || !parents.has(commit)) continue;
      found.add(commit);
      left.push(...(parents.get(commit) ?? []));
    }
    reached.set(tip, found);
    return found;
  };
  return {
    own(tip, base) {
      const others = reach(base);
      return new Set([...reach(tip)].filter((commit) => !others.has(commit)));
    },
  };
}

function walk(repository: Repository, heads: readonly string[]): Map<string, string[]> {
  const { code, stdout } = gitResult(repository, ["merge-base", "--octopus", ...heads], { allow: [1] });
  const common = code === 0 ? [`^${stdout.toString("utf8").trim()}`] : [];
  const input = [...heads, ...common].map((one) => `${one}\n`).join("");
  const lines = git(repository, ["rev-list", "--parents", "--stdin"], { input }).split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [commit = "", ...parents] = line.split(" ");
      return [commit, parents];
    }),
  );
}
