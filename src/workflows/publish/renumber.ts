/**
 * Another number for a version that is not published, because another clone published one of that name first. Its rows say
 * the new one, in the working database and in a results commit that differs from the old one in nothing else; what its tag
 * says stays. One operation, taken back whole.
 */

import type { Project } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { committer } from "../../git/identity.ts";
import { makeTag } from "../../git/objects.ts";
import { type RefChange, readRef } from "../../git/refs.ts";
import { acquireLease } from "../../journal/lease.ts";
import { perform } from "../../journal/perform.ts";
import type { Effect } from "../../journal/types.ts";
import type { Context } from "../../platform/context.ts";
import { formatMessage } from "../../versions/message.ts";
import { markerOf, newTagChanges, unpublishedRef } from "../../versions/published.ts";
import { readVersions } from "../../versions/registry.ts";
import { readNumbers } from "../../versions/reserve.ts";
import type { Level } from "../../versions/tag-name.ts";
import type { Version, VersionNumber } from "../../versions/types.ts";
import type { Step } from "../contract.ts";
import { placeCommit } from "../place-commit.ts";
import { rowHooks } from "../row-hooks.ts";
import { readFacts, writeFacts } from "../run/run-facts.ts";
import { shortName } from "./branch.ts";
import { movableBranch, renumberedCommit } from "./renumbered-commit.ts";
import { restampWorking, workingRuns } from "./restamp.ts";
import type { ChosenVersion } from "./versions.ts";

export interface Renumbering {
  version: Version;
  /** The tag's own object. */
  object: string;
  to: string;
  /** Those of its runs that the working database has under the old number. */
  runs: string[];
  /** A version without runs keeps its commit: only its tag gets another name. */
  keepsCommit: boolean;
  /** The branch that moves to the new commit, because it ends at the old one; "HEAD" when detached. */
  branch: string | null;
  /** Versions that nobody else has and that say they merged it: their tags say the new number. */
  mergedIn: string[];
}

/** Reads only. `refs`: what the remote has. */
export async function planRenumberings(
  project: Project,
  repository: Repository,
  { versions, refs }: { versions: readonly ChosenVersion[]; refs: ReadonlyMap<string, string> },
): Promise<Renumbering[]> {
  const taken = new Set([...refs.keys()].flatMap((ref) => (ref.startsWith("refs/tags/") ? [ref.slice("refs/tags/".length)] : [])));
  const planned: Renumbering[] = [];
  const isPublic = (one: Version) => !one.unpublished || refs.get(`refs/tags/${one.name}`) === objectOf(one);
  const merges = readVersions(project).filter((one) => one.message.merged.length > 0 && !isPublic(one));
  for (const { version, object, state } of versions) {
    if (state !== "taken") continue;
    committer(repository);
    const to = readNumbers(project, { remoteTags: taken }).next(levelOf(version.number));
    taken.add(to);
    const keepsCommit = version.message.kind !== "run" && version.message.kind !== "sweep";
    const runs = keepsCommit ? [] : await workingRuns(project, { from: version.name, runs: runsOf(version) });
    const branch = keepsCommit ? null : movableBranch(repository, version.commit);
    const mergedIn = merges.filter(({ message }) => message.merged.includes(version.name)).map(({ name }) => name);
    planned.push({ version, object, to, runs, keepsCommit, branch, mergedIn });
  }
  return planned;
}

export function renumberingSteps(project: Project, { version, to, runs, keepsCommit, branch, mergedIn }: Renumbering, why: string): Step[] {
  const { database } = project.config.results;
  return [
    { verb: "renumber", target: version.name, detail: `→ ${to}: ${why}`, keeps: "in the operation" },
    ...(keepsCommit
      ? []
      : [{ verb: "commit", target: branch === null ? "beside the branch" : shortName(branch), detail: `the same, but for ${database}` }]),
    ...(runs.length === 0
      ? []
      : [{ verb: "stamp", target: database, detail: `${to} in the rows of ${runs.join(", ")}`, count: runs.length }]),
    ...mergedIn.map((name) => ({ verb: "tag", target: name, detail: `it merged ${to}`, keeps: "in the operation" })),
  ];
}

