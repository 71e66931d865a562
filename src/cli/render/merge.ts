/** What a merge did, one line a table. */
import { describeChanges, type Merged } from "../../workflows/merge.ts";
import type { Terminal } from "../terminal.ts";

export function renderMerge({ strategy, output, changed, sources, kept }: Merged, { style }: Terminal): string {
  const lines = sources.flatMap(({ source, tables }) =>
    tables.map((report) => `  ${source}  ${style("bold", report.table)}  ${describeChanges(report)}`),
  );
  if (!changed) return `${[`nothing to ${strategy}: everything is in ${output} already`, ...lines].join("\n")}\n`;
  const rest = kept === null ? [] : [style("dim", `  the old bytes are in ${kept}`)];
  return `${[`${strategy === "merge" ? "merged" : "rebased"} into ${output}`, ...lines, ...rest].join("\n")}\n`;
}
