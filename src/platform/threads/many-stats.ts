/** The status of many files, by several threads where there are many. */
import { lstatSync } from "node:fs";
import { type FileStat, MODE, putStat, SIZE, STAT_NUMBERS, statAt } from "../file-stat.ts";
import type { Work } from "../pace.ts";
import { shareTexts } from "./shared-texts.ts";
import { NOTHING, type StatTask, statTaker } from "./stat-task.ts";
import { sharingWork } from "./threads.ts";

/** By number of the path. Links are not followed. */
export interface StatAnswers {
  /** Null: there is nothing. */
  mode(index: number): number | null;
  size(index: number): number;
  stat(index: number): FileStat;
}

/** Paths are absolute, and made when they are needed: most of their cost is to keep them. Counts as no progress. */
export function* takingStats(count: number, pathOf: (index: number) => string): Work<StatAnswers> {
  const numbers = new Float64Array(new SharedArrayBuffer(count * STAT_NUMBERS * 8));
  const taskFor = (): StatTask => ({ kind: "stat", paths: shareTexts(count, pathOf), numbers });
  yield* sharingWork(taskFor, { kind: "stat", count, perform: statTaker(pathOf, numbers) });
  const modeOf = (index: number) => numbers[index * STAT_NUMBERS + MODE] as number;
  for (let index = 0; index < count; index += 1) {
    if (modeOf(index) !== 0) continue;
    const stat = lstatSync(pathOf(index), { throwIfNoEntry: false });
    if (stat === undefined) numbers[index * STAT_NUMBERS + MODE] = NOTHING;
    else putStat(numbers, index, stat);
  }
  return {
    mode: (index) => (modeOf(index) === NOTHING ? null : modeOf(index)),
    size: (index) => numbers[index * STAT_NUMBERS + SIZE] as number,
    stat: (index) => statAt(numbers, index),
  };
}
