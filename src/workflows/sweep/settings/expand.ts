/** From what was typed to the settings of every run, in the order they are started. */
import { ExpverError } from "../../../errors.ts";
import { MOST_RUNS } from "./grid-values.ts";
import { drawSample, type Range } from "./ranges.ts";

export interface Space {
  /** Every combination of these values, texts as typed. */
  grid: [name: string, values: string[]][];
  /** Settings as they are; each is combined with the grid. */
  list: Record<string, string>[];
  ranges: [name: string, range: Range][];
  /** How many samples to draw from the ranges. */
  samples: number;
  /** Of the samples, and the first of the repetitions' seeds. */
  seed: string;
  /** How often each of them, with another `seed` each time. */
  repeat: number;
}

/** The parameter that repetitions differ in. */
export const SEED = "seed";

/** Throws E_USAGE for a name that is set twice, and for more runs than anybody means. */
export function expand(space: Space): Record<string, string>[] {
  const { grid, list, ranges, samples, seed, repeat } = space;
  refuseDoubles(space);
  const drawn = ranges.length === 0 ? 1 : samples;
  const count = grid.reduce((product, [, values]) => product * values.length, Math.max(1, list.length) * drawn * repeat);
  if (count > MOST_RUNS) throw new ExpverError("E_USAGE", `that would be ${count} runs; ${MOST_RUNS} are the most`, { details: { count } });
  const listed = list.length === 0 ? [{}] : list;
  const combined = grid.reduce<Record<string, string>[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    listed,
  );
  const sampled = combined.flatMap((one) =>
    Array.from({ length: drawn }, (_, sample) => ({
      ...one,
      ...Object.fromEntries(ranges.map(([name, range]) => [name, drawSample(name, range, { seed, sample })])),
    })),
  );
  if (repeat === 1) return sampled;
  const first = BigInt(seed);
  return sampled.flatMap((one) => Array.from({ length: repeat }, (_, index) => ({ ...one, [SEED]: String(first + BigInt(index)) })));
}

function refuseDoubles({ grid, list, ranges, repeat }: Space): void {
  const names = [
    ...grid.map(([name]) => name),
    ...new Set(list.flatMap((one) => Object.keys(one))),
    ...ranges.map(([name]) => name),
    ...(repeat > 1 ? [SEED] : []),
  ];
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double === undefined) return;
  const why = double === SEED && repeat > 1 ? " (--repeat sets it)" : "";
  throw new ExpverError("E_USAGE", `${double} is set in two ways${why}`, { hint: "Name each parameter once.", details: { name: double } });
}
