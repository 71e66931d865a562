/**
 * Databases merged into a file: worked out in a copy beside the output, which then takes its place in one step, or, where a
 * program may have the output open, brought into it by SQL.
 */
import { closeSync, copyFileSync, existsSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { nearestWord } from "../../config/nearest.ts";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { plainMode, setMode } from "../../platform/files.ts";
import { firstBytes } from "../../platform/hashing.ts";
import { type Database, foldName, openDatabase } from "../../platform/sqlite.ts";
import { bringInRows } from "../../results/bring-in.ts";
import { copyDatabase, settle } from "../../results/copy.ts";
import { besideOf, discard, putInPlace } from "../beside.ts";
import { isBookkeeping, mergeInto } from "./merge-into.ts";
import { mergeRecorded } from "./row-sources.ts";
import { readTables } from "./tables.ts";
import type { MergeRules, MergeSource, SourceReport, TableReport } from "./types.ts";

export interface FilesMerge {
  /** Absolute path; only read, unless it is the output. Null: the first source is where it begins. */
  base: string | null;
  /** It is an object of the cache. */
  baseIsStored?: boolean;
  sources: readonly MergeSource[];
  output: string;
  rules: MergeRules;
  /** An object whose rows the base should have and may lack: they are brought in first. */
  lacking?: string | undefined;
  /** In which folder, and beside which name, it is worked out when the output is changed in place (default: beside the output). */
  workplace?: string | undefined;
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
  const workplace = inPlace ? (merge.workplace ?? output) : output;
  const laterWins = rules.onConflict === "theirs" || rules.rebase !== undefined;
  const sources = laterWins ? [...merge.sources] : [...merge.sources].sort((one, other) => (one.name < other.name ? -1 : 1));
  const first = base === null ? sources.shift() : undefined;
  const start = base ?? first?.path;
  if (start === undefined)
    throw new ExpverError("E_USAGE", "there is nothing to merge", { hint: "expver merge A.db B.db --output-db C.db" });
  const temporary = besideOf(workplace, "merged");
  const before = inPlace ? besideOf(workplace, "before") : null;
  try {
    const isStored = base === null ? first?.stored : merge.baseIsStored;
    if (isStored) copyFileSync(start, temporary);
    else copyDatabase(start, temporary);
    // An object's mode says nothing of who may write what is made of it.
    setMode(temporary, isStored ? plainMode() : statSync(start).mode | 0o200);
    if (before !== null) copyFileSync(temporary, before);
    const isWal = walByHeader(!inPlace && existsSync(output) ? output : temporary);
    const reports = mergeAll(temporary, sources, merge);
    if (isWal) setWal(temporary);
    return { merge, temporary, before, reports };
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
      clearJournals(merge.output);
      putInPlace(temporary, merge.output);
    }
  } catch (error) {
    throw fromSystemError(error, `cannot write ${merge.output}`);
  } finally {
    discardMerge(prepared);
  }
}

/** What a killed program left beside the old file would be played into the new one. */
function clearJournals(output: string): void {
  const journals = ["-wal", "-shm", "-journal"].map((end) => output + end);
  if (!journals.some((path) => existsSync(path))) return;
  settle(output);
  for (const path of journals) rmSync(path, { force: true });
}

/** Removes what a merge that is not wanted has left. */
export function discardMerge({ temporary, before }: Pick<PreparedMerge, "temporary" | "before">): void {
  discard(temporary);
  discard(before);
}

/** Whether the table, or anything in it, is other than before. */
export function changesTable(report: TableReport): boolean {
  const { inserted, removed, replaced, resolved, filled, updated, addedColumns, widenedColumns } = report;
  const lists = [Object.keys(filled), Object.keys(updated), addedColumns, widenedColumns];
  return inserted + removed + replaced + resolved > 0 || lists.some((list) => list.length > 0);
}

/** Read and write versions in a database's header: how whoever opens it next keeps its journal. */
const WAL = 2;
const VERSIONS_AT = 18;

/** A look at a file of our own, or one that nobody has open: SQLite would make a `-wal` beside it. */
function walByHeader(path: string): boolean {
  return firstBytes(path, VERSIONS_AT + 2)[VERSIONS_AT] === WAL;
}

/** Of a whole file that nobody has open: the next one to open it makes its `-wal`. */
function setWal(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    writeSync(descriptor, Buffer.from([WAL, WAL]), 0, 2, VERSIONS_AT);
  } finally {
    closeSync(descriptor);
  }
}

function mergeAll(path: string, sources: readonly MergeSource[], { rules, lacking }: FilesMerge): SourceReport[] {
  const db = openDatabase(path);
  try {
    // Nobody else sees this file, and it is synced as a whole.
    db.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    if (lacking !== undefined) bringInRows(db, lacking);
    const reports = sources.map((source) => {
      const { origin } = source;
      return origin === undefined ? mergeInto(db, source, rules) : mergeRecorded(db, { ...source, origin }, rules);
    });
    requireTables(db, rules);
    return reports;
  } finally {
    db.close();
  }
}

/** A table that neither the base nor any source has is a slip of the pen: "everything is there already" would be untrue. */
function requireTables(db: Database, { tables }: MergeRules): void {
  if (tables === undefined) return;
  const there = readTables(db, "main");
  const missing = tables.find((table) => !there.has(foldName(table)));
  if (missing === undefined) return;
  const known = [...there.values()].map(({ name }) => name).filter((name) => !isBookkeeping(name));
  const nearest = nearestWord(missing, known) ?? (known.length === 1 ? known[0] : undefined);
  throw new ExpverError("E_NOT_FOUND", `no database of the merge has a table ${missing}; there are ${known.join(", ") || "none"}`, {
    hint: nearest === undefined ? "Name one of them, or none: all are merged then." : `--table ${nearest}`,
    details: { table: missing, known },
  });
}
