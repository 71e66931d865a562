/** Reading, hashing and copying many files, by several threads where that is much work. What needs more than that is left to the caller. */

import type { FileIdentity } from "../file-stat.ts";
import { isSmall } from "../hashing.ts";
import type { Work } from "../pace.ts";
import { type CopyOptions, type CopyTask, DIGITS, fileCopier, NUMBERS, STATES } from "./file-copier.ts";
import { shareTexts } from "./shared-texts.ts";
import { sharingWork } from "./threads.ts";

/** By number of the file. */
export interface ManyFiles {
  count: number;
  /** Bytes; negative: about so many, of a small file. */
  size: (index: number) => number;
  /** Absolute; none where all are objects of `shards`. */
  path?: (index: number) => string;
  /** A file is left when its bytes have another. */
  md5?: (index: number) => string;
  /** Where to make a copy: an absolute path, or one in `into`, that nothing has. */
  to?: (index: number) => string;
}

type CopyState = (typeof STATES)[number];

/** By number of the file. */
export interface CopyAnswers {
  /**
   * "left": changed, or anything that is not as it should be; nothing was made. "there": a copy was needless. "twin": another of
   * these files has, or should have, made the same copy.
   */
  state(index: number): CopyState;
  md5(index: number): string;
  /** Of the copy that was made `to` a path. */
  stat(index: number): FileIdentity;
}

/** `brokenOff` is told what was done until then. */
export function* copyingMany(
  { count, size, path, md5, to }: ManyFiles,
  options: CopyOptions,
  brokenOff: (answers: CopyAnswers) => void = () => undefined,
): Work<CopyAnswers> {
  const { numberAt, placeOf, large } = largestFirst(count, size);
  const share = (text: (index: number) => string) => shareTexts(count, (place) => text(numberAt(place)));
  const task: CopyTask = {
    kind: "copy",
    ...options,
    paths: path === undefined ? null : share(path),
    to: to === undefined ? null : share(to),
    sizes: new Float64Array(new SharedArrayBuffer(count * 8)),
    states: new Uint8Array(new SharedArrayBuffer(count)),
    digests: new Uint8Array(new SharedArrayBuffer(count * DIGITS)),
    hasDigests: md5 !== undefined,
    stats: to !== undefined ? new Float64Array(new SharedArrayBuffer(count * NUMBERS * 8)) : null,
  };
  const known = Buffer.from(task.digests.buffer);
  for (let place = 0; place < count; place += 1) {
    task.sizes[place] = size(numberAt(place));
    if (md5 !== undefined) known.write(md5(numberAt(place)), place * DIGITS, "latin1");
  }
  try {
    yield* sharingWork(() => task, { kind: "copy", count, large, perform: fileCopier(task) });
  } catch (error) {
    brokenOff(answersOf(task, placeOf));
    throw error;
  }
  return answersOf(task, placeOf);
}

function answersOf(task: CopyTask, placeOf: Order["placeOf"]): CopyAnswers {
  const digests = Buffer.from(task.digests.buffer).toString("latin1");
  return {
    state: (index) => STATES[task.states[placeOf(index)] as number] as CopyState,
    md5(index) {
      const at = placeOf(index) * DIGITS;
      return digests.slice(at, at + DIGITS);
    },
    stat(index) {
      const number = (column: number) => task.stats?.[placeOf(index) * NUMBERS + column] ?? 0;
      return { dev: number(0), ino: number(1), size: number(2), mtimeMs: number(3), ctimeMs: number(4) };
    },
  };
}

interface Order {
  /** Which file is where in that order. */
  numberAt: (place: number) => number;
  /** Where the file with this number is. */
  placeOf: (index: number) => number;
  large: { count: number; bytes: number };
}

/** Large files before small ones, the largest first: at the end no thread waits long for another. */
function largestFirst(count: number, size: (index: number) => number): Order {
  const [large, small]: [number[], number[]] = [[], []];
  for (let index = 0; index < count; index += 1) (isSmall(size(index)) ? small : large).push(index);
  if (large.length === 0) return { numberAt: (place) => place, placeOf: (index) => index, large: { count: 0, bytes: 0 } };
  const order = [...large.sort((one, other) => size(other) - size(one)), ...small];
  const places = new Uint32Array(count);
  for (const [place, index] of order.entries()) places[index] = place;
  return {
    numberAt: (place) => order[place] as number,
    placeOf: (index) => places[index] as number,
    large: { count: large.length, bytes: large.reduce((sum, index) => sum + size(index), 0) },
  };
}
