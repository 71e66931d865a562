/** `expver models info`: the production model, tied by its hash to runs and versions; never by the nearest tag. */
import type { Production } from "../../models/production.ts";
import { isCutOff, isHeld, isModelOf, productionHistory } from "../../models/production-history.ts";
import { isCached } from "../../models/stored.ts";
import type { KnownModel, Tenure } from "../../models/types.ts";
import { openCache } from "../../store/objects/cache.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { textIn } from "../input.ts";
import { CUT_OFF } from "./history.ts";
import { metricChoice, type RankedBy } from "./metric-choice.ts";
import { surveyModels } from "./survey.ts";

const HISTORY = 20;

export interface ProductionInfo {
  production: Production;
  by: RankedBy | null;
  /** Models with the bytes that lie there (or, when nothing lies there, the recorded ones); the promoted one first. */
  is: KnownModel[];
  /** When what lies there is another than what was promoted: models with the recorded bytes. */
  promoted: KnownModel[];
  /** The commit that put the recorded bytes there; null when HEAD does not have them. */
  promotion: Tenure | null;
  /** Of everything that was in production, the latest first. */
  history: (Tenure & { hash: string; isCached: boolean })[];
  isCached: boolean;
}

export const modelsInfo: ReadWorkflow<Input, ProductionInfo> = {
  async read(context, input) {
    const survey = await surveyModels(context);
    const { project, production, models } = survey;
    const all = productionHistory(project, production.path, survey.versions);
    if (isCutOff(project, all)) context.report(CUT_OFF);
    const history = all.filter(isHeld).slice(0, HISTORY);
    const recorded = production.recorded?.hash;
    const promotion = history.find(({ hash }) => hash === recorded) ?? null;
    const isPromoted = (model: KnownModel) => promotion !== null && isModelOf(promotion, model);
    const withHash = (hash: string | undefined) =>
      models.filter((model) => model.hash === hash).sort((one, other) => Number(isPromoted(other)) - Number(isPromoted(one)));
    const hash = production.there?.hash ?? recorded;
    const { dir } = openCache(project);
    return {
      production,
      by: metricChoice(survey, textIn(input.metric)),
      is: withHash(hash),
      promoted: production.state === "changed" ? withHash(recorded) : [],
      promotion,
      history: history.map((one) => ({ ...one, isCached: isCached(dir, one.hash) })),
      isCached: hash !== undefined && isCached(dir, hash),
    };
  },
};
