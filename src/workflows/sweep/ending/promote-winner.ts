/**
 * The best run's model goes into production with the version itself, when it is better than what is there; it takes nothing away that is
 * stored nowhere.
 */

import { isWithin } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { placeInProduction } from "../../../models/production.ts";
import type { KnownModel } from "../../../models/types.ts";
import { readPointers, trackedOf } from "../../../store/pointers/pointers.ts";
import type { FileEdit } from "../../../store/types.ts";
import { storeOutput } from "../../../store/worktree/contents.ts";
import { refuseUntrackable } from "../../data/tracking/trackable.ts";
import { passGates } from "../../models/gates.ts";
import { onlyModel } from "../../models/pick-model.ts";
import { keptAfter } from "../../models/put-in-production.ts";
import { surveyModels } from "../../models/survey.ts";
import { branchStands } from "../../run/open-run.ts";
import { promisedAmong } from "../../run/outputs/promised.ts";
import type { OpenSweep } from "../open-sweep.ts";
import type { Ended } from "../state.ts";
import type { Ranking } from "../winner.ts";
import { modelsOf } from "./candidates.ts";
import { placeStored } from "./place-stored.ts";

export interface Promotion {
  promoted: boolean;
  /** Why, or why not, for a person. */
  why: string;
}

/** `model`: what is to be promoted; null: nothing. */
export interface Judgement extends Promotion {
  model: KnownModel | null;
  /** Stored path of the production model. */
  path: string;
}

/** Reads only. Null where nothing is to be promoted at all, or nobody knows which way is better. */
export async function judgeWinner(
  sweep: OpenSweep,
  { winner, ranking }: { winner: Ended | null; ranking: Ranking | null },
): Promise<Judgement | null> {
  const { context, project, facts, state } = sweep;
  const { version } = facts();
  const { promote, metric } = state().request.ending;
  if (!promote || version === null || winner === null || ranking === null || ranking.isGuess) return null;
  const survey = await surveyModels(context);
  const not = (why: string): Judgement => ({ promoted: false, why, model: null, path: survey.production.path });
  try {
    const model = modelOfWinner();
    if (model === null) return not("the best run left no model");
    const path = placeInProduction(project, survey.production, model);
    const stage = stageMaking(project, path);
    if (stage !== undefined) return not(`${path} is what stage ${stage} makes: models: { production: … } in expver.yaml`);
    const input = { betterThan: "production", ...(metric === null ? {} : { metric }) };
    const [gate] = await passGates(survey, model, { input, question: null });
    if (keptAfter(survey, model.hash).isUnsaved) return not(`what is in production is stored nowhere: expver models promote ${version}`);
    if (!branchStands(sweep)) return not(`the branch has moved meanwhile: expver models promote ${version}`);
    refuseUntrackable(project, [path], readPointers(project));
    const around = winner.end.artifacts.find((one) => one.path !== path && isWithin(path, one.path));
    if (around !== undefined)
      return not(`${path} lies in ${around.path}, which is an output itself: models: { production: … } in expver.yaml`);
    return { promoted: true, why: gate?.found ?? "", model, path };
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    if (error.code !== "E_GATE") context.report({ kind: "warning", text: `nothing was promoted: ${error.message}`, hint: error.hint });
    return not(error.message);
  }

  function modelOfWinner(): KnownModel | null {
    const { run, end } = winner as Ended;
    const own = new Set(modelsOf(project, winner as Ended).map(({ hash }) => hash));
    const models = end.artifacts
      .filter(({ hash }) => own.has(hash))
      .map((artifact): KnownModel => ({ ...artifact, version, run, commit: null, date: "", metrics: end.metrics }));
    return models.length === 0 ? null : onlyModel(survey, models, { name: version as string, path: undefined });
  }
}

/** Of the pipeline, whether it has run yet or not. */
function stageMaking(project: Project, path: string): string | undefined {
  const { pointers, pipelines } = trackedOf(project, null);
  return pointers.find((one) => one.path === path)?.stage ?? promisedAmong(pipelines(), [path])[0]?.stage;
}

/** Texts of the production model's pointer and ignore file, its bytes being in their place. */
export async function putWinner({ context, project }: OpenSweep, operation: OpenOperation, judged: Judgement | null): Promise<FileEdit[]> {
  if (judged === null || judged.model === null) return [];
  const { path, model } = judged;
  await placeStored(project, operation, { path, hash: model.hash });
  const { pointer, ignore } = storeOutput(project, path, context);
  return [pointer, ...(ignore === null ? [] : [ignore])];
}
