/** Which run of a sweep is the best: by the metric's direction, by the mean over seeds when settings were repeated. */
import type { Direction } from "../../config/config.ts";
import type { Project } from "../../config/project.ts";
import { numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric, directionOf } from "../../versions/metrics.ts";
import { orderMetrics } from "../../versions/suggest.ts";
import type { Version } from "../../versions/types.ts";
import { SEED } from "./expand.ts";
import type { Ended } from "./state.ts";

export interface Ranking {
  metric: string;
  direction: Direction;
  /** Nobody has said which way is better: this decides nothing. */
  isGuess: boolean;
  /** Best first: settings by the mean of their runs, and the runs of one by their own values. Those without a number come last. */
  groups: RankedGroup[];
}

interface RankedGroup {
  settings: Record<string, string>;
  /** Exact text of a single run's value; null when no run has a number. */
  mean: string | null;
  runs: Ended[];
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
  const groups = new Map<string, RankedGroup>();
  for (const run of runs) {
    const settings = settingsOf(jobs[run.job] ?? {}, repeat);
    const key = JSON.stringify(settings);
    const group = groups.get(key) ?? { settings, mean: null, runs: [] };
    group.runs.push(run);
    groups.set(key, group);
  }
  const byValue = (one: Ended, other: Ended) => compareMetric(one.end.metrics[metric], other.end.metrics[metric], direction);
  const ranked = [...groups.values()].map((group) => ({ ...group, mean: meanOf(group.runs, metric), runs: group.runs.toSorted(byValue) }));
  const byMean = (one: RankedGroup, other: RankedGroup) => compareMetric(one.mean ?? undefined, other.mean ?? undefined, direction);
  return { metric, direction, isGuess: source === "guess", groups: ranked.toSorted(byMean) };
}

/** Best first; runs without a number are not among them. */
export function rankedRuns({ groups, metric }: Ranking): Ended[] {
  return groups.flatMap(({ runs }) => runs).filter(({ end }) => isNumber(end.metrics[metric]));
}

function settingsOf(settings: Record<string, string>, repeat: number): Record<string, string> {
  return repeat === 1 ? settings : Object.fromEntries(Object.entries(settings).filter(([name]) => name !== SEED));
}

/** A run whose number is none spoils the mean: settings that fail with some seeds are not the best. */
function meanOf(runs: readonly Ended[], metric: string): string | null {
  const texts = runs.map(({ end }) => end.metrics[metric]);
  if (texts.length === 1) return texts[0] ?? null;
  const numbers = texts.map((text) => numberOf(text ?? ""));
  if (numbers.every((number) => number === null)) return null;
  return String(numbers.reduce<number>((sum, number) => sum + (number ?? Number.NaN), 0) / numbers.length);
}

function isNumber(text: string | undefined): boolean {
  const number = numberOf(text ?? "");
  return number !== null && !Number.isNaN(number);
}
