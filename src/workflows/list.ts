/** `expver list`: every version, best first, from the tags alone. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { nearestWord } from "../config/nearest.ts";
import { absolutePath, storedPath } from "../config/paths.ts";
import { openProject, type Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { listRemotes } from "../git/remotes.ts";
import type { Context } from "../platform/context.ts";
import { formatHeadline } from "../versions/headline.ts";
import { compareMetric, directionOf, type KnownDirection, knownMetrics, metricsOf, paramsOf } from "../versions/metrics.ts";
import { readRegistry } from "../versions/registry.ts";
import { compareVersions } from "../versions/tag-name.ts";
import type { Version, VersionKind, VersionNumber } from "../versions/types.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { limitOf, textIn } from "./input.ts";

export interface ListedVersion {
  /** Tag name. */
  version: string;
  /** 1 = best by the metric the list is sorted by; null when it has no number there. Equal values share a rank. */
  rank: number | null;
  /** Null: a tag without trailers. */
  kind: VersionKind | null;
  /** ISO 8601 with zone. */
  date: string;
  commit: string;
  /** The tag's first line as it stands. */
  line: string;
  description: string;
  /** Exact texts by name. */
  metrics: Record<string, string>;
  params: Record<string, string>;
  /** The inputs' digest: whole from a trailer, as short as written from a first line; null when the tag says none. */
  data: string | null;
  runs: number;
  onBranch: boolean;
  /** True only when it is known not to be on any remote; null when there is no remote. */
  unpublished: boolean | null;
  problems: string[];
}

export interface VersionList {
  /** What the order is by: a metric with its direction, or `version` (highest first) or `date` (newest first). */
  sort: ({ by: "metric"; metric: string } & KnownDirection) | { by: "version" } | { by: "date" };
  versions: ListedVersion[];
  /** All there are, ranked or not. */
  total: number;
  /** Beyond `--limit`. */
  leftOut: number;
  /** Have no number for the metric; they come last. */
  withoutMetric: number;
  /** Names of all metrics and parameters, the most telling first. */
  metrics: string[];
  params: string[];
  /** Tags that look like versions and are none. */
  misnamed: string[];
  /** Runs in the working database that are no version, by status; null when there is no database. */
  unversioned: { status: string; runs: number }[] | null;
  /** `--all`, `-n`, `--tags`: how it is to be shown. */
  all: boolean;
  limit: number | null;
  tags: boolean;
}

export const list: ReadWorkflow<Input, VersionList> = {
  async read(context, input) {
    const limit = limitOf(input, Number.POSITIVE_INFINITY);
    const project = openProject(context);
    const { versions, misnamed } = readRegistry(project);
    const known = knownMetrics(project.config, versions);
    const hasRemote =
      project.repository !== null && versions.some(({ unpublished }) => unpublished) && listRemotes(project.repository).length > 0;
    const listed = versions.map((version) => ({ ...listedOf(version, known, hasRemote), number: version.number }));
    const metrics = byImportance(
      listed.map((one) => one.metrics),
      Object.keys(project.config.metrics),
    );
    const sort =
      input.tags === true
        ? { by: "version" as const }
        : sortOf(project, versions, { asked: textIn(input.sort) ?? textIn(input.metric), metrics });
    const ordered = rank(listed, sort);
    return {
      sort,
      versions: ordered.slice(0, limit),
      total: ordered.length,
      leftOut: Math.max(0, ordered.length - limit),
      withoutMetric: sort.by === "metric" ? ordered.filter((one) => one.rank === null).length : 0,
      metrics,
      params: byImportance(
        listed.map((one) => one.params),
        ["model"],
      ),
      misnamed,
      unversioned: await unversionedRuns(project, context, textIn(input.db)),
      all: input.all === true,
      limit: limit === Number.POSITIVE_INFINITY ? null : limit,
      tags: input.tags === true,
    };
  },
};

function listedOf(version: Version, known: ReadonlySet<string>, hasRemote: boolean): ListedVersion {
  const { name, commit, date, message, onBranch, unpublished, problems } = version;
  return {
    version: name,
    rank: null,
    kind: message.kind,
    date,
    commit,
    line: formatHeadline({ pairs: message.headline, description: message.description }),
    description: message.description,
    metrics: metricsOf(message, known),
    params: paramsOf(message, known),
    data: message.dataHash ?? message.headline.find(([key]) => key === "data")?.[1] ?? null,
    runs: message.runs.length,
    onBranch,
    unpublished: hasRemote ? unpublished : null,
    problems,
  };
}

/** Names in the order given first, then by how many versions have them, then as they first appear. */
function byImportance(tables: readonly Record<string, string>[], first: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const table of tables) for (const name of Object.keys(table)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const place = (name: string) => (first.includes(name) ? first.indexOf(name) : first.length);
  return [...counts.keys()].sort((one, other) => place(one) - place(other) || (counts.get(other) ?? 0) - (counts.get(one) ?? 0));
}

function sortOf(
  project: Project,
  versions: readonly Version[],
  { asked, metrics }: { asked: string | undefined; metrics: readonly string[] },
): VersionList["sort"] {
  if (asked === "version" || asked === "date") return { by: asked };
  const metric =
    asked === undefined
      ? metrics[0]
      : (metrics.find((name) => name === asked) ?? onlyOne(metrics.filter((name) => name.toLowerCase() === asked.toLowerCase())));
  if (metric !== undefined) return { by: "metric", metric, ...directionOf(metric, project.config, versions) };
  if (asked === undefined) return { by: "version" };
  const known = [...metrics, "version", "date"];
  throw new ExpverError("E_NOT_FOUND", `no version has a metric ${JSON.stringify(asked)}; known are ${known.join(", ")}`, {
    hint: `expver list --sort ${nearestWord(asked, known) ?? known[0]}`,
    details: { asked, known },
  });
}

type Numbered = ListedVersion & { number: VersionNumber };

function rank(listed: readonly Numbered[], sort: VersionList["sort"]): ListedVersion[] {
  if (sort.by === "version") return listed.toReversed().map(withoutNumber);
  if (sort.by === "date")
    return listed
      .toSorted((one, other) => Date.parse(other.date) - Date.parse(one.date) || compareVersions(other.number, one.number))
      .map(withoutNumber);
  const { metric, direction } = sort;
  const ordered = listed.toSorted(
    (one, other) =>
      compareMetric(one.metrics[metric], other.metrics[metric], direction) ||
      Date.parse(one.date) - Date.parse(other.date) ||
      compareVersions(one.number, other.number),
  );
  let place = 0;
  return ordered.map((one, index) => {
    const before = ordered[index - 1];
    const isRanked = compareMetric(one.metrics[metric], "nan", direction) < 0;
    if (before === undefined || compareMetric(before.metrics[metric], one.metrics[metric], direction) !== 0) place = index + 1;
    return withoutNumber({ ...one, rank: isRanked ? place : null });
  });
}

function withoutNumber({ number: _, ...listed }: Numbered): ListedVersion {
  return listed;
}

/** Failed, killed and running ones are in no tag. The list stands without them: a database that cannot be read is a warning. */
async function unversionedRuns(project: Project, context: Context, asked: string | undefined): Promise<VersionList["unversioned"]> {
  const file =
    asked === undefined ? absolutePath(project, storedPath(project, project.config.results.database)) : resolve(context.cwd, asked);
  if (!existsSync(file)) {
    if (asked !== undefined) throw new ExpverError("E_NOT_FOUND", `there is no database ${asked}`, { details: { path: file } });
    return null;
  }
  const { countUnversioned } = await import("./list/unversioned.ts");
  return countUnversioned(file, context);
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
