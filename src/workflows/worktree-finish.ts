/**
 * `expver worktree finish NAME`: what is left of an experiment's steps, as one plan. Each step is done when the repository says so, so a
 * finish that was stopped, by a refusal or by kill -9, goes on when it is repeated.
 */

import { join } from "node:path";
import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { editorOf } from "../git/editor.ts";
import { gitResult } from "../git/git.ts";
import type { Context } from "../platform/context.ts";
import { shellWord } from "../platform/shell-word.ts";
import type { Version } from "../versions/types.ts";
import { requireCommittable } from "./commit-paths.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { editDescription, noDescription } from "./describe/edit.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting, repair } from "./prepare.ts";
import { publish } from "./publish.ts";
import { chooseVersion } from "./run/version/version-choice.ts";
import { tag } from "./tag.ts";
import { type Choices, choicesIn } from "./worktree/finish/choices.ts";
import { commitThere } from "./worktree/finish/commit-there.ts";
import { type MergedHere, mergeHere, subjectOf } from "./worktree/finish/merge-here.ts";
import { keepModel, modelOf, wasPromoted } from "./worktree/finish/model.ts";
import { openScene, type Scene } from "./worktree/finish/scene.ts";
import { stepsOf } from "./worktree/finish/steps.ts";
import type { Category } from "./worktree/inventory/finding.ts";
import { inventory } from "./worktree/inventory.ts";
import { experimentNamed, folderOf, type WorktreeRecord } from "./worktree/records.ts";
import { type Removed, removeWorktree, requireNothingLost, requireUnlocked } from "./worktree/remove.ts";

interface FinishPlan extends Plan {
  record: WorktreeRecord;
  choices: Choices;
}

export interface FinishedExperiment {
  name: string;
  /** The experiment's own version, and the one on main that has it; null: none was made. */
  experiment: string | null;
  version: string | null;
  commit: string | null;
  /** Stored path of what was promoted or became a candidate. */
  model: { path: string; as: "production" | "candidate" } | null;
  published: string[];
  removed: Removed | null;
  next: string[];
}

export const worktreeFinish: WriteWorkflow<Input, FinishPlan, FinishedExperiment> = {
  async plan(context, input) {
    const project = openProject(context);
    const record = experimentNamed(project, context, textIn(input.name));
    requireOwnProject(project, record);
    const choices = choicesIn(input, project.config.publish === "auto");
    const scene = await openScene(context, record);
    await requireCommittable(scene.main);
    requireSameChoices(context, scene, choices);
    if (choices.edit) editorOf(scene.main.repository);
    if (choices.remove) requireUnlocked(scene.main.repository, record);
    const findings = choices.remove ? await inventory(project, context, record) : [];
    requireNothingLost(record, findings, {
      forced: settledBy(scene, choices),
      given: choices.forced,
      again: `expver worktree finish ${record.name}`,
    });
    const { steps, destructive } = await stepsOf(scene, choices, findings);
    const isForced = findings.some(({ category }) => choices.forced.has(category));
    return {
      command: "worktree finish",
      steps,
      destructive: destructive || isForced,
      fingerprint: fingerprintOf({ head: scene.head, tip: scene.tip, changed: scene.changed, steps, findings }),
      record,
      choices,
    };
  },

  async apply(context, { record, choices }) {
    await prepareWriting(openProject(context), context);
    const first = await openScene(context, record);
    await repair(first.there.project, first.there.context);
    const here = choices.edit && first.merged === null ? { ...choices, message: await edited(first, choices) } : choices;
    await makeVersionThere(context, record, choices);
    const { there, versions } = await openScene(context, record);
    const published = choices.publish ? await publishNames(there.context, versions) : [];
    const model = await keepModel(await openScene(context, record), choices);
    const merged = await mergeOnce(await openScene(context, record), here);
    if (choices.publish && merged.version !== null) published.push(...(await publishNames(context, [{ name: merged.version }])));
    const { tipVersion } = await openScene(context, record);
    return {
      name: record.name,
      experiment: tipVersion?.name ?? null,
      ...merged,
      model,
      published,
      removed: choices.remove ? await removeAtLast(context, record, choices) : null,
      next: nextSteps(record, choices, merged),
    };
  },
};

/** Another project of the repository would get a version of what is not its own. */
function requireOwnProject(project: Project, { name, folder = "" }: WorktreeRecord): void {
  const repository = requireRepository(project);
  const here = folderOf(project).folder ?? "";
  if (here === folder) return;
  const called = (place: string) => (place === "" ? "the project at the top of the repository" : `the project in ${place}`);
  throw new ExpverError("E_DATA", `${name} is an experiment of ${called(folder)}, not of ${called(here)}`, {
    hint: `expver -C ${shellWord(join(repository.root, folder))} worktree finish ${shellWord(name)}`,
    details: { name, project: folder, here },
  });
}

