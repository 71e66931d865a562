/** Reading, hashing and copying many files, by several threads where that is much work. What needs more than that is left to the caller. */
import { type CopyOptions, type CopyTask, DIGITS, fileCopier, NUMBERS, STATES } from "./file-copier.ts";
import type { FileIdentity } from "./file-stat.ts";
import { isSmall } from "./hashing.ts";
import type { Work } from "./pace.ts";
import { sharingWork } from "./threads.ts";

export interface OneOfMany {
  /** Absolute; none where all are objects of `shards`. */
  path?: string;
  /** Bytes; negative: about so many, of a small file. */
  size: number;
  /** Left when its bytes have another. All files of a call have one, or none has. */
  md5?: string;
  /** Where to make a copy: an absolute path that nothing has. The same holds. */
  to?: string;
}

type CopyState = (typeof STATES)[number];

/** By number of the file. */
interface CopyAnswers {
  /**
   * "left": changed, or anything that is not as it should be; nothing was made. "there": a copy was needless. "twin": another of
   * these files has, or should have, made the same copy.
   */
  state(index: number): CopyState;
  md5(index: number): string;
  /** Of the copy that was made `to` a path. */
  stat(index: number): FileIdentity;
}

export function* copyingMany(files: readonly OneOfMany[], options: CopyOptions): Work<CopyAnswers> {
  const count = files.length;
  const { inOrder, placeOf, large } = largestFirst(files);
  const first = inOrder[0];
  const md5s = first?.md5 === undefined ? null : inOrder.map(({ md5 }) => md5).join("");
  const paths = first?.path === undefined ? [] : inOrder.map(({ path }) => path as string);
  const to = first?.to === undefined ? null : inOrder.map((file) => file.to as string);
  const task: Omit<CopyTask, "paths" | "to"> = {
    kind: "copy",
    ...options,
    md5s,
    sizes: new Float64Array(new SharedArrayBuffer(count * 8)),
    states: new Uint8Array(new SharedArrayBuffer(count)),
    digests: new Uint8Array(new SharedArrayBuffer(count * DIGITS)),
    stats: to !== null ? new Float64Array(new SharedArrayBuffer(count * NUMBERS * 8)) : null,
  };
  for (const [index, { size }] of inOrder.entries()) task.sizes[index] = size;
  yield* sharingWork(() => ({ ...task, paths: paths.join("\0"), to: to?.join("\0") ?? null }), {
    kind: "copy",
    count,
    large,
    perform: fileCopier(task, { paths, to }),
  });
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
  inOrder: readonly OneOfMany[];
  /** Where the file with this number is in that order. */
  placeOf: (index: number) => number;
  large: { count: number; bytes: number };
}

/** Large files before small ones, the largest first: at the end no thread waits long for another. */
function largestFirst(files: readonly OneOfMany[]): Order {
  const large = files.flatMap(({ size }, index) => (isSmall(size) ? [] : [index]));
  if (large.length === 0) return { inOrder: files, placeOf: (index) => index, large: { count: 0, bytes: 0 } };
  const sizeOf = (index: number) => (files[index] as OneOfMany).size;
  const small = files.flatMap(({ size }, index) => (isSmall(size) ? [index] : []));
  const order = [...large.sort((one, other) => sizeOf(other) - sizeOf(one)), ...small];
  const places = new Uint32Array(files.length);
  for (const [place, index] of order.entries()) places[index] = place;
  return {
    inOrder: order.map((index) => files[index] as OneOfMany),
    placeOf: (index) => places[index] as number,
    large: { count: large.length, bytes: large.reduce((sum, index) => sum + sizeOf(index), 0) },
  };
}
