/**
 * `expver publish`: versions with all their data onto the remotes, in an order in which no tag is ever public before its
 * bytes. Every step may be repeated; what is there already is not sent again.
 */
import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { gitResult, type Repository } from "../git/git.ts";
import { headBranch, resolveCommit } from "../git/refs.ts";
import { listRemotes, publishRemote, readPushedRefs } from "../git/remotes.ts";
import type { Context } from "../platform/context.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { textIn, wordsOf } from "./input.ts";
import { OTHER_PREFIX } from "./other-projects.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { applyPublication, type Published } from "./publish/apply.ts";
import { shortName } from "./publish/branch.ts";
import { warnUnknownRemotes } from "./publish/data-remote-known.ts";
import { warnLost } from "./publish/objects.ts";
import { type Destination, type Publication, readPublication } from "./publish/publication.ts";
import { planRenumberings, type Renumbering, renumber, renumberingSteps } from "./publish/renumber.ts";
import { chooseVersions } from "./publish/versions.ts";

export interface PublishPlan extends Plan {
  publication: Publication;
  renumberings: Renumbering[];
  destination: Destination;
}

export const publish: WriteWorkflow<Input, PublishPlan, Published> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const names = wordsOf(input.version);
    const destination = whereTo(repository, input);
    const choice = chooseVersions(project, names, destination);
    if (choice.elsewhere.length > 0) {
      const text = `left out: ${choice.elsewhere.join(", ")}, of another project of this repository, which has the data: publish there`;
      context.report({ kind: "warning", text, hint: OTHER_PREFIX });
    }
    const renumberings = await planRenumberings(project, repository, { versions: choice.versions, refs: destination.refs });
    const leaving = new Set(renumberings.filter(leavesBranch).map(({ version }) => version.name));
    const also = names.length + choice.versions.length === 0 ? aheadOf(repository, destination) : [];
    const publication = await readPublication(project, repository, context, { choice, destination, leaving, also });
    warnLost(context, publication.survey);
    const commit = publication.branch?.object || publication.versions.at(-1)?.version.commit;
    if (destination.remote !== null && commit !== undefined)
      warnUnknownRemotes(project, repository, context, { commit, remotes: publication.survey.remotes });
    return {
      command: "publish",
      steps: [
        ...renumberings.flatMap((one) => renumberingSteps(project, one, theirs(one, destination))),
        ...stepsOf(publication, destination, renumberings),
      ],
      destructive: false,
      fingerprint: fingerprintOf({
        versions: publication.versions.map(({ version, object, state }) => [version.name, object, state]),
        branch: publication.branch,
        objects: publication.objects.pointers.map(({ path, hash }) => [path, hash]),
        lacking: publication.survey.lacking,
        renumberings: renumberings.map(({ to }) => to),
      }),
      publication,
      renumberings,
      destination,
    };
  },

  async apply(context, { publication, renumberings, destination }) {
    const project = openProject(context);
    const repository = requireRepository(project);
    await prepareWriting(project, context);
    if (renumberings.length === 0) return applyPublication(context, { project, repository, publication, destination });
    for (const one of renumberings) await renumber(project, repository, context, one);
    const newNames = new Map(renumberings.map(({ version, to }) => [version.name, to]));
    const names = publication.versions.map(({ version }) => newNames.get(version.name) ?? version.name);
    const choice = chooseVersions(project, names, destination);
    const renumbered = await readPublication(project, repository, context, { choice, destination, leaving: new Set() });
    const published = await applyPublication(context, { project, repository, publication: renumbered, destination });
    const oldNames = new Map(renumberings.map(({ version, to }) => [to, version.name]));
    return { ...published, versions: published.versions.map((one) => ({ ...one, was: oldNames.get(one.version) ?? null })) };
  },
};

/** For workflows that make a version and were asked to publish it. */
export async function publishVersion(context: Context, name: string): Promise<Published> {
  return publish.apply(context, await publish.plan(context, { version: [name] }));
}

