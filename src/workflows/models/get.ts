/** `expver models get V|RUN`: a copy of a model, from wherever its bytes are. HEAD, index and files stay as they are. */
import { isInProduction, modelPlaces } from "../../config/model-places.ts";
import { isUnder, storedPath } from "../../config/paths.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import { resolveCommit } from "../../git/refs.ts";
import type { KnownModel } from "../../models/types.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import type { Input, WriteWorkflow } from "../contract.ts";
import { applyDelivery, deliveryOf, type GetPlan, type Got, planDelivery } from "../get.ts";
import { textIn } from "../input.ts";
import { onlyModel, pickModel, sourceOf } from "./pick-model.ts";
import { type Survey, surveyModels } from "./survey.ts";

export const modelsGet: WriteWorkflow<Input, GetPlan, Got> = {
  async plan(context, input) {
    const name = textIn(input.version) ?? textIn(input.runId);
    if (name === undefined)
      throw new ExpverError("E_USAGE", "models get needs a version or a run", { hint: "expver models get e0.1.0 -o old.json" });
    const survey = await surveyModels(context);
    const model = await modelMeant(survey, name, textIn(input.path));
    const delivery = deliveryOf(context, input, model.path);
    const { source, path } = sourceOf(survey, model);
    return planDelivery(context, source, {
      command: "models get",
      typed: path,
      of: model.version ?? model.run ?? name,
      isHere: false,
      ...delivery,
    });
  },
  apply: applyDelivery,
};

/** As {@link pickModel}; another tag, branch or commit than a version's too: what its pointers say. */
async function modelMeant(survey: Survey, name: string, path: string | undefined): Promise<KnownModel> {
  try {
    return await pickModel(survey, name, path);
  } catch (error) {
    const { project, repository } = survey;
    const isUnknown = failedWith(error, "E_NOT_FOUND");
    const commit = isUnknown ? resolveCommit(repository, name) : null;
    if (commit === null || survey.versions.some((version) => version.name === name)) throw error;
    const candidates = storedPath(project, project.config.models.candidates);
    const models = readPointersAt(project, commit)
      .filter((pointer) => isUnder(pointer.path, modelPlaces(project)) && pointer.path !== candidates)
      .flatMap((pointer) => (pointer.hash === null ? [] : [{ ...pointer, hash: pointer.hash, size: pointer.size ?? null }]))
      .map(({ path: at, hash, size }) => ({ version: null, run: null, hash, size, path: at, commit, date: "", metrics: {} }));
    if (models.length === 0) throw error;
    const production = path === undefined ? models.filter((model) => isInProduction(project, model.path)) : [];
    return onlyModel(survey, production.length > 0 ? production : models, { name, path });
  }
}
