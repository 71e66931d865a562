/** `expver models history`: what was in production when, who put it there, and whether it can still be had. */
import { operationsByCommit } from "../../journal/by-commit.ts";
import { isCutOff, isModelOf, productionHistory } from "../../models/production-history.ts";
import { areCached, objectsOfModel } from "../../models/stored.ts";
import type { Tenure } from "../../models/types.ts";
import { openCache } from "../../store/objects/cache.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { limitOf, textIn } from "../input.ts";
import { askRemote } from "./ask-remote.ts";
import { metricChoice, type RankedBy } from "./metric-choice.ts";
import { surveyModels } from "./survey.ts";

export interface HistoryEntry extends Tenure {
  /** ISO 8601: the next one took its place; null: it is there now. */
  until: string | null;
  /** Exact text of the metric; null when unknown. */
  value: string | null;
  /** The operation on this machine that made the commit: for `expver ops`. */
  operation: string | null;
  /** `cache`, and the remote that was asked; empty also when nothing was in production. */
  bytesAre: string[];
}

export interface ModelsHistory {
  /** Stored path of the production model. */
  path: string;
  by: RankedBy | null;
  /** The latest first. */
  entries: HistoryEntry[];
  /** Beyond `--limit`. */
  leftOut: number;
  /** The remote that was asked (`--cloud`). */
  remote: string | null;
}

/** The oldest entry may be of nothing but the commit where the clone ends. */
export const CUT_OFF = {
  kind: "warning",
  text: "this shallow clone has only a part of the history: others may have been in production before, and the oldest change may be only where the clone ends",
  hint: "git fetch --unshallow brings the rest.",
} as const;

export const modelsHistory: ReadWorkflow<Input, ModelsHistory> = {
  async read(context, input) {
    const limit = limitOf(input, Number.POSITIVE_INFINITY);
    const survey = await surveyModels(context);
    const { project, production, models } = survey;
    const by = metricChoice(survey, textIn(input.metric));
    const all = productionHistory(project, production.path, survey.versions);
    if (isCutOff(project, all)) context.report(CUT_OFF);
    const { dir } = openCache(project);
    const shown = all.slice(0, limit).map((tenure, index) => ({
      ...tenure,
      until: all[index - 1]?.date ?? null,
      objects: tenure.hash === null ? null : objectsOfModel(dir, tenure.hash),
    }));
    const remote = await askRemote(
      context,
      survey,
      input,
      shown.flatMap(({ objects }) => objects ?? []),
    );
    const operations = operationsByCommit(project);
    const entries = shown.map(({ objects, ...tenure }): HistoryEntry => {
      const model = models.find((one) => isModelOf(tenure, one));
      return {
        ...tenure,
        version: tenure.version ?? model?.version ?? null,
        run: tenure.run ?? model?.run ?? null,
        value: by === null ? null : (model?.metrics[by.metric] ?? null),
        operation: operations.get(tenure.commit) ?? null,
        bytesAre: [...(areCached(dir, objects) ? ["cache"] : []), ...(objects !== null && remote?.has(objects) ? [remote.name] : [])],
      };
    });
    return { path: production.path, by, entries, leftOut: Math.max(0, all.length - limit), remote: remote?.name ?? null };
  },
};
