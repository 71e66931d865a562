/** Branch and tags onto the Git remote: in one step where that can be, the tags alone where the branch is refused. */
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { mergeAttribute, readDriver } from "../../git/merge-driver.ts";
import { type PushAnswer, type PushedRef, pushRefs } from "../../git/push.ts";
import type { Context } from "../../platform/context.ts";
import { shortName } from "./branch.ts";

export interface RefsToPush {
  remote: string;
  branch: PushedRef | null;
  tags: readonly PushedRef[];
  /** All versions that are published, those that are there already too. */
  names: readonly string[];
}

/** Answers whether the branch went along. Throws E_VERSION_TAKEN, E_HOOK or E_GIT when the tags did not. */
export function pushBranchAndTags(repository: Repository, context: Context, { remote, branch, tags, names }: RefsToPush): boolean {
  if (branch === null) {
    pushTags(repository, remote, tags);
    return false;
  }
  const together = pushRefs(repository, remote, { refs: [branch, ...tags], atomic: true });
  if (together.ok) return true;
  if (together.noAtomic) return pushOneByOne(repository, context, { remote, branch, tags, names });
  if (together.refused.size === 0) throw unreachable(remote, together);
  // Whose fault it was shows when the tags go alone.
  pushTags(repository, remote, tags);
  warnRefused(repository, context, { remote, branch, tags, names }, together);
  return false;
}

function pushOneByOne(
  repository: Repository,
  context: Context,
  { remote, branch, tags, names }: RefsToPush & { branch: PushedRef },
): boolean {
  const first = pushRefs(repository, remote, { refs: [branch], atomic: false });
  if (!first.ok && first.refused.size === 0) throw unreachable(remote, first);
  pushTags(repository, remote, tags);
  if (!first.ok) warnRefused(repository, context, { remote, branch, tags, names }, first);
  return first.ok;
}

function pushTags(repository: Repository, remote: string, tags: readonly PushedRef[]): void {
  if (tags.length === 0) return;
  const answer = pushRefs(repository, remote, { refs: tags, atomic: false });
  if (answer.ok) return;
  const [ref, why] = [...answer.refused][0] ?? [];
  if (ref === undefined || why === undefined) throw unreachable(remote, answer);
  const name = shortName(ref);
  const details = { version: name, remote, refused: Object.fromEntries(answer.refused) };
  // Of two pushes in the same moment the server says it of its lock, not of the tag.
  if (/already exists/.test(why) || /cannot lock ref/.test(answer.said)) {
    throw new ExpverError("E_VERSION_TAKEN", `${name} was published to ${remote} by another clone a moment ago`, {
      hint: `Repeat: expver publish ${name}; yours then gets another number.`,
      details,
    });
  }
  throw new ExpverError("E_HOOK", `${remote} refused the tag ${name}: ${why}`, {
    hint: `Its data is there. ${remote} said: ${answer.said}`,
    details,
  });
}

function warnRefused(
  repository: Repository,
  context: Context,
  { remote, branch, tags, names }: RefsToPush & { branch: PushedRef },
  { refused }: PushAnswer,
): void {
  const name = shortName(branch.ref);
  const why = refused.get(branch.ref) ?? "refused";
  const isBehind = /non-fast-forward|fetch first/.test(why);
  context.report({
    kind: "warning",
    text: `${remote} refused the branch ${name}: ${why}${tags.length > 0 ? "; the tags went alone" : ""}`,
    hint: isBehind
      ? `Bring in what is there: ${driverFirst(repository)}git pull --no-rebase ${remote} ${name}; then: ${["expver publish", ...names].join(" ")}`
      : "The versions are public all the same.",
  });
}

/** A clone gets the attribute and not the command: Git would leave every pointer that both sides changed in conflict. */
function driverFirst(repository: Repository): string {
  return mergeAttribute(repository, "any.dvc") === "expver" && readDriver(repository) === null ? "expver doctor --fix && " : "";
}

function unreachable(remote: string, { said }: PushAnswer): ExpverError {
  return new ExpverError("E_GIT", `git push to ${remote}: ${said || "it ended without a word"}`, {
    hint: "The data has been sent. Repeat the command: it goes on from there.",
    details: { remote },
  });
}
