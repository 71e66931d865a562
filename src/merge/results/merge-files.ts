/**
 * Databases merged into a file: worked out in a copy beside the output, which then takes its place in one step, or, where a
 * program may have the output open, brought into it by SQL.
 */
import { chmodSync, copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { syncFolder } from "../../platform/files.ts";
import { isAlive } from "../../platform/processes.ts";
import { openDatabase } from "../../platform/sqlite.ts";
import { syncFiles } from "../../platform/sync.ts";
import { copyDatabase } from "../../results/copy.ts";
import { mergeInto } from "./merge-into.ts";
import type { MergeRules, MergeSource, SourceReport, TableReport } from "./types.ts";

export interface FilesMerge {
  /** Absolute path; only read, unless it is the output. Null: the first source is where it begins. */
  base: string | null;
  sources: readonly MergeSource[];
  output: string;
  rules: MergeRules;
  /** The output is changed by SQL, never replaced: a program may have it open. */
  inPlace: boolean;
}

/** A finished merge that nobody sees yet. */
export interface PreparedMerge {
  merge: FilesMerge;
  /** The merged database. */
  temporary: string;
  /** What the output was when the merge was made; only when it is changed in place. */
  before: string | null;
  reports: SourceReport[];
}

/**
 * Merges into a temporary file beside the output. In the order given when a later source is to win, else by name, so that the
 * order does not matter. Throws as `mergeInto`, with nothing left behind.
 */
export function prepareMerge(merge: FilesMerge): PreparedMerge {
  const { base, output, rules, inPlace } = merge;
  removeLeftovers(output);
  const laterWins = rules.onConflict === "theirs" || rules.rebase !== undefined;
  const sources = laterWins ? [...merge.sources] : [...merge.sources].sort((one, other) => (one.name < other.name ? -1 : 1));
  const first = base === null ? sources.shift() : undefined;
  const start = base ?? first?.path;
  if (start === undefined)
    throw new ExpverError("E_USAGE", "there is nothing to merge", { hint: "expver merge A.db B.db --output-db C.db" });
  const temporary = temporaryOf(output, "merged");
  const before = inPlace ? temporaryOf(output, "before") : null;
  process.once("exit", () => discardMerge({ temporary, before }));
  try {
    copyDatabase(start, temporary);
    chmodSync(temporary, statSync(start).mode | 0o200);
    if (before !== null) copyFileSync(temporary, before);
    return { merge, temporary, before, reports: mergeAll(temporary, sources, rules) };
  } catch (error) {
    discardMerge({ temporary, before });
    throw fromSystemError(error, `cannot merge beside ${output}`);
  }
}

/** Puts the merged database in its place, durably. Throws E_CONFLICT when a program has written to the same cells meanwhile. */
export function commitMerge(prepared: PreparedMerge): void {
  const { merge, temporary, before } = prepared;
  try {
    if (before !== null) {
      const db = openDatabase(merge.output);
      try {
        mergeInto(db, { path: temporary, name: "the merged database", ancestor: before });
      } finally {
        db.close();
      }
    } else {
      syncFiles([temporary]);
      renameSync(temporary, merge.output);
      syncFolder(dirname(merge.output));
    }
  } catch (error) {
    throw fromSystemError(error, `cannot write ${merge.output}`);
  } finally {
    discardMerge(prepared);
  }
}

/** Removes what a merge that is not wanted has left. */
export function discardMerge({ temporary, before }: Pick<PreparedMerge, "temporary" | "before">): void {
  for (const path of [temporary, before]) if (path !== null) rmSync(path, { force: true });
}

/** Whether the table, or anything in it, is other than before. */
export function changesTable(report: TableReport): boolean {
  const { inserted, removed, replaced, resolved, filled, updated, addedColumns, widenedColumns } = report;
  const lists = [Object.keys(filled), Object.keys(updated), addedColumns, widenedColumns];
  return inserted + removed + replaced + resolved > 0 || lists.some((list) => list.length > 0);
}

function mergeAll(path: string, sources: readonly MergeSource[], rules: MergeRules): SourceReport[] {
  const db = openDatabase(path);
  try {
    // Nobody else sees this file, and it is synced as a whole.
    db.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    return sources.map((source) => mergeInto(db, source, rules));
  } finally {
    db.close();
  }
}

function temporaryOf(output: string, word: string): string {
  return join(dirname(output), `.${basename(output)}.${process.pid}.${word}.tmp`);
}

/** Of merges that were killed. */
function removeLeftovers(output: string): void {
  if (!existsSync(dirname(output))) {
    throw new ExpverError("E_NOT_FOUND", `there is no folder ${dirname(output)} for the merged database`, { details: { path: output } });
  }
  const start = `.${basename(output)}.`;
  for (const name of readdirSync(dirname(output))) {
    const [, pid] = name.startsWith(start) ? (/^(\d+)\.(?:merged|before)\.tmp(?:-journal)?$/.exec(name.slice(start.length)) ?? []) : [];
    if (pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)))) rmSync(join(dirname(output), name), { force: true });
  }
}