/** One at a time: what is done twice, the second would take back when it fails. */
export async function renumber(project: Project, repository: Repository, context: Context, renumbering: Renumbering): Promise<void> {
  const lease = acquireLease(project, "renumbering", { version: renumbering.version.name });
  try {
    await renumberAlone(project, repository, context, renumbering);
  } finally {
    lease.release();
  }
}

async function renumberAlone(project: Project, repository: Repository, context: Context, renumbering: Renumbering): Promise<void> {
  const { to, runs, keepsCommit, branch, mergedIn } = renumbering;
  const all = readVersions(project);
  const { version, object } = asItIsNow(all, renumbering);
  if (readRef(repository, `refs/tags/${version.name}`) !== object)
    throw new ExpverError("E_PLAN_STALE", `${version.name} has changed since the plan was made`, { hint: "Repeat the command." });
  const number = { from: version.name, to, runs: runsOf(version) };
  context.report({
    kind: "warning",
    text: `${version.name} was published by another clone first: yours is ${to} now`,
    hint: "Its rows and its tag say so; the old tag is kept in the operation (expver ops).",
  });
  await perform(project, context, {
    command: "renumber",
    argv: ["publish", version.name],
    summary: `${version.name} is ${to}: another clone published ${version.name} first`,
    rows: (effects) => rowHooks(project, effects),
    async work(operation) {
      const made = keepsCommit ? null : await renumberedCommit(project, repository, { version, number, branch });
      const commit = made?.commit ?? version.commit;
      const tag = makeTag(repository, { name: to, object: commit, message: formatMessage(version.message) });
      const refs: RefChange[] = [
        ...newTagChanges(to, tag, markerOf(repository, to)),
        { ref: `refs/tags/${version.name}`, before: object, after: null },
        { ref: unpublishedRef(version.name), before: markerOf(repository, version.name), after: null },
        ...(made === null || branch === null ? [] : [{ ref: branch, before: version.commit, after: commit }]),
        ...all.filter(({ name }) => mergedIn.includes(name)).flatMap((one) => mergedChanges(repository, one, { from: version.name, to })),
      ];
      const { index, files } = made ?? { index: [], files: [] };
      const database = resultsPath(project);
      const rows = runs.map((run): Effect => ({ kind: "stamp", database, run, before: version.name, after: to }));
      placeCommit(project, repository, { operation, refs, index, files, rows, reason: `expver: ${version.name} is ${to}` });
      await restampWorking(project, { ...number, runs });
      for (const run of runs) {
        const facts = readFacts(project, run);
        if (facts !== null) writeFacts(project, { ...facts, version: to, results: commit });
      }
    },
  });
}

/** The renumbering before may have had its tag say the new number of what it merged. */
function asItIsNow(all: readonly Version[], { version, object }: Renumbering): Pick<Renumbering, "version" | "object"> {
  const now = all.find(({ name, commit }) => name === version.name && commit === version.commit);
  return now === undefined ? { version, object } : { version: now, object: objectOf(now) };
}

/** What a version says it has merged: else that would be the other clone's. */
function mergedChanges(repository: Repository, one: Version, { from, to }: { from: string; to: string }): RefChange[] {
  const { name, commit, message } = one;
  const merged = message.merged.map((other) => (other === from ? to : other));
  const before = objectOf(one);
  const after = makeTag(repository, { name, object: commit, message: formatMessage({ ...message, merged }) });
  return [`refs/tags/${name}`, unpublishedRef(name)].map((ref) => ({ ref, before, after }));
}

function objectOf({ tagObject, commit }: Version): string {
  return tagObject ?? commit;
}

function runsOf({ message }: Version): string[] {
  return message.runs.map(({ run }) => run);
}

/** A rerun stays a rerun, a fundamental change one. */
function levelOf({ minor, patch }: VersionNumber): Level {
  return patch > 0 ? "patch" : minor > 0 ? "minor" : "major";
}
