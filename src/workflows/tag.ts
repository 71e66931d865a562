/**
 * `expver tag`: a version of HEAD, with numbers from HEAD's own objects. Never commits. With `--run` a version of a run
 * that has none: see `run/version-of-run.ts`.
 */

import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { editorOf } from "../git/editor.ts";
import { git, type Repository } from "../git/git.ts";
import { committer } from "../git/identity.ts";
import { makeTag } from "../git/objects.ts";
import { resolveCommit, updateRefs } from "../git/refs.ts";
import { readStatus } from "../git/status.ts";
import { perform } from "../journal/perform.ts";
import type { Context } from "../platform/context.ts";
import { someOf } from "../platform/words.ts";
import { formatHeadline } from "../versions/headline.ts";
import { formatMessage } from "../versions/message.ts";
import { markerOf, newTagChanges } from "../versions/published.ts";
import { readRegistry } from "../versions/registry.ts";
import type { Numbers } from "../versions/reserve.ts";
import { orderMetrics, suggestHeadline } from "../versions/suggest.ts";
import type { VersionMessage } from "../versions/types.ts";
import { requireHead } from "./commit-paths.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { editDescription, noDescription } from "./describe/edit.ts";
import { proposeDescription } from "./describe/proposal.ts";
import { textIn } from "./input.ts";
import type { VersionList } from "./list.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { chooseVersion, wantedVersion } from "./run/version/version-choice.ts";
import type { VersionOfRun, VersionOfRunPlan } from "./run/version/version-of-run.ts";
import type { ShownVersion } from "./show.ts";
import { factsOfHead, type HeadFacts } from "./tag/head.ts";

export type TagData =
  | { kind: "tagged"; version: string; tag: string; commit: string; line: string; description: string; proposed: boolean; next: string[] }
  /** `--suggest`: nothing was written. */
  | { kind: "suggested"; version: string; levels: { major: string; minor: string; patch: string }; line: string; next: string[] }
  | ({ kind: "run" } & VersionOfRun)
  /** The original script's `--list` and `--show`. */
  | { kind: "list"; list: VersionList }
  | { kind: "show"; show: ShownVersion };

export interface TagPlan extends Plan {
  does: "tag" | "suggest" | "run" | "look";
  version: string;
  head: string;
  message: VersionMessage | null;
  /** The description is what was found, nobody said it; an editor is opened for it. */
  proposed: boolean;
  edit: boolean;
  levels: { major: string; minor: string; patch: string } | null;
  ofRun: VersionOfRunPlan | null;
  looked: TagData | null;
}

export const tag: WriteWorkflow<Input, TagPlan, TagData> = {
  async plan(context, input) {
    if (input.list === true || typeof input.show === "string") return planLook(context, input);
    if (typeof input.run === "string") return planRun(context, input);
    return planHead(context, input);
  },
  async apply(context, plan) {
    if (plan.looked !== null) return plan.looked;
    if (plan.ofRun !== null) {
      const { applyVersionOfRun } = await import("./run/version/version-of-run.ts");
      return { kind: "run", ...(await applyVersionOfRun(context, plan.ofRun)) };
    }
    if (plan.message === null) throw new TypeError("a plan without a message tags nothing");
    const line = formatHeadline(plan.message);
    if (plan.levels !== null) {
      const next = [`expver tag ${plan.version} -d "what this experiment tries"`];
      return { kind: "suggested", version: plan.version, levels: plan.levels, line, next };
    }
    return tagHead(context, plan, plan.message);
  },
};

async function planHead(context: Context, input: Input): Promise<TagPlan> {
  const project = openProject(context);
  const repository = requireRepository(project);
  if (repository.bare && input.suggest !== true) {
    throw new ExpverError("E_GIT", `${repository.root} is a bare repository: nobody works in it`, { hint: "Tag in a clone, and publish." });
  }
  committer(repository);
  const head = resolveCommit(repository, "HEAD");
  if (head === null)
    throw new ExpverError("E_NOT_FOUND", "HEAD has no commit yet: there is nothing to tag", {
      hint: "Commit first, or let `expver run` do it.",
    });
  const prefix = textIn(input.prefix) ?? project.config.versions.prefix;
  const choice = chooseVersion({ project, repository, context, wanted: wantedVersion(input), prefix });
  const facts = await factsOfHead(project, context, choice.name);
  if (input.suggest !== true) warn(project, repository, context, head);
  const said = textIn(input.description) ?? textIn(input.message) ?? null;
  const message = messageOf(project, facts, {
    head,
    text: said ?? proposalFor(project, repository, { version: choice.name, head, facts }),
  });
  const edit = input.edit === true && input.suggest !== true;
  if (edit) editorOf(repository);
  return {
    ...planOf("tag", head, choice.name),
    does: input.suggest === true ? "suggest" : "tag",
    message,
    proposed: said === null,
    edit,
    steps: input.suggest === true ? [] : [{ verb: "tag", target: choice.name, detail: formatHeadline(message) }],
    levels: input.suggest === true ? levelsOf(choice.numbers) : null,
    fingerprint: fingerprintOf({ head, version: choice.name, pointers: facts.pointers, message: formatMessage(message) }),
  };
}

