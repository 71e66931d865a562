/** One small file after another, as any thread reads, hashes and copies it. */
import { closeSync, fchmodSync, fstatSync, lstatSync, openSync, unlinkSync } from "node:fs";
import type { FileIdentity } from "./file-stat.ts";
import { hasCode, writeAll } from "./files.ts";
import { md5Of, readSmall } from "./hashing.ts";

export interface SmallOptions {
  /** Files that begin with these bytes (as Latin-1) are left. */
  leave?: string | undefined;
  /** Copy under names made of the hash. */
  objects?: Objects;
  /** Mode of the copies, less the umask. */
  mode?: number;
  /** All of the mode. */
  exactMode?: boolean;
}

/** For each first two digits of a hash. */
export interface Objects {
  /** What stands before the other digits in the name of a copy. */
  waiting: string[];
  /** The same of files that make a copy needless when they have the size and mode; null: there are none. */
  there: (string | null)[];
}

/** The files as they go to a thread: a few long strings and shared memory. */
export interface SmallTask extends SmallOptions {
  kind: "copy";
  /** Absolute, NUL between them. */
  paths: string;
  /** 32 digits each: a file that has another is left. */
  md5s: string | null;
  /** Where to make copies: paths that nothing has. */
  to: string | null;
  sizes: Float64Array;
  states: Uint8Array;
  /** 32 digits each. */
  digests: Uint8Array;
  /** Of copies: device, inode, size, modification and change time. */
  stats: Float64Array | null;
}

export const DIGITS = 32;
export const NUMBERS = 5;
// What became of a file, and how a task says it.
export const STATES = ["left", "done", "there", "twin"] as const;
const [LEFT, DONE, THERE, TWIN] = [0, 1, 2, 3];

/** Does one file of a task by its number. */
export function smallCopier(
  task: Omit<SmallTask, "paths" | "to">,
  { paths, to }: { paths: readonly string[]; to: readonly string[] | null },
): (index: number) => void {
  const { md5s, sizes, states, stats, leave = "", objects, mode = 0o666, exactMode = false } = task;
  const digests = Buffer.from(task.digests.buffer);
  const made = new Set<string>();
  const copy = (bytes: Buffer, path: string, index: number) => {
    const descriptor = openSync(path, "wx", mode);
    try {
      writeAll(descriptor, bytes);
      if (exactMode) fchmodSync(descriptor, mode);
      if (stats !== null) keepStat(stats, index, fstatSync(descriptor));
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(descriptor);
    }
  };
  const store = (bytes: Buffer, md5: string, places: Objects): number => {
    const standing = places.there[shardOf(md5)] ?? null;
    const stat = standing === null ? undefined : lstatSync(standing + md5.slice(2), { throwIfNoEntry: false });
    if (stat !== undefined) return stat.isFile() && stat.size === bytes.length && (stat.mode & 0o777) === mode ? THERE : LEFT;
    if (made.has(md5)) return TWIN;
    try {
      copy(bytes, nameOfCopy(places, md5), 0);
      return DONE;
    } catch (error) {
      if (hasCode(error, "EEXIST")) return TWIN;
      throw error;
    } finally {
      made.add(md5);
    }
  };
  const perform = (index: number): number => {
    const bytes = readSmall(paths[index] as string, sizes[index] as number);
    if (bytes === null || (leave !== "" && bytes.toString("latin1", 0, leave.length) === leave)) return LEFT;
    const md5 = md5Of(bytes);
    digests.write(md5, index * DIGITS, "latin1");
    if (md5s !== null && md5s.slice(index * DIGITS, index * DIGITS + DIGITS) !== md5) return LEFT;
    if (objects) return store(bytes, md5, objects);
    if (to) copy(bytes, to[index] as string, index);
    return DONE;
  };
  return (index) => {
    try {
      states[index] = perform(index);
    } catch {
      // It stays left: the caller tries again by itself, and says what is wrong.
    }
  };
}

/** What a copy is called. */
export function nameOfCopy({ waiting }: Objects, md5: string): string {
  return waiting[shardOf(md5)] + md5.slice(2);
}

function shardOf(md5: string): number {
  return Number.parseInt(md5.slice(0, 2), 16);
}

function keepStat(stats: Float64Array, index: number, { dev, ino, size, mtimeMs, ctimeMs }: FileIdentity): void {
  stats.set([dev, ino, size, mtimeMs, ctimeMs], index * NUMBERS);
}
