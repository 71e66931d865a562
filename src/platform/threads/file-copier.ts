/** One file after another, as any thread reads, hashes and copies it. */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, lstatSync, openSync, readSync, renameSync, unlinkSync } from "node:fs";
import type { FileIdentity } from "../file-stat.ts";
import { hasCode, setMode, writeAll } from "../files.ts";
import { isSmall, md5Of, readSmall } from "../hashing.ts";
import { tryReflink } from "../links.ts";
import type { Perform } from "./pieces.ts";
import { readerOf, type SharedTexts } from "./shared-texts.ts";

export interface CopyOptions {
  /** The files are here, under names made of their MD5s. */
  shards?: string;
  /** Paths of copies are relative to this folder. */
  into?: string;
  /** Files that begin with these bytes (as Latin-1) are left. */
  leave?: string | undefined;
  /** Copy under names made of the hash. */
  objects?: Objects;
  /** Mode of the copies, less the umask. */
  mode?: number;
  /** All of the mode. */
  exactMode?: boolean;
  /** Nobody asks for MD5s: they stay empty. */
  unhashed?: boolean;
  /** Large files are cloned where the file system can; a copy under a name made of its hash always is. */
  clone?: boolean;
}

/** For each first two digits of a hash. */
export interface Objects {
  /** What stands before the other digits in the name of a copy. */
  waiting: string[];
  /** The same of files that make a copy needless when they have the size and mode; null: there are none. */
  there: (string | null)[];
  /** What stands before a number in the name of a copy whose hash is not known yet; on the same file system. */
  unnamed: string;
}

/** The files as they go to a thread: shared memory. */
export interface CopyTask extends CopyOptions {
  kind: "copy";
  /** Absolute; null where they are in `shards`. */
  paths: SharedTexts | null;
  /** Where to make copies. */
  to: SharedTexts | null;
  sizes: Float64Array;
  states: Uint8Array;
  /** 32 digits each. */
  digests: Uint8Array;
  /** They are known: a file that has another is left. */
  hasDigests: boolean;
  /** Of copies: device, inode, size, modification and change time. */
  stats: Float64Array | null;
}

export const DIGITS = 32;
export const NUMBERS = 5;
// What became of a file, and how a task says it.
export const STATES = ["left", "done", "there", "twin"] as const;
const [LEFT, DONE, THERE, TWIN] = [0, 1, 2, 3];
const STEP = 2 ** 20;

