/** What one publish is about, as read before anything is changed. */
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import type { PushSurvey } from "../../store/transfer/transfer.ts";
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

interface PublicationQuestion {
  choice: Choice;
  destination: Destination;
  /** Versions whose commit will not be on the branch any more. */
  leaving: ReadonlySet<string>;
  /** Commits of the branch that are to be public though no version has them. */
  also?: readonly string[];
}

/** Reads only. Throws E_PUBLISH. */
export async function readPublication(
  project: Project,
  repository: Repository,
  context: Context,
  { choice, destination, leaving, also = [] }: PublicationQuestion,
): Promise<Publication> {
  const { remote, refs, dataRemote } = destination;
  const { versions } = choice;
  const staying = versions.filter(({ version }) => !leaving.has(version.name)).map(({ version }) => version.commit);
  const isNothing = versions.length + also.length === 0;
  const branch = remote === null || isNothing ? null : planBranch(repository, { commits: [...staying, ...also], refs });
  const tagged = new Map(versions.map(({ version }) => [version.commit, version.name]));
  const wants = [...tagged.keys(), ...also, ...(branch?.state === "push" ? [branch.object] : [])];
  const objects = objectsOf(project, repository, context, {
    tagged,
    stretch: { wants, haves: [...refs.values()] },
    remote: dataRemote,
  });
  return { ...choice, branch, objects, survey: await surveyObjects(project, context, objects) };
}
