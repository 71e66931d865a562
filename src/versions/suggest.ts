/** The first line a version's tag should have: what tells it from its neighbours at a glance. */
import { distanceOf, guessDirection } from "../config/metric-direction.ts";
import type { MetricEntry } from "./types.ts";

export interface HeadlineFacts {
  params: Readonly<Record<string, string>>;
  /** Parameters somebody typed: they come first. */
  given?: readonly string[];
  /** The primary one first. */
  metrics: readonly MetricEntry[];
  dataHash: string | null;
}

const KEY_PARAMS = 3;
const DATA_DIGITS = 6;

const NAMES_MODEL = /^(model|model_(name|type)|(model|train)\.(name|type))$/i;
/** Said of a model that nobody named. */
const NO_MODEL = /^(none|null|nan)?$/i;

/** `model=logreg` where one is named, up to three parameters, the primary metric, `data=3a2f1b`; nothing without a value. */
export function suggestHeadline({ params, given = [], metrics, dataHash }: HeadlineFacts): [key: string, value: string][] {
  const isEmpty = (name: string) => (NAMES_MODEL.test(name) ? NO_MODEL : /^$/).test(params[name]?.trim() ?? "");
  const names = Object.keys(params).filter((name) => !isEmpty(name));
  const model = names.find((name) => NAMES_MODEL.test(name));
  const ordered = [...names.filter((name) => given.includes(name)), ...names.filter((name) => !given.includes(name))];
  const pairs: [string, string | undefined][] = [
    ["model", model === undefined ? undefined : params[model]],
    ...ordered
      .filter((name) => name !== model)
      .slice(0, KEY_PARAMS)
      .map((name): [string, string | undefined] => [name, params[name]]),
    ...metrics.slice(0, 1).map(({ name, value }): [string, string] => [name, value]),
    ["data", dataHash?.slice(0, DATA_DIGITS)],
  ];
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
}

/**
 * Metrics in the order of `expver.yaml`, then those whose name says what is better, those of data the model has not seen before those of its
 * training, then the others; the first is the primary one.
 */
export function orderMetrics(
  directions: Readonly<Record<string, "max" | "min">>,
  metrics: Readonly<Record<string, string>>,
): MetricEntry[] {
  const configured = Object.keys(directions).filter((name) => Object.hasOwn(metrics, name));
  const others = Object.keys(metrics).filter((name) => !configured.includes(name));
  const telling = others.filter((name) => guessDirection(name) !== undefined).sort((one, other) => distanceOf(one) - distanceOf(other));
  const names = new Set([...configured, ...telling, ...others]);
  return [...names].map((name) => ({
    name,
    value: metrics[name] ?? "",
    direction: Object.hasOwn(directions, name) ? (directions[name] ?? null) : null,
  }));
}
