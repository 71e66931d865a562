/** `--group-by`: runs that have these parameters alike, with mean, deviation and interval of their metrics; best means best mean. */

import { nearestWord } from "../../config/nearest.ts";
import { ExpverError } from "../../errors.ts";
import { own } from "../../platform/mapping.ts";
import { canonicalParameter, numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric } from "../../versions/metrics.ts";
import { type Summary, summarise } from "../../versions/statistics.ts";
import type { SortKey } from "./sort-keys.ts";
import { onePerRun, type Unit } from "./units.ts";

export interface VersionGroup {
  /** 1 = best mean; null without a number. */
  rank: number | null;
  /** What they have alike, as the first of them writes it; null: none has it. */
  by: Record<string, string | null>;
  runs: number;
  /** Names of versions. */
  versions: string[];
  /** Of the runs that have a finite number; their count is the summary's `n`. */
  metrics: Record<string, Summary>;
  /** Its best run by the metric the groups are ranked by. */
  best: { version: string; run: string | null; value: string } | null;
}

export interface VersionGroups {
  /** Parameters, and `data`: other data is another experiment. */
  names: string[];
  confidence: number;
  groups: VersionGroup[];
  /** Versions of several runs that count as one, their database not being here. */
  unread: string[];
  /** Of how many runs the best mean is, and the most that any mean is of; null where it is of no fewer. */
  fewer: { runs: number; most: number } | null;
}

/** `all but seed,fold` or `model,lr`. Throws E_NOT_FOUND. */
export function groupNames(asked: string, params: readonly string[]): string[] {
  const known = [...params, "data"];
  const [, but] = /^\s*all(?:\s+but\s+(.*))?$/is.exec(asked) ?? [];
  const isAll = /^\s*all(\s+but\s.*)?$/is.test(asked) && !known.includes(asked);
  const named = (isAll ? (but ?? "") : asked)
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearestWord(unknown, known);
    throw new ExpverError("E_NOT_FOUND", `no version has a parameter ${JSON.stringify(unknown)}; known are ${known.join(", ")}`, {
      hint: near === undefined ? "expver list --group-by 'all but seed'" : `did you mean ${near}?`,
      details: { asked: unknown, known },
    });
  }
  return isAll ? known.filter((name) => !named.includes(name)) : named;
}

export function groupUnits(
  units: readonly Unit[],
  { names, metrics, sort, confidence }: { names: readonly string[]; metrics: readonly string[]; sort: SortKey; confidence: number },
): VersionGroup[] {
  const members = new Map<string, Unit[]>();
  for (const unit of units) {
    const key = JSON.stringify(names.map((name) => (cellOf(unit, name) === null ? null : canonicalParameter(cellOf(unit, name) ?? ""))));
    const group = members.get(key);
    if (group === undefined) members.set(key, [unit]);
    else group.push(unit);
  }
  const groups = [...members.values()].map((group) => groupOf(group, { names, metrics, sort, confidence }));
  return sort.by === "metric" ? ranked(groups, sort) : groups;
}

/** A mean of few runs is easily the best: whoever shows it says so. */
export function fewerRuns(groups: readonly VersionGroup[], sort: SortKey): VersionGroups["fewer"] {
  if (sort.by !== "metric") return null;
  const count = ({ metrics }: VersionGroup) => metrics[sort.metric]?.n ?? 0;
  const best = groups.find(({ rank }) => rank === 1);
  const most = Math.max(0, ...groups.map(count));
  return best === undefined || count(best) === most ? null : { runs: count(best), most };
}

function groupOf(
  units: readonly Unit[],
  { names, metrics, sort, confidence }: { names: readonly string[]; metrics: readonly string[]; sort: SortKey; confidence: number },
): VersionGroup {
  const [first] = units;
  const runs = onePerRun(units);
  const summaries = metrics.flatMap((metric): [string, Summary][] => {
    const numbers = runs.map((unit) => numberOf(own(unit.metrics, metric) ?? "") ?? Number.NaN).filter(Number.isFinite);
    const summary = summarise(numbers, confidence);
    return summary === null ? [] : [[metric, summary]];
  });
  return {
    rank: null,
    by: Object.fromEntries(names.map((name) => [name, first === undefined ? null : cellOf(first, name)])),
    runs: runs.length,
    versions: [...new Set(units.map(({ version }) => version))],
    metrics: Object.fromEntries(summaries),
    best: sort.by === "metric" ? bestOf(units, sort) : null,
  };
}

function bestOf(units: readonly Unit[], { metric, direction }: SortKey & { by: "metric" }): VersionGroup["best"] {
  const [best] = units.toSorted(
    (one, other) =>
      compareMetric(own(one.metrics, metric), own(other.metrics, metric), direction) || Date.parse(one.date) - Date.parse(other.date),
  );
  const value = best && own(best.metrics, metric);
  if (best === undefined || value === undefined || !Number.isFinite(numberOf(value) ?? Number.NaN)) return null;
  return { version: best.version, run: best.run, value };
}

function ranked(groups: readonly VersionGroup[], { metric, direction, reversed }: SortKey & { by: "metric" }): VersionGroup[] {
  const mean = (group: VersionGroup) => (Object.hasOwn(group.metrics, metric) ? String(group.metrics[metric]?.mean) : undefined);
  const bestFirst = groups.toSorted((one, other) => compareMetric(mean(one), mean(other), direction));
  // Equal means share the place of the first of them.
  const places = new Map<string | undefined, number>();
  for (const [index, group] of bestFirst.entries()) if (!places.has(mean(group))) places.set(mean(group), index + 1);
  const withRank = bestFirst.map((group) => ({ ...group, rank: mean(group) === undefined ? null : (places.get(mean(group)) ?? null) }));
  if (!reversed) return withRank;
  return [...withRank.filter(({ rank }) => rank !== null).reverse(), ...withRank.filter(({ rank }) => rank === null)];
}

function cellOf(unit: Unit, name: string): string | null {
  return own(unit.params, name) ?? (name === "data" ? unit.data : null);
}
