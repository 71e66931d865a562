/** `--seeds 5 --confidence 0.95`: the mean over seeds is better than that of another model's group, by Welch's test. */

import { ExpverError } from "../../errors.ts";
import { productionHistory, promotedAmong } from "../../models/production-history.ts";
import type { KnownModel } from "../../models/types.ts";
import type { Context } from "../../platform/context.ts";
import { own } from "../../platform/mapping.ts";
import { numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric } from "../../versions/metrics.ts";
import { type Summary, summarise, welch } from "../../versions/statistics.ts";
import type { Input } from "../contract.ts";
import { confidenceOf, countOf, textIn } from "../input.ts";
import { bestFirst, hasNumber, knownDirection, type RankedBy } from "./metric-choice.ts";
import { pickModel } from "./pick-model.ts";
import { groupOf, groupsWith, readSeededRuns, type SeededRun, type SeededRuns, splittingName } from "./seed-groups.ts";
import type { Survey } from "./survey.ts";

/** What was compared. */
export interface SeedComparison {
  metric: string;
  direction: RankedBy["direction"];
  /** Parameters that runs of one side have alike. */
  groupedBy: string[];
  own: SeedSide;
  /** Null: nothing is in production. */
  other: SeedSide | null;
  /** Welch's t in the direction of the metric (null: neither side has a spread), its degrees of freedom, and how sure it is that ours is better. */
  test: { t: number | null; freedom: number; confidence: number } | null;
}

interface SeedSide {
  /** The model it was asked about: version or run. */
  of: string;
  params: Record<string, string | null>;
  /** One value a seed: the mean of the runs that had it. */
  values: { seed: string; value: number; runs: string[] }[];
  summary: Pick<Summary, "n" | "mean" | "deviation">;
}

/** Of one alone nobody knows the spread. */
const FEWEST = 2;

/** What `--seeds` asks, and all runs it is asked of. */
export interface SeedQuestion {
  least: number;
  confidence: number;
  by: RankedBy;
  seeded: SeededRuns;
}

/** Null when no seeds are asked for. Throws E_GATE, E_USAGE. */
export async function seedQuestion(context: Context, survey: Survey, input: Input): Promise<SeedQuestion | null> {
  if (input.seeds === undefined) {
    const lone = (["confidence", "groupBy"] as const).find((name) => input[name] !== undefined);
    if (lone === undefined) return null;
    throw new ExpverError("E_USAGE", `--${lone === "groupBy" ? "group-by" : lone} goes with --seeds`, {
      hint: "--seeds 5 --confidence 0.95",
    });
  }
  const least = countOf(input.seeds, "--seeds");
  if (least < FEWEST) throw new ExpverError("E_USAGE", `--seeds takes at least ${FEWEST}: one has no spread`, { hint: "--seeds 5" });
  const confidence = confidenceOf(input);
  const by = knownDirection(survey, textIn(input.metric));
  return { least, confidence, by, seeded: await readSeededRuns(context, survey, textIn(input.groupBy)) };
}

/** The best model of the settings whose mean over enough seeds is best, not of those that were lucky once; null: none has so many. */
export function bestOfBestMean(survey: Survey, { least, by, seeded }: SeedQuestion): KnownModel | null {
  const groups = groupsWith(survey, seeded, least).map((runs) => ({ runs, values: valuesOf(runs, by).map(({ value }) => value) }));
  const meanOf = (values: readonly number[]) => String(values.reduce((sum, value) => sum + value, 0) / values.length);
  const whole = groups.filter(({ values }) => values.every(Number.isFinite));
  const bestMeanFirst = whole.toSorted((one, other) => compareMetric(meanOf(one.values), meanOf(other.values), by.direction));
  for (const { runs } of bestMeanFirst) {
    const own = survey.models.filter((model) => hasNumber(model, by.metric) && runs.includes(runOf(seeded, model) as SeededRun));
    const [best] = bestFirst(own, by);
    if (best !== undefined) return best;
  }
  return null;
}

