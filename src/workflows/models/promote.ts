/**
 * `expver models promote V|RUN|--best`: a copy of a model becomes the production model, with its pointer and one commit. What was there
 * stays where it was stored, or goes to the trash; undo brings file, pointer, index and branch back.
 */
import { absolutePath } from "../../config/paths.ts";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readRef } from "../../git/refs.ts";
import { perform } from "../../journal/perform.ts";
import { promotionMessage, readingProduction } from "../../models/production.ts";
import { isCached } from "../../models/stored.ts";
import type { KnownModel } from "../../models/types.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { openCache } from "../../store/cache.ts";
import { pointerEdit, storingOutputs } from "../../store/contents.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { ignoreEdits } from "../../store/gitignore.ts";
import { readPointers } from "../../store/pointers.ts";
import type { Scan } from "../../store/scan.ts";
import type { Source } from "../../store/source.ts";
import { type SourceNode, sourceTree } from "../../store/source-tree.ts";
import type { Input, Plan, Step, WriteWorkflow } from "../contract.ts";
import { openData } from "../data/open-data.ts";
import { refuseUntrackable } from "../data/trackable.ts";
import { copyChecked } from "../get.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { commitPaths, requireCommittable, requireHead } from "./commit-paths.ts";
import { type PassedGate, passGates } from "./gates.ts";
import { bestFirst, hasNumber, knownDirection } from "./metric-choice.ts";
import { pickModel, sourceOf } from "./pick-model.ts";
import { putCopy } from "./put-copy.ts";
import { requireBytes } from "./require-bytes.ts";
import { type Survey, surveyModels } from "./survey.ts";

export interface PromotePlan extends Plan {
  model: KnownModel;
  gates: PassedGate[];
  /** Stored path of the production model. */
  path: string;
  head: string | null;
  /** What lay there when the plan was made. */
  before: { there: string | null; recorded: string | null };
  source: Source;
  /** Path in the source. */
  from: string;
  nodes: SourceNode[];
  remote: string | undefined;
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
    const model = await chosenModel(survey, input);
    const gates = await passGates(survey, model, input);
    refuseUntrackable(project, [production.path], readPointers(project));
    const remote = textIn(input.remote);
    const { source, path: from } = sourceOf(survey, model);
    const nodes = await sourceTree(source, from, { remote });
    await requireBytes(context, source, { nodes, path: from, remote });
    const head = readRef(repository, "HEAD");
    const before = { there: production.there?.hash ?? null, recorded: production.recorded?.hash ?? null };
    const isDone = production.state === "right" && before.there === model.hash;
    // Bytes that are stored nowhere are only taken away after a yes, and into the trash.
    const isUnsaved = before.there !== null && before.there !== model.hash && !isCached(openCache(project).dir, before.there);
    const plan = { model, gates, path: production.path, head, before, source, from, nodes, remote };
    return {
      command: "models promote",
      steps: isDone ? [] : stepsOf(survey, plan, isUnsaved),
      destructive: isUnsaved,
      fingerprint: fingerprintOf({ head, before, hash: model.hash, path: model.path }),
      ...plan,
    };
  },

  async apply(context, plan) {
    const { model, gates, path, before, steps } = plan;
    const { version, run, hash, size } = model;
    const replaced = before.there === hash ? null : before.there;
    const answer = { version, run, hash, size, path, replaced, gates };
    if (steps.length === 0) return { ...answer, commit: null };
    const project = openProject(context);
    await prepareWriting(project, context);
    const name = nameOf(model);
    const start = { command: "models promote", argv: ["models", "promote", name], summary: `${name} → ${path}` };
    const commit = await withDvcLock(project, () => promote(context, plan, start), { writes: [path] });
    return { ...answer, commit };
  },

  show({ command, steps, destructive, fingerprint, model, gates, path }) {
    return { command, steps, destructive, fingerprint, model, gates, path };
  },
};