/** For workflows that commit something no version has: objects of the branch, then the branch. Throws E_PUBLISH. */
export async function publishBranch(context: Context): Promise<Published> {
  const project = openProject(context);
  const repository = requireRepository(project);
  const destination = whereTo(repository, {});
  const head = resolveCommit(repository, "HEAD");
  const question = {
    choice: { versions: [], others: [], elsewhere: [] },
    destination,
    leaving: new Set<string>(),
    also: head === null ? [] : [head],
  };
  const publication = await readPublication(project, repository, context, question);
  warnLost(context, publication.survey);
  await prepareWriting(project, context);
  return applyPublication(context, { project, repository, publication, destination });
}

/** HEAD, when the remote has its branch as it was some commits ago: what comes behind the published versions goes the same way. */
function aheadOf(repository: Repository, { remote, refs }: Destination): string[] {
  const branch = headBranch(repository);
  const theirs = branch === null ? undefined : refs.get(branch);
  const head = resolveCommit(repository, "HEAD");
  if (remote === null || theirs === undefined || head === null || theirs === head) return [];
  return gitResult(repository, ["merge-base", "--is-ancestor", theirs, head], { allow: [1, 128] }).code === 0 ? [head] : [];
}

/** Throws E_PUBLISH when there are several Git remotes and nothing says which. */
export function whereTo(repository: Repository, input: Input): Destination {
  const dataRemote = textIn(input.remote);
  const remote = publishRemote(repository);
  if (remote !== null) return { remote, refs: readPushedRefs(repository, remote), dataRemote };
  const all = listRemotes(repository);
  if (all.length === 0) return { remote, refs: new Map(), dataRemote };
  throw new ExpverError("E_PUBLISH", `there are ${all.length} Git remotes (${all.join(", ")}) and nothing says which to publish to`, {
    hint: `Say it once: git config remote.pushDefault ${all[0]}`,
    details: { remotes: all },
  });
}

function leavesBranch({ keepsCommit, branch }: Renumbering): boolean {
  return !keepsCommit && branch === null;
}

function theirs({ version }: Renumbering, { remote, refs }: Destination): string {
  return `${remote} has another ${version.name} (${refs.get(`refs/tags/${version.name}`)?.slice(0, 12)})`;
}

function stepsOf(
  { versions, branch, survey, objects }: Publication,
  { remote, refs }: Destination,
  renumberings: readonly Renumbering[],
): Step[] {
  if (versions.length === 0 && branch?.state !== "push") return [];
  const dataRemotes = survey.remotes.join(", ");
  const steps: Step[] = [];
  if (survey.lacking > 0) steps.push({ verb: "send", target: dataRemotes, detail: "objects", count: survey.lacking, bytes: survey.bytes });
  if (objects.pointers.length > 0) {
    steps.push({ verb: "check", target: dataRemotes, detail: "objects are there", count: survey.there + survey.lacking });
  }
  if (remote === null) return steps;
  if (branch?.state === "push" && branch.ref !== null) {
    const before = refs.get(branch.ref)?.slice(0, 12) ?? "new";
    const after = renumberings.some((one) => one.branch !== null) ? "its new commit" : branch.object.slice(0, 12);
    steps.push({ verb: "push", target: `${remote} ${shortName(branch.ref)}`, detail: `${before} → ${after}` });
  }
  for (const { version, state } of versions) {
    if (state === "new") steps.push({ verb: "push", target: `${remote} ${version.name}`, detail: version.message.description });
    const renumbered = renumberings.find((one) => one.version.name === version.name);
    if (renumbered !== undefined) steps.push({ verb: "push", target: `${remote} ${renumbered.to}`, detail: version.message.description });
    if (state === "there") steps.push({ verb: "note", target: version.name, detail: `${remote} has it already` });
  }
  return steps;
}
