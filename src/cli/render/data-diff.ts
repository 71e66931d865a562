/** `expver data diff` as text or as a Markdown table, in dvc's layout. */
import type { DataDiff, DiffEntry, DiffResult } from "../../workflows/data/changes/diff.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine, padText, textWidth } from "../text-width.ts";

const STATES = ["added", "deleted", "renamed", "modified", "not in cache"] as const;
const COLOURS = { added: "green", deleted: "red", renamed: "green", modified: "yellow", "not in cache": "yellow" } as const;

export function renderDataDiff({ json, markdown, showHash }: DiffResult, { style }: Terminal): string {
  if (markdown) return table(json, showHash);
  const blocks = STATES.flatMap((state) => {
    const entries = json[state] ?? [];
    if (entries.length === 0) return [];
    const lines = entries.map((entry) => `    ${entry.hash === undefined ? "" : `${digest(entry)}  `}${pathOf(entry)}`);
    return [`${style(COLOURS[state], state[0]?.toUpperCase() + state.slice(1))}:\n${lines.join("\n")}\n`];
  });
  const counts = STATES.flatMap((state) => {
    const files = (json[state] ?? []).filter((entry) => !pathOf(entry).endsWith("/")).length;
    return files === 0 ? [] : [`${files} ${state}`];
  });
  return [...blocks, ...(counts.length === 0 ? [] : [`files summary: ${counts.join(", ")}`])].join("\n");
}

function table(json: DataDiff, showHash: boolean): string {
  const rows = STATES.flatMap((state) => (json[state] ?? []).map((entry) => [state, ...(showHash ? [digest(entry)] : []), pathOf(entry)]));
  const titles = ["Status", ...(showHash ? ["Hash"] : []), "Path"];
  const widths = titles.map((title, column) => rows.reduce((most, row) => Math.max(most, textWidth(row[column] ?? "")), title.length + 2));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => padText(cell, widths[column] ?? 0)).join(" | ")} |`;
  return `${[line(titles), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n")}\n\n`;
}

function pathOf({ path }: DiffEntry): string {
  return oneLine(typeof path === "string" ? path : `${path.old} -> ${path.new}`);
}

function digest({ hash }: DiffEntry): string {
  if (typeof hash === "string") return hash.slice(0, 8);
  return hash === null || hash === undefined ? "" : `${hash.old?.slice(0, 8)}..${hash.new?.slice(0, 8)}`;
}
