/** Before anything is written to the results database: what the version in HEAD has and it lacks. */
import { bringInRows } from "../../results/bring-in.ts";
import { withResults } from "./collect.ts";
import type { LackingRows } from "./lacking-rows.ts";
import { placeCopy } from "./mend-database.ts";

export function bringInLacking({ object, wholeFile }: LackingRows, databaseFile: string): void {
  if (wholeFile) placeCopy(object, databaseFile);
  else withResults(databaseFile, (db) => bringInRows(db, object));
}
