/** What one publish is about, as read before anything is changed. */
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import type { PushSurvey } from "../../store/transfer.ts";
import { type BranchPlan, planBranch } from "./branch.ts";
import { type NamedObjects, objectsOf, surveyObjects } from "./objects.ts";
import type { Choice } from "./versions.ts";

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

/** Reads only; `leaving`: versions whose commit will not be on the branch any more. Throws E_PUBLISH. */
export async function readPublication(
  project: Project,
  repository: Repository,
  context: Context,
  { choice, destination, leaving }: { choice: Choice; destination: Destination; leaving: ReadonlySet<string> },
): Promise<Publication> {
  const { remote, refs, dataRemote } = destination;
  const { versions } = choice;
  const staying = versions.filter(({ version }) => !leaving.has(version.name)).map(({ version }) => version.commit);
  const branch = remote === null || versions.length === 0 ? null : planBranch(repository, { commits: staying, refs });
  const tagged = new Map(versions.map(({ version }) => [version.commit, version.name]));
  const wants = [...tagged.keys(), ...(branch?.state === "push" ? [branch.object] : [])];
  const objects = objectsOf(project, repository, context, {
    tagged,
    stretch: { wants, haves: [...refs.values()] },
    remote: dataRemote,
  });
  return { ...choice, branch, objects, survey: await surveyObjects(project, context, objects) };
}
