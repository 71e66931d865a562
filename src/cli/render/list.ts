/** `expver list` as a table, best first, and a word on all that is not in it. */
import type { ListedVersion, VersionList } from "../../workflows/list.ts";
import type { Terminal } from "../terminal.ts";
import { fitText, oneLine, wrapText } from "../text-width.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";
import { localDate } from "./time.ts";

/** On a terminal, unless `-n` or `--all` says otherwise; a pipe gets every row. */
const ROWS_ON_TERMINAL = 30;
/** Of each kind, unless `--all`. */
const NUMBER_COLUMNS = 8;

export function renderList(list: VersionList, terminal: Terminal): string {
  if (list.total === 0) return [`no versions yet: \`expver run\` or \`expver tag\` makes one`, ...footer(list)].join("\n");
  const limit = list.all || list.limit !== null || !terminal.isTTY ? list.versions.length : ROWS_ON_TERMINAL;
  const rows = list.versions.slice(0, limit);
  const leftOut = list.leftOut + list.versions.length - rows.length;
  const more = leftOut > 0 ? [`${leftOut} more: expver list --all`] : [];
  if (list.tags) return [...rows.map((row) => tagLine(row, terminal)), ...more, ...footer(list)].join("\n");
  const { columns, hidden } = columnsOf(list);
  const table = renderTable(columns, rows, list.all ? { ...terminal, width: Number.POSITIVE_INFINITY } : terminal);
  const notes = [
    ...more,
    ...guessNote(list),
    ...(list.withoutMetric > 0 && list.sort.by === "metric"
      ? [`${list.withoutMetric} of ${list.total} without a number for ${list.sort.metric}: last, without a rank`]
      : []),
    ...widthNote({ dropped: [...table.dropped, ...hidden], cut: table.cut }, "--all shows everything"),
    ...footer(list),
  ];
  return [wrapText(heading(list), terminal.width), (rows.length === 0 ? "" : table.text) + renderNotes(notes, terminal)].join("\n");
}

function heading({ sort, total }: VersionList): string {
  const count = total === 1 ? "1 version" : `${total} versions`;
  if (sort.by !== "metric") return `${count}, ${sort.by === "date" ? "newest" : "highest number"} first`;
  const which = sort.direction === "max" ? "highest" : "lowest";
  return oneLine(`${count}, best ${sort.metric} first (${which} is best${sort.source === "guess" ? ", a guess from the name" : ""})`);
}

function guessNote({ sort }: VersionList): string[] {
  if (sort.by !== "metric" || sort.source !== "guess") return [];
  return [oneLine(`settle the direction in expver.yaml: metrics: { ${sort.metric}: ${sort.direction} }`)];
}

function columnsOf({ sort, metrics, params, all }: VersionList): { columns: Column<ListedVersion>[]; hidden: string[] } {
  const first = sort.by === "metric" ? [sort.metric] : [];
  const others = metrics.filter((name) => !first.includes(name));
  const [shownMetrics, hiddenMetrics] = split(others, all ? Number.POSITIVE_INFINITY : NUMBER_COLUMNS);
  const [shownParams, hiddenParams] = split(params, all ? Number.POSITIVE_INFINITY : NUMBER_COLUMNS);
  const metricColumn = (name: string, index: number): Column<ListedVersion> => ({
    title: name,
    align: "right",
    text: (row) => cellOf(row.metrics, name),
    ...(first.includes(name) ? {} : { weight: 60 - index }),
  });
  const columns: Column<ListedVersion>[] = [
    ...(sort.by === "metric"
      ? [{ title: "#", align: "right" as const, text: (row: ListedVersion) => (row.rank === null ? "-" : String(row.rank)) }]
      : []),
    { title: "version", text: (row) => row.version, style: "yellow" },
    ...first.map(metricColumn),
    ...shownMetrics.map(metricColumn),
    ...shownParams.map(
      (name, index): Column<ListedVersion> => ({
        title: name,
        align: "right",
        text: (row) => cellOf(row.params, name),
        weight: 50 - index,
      }),
    ),
    { title: "data", text: (row) => row.data?.slice(0, 6) ?? "", weight: 20 },
    { title: "date", text: (row) => localDate(row.date), weight: 40 },
    { title: "notes", text: notesOf, weight: 90, style: "yellow" },
    { title: "description", text: (row) => row.description, shrinkTo: 12, weight: 70 },
  ];
  return { columns, hidden: [...hiddenMetrics, ...hiddenParams] };
}

function notesOf({ onBranch, unpublished, kind, runs, problems }: ListedVersion): string {
  return [
    ...(kind !== null && kind !== "run" ? [kind] : []),
    ...(runs > 1 ? [`${runs} runs`] : []),
    ...(onBranch ? [] : ["off-branch"]),
    ...(unpublished === true ? ["not published"] : []),
    ...(problems.length > 0 ? ["see show"] : []),
  ].join(" · ");
}

function tagLine(row: ListedVersion, terminal: Terminal): string {
  const notes = notesOf(row);
  const text = oneLine(`${row.version}  ${row.line}${notes === "" ? "" : `  [${notes}]`}`);
  return fitText(text, terminal.width).replace(row.version, terminal.style("yellow", row.version));
}

function footer({ unversioned, misnamed }: VersionList): string[] {
  const runs = (unversioned ?? []).reduce((sum, one) => sum + one.runs, 0);
  const parts = (unversioned ?? []).map((one) => `${one.runs} ${oneLine(one.status)}`).join(", ");
  return [
    ...(runs > 0 ? [`${runs} ${runs === 1 ? "run" : "runs"} without a version (${parts}): expver runs`] : []),
    ...(misnamed.length > 0 ? [`not versions although they look like it: ${namesOf(misnamed)}`] : []),
  ];
}

function cellOf(table: Record<string, string>, name: string): string {
  return Object.hasOwn(table, name) ? (table[name] ?? "") : "";
}

function split<T>(items: readonly T[], count: number): [T[], T[]] {
  return [items.slice(0, count), items.slice(count)];
}

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(oneLine).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
