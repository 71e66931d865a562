/** The results databases of a merge. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { trashPlace } from "../../journal/trash.ts";
import { besideOf, putInPlace } from "../../merge/beside.ts";
import { changesTable, commitMerge, discardMerge, prepareMerge } from "../../merge/results/merge-files.ts";
import type { MergeRules, SourceReport, TableReport } from "../../merge/results/types.ts";
import type { Context } from "../../platform/context.ts";
import { makeFolders } from "../../platform/files.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import { openDatabase } from "../../platform/sqlite.ts";
import { counted, someOf } from "../../platform/words.ts";
import { copyDatabase } from "../../results/copy.ts";
import { sameRows } from "../../results/same-rows.ts";
import type { Step } from "../contract.ts";
import { warnOfOtherVersions } from "./other-versions.ts";
import { isSameFile, type MergePart, type NamedPath, stateOf } from "./part.ts";

export interface DatabaseRequest {
  /** Null: the first source is where it begins. */
  base: NamedPath | null;
  sources: NamedPath[];
  output: string;
  rules: MergeRules;
}

export function databasePart(
  context: Context,
  project: Project | null,
  { base, sources, output, rules }: DatabaseRequest,
): MergePart<SourceReport[]> {
  const exists = existsSync(output);
  const prepared = prepareMerge({ base: base?.path ?? null, sources, output, rules, inPlace: exists && mayBeOpen(project, output) });
  const { reports } = prepared;
  const intoBase = base !== null && isSameFile(base.path, output);
  const changes = intoBase ? reports.some(({ tables }) => tables.some(changesTable)) : !(exists && saysTheSame(output, prepared.temporary));
  const loses = reports.some(({ tables }) => tables.some(losesRows));
  const keeps = project !== null && exists && changes && (loses || !intoBase) ? trashPlace(project, output) : null;
  for (const { source, notes } of reports) for (const note of notes) context.report({ kind: "warning", text: `${source}: ${note}` });
  if (isOwn(project, output)) warnOfOtherVersions(context, project, { sources, reports });
  const verb = !exists ? "write" : prepared.before === null ? "replace" : "change";
  return {
    report: reports,
    output,
    changes,
    destructive: changes && ((exists && !intoBase) || loses),
    steps: [...reports.flatMap(stepsOf), ...(changes ? [{ verb, target: output, ...(keeps === null ? {} : { keeps }) }] : [])],
    facts: [[...(base === null ? [] : [base.path]), output, ...sources.map(({ path }) => path)].map(stateOf), rules, reports],
    keeps,
    keep: (place) => keepDatabase(output, place),
    commit: () => commitMerge(prepared),
    discard: () => discardMerge(prepared),
  };
}

/** With what a program has left beside it, or has not yet moved into it. */
function keepDatabase(path: string, place: string): void {
  makeFolders(dirname(place));
  const copy = besideOf(place, "before");
  copyDatabase(path, copy);
  putInPlace(copy, place);
}

/** A stage that runs again leaves its output as it is when nothing is new. */
function saysTheSame(output: string, merged: string): boolean {
  const db = openDatabase(output, { readonly: true });
  try {
    return sameRows(db, merged);
  } finally {
    db.close();
  }
}

/** A program may have the project's own database open at any time; other files are looked up. */
function mayBeOpen(project: Project | null, output: string): boolean {
  return isOwn(project, output) || whoHasOpen(output)?.length !== 0;
}

function isOwn(project: Project | null, output: string): boolean {
  return project !== null && isSameFile(resultsDatabase(project), output);
}

export function losesRows({ removed, replaced }: TableReport): boolean {
  return removed + replaced > 0;
}

export function stepsOf({ source, tables }: SourceReport): Step[] {
  const changed = tables.filter(changesTable);
  if (changed.length === 0) return [{ verb: "skip", target: source, detail: "everything in it is there already" }];
  return changed.map((report) => ({
    verb: report.replaced > 0 ? "rebase" : "merge",
    target: `${source} ${report.table}`,
    count: report.inserted,
    detail: describeChanges(report),
  }));
}

/** The rest of a line: what is neither a new row nor nothing. */
export function describeChanges(report: TableReport): string {
  const cells = (counts: Record<string, number>) => Object.values(counts).reduce((sum, one) => sum + one, 0);
  return [
    counted(report.inserted, "new row"),
    report.equal > 0 && `${report.equal} there already`,
    report.replaced > 0 && `${report.replaced} replaced`,
    report.removed > 0 && `${report.removed} removed`,
    report.keptGone > 0 && `${report.keptGone} stay deleted`,
    cells(report.filled) > 0 && `${counted(cells(report.filled), "empty cell")} filled`,
    cells(report.updated) > 0 && `${counted(cells(report.updated), "cell")} changed`,
    report.resolved > 0 && `${report.resolved} decided`,
    report.addedColumns.length > 0 && `new columns: ${someOf(report.addedColumns)}`,
    report.widenedColumns.length > 0 && `wider type: ${someOf(report.widenedColumns)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}
