/** Groups of runs as a table: what they have alike, how many, mean, deviation and interval. */

import type { VersionGroup, VersionGroups } from "../../workflows/list/groups.ts";
import type { VersionList } from "../../workflows/list.ts";
import type { Terminal } from "../terminal.ts";
import { type Column, renderTable, type Table } from "./table.ts";

/** Beside the one that ranks, unless `--all`. */
const OTHER_METRICS = 3;

export function groupTable({ sort, metrics, all }: VersionList, { names, groups, confidence }: VersionGroups, terminal: Terminal): Table {
  const first = sort.by === "metric" ? [sort.metric] : [];
  const others = metrics.filter((name) => !first.includes(name)).slice(0, all ? metrics.length : OTHER_METRICS);
  const columns: Column<VersionGroup>[] = [
    ...(sort.by === "metric" ? [{ title: "#", align: "right" as const, text: ({ rank }: VersionGroup) => String(rank ?? "-") }] : []),
    ...names.map((name): Column<VersionGroup> => ({ title: name, text: ({ by }) => shortened(name, by[name] ?? ""), align: "right" })),
    { title: "runs", text: ({ runs }) => String(runs), align: "right" },
    ...first.flatMap((name) => summaryColumns(name, confidence)),
    ...others.flatMap((name, index) => summaryColumns(name, confidence).map((column) => ({ ...column, weight: 40 - index }))),
    ...first.map(
      (name): Column<VersionGroup> => ({
        title: `best ${name}`,
        text: ({ best }) => (best === null ? "" : `${best.value} (${best.version})`),
        weight: 60,
      }),
    ),
    { title: "versions", text: ({ versions }) => versions.join(" "), weight: 20, shrinkTo: 8 },
  ];
  return renderTable(columns, groups, terminal);
}

function summaryColumns(name: string, confidence: number): Column<VersionGroup>[] {
  const of = (group: VersionGroup) => (Object.hasOwn(group.metrics, name) ? group.metrics[name] : undefined);
  return [
    {
      title: `mean ${name}`,
      align: "right",
      // Runs without a number are in no mean; it must not look as if they were.
      text: (group) => {
        const summary = of(group);
        if (summary === undefined) return "";
        return summary.n === group.runs
          ? rounded(summary.mean, summary.deviation)
          : `${rounded(summary.mean, summary.deviation)} of ${summary.n}`;
      },
    },
    { title: "sd", align: "right", text: (group) => rounded(of(group)?.deviation ?? null, of(group)?.deviation ?? null), weight: 80 },
    {
      title: `${Number((confidence * 100).toFixed(3))} %`,
      align: "right",
      text: (group) => {
        const { interval, deviation } = of(group) ?? {};
        return interval == null ? "" : `${rounded(interval.low, deviation ?? null)} to ${rounded(interval.high, deviation ?? null)}`;
      },
      weight: 70,
    },
  ];
}

/** Three digits of the deviation say all there is to say of the mean; `--json` has every digit. */
function rounded(value: number | null, deviation: number | null): string {
  if (value === null) return "";
  if (deviation === null || deviation === 0) return String(value);
  const places = Math.max(0, 2 - Math.floor(Math.log10(deviation)));
  return places <= 20 && Math.abs(value) < 1e15 ? value.toFixed(places) : String(value);
}

function shortened(name: string, value: string): string {
  return name === "data" ? value.slice(0, 6) : value;
}
