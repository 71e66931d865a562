/** One file's status after another, as any thread takes them. */
import { lstatSync } from "node:fs";
import { MODE, putStat, STAT_NUMBERS } from "../file-stat.ts";
import type { SharedTexts } from "./shared-texts.ts";

/** The files as they go to a thread. */
export interface StatTask {
  kind: "stat";
  /** Absolute. */
  paths: SharedTexts;
  /** For each file the numbers of its status. */
  numbers: Float64Array;
}

/** As a mode: there is nothing. 0 is what nobody could look at. */
export const NOTHING = -1;

const QUIETLY = { throwIfNoEntry: false } as const;

export function statTaker(pathOf: (index: number) => string, numbers: Float64Array): (index: number) => number {
  return (index) => {
    try {
      const stat = lstatSync(pathOf(index), QUIETLY);
      if (stat === undefined) numbers[index * STAT_NUMBERS + MODE] = NOTHING;
      else putStat(numbers, index, stat);
    } catch {
      // The caller looks again by itself, and says what is wrong.
    }
    return 0;
  };
}
