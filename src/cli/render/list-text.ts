/** The list for other programs: CSV, a Markdown table, or one JSON object a line. Every digit, whatever the width. */

import type { ColumnName } from "../../workflows/list/columns.ts";
import type { VersionGroups } from "../../workflows/list/groups.ts";
import type { ListedVersion } from "../../workflows/list/listed.ts";
import type { VersionList } from "../../workflows/list.ts";
import { toJson } from "../envelope.ts";
import { cellOf, notesOf } from "./list-columns.ts";

export function listAsText(list: VersionList, form: "csv" | "md" | "jsonl"): string {
  if (form === "jsonl") return (list.groups?.groups ?? list.versions).map((one) => `${toJson(one, 0)}\n`).join("");
  const rows = list.groups === null ? versionRows(list) : groupRows(list, list.groups);
  return form === "csv" ? rows.map((row) => `${row.map(csvCell).join(",")}\n`).join("") : markdown(rows);
}

type Fact = [title: string, of: (row: ListedVersion) => string];

const FACTS: Fact[] = [
  ["rank", ({ rank }) => (rank === null ? "" : String(rank))],
  ["kind", ({ kind }) => kind ?? ""],
  ["date", ({ date }) => date],
  ["commit", ({ commit }) => commit],
  ["data", ({ data }) => data ?? ""],
  ["runs", ({ runs }) => String(runs)],
  ["notes", notesOf],
  ["description", ({ description }) => description],
];

function versionRows({ versions, metrics, params, columns }: VersionList): string[][] {
  const shown = columns?.map((column) => columnFact(column)) ?? [
    ...metrics.map((name): Fact => [name, (row) => cellOf(row.metrics, name)]),
    ...params.map((name): Fact => [name, (row) => cellOf(row.params, name)]),
    ...FACTS,
  ];
  const facts: Fact[] = [["version", ({ version }) => version], ...shown];
  return [titlesOf(facts, { metrics, params, columns }), ...versions.map((row) => facts.map(([, of]) => of(row)))];
}

function columnFact({ from, name }: ColumnName): Fact {
  if (from === "fact") return FACTS.find(([title]) => title === name) as Fact;
  return [name, (row) => cellOf(from === "metric" ? row.metrics : row.params, name)];
}

/** No two columns of a file have one name: a second one says whether it is a metric or a parameter. */
function titlesOf(facts: readonly Fact[], { metrics, params, columns }: Pick<VersionList, "metrics" | "params" | "columns">): string[] {
  const kinds = ["", ...(columns?.map(({ from }) => from) ?? [...metrics.map(() => "metric"), ...params.map(() => "param")])];
  const names = facts.map(([title]) => title);
  return names.map((name, index) => {
    const isOne = names.indexOf(name) === names.lastIndexOf(name);
    const kind = kinds[index] ?? "fact";
    return isOne || kind === "" || kind === "fact" ? name : `${kind}.${name}`;
  });
}

function groupRows({ metrics, sort }: VersionList, { names, groups }: VersionGroups): string[][] {
  const first = sort.by === "metric" ? [sort.metric] : [];
  const shown = [...first, ...metrics.filter((name) => !first.includes(name))];
  const title = [
    ...names,
    "runs",
    ...shown.flatMap((name) => [`${name} n`, `${name} mean`, `${name} sd`, `${name} low`, `${name} high`]),
    "versions",
  ];
  const text = (value: number | null | undefined) => (value == null ? "" : String(value));
  return [
    title,
    ...groups.map((group) => [
      ...names.map((name) => group.by[name] ?? ""),
      String(group.runs),
      ...shown.flatMap((name) => {
        const summary = Object.hasOwn(group.metrics, name) ? group.metrics[name] : undefined;
        return [summary?.n, summary?.mean, summary?.deviation, summary?.interval?.low, summary?.interval?.high].map(text);
      }),
      group.versions.join(" "),
    ]),
  ];
}

/** RFC 4180, but for the line ends, which are those of the other tools here. */
function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function markdown([head = [], ...rows]: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownCell).join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

function markdownCell(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("|", "\\|")
    .replace(/[\r\n]+/g, " ")
    .replace(/[<*_`[]/g, "\\$&");
}
