/** The data files of a merge. */
import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { trashPlace } from "../../journal/trash.ts";
import { discard } from "../../merge/beside.ts";
import { commitDataMerge, prepareDataMerge } from "../../merge/data/merge-data.ts";
import type { DataMerge, DataReport } from "../../merge/data/types.ts";
import { copyFileAtomic } from "../../platform/files.ts";
import { counted, someOf } from "../../platform/words.ts";
import { isSameFile, type MergePart, stateOf } from "./part.ts";

export async function dataPart(project: Project | null, merge: DataMerge): Promise<MergePart<DataReport>> {
  const prepared = await prepareDataMerge(merge);
  const { report, changes, temporary } = prepared;
  const { output, base, sources, strategy } = merge;
  const exists = existsSync(output);
  const intoBase = isSameFile(base.path, output);
  const loses = report.sources.some(({ replaced }) => replaced > 0);
  const keeps = project !== null && exists && changes && (loses || !intoBase) ? trashPlace(project, output) : null;
  return {
    report,
    output,
    changes,
    destructive: changes && exists && (loses || !intoBase),
    steps: [
      ...report.sources.map((one) => ({ verb: strategy, target: one.source, count: one.inserted, detail: describeData(one) })),
      ...schemaChanges(report).map((detail) => ({ verb: "columns", target: output, detail })),
      ...(changes
        ? [{ verb: exists ? "replace" : "write", target: output, count: report.after, ...(keeps === null ? {} : { keeps }) }]
        : []),
    ],
    facts: [[base.path, output, ...sources.map(({ path }) => path)].map(stateOf), report],
    keeps,
    keep: (place) => copyFileAtomic(output, place),
    commit: () => commitDataMerge(prepared),
    discard: () => discard(temporary),
  };
}

export function describeData({ rows, inserted, replaced, filled, resolved }: DataReport["sources"][number]): string {
  return [
    `${counted(inserted, "new row")} of ${rows}`,
    replaced > 0 && `${replaced} replaced`,
    filled > 0 && `${counted(filled, "empty cell")} filled`,
    resolved > 0 && `${resolved} decided`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** One text a kind of change. */
export function schemaChanges({ columns }: DataReport): string[] {
  const named = (change: string) => columns.filter((column) => column.change === change).map(({ name, type }) => `${name} ${type}`);
  const kinds = { added: "new columns", widened: "wider type", "to text": "turned into text", lossy: "digits may be lost" };
  return Object.entries(kinds).flatMap(([change, words]) => (named(change).length === 0 ? [] : [`${words}: ${someOf(named(change))}`]));
}
