/** Which of several settings is the best: one without some of the runs it was to have may owe its mean to just those. */
import type { Direction } from "../config/config.ts";
import { compareMetric } from "./metrics.ts";

export interface MeasuredSetting {
  /** Of the runs that have a number. */
  mean: string | null;
  /** How many those are, and how many there were to be. */
  counted: number;
  asked: number;
}

/** Best first: those with every run by their means; then the others, those with most runs first. */
export function compareSettings(one: MeasuredSetting, other: MeasuredSetting, direction: Direction): number {
  const [lacks, otherLacks] = [one.counted < one.asked, other.counted < other.asked];
  if (lacks !== otherLacks) return lacks ? 1 : -1;
  const more = lacks ? other.counted - one.counted : 0;
  return more || compareMetric(one.mean ?? undefined, other.mean ?? undefined, direction);
}
