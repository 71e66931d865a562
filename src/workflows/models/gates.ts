/** What a model must reach before it is promoted. Gates are passed, never confirmed: `--yes` does not open one. */

import { ExpverError } from "../../errors.ts";
import { nameOfModel } from "../../models/known-models.ts";
import type { KnownModel } from "../../models/types.ts";
import { numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric } from "../../versions/metrics.ts";
import type { Input } from "../contract.ts";
import { textIn, wordsOf } from "../input.ts";
import { hasNumber, knownDirection, type RankedBy } from "./metric-choice.ts";
import { pickModel } from "./pick-model.ts";
import { passSeeds, type SeedComparison, type SeedQuestion } from "./seed-gate.ts";
import type { Survey } from "./survey.ts";

export interface PassedGate {
  /** As typed: `--min accuracy=0.9`. */
  gate: string;
  /** What was found, for a person. */
  found: string;
  /** `--seeds`. */
  comparison?: SeedComparison;
}

/** Throws E_GATE naming the first gate that is not passed, E_USAGE for one that cannot be read. */
export async function passGates(
  survey: Survey,
  model: KnownModel,
  { input, question }: { input: Input; question: SeedQuestion | null },
): Promise<PassedGate[]> {
  const limits = (["min", "max"] as const).flatMap((side) => wordsOf(input[side]).map((word) => passLimit(model, side, word)));
  const betterThan = textIn(input.betterThan);
  // Then the means are compared, not two runs of many.
  if (question !== null) return [...limits, await passSeeds(survey, model, { question, than: betterThan ?? "production" })];
  return betterThan === undefined
    ? limits
    : [...limits, await passBetterThan(survey, model, { than: betterThan, metric: textIn(input.metric) })];
}

function passLimit(model: KnownModel, side: "min" | "max", word: string): PassedGate {
  const gate = `--${side} ${word}`;
  const [, metric = "", limit = ""] = /^([^=]+)=(.+)$/.exec(word) ?? [];
  if (metric === "" || Number.isNaN(numberOf(limit) ?? Number.NaN)) {
    throw new ExpverError("E_USAGE", `${gate} is no NAME=NUMBER`, { hint: `--${side} accuracy=0.9` });
  }
  const value = metricOf(model, metric, gate);
  if (compareMetric(value, limit, side === "min" ? "max" : "min") <= 0) return { gate, found: `${metric}=${value}` };
  throw refused(gate, `${nameOfModel(model)} has ${metric}=${value}`, { metric, value, limit });
}

/** Nothing in production is no hurdle; something whose number nobody knows is one. */
async function passBetterThan(
  survey: Survey,
  model: KnownModel,
  { than, metric }: { than: string; metric: string | undefined },
): Promise<PassedGate> {
  const gate = `--better-than ${than}`;
  const by = knownDirection(survey, metric);
  const value = metricOf(model, by.metric, gate);
  const { production, models } = survey;
  if (than === "production" && production.state === "none") return { gate, found: "nothing was in production" };
  const others =
    than === "production"
      ? models.filter(({ hash }) => hash === (production.there ?? production.recorded)?.hash)
      : [await pickModel(survey, than)];
  const known = others.filter((one) => hasNumber(one, by.metric));
  if (known.length === 0) {
    throw refused(gate, `the ${by.metric} of ${than === "production" ? production.path : than} is not known`, { metric: by.metric });
  }
  const worse = known.find((one) => !isBetter(value, one.metrics[by.metric], by));
  if (worse === undefined) return { gate, found: `${by.metric}=${value} against ${known[0]?.metrics[by.metric]}` };
  throw refused(gate, `${nameOfModel(model)} has ${by.metric}=${value}, ${nameOfModel(worse)} has ${worse.metrics[by.metric]}`, {
    metric: by.metric,
    value,
    than: worse.metrics[by.metric],
  });
}

function isBetter(value: string, other: string | undefined, { direction }: RankedBy): boolean {
  return compareMetric(value, other, direction) < 0;
}

function metricOf(model: KnownModel, metric: string, gate: string): string {
  if (hasNumber(model, metric)) return model.metrics[metric] ?? "";
  const known = Object.keys(model.metrics);
  throw refused(gate, `${nameOfModel(model)} has no number for ${metric}${known.length === 0 ? "" : ` (it has ${known.join(", ")})`}`, {
    metric,
    known,
  });
}

function refused(gate: string, why: string, details: Record<string, unknown>): ExpverError {
  return new ExpverError("E_GATE", `${gate} is not passed: ${why}`, {
    hint: "Choose another model (expver models list), or leave the gate out.",
    details: { gate, ...details },
  });
}
