/** The one writer of a publish: objects, a second look at them, then branch and tags. */

import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import type { PushedRef } from "../../git/push.ts";
import { updateRefs } from "../../git/refs.ts";
import { readPushedRefs } from "../../git/remotes.ts";
import { beginOperation, type OpenOperation } from "../../journal/operations.ts";
import type { Context } from "../../platform/context.ts";
import { counted } from "../../platform/words.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { pushObjects } from "../../store/transfer/transfer.ts";
import { seenChanges } from "../../versions/published.ts";
import { shortName } from "./branch.ts";
import { surveyObjects } from "./objects.ts";
import type { Destination, Publication } from "./publication.ts";
import { pushBranchAndTags } from "./push-refs.ts";

export interface Published {
  /** Git remote; null: there is none. */
  remote: string | null;
  dataRemotes: string[];
  /** Objects sent, and those that were there already. */
  objects: { sent: number; bytes: number; there: number };
  /** `left`: HEAD is detached, or none of the versions is on it. */
  branch: { name: string | null; state: "pushed" | "there" | "refused" | "left" } | null;
  versions: PublishedVersion[];
  /** Tags the remote lacks that were not made by expver here: they go only when they are named. */
  others: string[];
  next: string[];
}

interface PublishedVersion {
  version: string;
  /** `objects only`: there is no Git remote to take its tag. */
  state: "published" | "was there" | "objects only";
  /** The number it had before another clone took it. */
  was: string | null;
}

export interface PublishWork {
  project: Project;
  repository: Repository;
  publication: Publication;
  destination: Destination;
}

export async function applyPublication(context: Context, work: PublishWork): Promise<Published> {
  const { project, publication, destination } = work;
  const { versions, branch, objects } = publication;
  if (versions.length === 0 && branch === null && objects.pointers.length === 0) return outcomeOf(work, { sent: 0, branchWent: false });
  const names = versions.map(({ version }) => version.name);
  const what = names.length > 0 ? names.join(", ") : branch?.ref ? shortName(branch.ref) : "objects";
  const operation = beginOperation(project, context, {
    command: "publish",
    argv: ["publish", ...names],
    summary: `${what} to ${destination.remote ?? "the data remote"}`,
  });
  try {
    const sent = await sendObjects(context, work, operation);
    const branchWent = destination.remote !== null && sendRefs(context, work, { operation, remote: destination.remote });
    operation.finish();
    return outcomeOf(work, { sent, branchWent });
  } catch (error) {
    operation.fail(error);
    throw error;
  }
}

/** Answers how many were sent. Afterwards every object that a version names has been seen on the data remote. */
async function sendObjects(
  context: Context,
  { project, publication: { objects, survey } }: PublishWork,
  operation: OpenOperation,
): Promise<number> {
  if (survey.lacking === 0) return 0;
  const remotes = survey.remotes.join(", ");
  operation.record({ kind: "remote", remote: remotes, detail: counted(survey.lacking, "object") });
  const report = await withDvcLock(project, () => pushObjects(project, objects.pointers, context));
  const [first] = report.failed;
  const notArrived = (count: number) => {
    const why = first === undefined ? "" : `; first ${first.path}: ${first.reason}`;
    const text = `${counted(count, "object")} did not reach ${remotes}, so no tag was pushed${why}`;
    return new ExpverError(first?.code ?? "E_OBJECT", text, {
      hint: first?.code === "E_OBJECT" ? first.hint : "Repeat the command: it goes on from there.",
      details: { failed: report.failed, remotes: survey.remotes },
    });
  };
  // Damaged ones are in the cache no more, and would be looked for everywhere.
  if (first?.code === "E_OBJECT") throw notArrived(report.failed.length);
  const after = await surveyObjects(project, context, objects);
  if (after.lacking > 0) throw notArrived(after.lacking);
  return report.objects;
}

