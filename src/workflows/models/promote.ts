/**
 * `expver models promote V|RUN|--best`: a copy of a model becomes the production model, with its pointer and one commit. What was there
 * stays where it was stored, or goes to the trash; undo brings file, pointer, index and branch back.
 */

import { basename, extname } from "node:path/posix";
import { configPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { openProject } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readRef } from "../../git/refs.ts";
import { nameOfModel } from "../../models/known-models.ts";
import { placeInProduction } from "../../models/production.ts";
import { productionMessage } from "../../models/production-history.ts";
import type { KnownModel } from "../../models/types.ts";
import type { Context } from "../../platform/context.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { sourceTree } from "../../store/sources/source-tree.ts";
import type { OutputContent } from "../../store/types.ts";
import { requireCommittable } from "../commit-paths.ts";
import type { Input, Plan, Step, WriteWorkflow } from "../contract.ts";
import { openData } from "../data/open-data.ts";
import { refuseUntrackable } from "../data/tracking/trackable.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { whileNoRun } from "../second-run.ts";
import { type PassedGate, passGates } from "./gates.ts";
import { bestFirst, hasNumber, knownDirection } from "./metric-choice.ts";
import { pickModel, sourceOf } from "./pick-model.ts";
import { type Before, beforeOf, keptAfter, type Origin, putInProduction } from "./put-in-production.ts";
import { requireBytes } from "./require-bytes.ts";
import { bestOfBestMean, type SeedQuestion, seedQuestion } from "./seed-gate.ts";
import { type Survey, surveyModels } from "./survey.ts";

export interface PromotePlan extends Plan {
  model: KnownModel;
  gates: PassedGate[];
  /** Stored path of the production model. */
  path: string;
  head: string | null;
  before: Before;
  origin: Origin;
}

export interface Promoted {
  version: string | null;
  run: string | null;
  hash: string;
  size: number | null;
  path: string;
  /** Null: it was in production, committed, already. */
  commit: string | null;
  /** Hash of what was there; null when there was nothing. */
  replaced: string | null;
  gates: PassedGate[];
}

export const modelsPromote: WriteWorkflow<Input, PromotePlan, Promoted> = {
  async plan(context, input) {
    openData(context);
    const survey = await surveyModels(context);
    const { project, repository, production } = survey;
    await requireCommittable(survey);
    const question = await seedQuestion(context, survey, input);
    const model = await chosenModel(survey, { input, question });
    const gates = await passGates(survey, model, { input, question });
    const path = placeInProduction(project, production, model);
    refuseUntrackable(project, [path], readPointers(project));
    const remote = textIn(input.remote);
    const { source, path: from } = sourceOf(survey, model);
    const nodes = await sourceTree(source, from, { remote });
    await requireBytes(context, source, { nodes, path: from, remote });
    warnExtension(survey.project, context, model, path);
    const head = readRef(repository, "HEAD");
    const before = beforeOf(production);
    const isDone = production.state === "right" && before.there === model.hash;
    const { isUnsaved, keeps } = keptAfter(survey, model.hash);
    const plan = { model, gates, path, head, before, origin: { source, from, nodes, remote } };
    return {
      command: "models promote",
      steps: isDone ? [] : stepsOf(plan, keeps),
      destructive: isUnsaved,
      fingerprint: fingerprintOf({ head, before, hash: model.hash, path: model.path }),
      ...plan,
    };
  },

  async apply(context, plan) {
    const { model, gates, path, before, head, origin, steps } = plan;
    const { version, run, hash, size } = model;
    const replaced = before.there === hash ? null : before.there;
    const answer = { version, run, hash, size, path, replaced, gates };
    if (steps.length === 0) return { ...answer, commit: null };
    const project = openProject(context);
    await prepareWriting(project, context);
    const name = nameOfModel(model);
    const start = { command: "models promote", argv: ["models", "promote", name], summary: `${name} → ${path}` };
    const change = {
      ...{ path, hash, head, before, origin, start },
      message: (content: OutputContent) =>
        productionMessage({ subject: `Promote ${name} to ${path}`, model: { version, run, hash, size: content.size }, path }),
      reason: `expver: promote ${name}`,
    };
    const promote = () => withDvcLock(project, () => putInProduction(context, change), { writes: [path] });
    const commit = await whileNoRun(project, "models promote", promote);
    return { ...answer, commit };
  },

  show({ command, steps, destructive, fingerprint, model, gates, path }) {
    return { command, steps, destructive, fingerprint, model, gates, path };
  },
};

/** Throws E_USAGE, E_NOT_FOUND, E_GATE. */
async function chosenModel(survey: Survey, { input, question }: { input: Input; question: SeedQuestion | null }): Promise<KnownModel> {
  // The older skill's scripts took both; the run is the more exact of the two.
  const name = textIn(input.runId) ?? textIn(input.version);
  if ((name === undefined) === (input.best !== true)) {
    throw new ExpverError(
      "E_USAGE",
      name === undefined ? "models promote needs a version, a run or --best" : "either a name or --best, not both",
      {
        hint: name === undefined ? "The best there is: expver models promote --best" : "expver models promote e0.2.0",
      },
    );
  }
  if (name !== undefined) return pickModel(survey, name, textIn(input.path));
  const by = knownDirection(survey, textIn(input.metric));
  const numbered = survey.models.filter((model) => hasNumber(model, by.metric));
  const best = (question === null ? null : bestOfBestMean(survey, question)) ?? bestFirst(numbered, by)[0];
  if (best === undefined)
    throw new ExpverError("E_NOT_FOUND", `no model has a number for ${by.metric}`, {
      hint: "`expver models list` shows the numbers they have.",
      details: { metric: by.metric },
    });
  return pickModel(survey, best.run ?? best.version ?? "", textIn(input.path));
}

/** A program that loads by the extension would be led astray. */
function warnExtension(project: Project, context: Context, { path }: KnownModel, production: string): void {
  if (extname(path) === extname(production)) return;
  context.report({
    kind: "warning",
    text: `${basename(path)} will be called ${basename(production)} in production`,
    hint: `Say in expver.yaml what a run leaves; production is then called like it: models: { output: ${configPath(project, path)} }`,
  });
}

function stepsOf({ model, gates, path, before }: Omit<PromotePlan, keyof Plan>, keeps: Pick<Step, "keeps">): Step[] {
  return [
    ...gates.map(({ gate, found }) => ({ verb: "pass", target: gate, detail: found })),
    {
      verb: before.there === null ? "write" : "replace",
      target: path,
      detail: `a copy of ${nameOfModel(model)} (${model.hash.slice(0, 6)})`,
      ...(model.size === null ? {} : { bytes: model.size }),
      ...keeps,
    },
    { verb: "commit", target: `${path}.dvc`, detail: "this and nothing else" },
  ];
}