/** Throws E_GATE with what was compared. */
export async function passSeeds(
  survey: Survey,
  model: KnownModel,
  { question: { least, confidence: wanted, by, seeded }, than }: { question: SeedQuestion; than: string },
): Promise<{ gate: string; found: string; comparison: SeedComparison }> {
  const gate = `--better-than ${than} --seeds ${least} --confidence ${wanted}`;
  const refuse = (why: string, { hint, comparison }: { hint?: string; comparison?: SeedComparison } = {}) =>
    new ExpverError("E_GATE", `${gate} is not passed: ${why}`, {
      hint: hint ?? "Choose another model (expver models list), or leave the gate out.",
      details: { gate, metric: by.metric, ...(comparison === undefined ? {} : { comparison }) },
    });
  const side = (one: KnownModel, fewest: number): { run: SeededRun; group: SeededRun[]; side: SeedSide } => {
    const run = runOf(seeded, one);
    if (run === undefined) throw refuse(`nothing is known of the parameters of ${nameOf(one)}`);
    const { runs, otherCode } = groupOf(survey, seeded, run);
    const values = valuesOf(runs, by);
    const bad = values.find(({ value }) => !Number.isFinite(value));
    if (bad !== undefined) throw refuse(`${bad.runs.join(", ")} of its group (seed ${bad.seed}) has no number for ${by.metric}`);
    const params = paramsOf(run, seeded);
    if (run.seed === null && values.length === 0) {
      const more = `Run it with several: expver sweep --repeat ${least} --grid NAME=VALUE … -- COMMAND, whose program reads the parameter seed.`;
      throw refuse(`${nameOf(one)} ran without a seed, so nothing tells its repetitions apart`, { hint: more });
    }
    if (values.length < fewest) {
      const code = otherCode === 0 ? "" : ` (${otherCode} more ran other code, or code that no commit here has)`;
      throw refuse(`${nameOf(one)} (${textOf(params)}) has ${countText(values.length)}, not ${fewest}${code}`, {
        hint: hintFor(seeded, run, fewest),
      });
    }
    const { n, mean, deviation } = summarise(
      values.map(({ value }) => value),
      wanted,
    ) as Summary;
    return { run, group: runs, side: { of: nameOf(one), params, values, summary: { n, mean, deviation } } };
  };
  const own = side(model, least);
  const rival = await rivalOf(survey, than);
  const facts = { metric: by.metric, direction: by.direction, groupedBy: seeded.names, own: own.side };
  if (rival === "nothing") {
    return { gate, found: `${sideText(own.side, by)}; nothing is in production`, comparison: { ...facts, other: null, test: null } };
  }
  if (rival === null) throw refuse(`${than === "production" ? survey.production.path : than} is of no known run`);
  const other = side(rival, FEWEST);
  if (own.group.includes(other.run)) {
    throw refuse(`${nameOf(model)} and ${nameOf(rival)} are of one group (${textOf(own.side.params)}): they differ in the seed alone`);
  }
  const sign = by.direction === "max" ? 1 : -1;
  const numbers = ({ values }: SeedSide) => values.map(({ value }) => sign * value);
  const test = welch(numbers(own.side), numbers(other.side));
  if (test === null) throw refuse("there is nothing to be compared");
  const comparison = {
    ...facts,
    other: other.side,
    test: { t: Number.isFinite(test.t) ? test.t : null, freedom: test.freedom, confidence: test.share },
  };
  const found = `${sideText(own.side, by)} against ${sideText(other.side, by)}: better with confidence ${shareText(test.share)} (Welch's t=${test.t.toPrecision(4)}, df=${test.freedom})`;
  if (test.share < wanted) throw refuse(found, { comparison, hint: hintFor(seeded, own.run, least) });
  return { gate, found, comparison };
}

function runOf({ all }: SeededRuns, { run, version }: KnownModel): SeededRun | undefined {
  return all.find((known) => (run === null ? known.version === version && known.run === null : known.run === run));
}

/** Of several models with the same bytes the one that was promoted. */
async function rivalOf(survey: Survey, than: string): Promise<KnownModel | "nothing" | null> {
  const { project, production, models, versions } = survey;
  if (than !== "production") return pickModel(survey, than);
  if (production.state === "none") return "nothing";
  const same = models.filter(({ hash }) => hash === (production.there ?? production.recorded)?.hash);
  return promotedAmong(same, productionHistory(project, production.path, versions)) ?? null;
}

/** Runs without a seed repeat nothing that can be told; those with one seed are one. */
function valuesOf(runs: readonly SeededRun[], { metric }: RankedBy): SeedSide["values"] {
  const bySeed = new Map<string, SeededRun[]>();
  for (const run of runs) if (run.seed !== null) bySeed.set(run.seed, [...(bySeed.get(run.seed) ?? []), run]);
  return [...bySeed].map(([seed, some]) => {
    const numbers = some.map(({ metrics }) => numberOf(Object.hasOwn(metrics, metric) ? (metrics[metric] ?? "") : "") ?? Number.NaN);
    const value = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    return { seed, value, runs: some.map(({ run, version }) => run ?? version ?? "") };
  });
}

function paramsOf({ params, data }: SeededRun, { names }: SeededRuns): Record<string, string | null> {
  return Object.fromEntries(names.map((name) => [name, own(params, name) ?? (name === "data" ? (data?.slice(0, 6) ?? null) : null)]));
}

function hintFor(seeded: SeededRuns, run: SeededRun, least: number): string {
  const split = splittingName(seeded, run);
  const more = `Run it with more seeds: expver sweep --repeat ${least} --grid NAME=VALUE … -- COMMAND.`;
  if (split === null) return more;
  const seed = run.seed === null ? [] : Object.keys(run.params).filter((name) => !seeded.names.includes(name));
  return `${split.runs} runs are alike but for ${split.name}; if that is no setting: --group-by 'all but ${[...seed, split.name].join(",")}'. ${more}`;
}

function sideText({ of, params, summary: { n, mean, deviation } }: SeedSide, { metric }: RankedBy): string {
  return `${of}: ${metric} ${mean.toPrecision(6)} ± ${(deviation ?? 0).toPrecision(2)} over ${countText(n)} (${textOf(params)})`;
}

function textOf(params: Readonly<Record<string, string | null>>): string {
  const told = Object.entries(params).filter(([, value]) => value !== null);
  return told.map(([name, value]) => `${name}=${value}`).join(", ") || "no parameters";
}

function countText(seeds: number): string {
  return seeds === 1 ? "1 seed" : `${seeds} seeds`;
}

/** Never rounded up to a confidence that is not there. */
function shareText(share: number): string {
  return String(Math.floor(share * 10_000) / 10_000);
}

function nameOf({ version, run, path }: KnownModel): string {
  return run ?? version ?? path;
}
