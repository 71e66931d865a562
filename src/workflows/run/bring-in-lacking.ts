/** Before anything is written to the results database: what the version in HEAD has and it lacks. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { bringInRows } from "../../results/bring-in.ts";
import { withResults } from "./collect.ts";
import type { LackingRows } from "./lacking-rows.ts";

export function bringInLacking({ object, wholeFile }: LackingRows, databaseFile: string): void {
  if (wholeFile) placeCopy(object, databaseFile);
  else withResults(databaseFile, (db) => bringInRows(db, object));
}

/** Writable whatever the object in the cache is. */
function placeCopy(object: string, path: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  copyFileSync(object, temporary);
  chmodSync(temporary, 0o644);
  renameSync(temporary, path);
}
