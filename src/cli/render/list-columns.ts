/** What the table of versions has in its columns. */

import type { ColumnName } from "../../workflows/list/columns.ts";
import type { ListedVersion } from "../../workflows/list/listed.ts";
import type { VersionList } from "../../workflows/list.ts";
import type { Column } from "./table.ts";
import { localDate } from "./time.ts";

/** Of each kind, unless `--all`. */
const NUMBER_COLUMNS = 8;

/** `hidden`: names for which there are too many columns. */
export function columnsOf(list: VersionList): { columns: Column<ListedVersion>[]; hidden: string[] } {
  if (list.columns !== null)
    return { columns: [...rankColumn(list), VERSION, ...list.columns.map(askedColumn), ...marks(list.columns)], hidden: [] };
  const { sort, metrics, params, all } = list;
  const most = all ? Number.POSITIVE_INFINITY : NUMBER_COLUMNS;
  const sorted = list.sort.by === "version" || list.sort.by === "date" ? [] : [sort, ...list.thenBy];
  const firstMetrics = sorted.flatMap((key) => (key.by === "metric" ? [key.metric] : []));
  const firstParams = sorted.flatMap((key) => (key.by === "param" ? [key.param] : []));
  const others = metrics.filter((name) => !firstMetrics.includes(name));
  const otherParams = tellingFirst(
    params.filter((name) => !firstParams.includes(name)),
    list.versions,
  );
  // A loss may be asked for by a parameter and measured: which is which is said as `--where` and `--columns` take it.
  const metric = (name: string) => number(name, (row) => row.metrics, params.includes(name) ? `metric.${name}` : name);
  const param = (name: string) => number(name, (row) => row.params, metrics.includes(name) ? `param.${name}` : name);
  const columns: Column<ListedVersion>[] = [
    ...rankColumn(list),
    VERSION,
    ...firstMetrics.map(metric),
    ...firstParams.map(param),
    ...others.slice(0, most).map((name, index) => ({ ...metric(name), weight: 60 - index })),
    ...otherParams.slice(0, most).map((name, index) => ({ ...param(name), weight: 50 - index })),
    { ...FACTS.data, weight: 20 },
    { ...FACTS.date, weight: 40 },
    { ...FACTS.notes, weight: 90 },
    { ...FACTS.description, weight: 70 },
  ];
  return { columns, hidden: [...others.slice(most), ...otherParams.slice(most)] };
}

/** Of a configuration of hundreds of names a few fit: those in which the versions differ. */
function tellingFirst(names: readonly string[], versions: readonly ListedVersion[]): string[] {
  const isTelling = (name: string) => versions.some(({ params }) => cellOf(params, name) !== cellOf(versions[0]?.params ?? {}, name));
  const telling = new Set(names.filter(isTelling));
  return [...telling, ...names.filter((name) => !telling.has(name))];
}

/** What a person must know of a version before using it. */
export function notesOf({ onBranch, unpublished, kind, runs, status, lacking, problems }: ListedVersion): string {
  return [
    ...(kind !== null && kind !== "run" ? [kind] : []),
    ...(runs > 1 ? [`${runs} runs`] : []),
    ...(status === null ? [] : [status]),
    ...(onBranch ? [] : ["off-branch"]),
    ...(unpublished === true ? ["not published"] : []),
    ...(lacking.length > 0 ? ["data not here"] : []),
    ...(problems.length > 0 ? ["see show"] : []),
  ].join(" · ");
}

export function cellOf(table: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(table, name) ? (table[name] ?? "") : "";
}

const VERSION: Column<ListedVersion> = { title: "version", text: (row) => row.version, style: "yellow" };
const RANK: Column<ListedVersion> = { title: "#", align: "right", text: (row) => (row.rank === null ? "-" : String(row.rank)) };

const FACTS = {
  kind: { title: "kind", text: (row) => row.kind ?? "" },
  date: { title: "date", text: (row) => localDate(row.date) },
  commit: { title: "commit", text: (row) => row.commit.slice(0, 10) },
  data: { title: "data", text: (row) => row.data?.slice(0, 6) ?? "" },
  runs: { title: "runs", text: (row) => String(row.runs), align: "right" },
  notes: { title: "notes", text: notesOf, style: "yellow" },
  description: { title: "description", text: (row) => row.description, shrinkTo: 12 },
} satisfies Record<string, Column<ListedVersion>>;

/** Columns somebody asked for never go for want of width. */
function askedColumn({ from, name }: ColumnName): Column<ListedVersion> {
  if (from !== "fact") return number(name, (row) => (from === "metric" ? row.metrics : row.params));
  return name === "rank" ? RANK : FACTS[name as keyof typeof FACTS];
}

/** Where it tells something, whichever columns were chosen. */
function marks(columns: readonly ColumnName[]): Column<ListedVersion>[] {
  return columns.some(({ name }) => name === "notes") ? [] : [{ ...FACTS.notes, weight: 90 }];
}

function rankColumn({ sort, columns }: VersionList): Column<ListedVersion>[] {
  return sort.by === "metric" && !columns?.some(({ name }) => name === "rank") ? [RANK] : [];
}

function number(name: string, tableOf: (row: ListedVersion) => Readonly<Record<string, string>>, title = name): Column<ListedVersion> {
  return { title, align: "right", text: (row) => cellOf(tableOf(row), name) };
}
