/** What one publish is about, as read before anything is changed. */
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import type { PushSurvey } from "../../store/transfer.ts";
import { type BranchPlan, planBranch } from "./branch.ts";
import { type NamedObjects, objectsOf, surveyObjects } from "./objects.ts";
import { type Choice, chooseVersions } from "./versions.ts";

/** Where to. */
export interface Destination {
  /** Git remote; null: there is none, so only objects go anywhere. */
  remote: string | null;
  /** What it has: object by full ref name. */
  refs: ReadonlyMap<string, string>;
  /** Name of the data remote asked for. */
  dataRemote: string | undefined;
}

export interface Publication extends Choice {
  /** Null without a Git remote, or without versions. */
  branch: BranchPlan | null;
  objects: NamedObjects;
  survey: PushSurvey;
}

/** Reads only. Throws E_PUBLISH, E_VERSION_TAKEN, E_NOT_FOUND. */
export async function readPublication(
  project: Project,
  repository: Repository,
  context: Context,
  { names, destination }: { names: readonly string[]; destination: Destination },
): Promise<Publication> {
  const { remote, refs, dataRemote } = destination;
  const { versions, others } = chooseVersions(project, names, destination);
  // What gets another number gets another commit, beside the branch.
  const commits = versions.filter(({ state }) => state !== "taken").map(({ version }) => version.commit);
  const branch = remote === null || versions.length === 0 ? null : planBranch(repository, { commits, refs });
  const tagged = new Map(versions.map(({ version }) => [version.commit, version.name]));
  const wants = [...tagged.keys(), ...(branch?.state === "push" ? [branch.object] : [])];
  const objects = objectsOf(project, repository, context, {
    tagged,
    stretch: { wants, haves: [...refs.values()] },
    remote: dataRemote,
  });
  return { versions, others, branch, objects, survey: await surveyObjects(project, context, objects) };
}
