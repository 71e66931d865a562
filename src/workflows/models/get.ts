/** `expver models get V|RUN`: a copy of a model, from wherever its bytes are. HEAD, index and files stay as they are. */
import { ExpverError } from "../../errors.ts";
import type { Input, WriteWorkflow } from "../contract.ts";
import { applyDelivery, deliveryOf, type GetPlan, type Got, planDelivery } from "../get.ts";
import { textIn } from "../input.ts";
import { pickModel, sourceOf } from "./pick-model.ts";
import { surveyModels } from "./survey.ts";

export const modelsGet: WriteWorkflow<Input, GetPlan, Got> = {
  async plan(context, input) {
    const name = textIn(input.version) ?? textIn(input.runId);
    if (name === undefined)
      throw new ExpverError("E_USAGE", "models get needs a version or a run", { hint: "expver models get e0.1.0 -o old.json" });
    const survey = await surveyModels(context);
    const model = await pickModel(survey, name, textIn(input.path));
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
