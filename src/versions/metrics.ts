/** Metrics of versions: where their direction comes from, and which value is better. */
import type { Config, Direction } from "../config/config.ts";
import { guessDirection } from "../config/metric-direction.ts";
import { compareNumbers, numberOf } from "./exact-numbers.ts";
import type { Version, VersionMessage } from "./types.ts";

export interface KnownDirection {
  direction: Direction;
  /** `expver.yaml`, the newest tag that says one, or only the metric's name. */
  source: "config" | "tag" | "guess";
}

/** Never fails: a metric nobody knows is taken as larger-better, as a guess. */
export function directionOf(
  metric: string,
  config: Pick<Config, "metrics">,
  versions: readonly Pick<Version, "message">[],
): KnownDirection {
  if (Object.hasOwn(config.metrics, metric)) return { direction: config.metrics[metric] ?? "max", source: "config" };
  const said = versions.findLast(({ message }) => message.metrics.some(({ name, direction }) => name === metric && direction !== null));
  const direction = said?.message.metrics.find(({ name }) => name === metric)?.direction;
  if (direction) return { direction, source: "tag" };
  return { direction: guessDirection(metric) ?? "max", source: "guess" };
}

/** Null: nobody has said which way it is better, and it does not sound like a metric (`epoch`). */
export interface MaybeDirection {
  direction: Direction | null;
  source: KnownDirection["source"] | null;
}

/** For who tells what there is, and need not rank by it. */
export function maybeDirectionOf(...asked: Parameters<typeof directionOf>): MaybeDirection {
  const known = directionOf(...asked);
  return known.source === "guess" && guessDirection(asked[0]) === undefined ? { direction: null, source: null } : known;
}

type MetricNames = Pick<ReadonlySet<string>, "has">;

/**
 * The metrics of a version as exact texts: its trailers; for a tag without them the numbers of its first line whose key is
 * a known metric or sounds like one.
 */
export function metricsOf(message: VersionMessage, known: MetricNames): Record<string, string> {
  if (message.kind !== null) return Object.fromEntries(message.metrics.map(({ name, value }) => [name, value]));
  return Object.fromEntries(message.headline.filter(([key, value]) => isMetric(key, value, known)));
}

/** Its parameters as exact texts: trailers, or what is left of the first line. The model's name is among them. */
export function paramsOf(message: VersionMessage, known: MetricNames): Record<string, string> {
  if (message.kind !== null) return message.params;
  return Object.fromEntries(message.headline.filter(([key, value]) => key !== "data" && !isMetric(key, value, known)));
}

/** The inputs' digest: whole from its trailer; without a kind that is known, else as the first line has it. In that of others `data` may be a parameter. */
export function saidDataHash({ kind, dataHash, headline }: VersionMessage): string | null {
  return dataHash ?? (kind === null ? (headline.find(([key]) => key === "data")?.[1] ?? null) : null);
}

/** What its run ended as, where somebody made a version of one that did not finish; null: it says nothing of that kind. */
export function saidStatus({ other }: VersionMessage): string | null {
  return other.find(([key]) => key === "Status")?.[1] ?? null;
}

/** Names that are metrics anywhere: in `expver.yaml` or in a trailer. */
export function knownMetrics(config: Pick<Config, "metrics">, versions: readonly Pick<Version, "message">[]): Set<string> {
  return new Set([...Object.keys(config.metrics), ...versions.flatMap(({ message }) => message.metrics.map(({ name }) => name))]);
}

/** {@link knownMetrics}, looked for only when somebody asks: a tag with trailers says itself what its metrics are. */
export function metricNames(config: Pick<Config, "metrics">, versions: readonly Pick<Version, "message">[]): MetricNames {
  let names: ReadonlySet<string> | undefined;
  return {
    has(name) {
      names ??= knownMetrics(config, versions);
      return names.has(name);
    },
  };
}

/** Better first; NaN, texts and missing values last, in that order. */
export function compareMetric(one: string | undefined, other: string | undefined, direction: Direction): number {
  const [a, b] = [rankOf(one), rankOf(other)];
  if (a.place !== b.place) return a.place - b.place;
  if (a.place > 0) return 0;
  const difference = a.value === b.value ? (compareNumbers(one ?? "", other ?? "") ?? 0) : a.value < b.value ? -1 : 1;
  return (direction === "min" ? difference : -difference) || 0;
}

function isMetric(key: string, value: string, known: MetricNames): boolean {
  return numberOf(value) !== null && (known.has(key) || guessDirection(key) !== undefined);
}

function rankOf(text: string | undefined): { place: number; value: number } {
  if (text === undefined) return { place: 3, value: 0 };
  const value = numberOf(text);
  if (value === null) return { place: 2, value: 0 };
  return Number.isNaN(value) ? { place: 1, value: 0 } : { place: 0, value };
}
