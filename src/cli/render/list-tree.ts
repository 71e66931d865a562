/** Versions as a tree: major numbers, below them minor ones, below those patches where there are several. */

import type { ListedVersion } from "../../workflows/list/listed.ts";
import type { VersionList } from "../../workflows/list.ts";
import type { Terminal } from "../terminal.ts";
import { cellOf, notesOf } from "./list-columns.ts";
import { type Column, renderTable, type Table } from "./table.ts";

/** So many fit beside the branches. */
export const METRICS_IN_TREE = 3;

interface Branch {
  label: string;
  row: ListedVersion | null;
  /** Versions below. */
  count: number;
}

export function treeTable({ metrics }: VersionList, rows: readonly ListedVersion[], terminal: Terminal): Table {
  const columns: Column<Branch>[] = [
    { title: "version", text: ({ label }) => label, style: "yellow" },
    ...metrics.slice(0, METRICS_IN_TREE).map(
      (name, index): Column<Branch> => ({
        title: name,
        align: "right",
        text: ({ row }) => (row === null ? "" : cellOf(row.metrics, name)),
        weight: 50 - index,
      }),
    ),
    { title: "notes", text: ({ row, count }) => (row === null ? `${count} versions` : notesOf(row)), weight: 90, style: "dim" },
    { title: "description", text: ({ row }) => row?.description ?? "", weight: 70, shrinkTo: 12 },
  ];
  return renderTable(columns, branchesOf(rows), terminal);
}

function branchesOf(rows: readonly ListedVersion[]): Branch[] {
  return grouped(rows, ({ number }) => number.major).flatMap((ofMajor) => {
    const minors = grouped(ofMajor, ({ number }) => number.minor);
    const [first] = ofMajor;
    const stem = first === undefined ? "" : first.version.split(".")[0];
    return [
      { label: `${stem}`, row: null, count: ofMajor.length },
      ...minors.flatMap((ofMinor, index) => {
        const isLast = index === minors.length - 1;
        const [only] = ofMinor;
        if (ofMinor.length === 1 && only !== undefined) return [{ label: `${isLast ? "└─ " : "├─ "}${only.version}`, row: only, count: 1 }];
        return [
          { label: `${isLast ? "└─ " : "├─ "}${stem}.${only?.number.minor}`, row: null, count: ofMinor.length },
          ...ofMinor.map((row, at) => ({
            label: `${isLast ? "   " : "│  "}${at === ofMinor.length - 1 ? "└─ " : "├─ "}${row.version}`,
            row,
            count: 1,
          })),
        ];
      }),
    ];
  });
}

/** In the order they are in. */
function grouped(rows: readonly ListedVersion[], of: (row: ListedVersion) => number): ListedVersion[][] {
  const groups = new Map<number, ListedVersion[]>();
  for (const row of rows) groups.set(of(row), [...(groups.get(of(row)) ?? []), row]);
  return [...groups.values()];
}
