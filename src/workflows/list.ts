/** `expver list`: every version, best first, from the tags alone. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openProject, type Project } from "../config/project.ts";
import { resultsDatabase } from "../config/results-place.ts";
import { ExpverError, failedWith } from "../errors.ts";
import { readTagNames } from "../git/refs.ts";
import { listRemotes } from "../git/remotes.ts";
import type { Context } from "../platform/context.ts";
import { own } from "../platform/mapping.ts";
import { shellWord } from "../platform/shell-word.ts";
import { compareMetric, knownMetrics } from "../versions/metrics.ts";
import { readRegistry } from "../versions/registry.ts";
import { compareAge, compareVersions } from "../versions/tag-name.ts";
import type { Version } from "../versions/types.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { confidenceOf, limitOf, listOf, textIn } from "./input.ts";
import { type ColumnName, chosenColumns, differingColumns } from "./list/columns.ts";
import type { VersionGroups } from "./list/groups.ts";
import { lackingObjects } from "./list/lacking.ts";
import { fieldsOf, type ListedVersion, listedOf } from "./list/listed.ts";
import { settleSweeps } from "./list/settle-sweeps.ts";
import { compareBy, type SortKey, sortKeys } from "./list/sort-keys.ts";

/** How it is to be shown. */
type ListForm = "table" | "tags" | "tree" | "csv" | "md" | "jsonl";

export interface VersionList {
  /** What the order is by first. */
  sort: SortKey;
  /** And between equal ones, before their age. */
  thenBy: SortKey[];
  versions: ListedVersion[];
  /** All there are, ranked or not. */
  total: number;
  /** `--where` as typed, and how many it left out. */
  where: string | null;
  filteredOut: number;
  /** Beyond `--limit`. */
  leftOut: number;
  /** Have no number for the metric; they come last. */
  withoutMetric: number;
  /** Names of all metrics and parameters, the most telling first. */
  metrics: string[];
  params: string[];
  /** `--columns`, `--differing`; null: whatever there is room for. */
  columns: ColumnName[] | null;
  /** `--group-by`. */
  groups: VersionGroups | null;
  /** Tags that look like versions and are none. */
  misnamed: string[];
  /** Other tags, where there is no version. */
  otherTags: string[];
  /** Of version names. */
  prefix: string;
  /** Runs in the working database that are no version, by status; null when there is no database. */
  unversioned: { status: string; runs: number }[] | null;
  all: boolean;
  limit: number | null;
  form: ListForm;
}

export const list: ReadWorkflow<Input, VersionList> = {
  async read(context, input) {
    const limit = limitOf(input, Number.POSITIVE_INFINITY);
    const form = formOf(input);
    const project = openProject(context);
    const { versions: tagged, misnamed } = readRegistry(project);
    const versions = await settleSweeps(project, context, tagged);
    const known = knownMetrics(project.config, versions);
    const hasRemote =
      project.repository !== null && versions.some(({ unpublished }) => unpublished) && listRemotes(project.repository).length > 0;
    const lacking = lackingObjects(project);
    const all = versions.map((version) => listedOf(version, { known, hasRemote, lacking }));
    const names = namesOf(project, all);
    const where = textIn(input.where) ?? null;
    const listed = where === null ? all : await filtered(all, where, { names, prefix: project.config.versions.prefix });
    const asked = textIn(input.sort) ?? textIn(input.metric) ?? (form === "tags" || form === "tree" ? "version" : undefined);
    const [sort, ...thenBy] = (await sortedBy(project, versions, { asked, ...names })) as [SortKey, ...SortKey[]];
    const ordered = ranked(listed, [sort, ...thenBy]);
    const shown = ordered.slice(0, limit);
    return {
      sort,
      thenBy,
      versions: form === "tree" ? shown.toReversed() : shown,
      total: all.length,
      where,
      filteredOut: all.length - listed.length,
      leftOut: ordered.length - shown.length,
      withoutMetric: sort.by === "metric" ? ordered.filter((one) => one.rank === null).length : 0,
      ...names,
      columns: columnsOf(input, shown, names),
      groups: await groupsOf(project, context, { input, listed: ordered, versions, names, sort }),
      misnamed,
      otherTags: versions.length === 0 && project.repository !== null ? readTagNames(project.repository) : [],
      prefix: project.config.versions.prefix,
      unversioned: await unversionedRuns(project, context, textIn(input.db)),
      all: input.all === true,
      limit: limit === Number.POSITIVE_INFINITY ? null : limit,
      form,
    };
  },
};

const FORMS = ["tags", "tree", "csv", "md", "jsonl"] as const;

function formOf(input: Input): ListForm {
  const asked = FORMS.filter((form) => input[form] === true);
  if (asked.length < 2) return asked[0] ?? "table";
  throw new ExpverError("E_USAGE", `one list cannot be both --${asked[0]} and --${asked[1]}`);
}

interface Names {
  metrics: string[];
  params: string[];
}

function namesOf(project: Project, listed: readonly ListedVersion[]): Names {
  const metrics = listed.map((one) => one.metrics);
  const params = listed.map((one) => one.params);
  return { metrics: byImportance(metrics, Object.keys(project.config.metrics)), params: byImportance(params, ["model"]) };
}

