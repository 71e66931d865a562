/** Before anything is written to the results database: what the version in HEAD has and it lacks. */
import { existsSync } from "node:fs";
import type { Project } from "../../../config/project.ts";
import { moveToTrash } from "../../../journal/trash.ts";
import { bringInRows } from "../../../results/bring-in.ts";
import { withResults } from "./collect.ts";
import type { LackingRows } from "./lacking-rows.ts";
import { placeCopy } from "./mend-database.ts";

export function bringInLacking(project: Project, { object, wholeFile }: LackingRows, databaseFile: string): void {
  if (!wholeFile) {
    withResults(databaseFile, (db) => bringInRows(db, object));
    return;
  }
  // What SQLite kept beside a file that is gone would spoil the one that takes its place.
  for (const journal of ["-wal", "-shm", "-journal"].map((end) => databaseFile + end)) {
    if (existsSync(journal)) moveToTrash(project, journal);
  }
  placeCopy(object, databaseFile);
}
