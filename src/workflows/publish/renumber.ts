/** Another number for a version that is not published, because another clone published one of that name first. */
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { makeTag } from "../../git/objects.ts";
import { type RefChange, readRef, updateRefs } from "../../git/refs.ts";
import { perform } from "../../journal/perform.ts";
import type { Context } from "../../platform/context.ts";
import { formatMessage } from "../../versions/message.ts";
import { newTagChanges, unpublishedRef } from "../../versions/published.ts";
import { suggestVersion } from "../../versions/reserve.ts";
import type { Level } from "../../versions/tag-name.ts";
import type { Version, VersionNumber } from "../../versions/types.ts";
import type { VersionOfRunPlan } from "../run/version-of-run.ts";
import type { ChosenVersion } from "./versions.ts";

export interface Renumbering {
  version: Version;
  /** The tag's own object. */
  object: string;
  to: string;
  /** How its run is stamped anew; null: it has no run, only its tag gets another name. */
  ofRun: VersionOfRunPlan | null;
}

/** Reads only. `refs`: what the remote has. Throws E_VERSION_TAKEN for a version that cannot get another number here. */
export async function planRenumberings(
  project: Project,
  context: Context,
  { versions, refs }: { versions: readonly ChosenVersion[]; refs: ReadonlyMap<string, string> },
): Promise<Renumbering[]> {
  const taken = new Set([...refs.keys()].flatMap((ref) => (ref.startsWith("refs/tags/") ? [ref.slice("refs/tags/".length)] : [])));
  const planned: Renumbering[] = [];
  for (const { version, object, state } of versions) {
    if (state !== "taken") continue;
    const to = suggestVersion(project, levelOf(version.number), { remoteTags: taken });
    taken.add(to);
    planned.push({ version, object, to, ofRun: await planOfRun(context, version, to) });
  }
  return planned;
}

/** One operation. Answers nothing: the version is found under its new name then. */
export async function renumber(
  project: Project,
  repository: Repository,
  context: Context,
  { version, object, to, ofRun }: Renumbering,
): Promise<void> {
  context.report({
    kind: "warning",
    text: `${version.name} was published by another clone first: yours is ${to} now`,
    hint: "Its rows and its tag say so; the old tag is kept in the operation (expver ops).",
  });
  if (ofRun !== null) {
    const { applyVersionOfRun } = await import("../run/version-of-run.ts");
    await applyVersionOfRun(context, ofRun);
    return;
  }
  await perform(project, context, {
    command: "tag",
    argv: ["tag", to],
    summary: `${version.name} gets the number ${to}`,
    work(operation) {
      const tag = makeTag(repository, { name: to, object: version.commit, message: formatMessage(version.message) });
      const marker = unpublishedRef(version.name);
      const changes: RefChange[] = [
        ...newTagChanges(to, tag),
        { ref: `refs/tags/${version.name}`, before: object, after: null },
        { ref: marker, before: readRef(repository, marker), after: null },
      ];
      operation.record(...changes.map((change) => ({ kind: "ref" as const, ...change })));
      updateRefs(repository, changes, { reason: `expver: ${version.name} is ${to}` });
    },
  });
}

/** A rerun stays a rerun, a fundamental change one. */
function levelOf({ minor, patch }: VersionNumber): Level {
  return patch > 0 ? "patch" : minor > 0 ? "minor" : "major";
}

async function planOfRun(context: Context, { name, message }: Version, to: string): Promise<VersionOfRunPlan | null> {
  const { kind, runs } = message;
  if (kind === null || kind === "manual") return null;
  const cannot = (why: string, hint: string) =>
    new ExpverError("E_VERSION_TAKEN", `${name} was published by another clone first, and yours cannot get another number: ${why}`, {
      hint,
      details: { version: name, free: to },
    });
  const run = runs[0]?.run;
  if (kind !== "run" || runs.length !== 1 || run === undefined) {
    throw cannot(`it is a ${kind} of ${runs.length} runs`, `Tag its commit by hand: git tag -a ${to} ${name}^{} && git tag -d ${name}`);
  }
  try {
    const { planVersionOfRun } = await import("../run/version-of-run.ts");
    return await planVersionOfRun(context, { version: to, run, replace: name });
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code !== "E_NOT_FOUND") throw error;
    throw cannot(error.message, "Publish it from the worktree its run was made in, where its rows are.");
  }
}
