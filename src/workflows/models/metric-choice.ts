/** Which metric ranks models, and which way is better. */

import { nearestWord } from "../../config/nearest.ts";
import { ExpverError } from "../../errors.ts";
import type { KnownModel } from "../../models/types.ts";
import { own } from "../../platform/mapping.ts";
import { numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric, directionOf, type KnownDirection } from "../../versions/metrics.ts";
import type { Survey } from "./survey.ts";

export interface RankedBy extends KnownDirection {
  metric: string;
}

/** The one asked for, else the first of expver.yaml, else the one most models have; null when nothing has a number. Throws E_NOT_FOUND. */
export function metricChoice({ project, versions, models }: Survey, asked: string | undefined): RankedBy | null {
  const known = [...new Set([...Object.keys(project.config.metrics), ...models.flatMap(({ metrics }) => Object.keys(metrics))])];
  const metric = asked ?? Object.keys(project.config.metrics)[0] ?? mostHave(models, known);
  if (metric === undefined) return null;
  if (!known.includes(metric)) {
    throw new ExpverError("E_NOT_FOUND", `no model has a metric ${JSON.stringify(metric)}; known are ${known.join(", ") || "none"}`, {
      hint: `expver models list${known.length === 0 ? "" : ` --metric ${nearestWord(metric, known) ?? known[0]}`}`,
      details: { asked: metric, known },
    });
  }
  return { metric, ...directionOf(metric, project.config, versions) };
}

function mostHave(models: readonly Pick<KnownModel, "metrics">[], known: readonly string[]): string | undefined {
  const having = (metric: string) => models.filter((model) => hasNumber(model, metric)).length;
  return known.toSorted((one, other) => having(other) - having(one))[0];
}

/** For what promotes or removes: a direction guessed from a name decides nothing. Throws E_GATE. */
export function knownDirection(survey: Survey, asked: string | undefined): RankedBy {
  const choice = metricChoice(survey, asked);
  if (choice === null) throw new ExpverError("E_GATE", "no model has a metric to be ranked by", { hint: "Name one: --metric NAME." });
  if (choice.source !== "guess") return choice;
  throw new ExpverError("E_GATE", `whether a high or a low ${choice.metric} is better stands neither in expver.yaml nor in a tag`, {
    hint: `Say it in expver.yaml: metrics: { ${choice.metric}: ${choice.direction} }  (max or min)`,
    details: { metric: choice.metric, guess: choice.direction },
  });
}

/** Better first; equal ones by age, so that the answer is always the same one. */
export function bestFirst<Model extends Pick<KnownModel, "metrics" | "date" | "path">>(models: readonly Model[], by: RankedBy): Model[] {
  return models.toSorted(
    (one, other) =>
      compareMetric(one.metrics[by.metric], other.metrics[by.metric], by.direction) ||
      Date.parse(one.date || "9999") - Date.parse(other.date || "9999") ||
      (one.path < other.path ? -1 : 1),
  );
}

export function hasNumber({ metrics }: Pick<KnownModel, "metrics">, metric: string): boolean {
  const value = numberOf(own(metrics, metric) ?? "");
  return value !== null && !Number.isNaN(value);
}