function levelsOf({ next }: Numbers): NonNullable<TagPlan["levels"]> {
  return { major: next("major"), minor: next("minor"), patch: next("patch") };
}

async function tagHead(context: Context, { version, head, proposed, edit }: TagPlan, planned: VersionMessage): Promise<TagData> {
  const project = openProject(context);
  const repository = requireRepository(project);
  await prepareWriting(project, context);
  requireHead(repository, head);
  const message = edit ? await edited(context, repository, { version, message: planned }) : planned;
  const object = makeTag(repository, { name: version, object: head, message: formatMessage(message) });
  const changes = newTagChanges(version, object, markerOf(repository, version));
  await perform(project, context, {
    command: "tag",
    argv: ["tag", version],
    summary: `version ${version} of HEAD`,
    work(operation) {
      operation.record(...changes.map((change) => ({ kind: "ref" as const, ...change })));
      updateRefs(repository, changes, { reason: `expver: tag ${version}` });
    },
  });
  const { description } = message;
  return {
    kind: "tagged",
    version,
    tag: object,
    commit: head,
    line: formatHeadline(message),
    description,
    proposed: proposed && !edit,
    next: [`expver publish ${version}`],
  };
}

async function edited(
  context: Context,
  repository: Repository,
  { version, message }: { version: string; message: VersionMessage },
): Promise<VersionMessage> {
  const draft = [message.description, ...(message.body === "" ? [] : ["", message.body])].join("\n");
  const text = await editDescription(context, repository, {
    text: draft,
    subject: version,
    line: formatHeadline({ ...message, description: "…" }),
  });
  if (text === null) throw noDescription("nothing was tagged", `expver tag ${version} -m TEXT`, { version });
  return { ...message, ...partsOf(text) };
}

async function planRun(context: Context, input: Input): Promise<TagPlan> {
  const { planVersionOfRun } = await import("./run/version/version-of-run.ts");
  const ofRun = await planVersionOfRun(context, input);
  return { ...planOf("run", ofRun.snapshot, ofRun.version), ...pickPlan(ofRun), ofRun };
}

async function planLook(context: Context, input: Input): Promise<TagPlan> {
  const looked: TagData =
    typeof input.show === "string"
      ? { kind: "show", show: await (await import("./show.ts")).show.read(context, { version: input.show }) }
      : { kind: "list", list: await (await import("./list.ts")).list.read(context, { tags: true }) };
  return { ...planOf("look", "", ""), looked };
}

function planOf(does: TagPlan["does"], head: string, version: string): TagPlan {
  return {
    command: "tag",
    steps: [],
    destructive: false,
    fingerprint: fingerprintOf({ does }),
    does,
    version,
    head,
    message: null,
    proposed: false,
    edit: false,
    levels: null,
    ofRun: null,
    looked: null,
  };
}

function pickPlan({ steps, destructive, fingerprint }: Plan): Pick<Plan, "steps" | "destructive" | "fingerprint"> {
  return { steps, destructive, fingerprint };
}

function messageOf(project: Project, facts: HeadFacts, { head, text }: { head: string; text: string }): VersionMessage {
  const { data, models, dataHash, runs, bestRun, params } = facts;
  const metrics = orderMetrics(project.config.metrics, facts.metrics);
  return {
    headline: suggestHeadline({ params, metrics, dataHash }),
    ...partsOf(text),
    kind: "manual",
    runs,
    bestRun,
    merged: [],
    code: head,
    dataHash,
    data,
    models,
    params,
    metrics,
    other: [],
  };
}

function partsOf(text: string): Pick<VersionMessage, "description" | "body"> {
  const lines = text.split(/\r?\n/);
  return { description: lines[0]?.trim() ?? "", body: lines.slice(1).join("\n").trim() };
}

/** The subject of HEAD, when a person wrote it, says what was done; what differs from the version before is added. */
function proposalFor(
  project: Project,
  repository: Repository,
  { version, head, facts }: { version: string; head: string; facts: HeadFacts },
): string {
  const [subject = "", ...body] = git(repository, ["log", "-1", "--no-show-signature", "--format=%B", head]).trim().split("\n");
  const isOurs = body.some((line) => /^(Run|Sweep|Merged): /.test(line));
  return proposeDescription(
    project,
    { ...facts, version, commit: head },
    isOurs || subject.trim() === "" ? null : { text: subject.trim(), tellsCode: true },
  ).text;
}

function warn(project: Project, repository: Repository, context: Context, head: string): void {
  const changed = readStatus(repository, { untracked: false }).map(({ path }) => path);
  if (changed.length > 0) {
    context.report({
      kind: "warning",
      text: `not in HEAD, so not in this version: ${someOf(changed, 3)}`,
      hint: "Commit first if the experiment needs it.",
    });
  }
  const others = readRegistry(project)
    .versions.filter(({ commit }) => commit === head)
    .map(({ name }) => name);
  if (others.length > 0) context.report({ kind: "warning", text: `HEAD is ${others.join(", ")} already` });
}
