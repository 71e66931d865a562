/** What a merge did, one line a source and table. */
import { describeData, schemaChanges } from "../../workflows/merge/data-part.ts";
import { describeChanges } from "../../workflows/merge/database-part.ts";
import type { Merged } from "../../workflows/merge.ts";
import type { Terminal } from "../terminal.ts";

export function renderMerge({ resolved, database, data, project }: Merged, terminal: Terminal): string {
  if (resolved !== undefined) return renderResolved(resolved, terminal);
  const { style } = terminal;
  const rows =
    database?.sources.flatMap(({ source, tables }) =>
      tables.map((report) => `${source}  ${style("bold", report.table)}  ${describeChanges(report)}`),
    ) ?? [];
  const files = data === null ? [] : [...data.sources.map((one) => `${one.source}  ${describeData(one)}`), ...schemaChanges(data)];
  return [
    ...(database === null ? [] : [section(database, rows, terminal)]),
    ...(project === null || project.commit === null ? [] : [committed(project.commit, terminal)]),
    ...(data === null ? [] : [section(data, [...files, `${data.before} rows → ${data.after}`], terminal)]),
  ].join("");
}

function renderResolved({ pointers, unfinished }: NonNullable<Merged["resolved"]>, { style }: Terminal): string {
  const colours = { resolved: "green", removed: "green", conflict: "red" } as const;
  const isLeft = pointers.some(({ state }) => state === "conflict");
  const next = isLeft
    ? "still in conflict: expver merge --resolve ours|theirs PATH"
    : `next: expver data pull${unfinished === null ? "" : `, then git ${unfinished} --continue`}`;
  const lines = pointers.flatMap(({ file, state, says }) => [
    `${style(colours[state], state)}  ${file}`,
    ...says.map((text) => `  ${text}`),
  ]);
  return `${[...lines, next].join("\n")}\n`;
}

function committed(commit: string, { style }: Terminal): string {
  return `  ${style("dim", `committed as ${commit.slice(0, 7)}; take it back: expver undo`)}\n`;
}

function section(
  { strategy, output, changed, kept }: { strategy: "merge" | "rebase"; output: string; changed: boolean; kept: string | null },
  lines: readonly string[],
  { style }: Terminal,
): string {
  const done = strategy === "merge" ? "merged" : "rebased";
  const head = changed ? `${done} into ${output}` : `nothing to ${strategy}: everything is in ${output} already`;
  const rest = kept === null ? [] : [style("dim", `what was there is kept: ${kept}`)];
  return `${[head, ...[...lines, ...rest].map((line) => `  ${line}`)].join("\n")}\n`;
}