async function promote(
  context: Context,
  { model, path, head, before, source, from, nodes, remote }: PromotePlan,
  start: { command: string; argv: string[]; summary: string },
): Promise<string | null> {
  const project = openProject(context);
  const repository = requireRepository(project);
  requireHead(repository, head);
  const now = await paceWork(readingProduction(project), context, { label: "reading the production model" });
  if ((now.there?.hash ?? null) !== before.there || (now.recorded?.hash ?? null) !== before.recorded) {
    throw new ExpverError("E_PLAN_STALE", `${path} has changed since the plan was made`, { hint: "Repeat the command." });
  }
  return perform(project, context, {
    ...start,
    work: async (operation) => {
      if (before.there !== model.hash) {
        const make = async (target: string, staging: string) => {
          await copyChecked(context, { source, nodes, path: from, remote }, { target, staging });
        };
        await putCopy(project, operation, { path, make });
      }
      const [scan] = await paceWork(storingOutputs(project, [path]), context, { label: `storing ${path}` });
      const { content } = scan as Scan;
      if (content.hash !== model.hash) {
        throw new ExpverError("E_OBJECT", `the bytes of ${model.path} are ${content.hash}, not ${model.hash} as its version says`, {
          hint: `expver verify ${model.version ?? ""}`.trim(),
          details: { path: model.path, expected: model.hash, found: content.hash },
        });
      }
      const pointer = readPointers(project).find((one) => one.path === path);
      const edits = [pointerEdit(project, path, content, pointer), ...ignoreEdits(project, [absolutePath(project, path)])];
      const subject = `Promote ${nameOf(model)} to ${path}`;
      const { version, run } = model;
      const message = promotionMessage(subject, { version, run, hash: content.hash, size: content.size, path });
      operation.note("promoted", { version, run, hash: content.hash });
      return commitPaths(project, { repository, operation, edits, message, reason: `expver: promote ${nameOf(model)}` });
    },
  });
}

/** Throws E_USAGE, E_NOT_FOUND, E_GATE. */
async function chosenModel(survey: Survey, input: Input): Promise<KnownModel> {
  const name = textIn(input.version) ?? textIn(input.runId);
  if ((name === undefined) === (input.best !== true)) {
    throw new ExpverError(
      "E_USAGE",
      name === undefined ? "models promote needs a version, a run or --best" : "either a name or --best, not both",
      {
        hint: "expver models promote e0.2.0",
      },
    );
  }
  if (name !== undefined) return pickModel(survey, name, textIn(input.path));
  const by = knownDirection(survey, textIn(input.metric));
  const [best] = bestFirst(
    survey.models.filter((model) => hasNumber(model, by.metric)),
    by,
  );
  if (best === undefined)
    throw new ExpverError("E_NOT_FOUND", `no model has a number for ${by.metric}`, { details: { metric: by.metric } });
  return pickModel(survey, best.run ?? best.version ?? "", textIn(input.path));
}

function stepsOf({ models }: Survey, { model, gates, path, before }: Omit<PromotePlan, keyof Plan>, isUnsaved: boolean): Step[] {
  const old = before.there === model.hash ? null : before.there;
  const owner = models.find(({ hash }) => hash === old);
  const keeps = isUnsaved ? "the trash: it is stored nowhere else" : `the cache${owner === undefined ? "" : `, as ${nameOf(owner)}`}`;
  return [
    ...gates.map(({ gate, found }) => ({ verb: "pass", target: gate, detail: found })),
    {
      verb: before.there === null ? "write" : "replace",
      target: path,
      detail: `a copy of ${nameOf(model)} (${model.hash.slice(0, 6)})`,
      ...(model.size === null ? {} : { bytes: model.size }),
      ...(old === null ? {} : { keeps }),
    },
    { verb: "commit", target: `${path}.dvc`, detail: "this and nothing else" },
  ];
}

function nameOf({ version, run, path }: KnownModel): string {
  return version ?? run ?? path;
}