/** Answers whether the branch went along. */
function sendRefs(
  context: Context,
  { repository, publication }: PublishWork,
  { operation, remote }: { operation: OpenOperation; remote: string },
): boolean {
  const branch = branchToPush(publication);
  const tags = publication.versions.flatMap(({ version, object, state }): PushedRef[] =>
    state === "new" ? [{ object, ref: `refs/tags/${version.name}` }] : [],
  );
  if (publication.branch?.state === "detached" && tags.length > 0) {
    context.report({ kind: "warning", text: "HEAD is detached: the tags go alone, without a branch" });
  }
  const all = [...(branch === null ? [] : [branch]), ...tags];
  if (all.length === 0) {
    markSeen(repository, publication, new Map(tagsThere(publication)));
    return false;
  }
  operation.record(...all.map(({ ref }) => ({ kind: "remote" as const, remote, detail: shortName(ref), ref })));
  let went: boolean;
  try {
    went = pushBranchAndTags(repository, context, { remote, branch, tags, names: publication.versions.map(({ version }) => version.name) });
  } catch (error) {
    const isRefusal = error instanceof ExpverError && error.code !== "E_GIT";
    noteWhatIsThere(repository, publication, { operation, remote, isRefusal });
    throw error;
  }
  markSeen(repository, publication, readPushedRefs(repository, remote));
  return went;
}

function branchToPush({ branch }: Publication): PushedRef | null {
  return branch?.state === "push" && branch.ref !== null ? { object: branch.object, ref: branch.ref } : null;
}

function tagsThere({ versions }: Publication): [string, string][] {
  return versions.filter(({ state }) => state === "there").map(({ version, object }) => [`refs/tags/${version.name}`, object]);
}

/** The marker of a version goes once its tag has been seen on the remote; what we know then is no change that undo could take back. */
function markSeen(repository: Repository, { versions }: Publication, there: ReadonlyMap<string, string>): void {
  const seen = versions.filter(({ version, object }) => there.get(`refs/tags/${version.name}`) === object);
  const markers = seenChanges(
    repository,
    seen.map(({ version: { name }, object }) => ({ name, object })),
  );
  updateRefs(repository, markers, { reason: "expver: publish" });
}

/**
 * A push that failed may have got through, now or in a moment when only the connection broke. What was refused, and is not
 * there, does not stand in the way of an undo.
 */
function noteWhatIsThere(
  repository: Repository,
  publication: Publication,
  { operation, remote, isRefusal }: { operation: OpenOperation; remote: string; isRefusal: boolean },
): void {
  let there: Map<string, string>;
  try {
    there = readPushedRefs(repository, remote);
  } catch {
    return; // Not known, then.
  }
  markSeen(repository, publication, there);
  if (!isRefusal) return;
  const absent = publication.versions.map(({ version }) => version.name).filter((name) => !there.has(`refs/tags/${name}`));
  operation.note("notPublished", absent);
}

function outcomeOf({ publication, destination }: PublishWork, { sent, branchWent }: { sent: number; branchWent: boolean }): Published {
  const { versions, others, branch, survey } = publication;
  return {
    remote: destination.remote,
    dataRemotes: survey.remotes,
    objects: { sent, bytes: sent === 0 ? 0 : survey.bytes, there: survey.there },
    branch: branch === null ? null : { name: branch.ref && shortName(branch.ref), state: branchState(branch.state, branchWent) },
    versions: versions.map(({ version, state }) => ({
      version: version.name,
      state: state === "local" ? "objects only" : state === "there" ? "was there" : "published",
      was: null,
    })),
    others,
    next: destination.remote === null && versions.length > 0 ? ["git remote add origin URL", "expver publish"] : [],
  };
}

function branchState(state: NonNullable<Publication["branch"]>["state"], went: boolean): NonNullable<Published["branch"]>["state"] {
  if (state === "push") return went ? "pushed" : "refused";
  return state === "there" ? "there" : "left";
}
