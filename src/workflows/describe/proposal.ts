/** A description for a version that nobody described: drawn from its parameters, data, code and numbers, against the version before. */
import { type Project, requireRepository } from "../../config/project.ts";
import { canonicalNumber } from "../../versions/exact-numbers.ts";
import { knownMetrics, metricsOf, paramsOf } from "../../versions/metrics.ts";
import { readVersions } from "../../versions/registry.ts";
import { orderMetrics } from "../../versions/suggest.ts";
import { compareVersions, nextVersion, parseTagName } from "../../versions/tag-name.ts";
import type { ArtifactEntry, Version } from "../../versions/types.ts";
import { type ChangedValue, changedValues, codeBetween, dataNotOf, lastVersion } from "../advise/since-last.ts";
import { readFacts } from "../run/run-facts.ts";
import { changeOf, changesText } from "./changes.ts";
import { commandChange } from "./command-change.ts";
import { type DataChanges, dataChanges } from "./data-changes.ts";

/** What the version will be made of. */
export interface Made {
  /** Its name; null: none yet. */
  version: string | null;
  /** Its code; null: no commit yet. */
  commit: string | null;
  /** The code was not committed. */
  dirty?: boolean;
  /** Inputs with the hashes they were read with. */
  data: readonly Pick<ArtifactEntry, "path" | "hash">[];
  /** Exact texts, secrets hidden. */
  params: Readonly<Record<string, string>>;
  /** These are all it had: what is not among them was not there. */
  hasAllParams?: boolean;
  metrics: Readonly<Record<string, string>>;
  /** The command line of its run, secrets hidden. */
  command?: string;
}

export interface Proposal {
  text: string;
  /** The version it is compared with. */
  against: string | null;
}

export interface Said {
  /** Words there are already, to begin with. */
  text: string;
  /** They say what was done to the code, better than its files' names. */
  tellsCode: boolean;
}

export function proposeDescription(project: Project, made: Made, words: Said | null = null): Proposal {
  const repository = requireRepository(project);
  const said = words?.text ?? null;
  const versions = readVersions(project);
  const last = lastVersion(repository, versions, made.commit ?? "HEAD");
  if (last === null) return { text: said ?? (isFirst(project, made.version) ? "first version" : "no earlier version here"), against: null };
  const known = knownMetrics(project.config, versions);
  const before = paramsOf(last.message, known);
  // A merge has no parameters of its own, and a tag by hand may not tell its own: then nothing can be said about them.
  const tellsParams = isOfRuns(last) || Object.keys(before).length > 0;
  const lost = made.hasAllParams === true && isOfRuns(last) ? lostValues(before, made.params) : [];
  const named = tellsParams ? [...changedValues(before, made.params), ...lost] : [];
  const ran = made.command === undefined ? null : commandOf(project, last);
  const told = made.command === undefined || ran === null || named.length > 0 ? null : commandChange(ran, made.command);
  const params = told === null ? named : [told];
  // What the words of a command mean to its program is known when they are the same.
  const tellsAll = tellsParams && (made.command === undefined || ran !== null);
  const changed = made.commit === null ? [] : codeBetween(repository, last.commit, made.commit);
  const code = changed.filter((path) => params.length === 0 || path !== project.config.params);
  const data = changedData(project, last, made.data);
  const changes = [
    changesText({ params, ...data, code: words?.tellsCode === true ? [] : code }),
    ...(made.dirty === true ? ["changes that are not committed"] : []),
  ];
  const text = changes.filter((part) => part !== "").join(", ");
  const metric = metricText(project, metricsOf(last.message, known), made.metrics);
  const parts = [
    ...(said === null ? [] : [said]),
    ...(text === "" && said === null ? [`same ${tellsAll ? "code, data and parameters" : "code and data"} as ${last.name}`] : [text]),
    metric,
  ];
  return { text: parts.filter((part) => part !== "").join(": "), against: last.name };
}

/** As it was run here; null: elsewhere, or as many commands. */
function commandOf(project: Project, { message: { kind, runs } }: Version): string | null {
  const [only, ...others] = runs;
  return kind !== "run" || only === undefined || others.length > 0 ? null : (readFacts(project, only.run)?.command ?? null);
}

/** By its number: others may be on the remote alone. */
function isFirst({ config }: Project, version: string | null): boolean {
  const number = version === null ? null : parseTagName(version, config.versions.prefix);
  return number === null || (["major", "minor", "patch"] as const).some((level) => compareVersions(nextVersion([], level), number) === 0);
}

function isOfRuns({ message: { kind } }: Version): boolean {
  return kind === "run" || kind === "sweep";
}

function lostValues(before: Readonly<Record<string, string>>, now: Made["params"]): ChangedValue[] {
  return Object.entries(before).flatMap(([name, value]) => (Object.hasOwn(now, name) ? [] : [{ name, before: value, now: null }]));
}

function changedData(project: Project, last: Version, now: Made["data"]): DataChanges {
  // A tag by hand says nothing about data.
  if (last.message.kind === null) return { data: [], renamed: [], gone: [] };
  return dataChanges({ before: last.message.data, now, fresh: dataNotOf(project, last, now) });
}

/** The number that decides, where both have it. */
function metricText({ config }: Project, before: Readonly<Record<string, string>>, metrics: Made["metrics"]): string {
  const metric = orderMetrics(config.metrics, metrics)[0];
  if (metric === undefined || !Object.hasOwn(before, metric.name)) return "";
  const old = before[metric.name] ?? "";
  return canonicalNumber(old) === canonicalNumber(metric.value)
    ? `same ${metric.name}`
    : changeOf({ name: metric.name, before: old, now: metric.value });
}