/** Does one file of a task by its number. */
export function fileCopier(task: CopyTask): Perform {
  const { shards, into, sizes, states, stats, hasDigests, leave = "", objects, mode = 0o666, exactMode = false, unhashed = false } = task;
  const sourceOf = task.paths && readerOf(task.paths);
  const nameOf = task.to && readerOf(task.to);
  const targetOf = nameOf && into !== undefined ? (index: number) => `${into}/${nameOf(index)}` : nameOf;
  const digests = Buffer.from(task.digests.buffer);
  const made = new Set<string>();
  let reflinks = task.clone ?? objects !== undefined;
  let buffer: Buffer | null = null;

  const digits = (index: number, from = 0, to = DIGITS) => digests.toString("latin1", index * DIGITS + from, index * DIGITS + to);
  const pathOf = (index: number) => sourceOf?.(index) ?? `${shards}/${digits(index, 0, 2)}/${digits(index, 2)}`;
  const isLeft = (beginning: Buffer) => leave !== "" && beginning.toString("latin1", 0, leave.length) === leave;
  /** False when it has another than it should. */
  const learn = (index: number, md5: string) => {
    if (hasDigests) return digits(index) === md5;
    digests.write(md5, index * DIGITS, "latin1");
    return true;
  };
  const finish = (descriptor: number, index: number, isClone = false) => {
    // A clone has the mode of what it was cloned from.
    if (exactMode) setMode(descriptor, mode);
    else if (isClone) setMode(descriptor, mode & ~process.umask());
    if (stats !== null) keepStat(stats, index, fstatSync(descriptor));
  };
  const copy = (bytes: Buffer, path: string, index: number) => {
    const descriptor = openSync(path, "wx", mode);
    try {
      writeAll(descriptor, bytes);
      finish(descriptor, index);
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(descriptor);
    }
  };
  /** Null: there is none yet. */
  const standing = (md5: string, size: number, places: Objects): number | null => {
    const place = places.there[shardOf(md5)] ?? null;
    const stat = place === null ? undefined : lstatSync(place + md5.slice(2), { throwIfNoEntry: false });
    if (stat !== undefined) return stat.isFile() && stat.size === size && (stat.mode & 0o777) === mode ? THERE : LEFT;
    return made.has(md5) ? TWIN : null;
  };
  const store = (bytes: Buffer, md5: string, places: Objects): number => {
    const known = standing(md5, bytes.length, places);
    if (known !== null) return known;
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
  const small = (index: number): number => {
    const bytes = readSmall(pathOf(index), sizes[index] as number);
    if (bytes === null || isLeft(bytes)) return LEFT;
    const md5 = unhashed ? "" : md5Of(bytes);
    if (!learn(index, md5)) return LEFT;
    if (objects) return store(bytes, md5, objects);
    if (targetOf) copy(bytes, targetOf(index), index);
    return DONE;
  };

  /** Answers the MD5 of a file of this size; null when it has another size by now, or is one to leave. Writes what it reads. */
  function* reading(path: string, size: number, copyTo: number | null): Generator<number, string | null> {
    buffer ??= Buffer.allocUnsafeSlow(STEP);
    const hash = unhashed ? null : createHash("md5");
    const descriptor = openSync(path, "r");
    try {
      let read = 0;
      for (;;) {
        const count = readSync(descriptor, buffer, 0, STEP, null);
        if (count === 0) return read === size ? (hash?.digest("hex") ?? "") : null;
        const bytes = buffer.subarray(0, count);
        if (read === 0 && isLeft(bytes)) return null;
        hash?.update(bytes);
        if (copyTo !== null) writeAll(copyTo, bytes);
        read += count;
        yield count;
      }
    } finally {
      closeSync(descriptor);
    }
  }
  /** Nobody reads it: null when it has another size than it had. */
  const seen = (descriptor: number, size: number) => (fstatSync(descriptor).size === size ? "" : null);
  /** The copy is gone again when it is not what it should be, and when work ends before it is whole. */
  function* copying(index: number, target: string): Generator<number, string | null> {
    const [path, size] = [pathOf(index), sizes[index] as number];
    const isClone = reflinks && tryReflink(path, target);
    reflinks = isClone;
    const descriptor = openSync(target, isClone ? "r" : "wx", mode);
    let md5: string | null = null;
    try {
      const found =
        isClone && unhashed ? seen(descriptor, size) : yield* reading(isClone ? target : path, size, isClone ? null : descriptor);
      if (found === null || !learn(index, found)) return null;
      finish(descriptor, index, isClone);
      md5 = found;
      return md5;
    } finally {
      closeSync(descriptor);
      if (md5 === null) unlinkSync(target);
    }
  }
  function* storing(index: number, places: Objects): Generator<number, number> {
    const unnamed = places.unnamed + index;
    const md5 = yield* copying(index, unnamed);
    if (md5 === null) return LEFT;
    const known = standing(md5, sizes[index] as number, places);
    if (known === null) {
      made.add(md5);
      // What another thread has made of the same bytes is replaced by them.
      renameSync(unnamed, nameOfCopy(places, md5));
      return DONE;
    }
    unlinkSync(unnamed);
    return known;
  }
  function* large(index: number): Generator<number, number> {
    if (objects) return yield* storing(index, objects);
    if (targetOf) return (yield* copying(index, targetOf(index))) === null ? LEFT : DONE;
    const md5 = yield* reading(pathOf(index), sizes[index] as number, null);
    return md5 !== null && learn(index, md5) ? DONE : LEFT;
  }
  function* trying(index: number): Generator<number> {
    try {
      states[index] = yield* large(index);
    } catch {
      // It stays left: the caller tries again by itself, and says what is wrong.
    }
  }
  return (index) => {
    const size = sizes[index] as number;
    if (!isSmall(size)) return trying(index);
    try {
      states[index] = small(index);
    } catch {
      // The same.
    }
    return Math.abs(size);
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
