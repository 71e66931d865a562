/** `--sort accuracy,-loss`: what the list is ordered by. A metric: best first; a parameter: lowest first; `-`: the other way round. */

import { nearestWord } from "../../config/nearest.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { own } from "../../platform/mapping.ts";
import { compareNumbers, numberOf } from "../../versions/exact-numbers.ts";
import { compareMetric, directionOf, type KnownDirection } from "../../versions/metrics.ts";
import { compareVersions } from "../../versions/tag-name.ts";
import type { Version } from "../../versions/types.ts";
import type { ListedVersion } from "./listed.ts";

/** `version`: highest first, `date`: newest first; reversed: the other way round. */
export type SortKey =
  | ({ by: "metric"; metric: string; reversed: boolean } & KnownDirection)
  | { by: "param"; param: string; reversed: boolean }
  | { by: "version"; reversed: boolean }
  | { by: "date"; reversed: boolean };

interface Names {
  metrics: readonly string[];
  params: readonly string[];
}

/** At least one. Nothing asked: the first metric, or the number where no version has any. Throws E_NOT_FOUND. */
export function sortKeys(
  project: Project,
  versions: readonly Version[],
  { asked, ...names }: Names & { asked: string | undefined },
): SortKey[] {
  const metricKey = (metric: string, reversed: boolean): SortKey => ({
    by: "metric",
    metric,
    ...directionOf(metric, project.config, versions),
    reversed,
  });
  if (asked === undefined) {
    const [first] = names.metrics;
    return [first === undefined ? { by: "version", reversed: false } : metricKey(first, false)];
  }
  const isOne = [...names.metrics, ...names.params].includes(asked);
  return (isOne ? [asked] : asked.split(",")).map((word) => {
    const reversed = !isOne && word.startsWith("-");
    const name = reversed ? word.slice(1) : word;
    if (name === "version" || name === "date") return { by: name, reversed };
    const metric = named(name, names.metrics);
    if (metric !== undefined) return metricKey(metric, reversed);
    const param = named(name, names.params);
    if (param !== undefined) return { by: "param", param, reversed };
    throw unknownName(name, names);
  });
}

export function compareBy(key: SortKey, one: ListedVersion, other: ListedVersion): number {
  const turn = key.reversed ? -1 : 1;
  switch (key.by) {
    case "version":
      return turn * compareVersions(other.number, one.number);
    case "date":
      return turn * (Date.parse(other.date) - Date.parse(one.date)) || 0;
    case "param":
      return compareParams(own(one.params, key.param), own(other.params, key.param), turn);
    case "metric": {
      // What has no number is last either way.
      const direction = key.reversed === (key.direction === "max") ? "min" : "max";
      return compareMetric(own(one.metrics, key.metric), own(other.metrics, key.metric), direction);
    }
  }
}

/** Numbers, then texts, then nothing. */
function compareParams(one: string | undefined, other: string | undefined, turn: 1 | -1): number {
  const place = (text: string | undefined) => (text === undefined ? 2 : numberOf(text) !== null ? 0 : 1);
  if (place(one) !== place(other)) return place(one) - place(other);
  if (one === undefined || other === undefined || one === other) return 0;
  return turn * (compareNumbers(one, other) ?? (one < other ? -1 : 1));
}

/** As it is written, else the only one that differs by capitals alone. */
function named(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return name;
  const alike = known.filter((one) => one.toLowerCase() === name.toLowerCase());
  return alike.length === 1 ? alike[0] : undefined;
}

function unknownName(asked: string, { metrics, params }: Names): ExpverError {
  const known = [...metrics, "version", "date", ...params];
  return new ExpverError("E_NOT_FOUND", `no version has a metric ${JSON.stringify(asked)}; known are ${known.join(", ")}`, {
    hint: `expver list --sort ${nearestWord(asked, known) ?? known[0]}`,
    details: { asked, known },
  });
}
