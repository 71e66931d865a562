/** Reading, hashing and copying many small files, by several threads where there are many. What needs more than that is left to the caller. */
import type { FileIdentity } from "./file-stat.ts";
import type { Work } from "./pace.ts";
import { DIGITS, NUMBERS, type SmallOptions, type SmallTask, STATES, smallCopier } from "./small-copier.ts";
import { sharingWork } from "./threads.ts";

export interface SmallFile {
  /** Absolute. */
  path: string;
  /** Bytes. */
  size: number;
  /** Left when its bytes have another. All files of a call have one, or none has. */
  md5?: string;
  /** Where to make a copy: an absolute path that nothing has. The same holds. */
  to?: string;
}

type SmallState = (typeof STATES)[number];

/** By number of the file. */
interface SmallAnswers {
  /**
   * "left": too large, changed, or anything that is not as it should be; nothing was made. "there": a copy was needless. "twin":
   * another of these files has, or should have, made the same copy.
   */
  state(index: number): SmallState;
  md5(index: number): string;
  /** Of the copy that was made `to` a path. */
  stat(index: number): FileIdentity;
}

export function* copyingSmall(files: readonly SmallFile[], options: SmallOptions): Work<SmallAnswers> {
  const count = files.length;
  const md5s = files.flatMap(({ md5 }) => md5 ?? []);
  const paths = files.map(({ path }) => path);
  const some = files.flatMap((file) => file.to ?? []);
  const to = some.length > 0 ? some : null;
  const task: Omit<SmallTask, "paths" | "to"> = {
    kind: "copy",
    ...options,
    md5s: md5s.length > 0 ? md5s.join("") : null,
    sizes: new Float64Array(new SharedArrayBuffer(count * 8)),
    states: new Uint8Array(new SharedArrayBuffer(count)),
    digests: new Uint8Array(new SharedArrayBuffer(count * DIGITS)),
    stats: to !== null ? new Float64Array(new SharedArrayBuffer(count * NUMBERS * 8)) : null,
  };
  for (const [index, { size }] of files.entries()) task.sizes[index] = size;
  yield* sharingWork(() => ({ ...task, paths: paths.join("\0"), to: to?.join("\0") ?? null }), {
    kind: "copy",
    count,
    sizes: task.sizes,
    perform: smallCopier(task, { paths, to }),
  });
  const digests = Buffer.from(task.digests.buffer);
  return {
    state: (index) => STATES[task.states[index] as number] as SmallState,
    md5: (index) => digests.toString("latin1", index * DIGITS, index * DIGITS + DIGITS),
    stat(index) {
      const number = (column: number) => task.stats?.[index * NUMBERS + column] ?? 0;
      return { dev: number(0), ino: number(1), size: number(2), mtimeMs: number(3), ctimeMs: number(4) };
    },
  };
}