/** Names in the order given first, then by how many versions have them, then as they first appear. */
function byImportance(tables: readonly Record<string, string>[], first: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const table of tables) for (const name of Object.keys(table)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const places = new Map(first.map((name, place) => [name, place]));
  const place = (name: string) => places.get(name) ?? first.length;
  return [...counts.keys()].sort((one, other) => place(one) - place(other) || (counts.get(other) ?? 0) - (counts.get(one) ?? 0));
}

async function filtered(
  all: readonly ListedVersion[],
  where: string,
  { names, prefix }: { names: Names; prefix: string },
): Promise<ListedVersion[]> {
  const { compileFilter } = await import("./filter/compile-filter.ts");
  const test = compileFilter<ListedVersion>(where, {
    fields: fieldsOf(prefix),
    params: ({ params }) => params,
    metrics: ({ metrics }) => metrics,
    paramNames: new Set(names.params),
    metricNames: new Set(names.metrics),
  });
  return all.filter(test);
}

/** Sorted by all keys; equal ones by age where something is ranked, else the highest number first. Ranks are those of the first key. */
function ranked(listed: readonly ListedVersion[], keys: readonly SortKey[]): ListedVersion[] {
  const [first] = keys;
  const ordered = listed.toSorted((one, other) => {
    for (const key of keys) {
      const order = compareBy(key, one, other);
      if (order !== 0) return order;
    }
    if (first?.by === "date") return compareVersions(other.number, one.number);
    return compareAge(one, other);
  });
  if (first?.by !== "metric") return ordered;
  const { metric, direction } = first;
  const worthOf = (one: ListedVersion) => own(one.metrics, metric);
  let place = 0;
  const ranks = new Map<string, number>();
  const byWorth = listed.toSorted((one, other) => compareMetric(worthOf(one), worthOf(other), direction));
  for (const [index, one] of byWorth.entries()) {
    const before = byWorth[index - 1];
    if (before === undefined || compareMetric(worthOf(before), worthOf(one), direction) !== 0) place = index + 1;
    if (compareMetric(worthOf(one), "nan", direction) < 0) ranks.set(one.version, place);
  }
  return ordered.map((one) => ({ ...one, rank: ranks.get(one.version) ?? null }));
}

function columnsOf(input: Input, shown: readonly ListedVersion[], names: Names): ColumnName[] | null {
  const asked = listOf(input.columns);
  if (asked.length > 0) return chosenColumns(asked, names);
  return input.differing === true ? differingColumns(shown, names) : null;
}

interface GroupsCall {
  input: Input;
  listed: readonly ListedVersion[];
  versions: readonly Version[];
  names: Names;
  sort: SortKey;
}

async function groupsOf(
  project: Project,
  context: Context,
  { input, listed, versions, names, sort }: GroupsCall,
): Promise<VersionGroups | null> {
  const asked = textIn(input.groupBy);
  if (asked === undefined) return null;
  const { fewerRuns, groupNames, groupUnits } = await import("./list/groups.ts");
  const { unitsOf } = await import("./list/units.ts");
  const confidence = confidenceOf(input);
  const { units, unread } = unitsOf(project, context, { listed, versions });
  const params = new Set([...names.params, ...units.flatMap((unit) => Object.keys(unit.params))]);
  const by = groupNames(asked, [...params]);
  const metrics = new Set([...names.metrics, ...units.flatMap((unit) => Object.keys(unit.metrics))]);
  const groups = groupUnits(units, { names: by, metrics: [...metrics], sort, confidence });
  return { names: by, confidence, groups, unread, fewer: fewerRuns(groups, sort) };
}

/** Failed, killed and running ones are in no tag. The list stands without them: a database that cannot be read is a warning. */
async function unversionedRuns(project: Project, context: Context, asked: string | undefined): Promise<VersionList["unversioned"]> {
  const file = asked === undefined ? resultsDatabase(project) : resolve(context.cwd, asked);
  if (!existsSync(file)) {
    if (asked !== undefined) throw new ExpverError("E_NOT_FOUND", `there is no database ${asked}`, { details: { path: file } });
    return null;
  }
  const { countUnversioned } = await import("./list/unversioned.ts");
  return countUnversioned(file, context);
}

/** What no tag tells may stand in the rows, as where the older skill's script looked. */
async function sortedBy(project: Project, versions: readonly Version[], wanted: Parameters<typeof sortKeys>[2]): Promise<SortKey[]> {
  try {
    return sortKeys(project, versions, wanted);
  } catch (error) {
    const path = resultsDatabase(project);
    if (!failedWith(error, "E_NOT_FOUND") || !existsSync(path)) throw error;
    const table = await tableWith(path, String(error.details.asked));
    if (table === null) throw error;
    const { quoteName } = await import("../platform/sqlite.ts");
    const column = quoteName(String(error.details.asked));
    const question = `SELECT version, max(${column}) FROM ${quoteName(table)} GROUP BY version ORDER BY 2 DESC`;
    throw new ExpverError(error.code, error.message, { hint: `In the rows: expver sql ${shellWord(question)}`, details: error.details });
  }
}

async function tableWith(path: string, column: string): Promise<string | null> {
  const [{ openResults }, { eventsTables, hasColumn }] = await Promise.all([
    import("../results/database.ts"),
    import("../results/schema.ts"),
  ]);
  const db = openResults(path, { readonly: true });
  try {
    return eventsTables(db).find(({ columns }) => hasColumn(columns, column) && hasColumn(columns, "version"))?.name ?? null;
  } finally {
    db.close();
  }
}
