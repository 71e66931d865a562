/**
 * Which run of a sweep is the best: by the metric's direction, by the mean over seeds when settings were repeated. A setting that lacks
 * a seed, as a run failed, does not win while another has them all.
 */
import type { Direction } from "../../config/config.ts";
import type { Project } from "../../config/project.ts";
import { compareSettings, type MeasuredSetting } from "../../versions/best-setting.ts";
import { numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric, directionOf } from "../../versions/metrics.ts";
import { meanOf } from "../../versions/statistics.ts";
import { orderMetrics } from "../../versions/suggest.ts";
import type { Version } from "../../versions/types.ts";
import { SEED } from "./settings/expand.ts";
import type { Ended } from "./state.ts";

export interface Ranking {
  metric: string;
  direction: Direction;
  /** Nobody has said which way is better: this decides nothing. */
  isGuess: boolean;
  /** Best first: settings by the mean of their runs, and the runs of one by their own values. Those without a number come last. */
  groups: RankedGroup[];
}

/** Its mean is the exact text of a single run's value; null when no run has a number. */
interface RankedGroup extends MeasuredSetting {
  settings: Record<string, string>;
  jobs: number[];
  runs: Ended[];
}

export interface BestRun {
  run: string;
  settings: Record<string, string>;
  value: string | null;
  /** Of the runs with these settings that have a number; null where nothing was repeated. */
  mean: string | null;
  /** How many those are, and how many there were to be. */
  runs: number;
  asked: number;
}

export interface RankingInput {
  runs: readonly Ended[];
  jobs: readonly Record<string, string>[];
  repeat: number;
  /** Null: the first of expver.yaml that a run has, else the first anybody has. */
  metric: string | null;
  versions: readonly Version[];
}

/** Null when no run has a metric. */
export function rankRuns(project: Project, { runs, jobs, repeat, metric: asked, versions }: RankingInput): Ranking | null {
  const all = Object.assign({}, ...runs.map(({ end }) => end.metrics)) as Record<string, string>;
  const metric = asked ?? orderMetrics(project.config.metrics, all)[0]?.name;
  if (metric === undefined || !Object.hasOwn(all, metric)) return null;
  const { direction, source } = directionOf(metric, project.config, versions);
  const runOfJob = new Map(runs.map((run) => [run.job, run]));
  const groups = new Map<string, Pick<RankedGroup, "settings" | "jobs">>();
  for (const [job, given] of jobs.entries()) {
    const settings = settingsOf(given, repeat);
    const key = JSON.stringify(settings);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { settings, jobs: [job] });
    else group.jobs.push(job);
  }
  const byValue = (one: Ended, other: Ended) => compareMetric(one.end.metrics[metric], other.end.metrics[metric], direction);
  const ranked = [...groups.values()].map((group): RankedGroup => {
    const own = group.jobs.flatMap((job) => runOfJob.get(job) ?? []).toSorted(byValue);
    return { ...group, ...measured(own, metric), asked: group.jobs.length, runs: own };
  });
  const bestFirst = (one: RankedGroup, other: RankedGroup) => compareSettings(one, other, direction);
  return { metric, direction, isGuess: source === "guess", groups: ranked.toSorted(bestFirst) };
}

export function bestRun({ groups, metric }: Ranking, { jobs, repeat }: Pick<RankingInput, "jobs" | "repeat">): BestRun | null {
  const [first] = groups;
  const [best] = first?.runs ?? [];
  if (first === undefined || best === undefined) return null;
  const { mean, counted, asked } = first;
  return {
    run: best.run,
    settings: jobs[best.job] ?? {},
    value: best.end.metrics[metric] ?? null,
    mean: repeat === 1 ? null : mean,
    runs: counted,
    asked,
  };
}

/** Best first; runs without a number are not among them. */
export function rankedRuns({ groups, metric }: Ranking): Ended[] {
  return groups.flatMap(({ runs }) => runs).filter(({ end }) => isNumber(end.metrics[metric]));
}

function settingsOf(settings: Record<string, string>, repeat: number): Record<string, string> {
  return repeat === 1 ? settings : Object.fromEntries(Object.entries(settings).filter(([name]) => name !== SEED));
}

/** A run whose number is none is one that lacks. */
function measured(runs: readonly Ended[], metric: string): Pick<MeasuredSetting, "mean" | "counted"> {
  const texts = runs.flatMap(({ end }) => (isNumber(end.metrics[metric]) ? [end.metrics[metric] as string] : []));
  const [first = null] = texts;
  if (texts.length < 2) return { mean: first, counted: texts.length };
  return { mean: String(meanOf(texts.map((text) => numberOf(text) as number))), counted: texts.length };
}

export function isNumber(text: string | undefined): boolean {
  const number = numberOf(text ?? "");
  return number !== null && !Number.isNaN(number);
}