/** A finish that goes on after its merge does not merge again: what it was not asked for then, it cannot bring now. */
function requireSameChoices(context: Context, scene: Scene, { code, models }: Choices): void {
  const { merged, main, tip, record, versions } = scene;
  if (merged === null) return;
  const hasCode = () => gitResult(main.repository, ["merge-base", "--is-ancestor", tip, merged.commit], { allow: [1] }).code === 0;
  if (code === "merge" && !hasCode()) {
    throw new ExpverError("E_GIT_STATE", `${merged.name} has ${record.branch} already, without its code`, {
      hint: `Undo that first (expver ops names it: "${merged.name} of ${record.branch}"), or go on without: --code none.`,
      details: { version: merged.name, branch: record.branch },
    });
  }
  const best = modelOf({ main, versions }, { models });
  if (best?.as === "production" && !wasPromoted(scene, best.version, merged)) {
    context.report({
      kind: "warning",
      text: `${merged.name} has ${record.branch} already, and its model was not promoted with it`,
      hint: `expver models promote ${best.version.name}`,
    });
  }
}

/** What the steps of this finish bring to safety themselves, or what was given up by name. */
function settledBy(scene: Scene, { commit, tag: tags, publish: publishes, results, models, code, forced }: Choices): Set<Category> {
  const isTagged = tags || scene.tipVersion !== null;
  return new Set([
    ...forced,
    ...(commit ? (["tracked", "data"] as const) : []),
    ...(isTagged || code === "merge" ? (["commits"] as const) : []),
    ...(publishes ? (["versions", "objects"] as const) : []),
    ...(results === "none" ? [] : (["results"] as const)),
    ...(models === "none" ? [] : (["model"] as const)),
  ]);
}

/** Before anything is changed. */
async function edited(scene: Scene, { message }: Choices): Promise<string> {
  const { main, record } = scene;
  const text = await editDescription(main.context, main.repository, {
    text: message ?? subjectOf(scene),
    subject: `what ${record.branch} brings`,
    line: "data=… | …",
  });
  if (text === null) throw noDescription("nothing was changed", `expver worktree finish ${record.name} -m TEXT`);
  return text;
}

/** Commit and tag in the experiment's worktree, as far as they are missing. */
async function makeVersionThere(context: Context, record: WorktreeRecord, choices: Choices): Promise<void> {
  const before = await openScene(context, record);
  const isChanged = before.changed.files.length + before.changed.outputs.length > 0;
  if (isChanged && choices.commit) await commitThere(before, choices.message ?? `Finish ${record.name}`);
  const scene = await openScene(context, record);
  if (!choices.tag || scene.tipVersion !== null || scene.tip === scene.base) return;
  const inside = scene.there.context;
  await tag.apply(inside, await tag.plan(inside, { description: choices.message }));
}

async function publishNames(context: Context, versions: readonly Pick<Version, "name">[]): Promise<string[]> {
  if (versions.length === 0) return [];
  const done = await publish.apply(context, await publish.plan(context, { version: versions.map(({ name }) => name) }));
  return done.versions.map(({ version }) => version);
}

async function mergeOnce(scene: Scene, choices: Choices): Promise<MergedHere> {
  const { main, merged } = scene;
  if (merged !== null) return { commit: merged.commit, version: merged.name };
  const { project, repository, context } = main;
  const wanted = choices.version === undefined ? ({ level: "minor" } as const) : { name: choices.version };
  const { name } = chooseVersion({ project, repository, context, wanted });
  return mergeHere(scene, choices, name);
}

/** Looked through once more: what appeared meanwhile is in the way, and the rest of the finish is done. */
async function removeAtLast(context: Context, record: WorktreeRecord, choices: Choices): Promise<Removed> {
  const { main } = await openScene(context, record);
  const findings = await inventory(main.project, context, record);
  const settled: Category[] = [
    // Cells that were decided for main still differ.
    ...(choices.onConflict === undefined || choices.results === "none" ? [] : (["results"] as const)),
    ...(choices.models === "none" ? [] : (["model"] as const)),
  ];
  const forced = new Set([...choices.forced, ...settled]);
  try {
    requireNothingLost(record, findings, { forced, given: choices.forced, again: `expver worktree finish ${record.name}` });
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    throw new ExpverError("E_WOULD_LOSE", `everything is merged; only the removal is left. ${error.message}`, {
      hint: error.hint,
      details: error.details,
    });
  }
  return removeWorktree(main.project, main.repository, context, { record, forced: findings });
}

function nextSteps({ name }: WorktreeRecord, { publish: publishes, remove }: Choices, { version }: MergedHere): string[] {
  return [
    ...(publishes || version === null ? [] : [`expver publish ${version}`]),
    ...(remove ? [] : [`expver worktree remove ${name}`]),
    "expver undo",
  ];
}
