/** What this clone remembers of a remote's branches (`refs/remotes/…`), and how it is brought up to date. */
import { git, gitResult, type Repository } from "./git.ts";

export interface MovedBranch {
  /** On the remote. */
  ref: string;
  /** Here, below `refs/remotes`. */
  tracking: string;
  /** `+`: also when it was rewritten there. */
  sign: string;
}

/** Branches that `git fetch` would bring: new on the remote, or elsewhere now. `refs`: what the remote has. Local branches are never among them, whatever the configuration says. */
export function movedBranches(repository: Repository, remote: string, refs: ReadonlyMap<string, string>): MovedBranch[] {
  const said = gitResult(repository, ["config", "-z", "--get-all", `remote.${remote}.fetch`], { allow: [1] }).stdout.toString("utf8");
  const rules = said.split("\0").filter(Boolean);
  if (rules.length === 0) return [];
  const listed = git(repository, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/remotes"]).split("\n");
  const here = new Set(listed);
  return [...refs].flatMap(([ref, object]) => {
    if (!ref.startsWith("refs/heads/") || rules.some((rule) => rule.startsWith("^") && placeOf(ref, rule.slice(1), "") !== null)) return [];
    return rules.flatMap((rule) => {
      const [, sign = "", from = "", to = ""] = /^(\+?)([^:]*):(refs\/remotes\/.*)$/.exec(rule) ?? [];
      const tracking = placeOf(ref, from, to);
      return tracking === null || here.has(`${object} ${tracking}`) ? [] : [{ ref, tracking, sign }];
    });
  });
}

/** Where a rule of `remote.NAME.fetch` puts a ref; null when it says nothing about it. */
function placeOf(ref: string, from: string, to: string): string | null {
  const star = from.indexOf("*");
  if (star < 0) return ref === from ? to : null;
  const [before, after] = [from.slice(0, star), from.slice(star + 1)];
  if (ref.length < before.length + after.length || !ref.startsWith(before) || !ref.endsWith(after)) return null;
  return to.replace("*", () => ref.slice(before.length, ref.length - after.length));
}
