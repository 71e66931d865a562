/** A program may remove or replace the database it was given: what was in it before must not go with it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { failedWith } from "../../../errors.ts";
import { moveToTrash, trashPlace } from "../../../journal/trash.ts";
import type { Context } from "../../../platform/context.ts";
import { copyFileAtomic, plainMode } from "../../../platform/files.ts";
import { bringInRuns, countEvents } from "../../../results/bring-in.ts";
import { openResults } from "../../../results/database.ts";
import { readRun } from "../../../results/runs.ts";
import { hasTable, RUNS_TABLE } from "../../../results/schema.ts";
import type { ClosingRun } from "../open-run.ts";

/** Where a run keeps the database as it was before the program's start. */
export function copyBefore(folder: string): string {
  return join(folder, "before.db");
}

/**
 * A database that is gone or unreadable becomes what it was before the start; one that the program made anew gets the
 * records of the runs again. Safe to repeat.
 */
export function mendDatabase(context: Context, run: ClosingRun): void {
  const { runId, folder, places, facts, save } = run;
  const copy = copyBefore(folder);
  const path = places.databaseFile;
  if (!existsSync(copy)) return;
  const state = stateOf(path, runId);
  if (state === "whole") return;
  if (state === "without run") {
    const db = openResults(path, { create: true });
    try {
      bringInRuns(db, copy);
    } finally {
      db.close();
    }
    return;
  }
  save({ closing: { ...facts().closing, rowsLost: countEvents(copy) } });
  const [kept] = ["", "-journal", "-wal", "-shm"].flatMap((end) => putAside(run, end));
  placeCopy(copy, path);
  const what = state === "gone" ? "removed it" : `left a file that is no database (now ${kept})`;
  context.report({ kind: "warning", text: `${places.database} is again what it was before the program, which ${what}` });
}

/** Writable whatever the original is; never over a file that is there. */
export function placeCopy(object: string, path: string): void {
  if (existsSync(path)) return;
  copyFileAtomic(object, path, { mode: plainMode() });
}

function stateOf(path: string, runId: string): "whole" | "without run" | "unreadable" | "gone" {
  if (!existsSync(path)) return "gone";
  try {
    const db = openResults(path, { readonly: true });
    try {
      return hasTable(db, RUNS_TABLE) && readRun(db, runId) !== null ? "whole" : "without run";
    } finally {
      db.close();
    }
  } catch (error) {
    if (failedWith(error, "E_DATABASE")) return "unreadable";
    throw error;
  }
}

/** Also what SQLite kept beside it: a journal of other bytes would spoil the copy. */
function putAside({ project, places, operation }: ClosingRun, end: string): string[] {
  const path = places.databaseFile + end;
  if (!existsSync(path)) return [];
  const trash = trashPlace(project, path);
  operation.note(`moved ${places.database}${end}`, trash);
  return [moveToTrash(project, path, trash)];
}
