/** The branch that goes along with the tags: the one that is checked out, when it has one of the versions. */
import { git, type Repository } from "../../git/git.ts";
import { headBranch, readRef } from "../../git/refs.ts";

export interface BranchPlan {
  /** Full name, here and on the remote. Null: HEAD is detached. */
  ref: string | null;
  /** Its commit; "" when there is no branch. */
  object: string;
  /** `apart`: none of the versions is on it, so it is no business of theirs. */
  state: "push" | "there" | "apart" | "detached";
}

/** `commits`: those of the versions. */
export function planBranch(
  repository: Repository,
  { commits, refs }: { commits: readonly string[]; refs: ReadonlyMap<string, string> },
): BranchPlan {
  const ref = headBranch(repository);
  if (ref === null) return { ref, object: "", state: "detached" };
  const object = readRef(repository, ref) ?? "";
  if (object === "" || !containsOne(repository, object, commits)) return { ref, object, state: "apart" };
  return { ref, object, state: refs.get(ref) === object ? "there" : "push" };
}

export function shortName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, "");
}

function containsOne(repository: Repository, branch: string, commits: readonly string[]): boolean {
  const beyond = new Set(git(repository, ["rev-list", "--stdin"], { input: `${[...commits, `^${branch}`].join("\n")}\n` }).split("\n"));
  return commits.some((commit) => !beyond.has(commit));
}
