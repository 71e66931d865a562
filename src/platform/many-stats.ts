/** The status of many files, by several threads where there are many. */
import { lstatSync } from "node:fs";
import { type FileStat, fileStat } from "./file-stat.ts";
import type { Work } from "./pace.ts";
import { COLUMNS, MODE, NOTHING, type StatTask, statTaker } from "./stat-task.ts";
import { sharingWork } from "./threads.ts";

/** By number of the path; null: there is nothing. Links are not followed. Counts as no progress. */
export type StatAnswers = (index: number) => FileStat | null;

/** All paths are absolute. */
export function* takingStats(paths: readonly string[]): Work<StatAnswers> {
  const task: StatTask = {
    kind: "stat",
    paths: paths.join("\0"),
    numbers: new Float64Array(new SharedArrayBuffer(paths.length * COLUMNS * 8)),
  };
  yield* sharingWork(task, { count: paths.length, sizes: null, perform: statTaker(task) });
  const { numbers } = task;
  return (index) => {
    const at = index * COLUMNS;
    const number = (column: number) => numbers[at + column] as number;
    if (number(MODE) === NOTHING) return null;
    if (number(MODE) === 0) {
      const stat = lstatSync(paths[index] as string, { throwIfNoEntry: false });
      return stat === undefined ? null : fileStat(stat);
    }
    return {
      dev: number(0),
      ino: number(1),
      mode: number(MODE),
      nlink: number(3),
      size: number(4),
      mtimeMs: number(5),
      ctimeMs: number(6),
    };
  };
}
