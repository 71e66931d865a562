/** What a merge did, one line a source and table. */
import { describeData, schemaChanges } from "../../workflows/merge/data-part.ts";
import { describeChanges } from "../../workflows/merge/database-part.ts";
import type { Merged } from "../../workflows/merge.ts";
import type { Terminal } from "../terminal.ts";

export function renderMerge({ database, data }: Merged, terminal: Terminal): string {
  const { style } = terminal;
  const rows =
    database?.sources.flatMap(({ source, tables }) =>
      tables.map((report) => `${source}  ${style("bold", report.table)}  ${describeChanges(report)}`),
    ) ?? [];
  const files = data === null ? [] : [...data.sources.map((one) => `${one.source}  ${describeData(one)}`), ...schemaChanges(data)];
  return [
    ...(database === null ? [] : [section(database, rows, terminal)]),
    ...(data === null ? [] : [section(data, [...files, `${data.before} rows → ${data.after}`], terminal)]),
  ].join("");
}

function section(
  { strategy, output, changed, kept }: { strategy: "merge" | "rebase"; output: string; changed: boolean; kept: string | null },
  lines: readonly string[],
  { style }: Terminal,
): string {
  const done = strategy === "merge" ? "merged" : "rebased";
  const head = changed ? `${done} into ${output}` : `nothing to ${strategy}: everything is in ${output} already`;
  const rest = kept === null ? [] : [style("dim", `the old bytes are in ${kept}`)];
  return `${[head, ...[...lines, ...rest].map((line) => `  ${line}`)].join("\n")}\n`;
}
