/** Whether a database can give way to another one. */
import { isFile } from "../../platform/files.ts";
import { firstBytes } from "../../platform/hashing.ts";
import { whoHasOpen } from "../../platform/open-files.ts";

const DATABASE = "SQLite format 3\0";

/** Why not, in words that follow its name: what is written to it would be lost, or be played into the one that takes its place. Null: it can. */
export function useOfDatabase(path: string): string | null {
  if (!isFile(path) || firstBytes(path, DATABASE.length).toString("latin1") !== DATABASE) return null;
  if ((whoHasOpen(path) ?? []).length > 0) return "is open in a process";
  // One that is empty, or begins with zeros, is done with.
  const left = ["-wal", "-journal"].find((end) => isFile(path + end) && (firstBytes(path + end, 1)[0] ?? 0) !== 0);
  return left === undefined ? null : `has what a killed program left in its ${left}`;
}
