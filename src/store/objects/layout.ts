/**
 * DVC 3's layout of objects, the same in a cache and in a folder remote. Mode 0444 under an object's name means "these bytes
 * were verified", to DVC and to us.
 */
import { constants, lstatSync, readFileSync } from "node:fs";
import { ExpverError, failedWith, fromSystemError } from "../../errors.ts";
import { isMissing, makeFolders, setMode } from "../../platform/files.ts";
import { md5Of, md5OfFile } from "../../platform/hashing.ts";
import { batchesOf, finishWork, type Work } from "../../platform/pace.ts";
import { type StatAnswers, takingStats } from "../../platform/threads/many-stats.ts";
import type { HashName, ListingEntry } from "../types.ts";
import { parsingListing } from "./listing.ts";

export interface ObjectName {
  /** `32 hex` or `32 hex.dir`. */
  hash: string;
  hashName: HashName;
}

/** A folder of objects. */
export interface ObjectFolder {
  /** Absolute. */
  readonly dir: string;
  /** `shared = group`: folders are made 02775. */
  readonly shared: boolean;
}

const VERIFIED_MODE = 0o444;
const SHARED_FOLDER_MODE = 0o2775;

/** Where an object is, or would be. */
export function objectPath(dir: string, { hash, hashName }: ObjectName): string {
  return `${shardPath(dir, { hash, hashName })}/${hash.slice(2)}`;
}

export function shardPath(dir: string, { hash, hashName }: ObjectName): string {
  return `${shardsFolder(dir, hashName)}/${hash.slice(0, 2)}`;
}

/** An object there: its path is made whenever it is asked for. Kept for a million of them, paths are a fourth of a command's memory. */
export class ObjectThere {
  readonly object: ObjectName;
  /** Bytes. */
  readonly size: number;
  readonly #dir: string;

  constructor(dir: string, object: ObjectName, size: number) {
    this.#dir = dir;
    this.object = object;
    this.size = size;
  }

  /** Absolute. */
  get from(): string {
    return objectPath(this.#dir, this.object);
  }
}

/** The folder of the shards. */
export function shardsFolder(dir: string, hashName: HashName): string {
  return hashName === "md5" ? `${dir}/files/md5` : dir;
}

/**
 * Size in bytes of an object that may be relied on, or null. Only 0444 is trusted unread; other modes are hashed, and made
 * 0444 when right. A wrong one counts as missing, and stays until good bytes replace it.
 */
export function trustedSize(dir: string, object: ObjectName): number | null {
  const stat = lstatSync(objectPath(dir, object), { throwIfNoEntry: false });
  return stat === undefined ? null : sizeIfTrusted(dir, object, stat);
}

/** The same for many. `readLater`: the size, too, of one that we may not read: whoever reads it afterwards says so of it alone. */
export function* trustedSizes(dir: string, objects: readonly ObjectName[], { readLater = false } = {}): Work<(number | null)[]> {
  const sizes: (number | null)[] = [];
  const sizeOf = (object: ObjectName, stat: { mode: number; size: number }) => {
    try {
      return sizeIfTrusted(dir, object, stat);
    } catch (error) {
      if (readLater && error instanceof ExpverError && isClosed(error, objectPath(dir, object))) return stat.size;
      throw error;
    }
  };
  for (const some of batchesOf(objects)) {
    const stats = yield* takingStats(some.length, (index) => objectPath(dir, some[index] as ObjectName));
    for (const [index, object] of some.entries()) {
      const mode = stats.mode(index);
      sizes.push(mode === null ? null : sizeOf(object, { mode, size: stats.size(index) }));
    }
  }
  return sizes;
}

/** Bytes of what lies in the places of objects, null for nothing; whether it can be relied on is not asked, so nothing is read. */
export function* sizesInPlaces(dir: string, objects: readonly ObjectName[]): Work<(number | null)[]> {
  const sizes: (number | null)[] = [];
  for (const some of batchesOf(objects)) {
    const stats = yield* takingStats(some.length, (index) => objectPath(dir, some[index] as ObjectName));
    for (let index = 0; index < some.length; index += 1) sizes.push(stats.mode(index) === null ? null : stats.size(index));
  }
  return sizes;
}

/**
 * Whether the bytes of a file are here, so that the file may go. An object of another size was cut off, whatever its mode says; DVC 2's hash of
 * a text is that of several texts.
 */
export function isStored(dir: string, { md5, size }: { md5: string; size: number }, hashName: HashName = "md5"): boolean {
  const there = trustedSize(dir, { hash: md5, hashName });
  return there !== null && (hashName !== "md5" || there === size);
}

/** The same of all of these. */
export function* areStored(dir: string, files: readonly { md5: string; size: number }[]): Work<boolean> {
  const objects = files.map(({ md5 }): ObjectName => ({ hash: md5, hashName: "md5" }));
  const sizes = yield* trustedSizes(dir, objects);
  return sizes.every((size, index) => size === files[index]?.size);
}

/** We may not read what is there. */
export function isClosed({ details }: ExpverError, path: string): boolean {
  return details.path === path && (details.errno === "EACCES" || details.errno === "EPERM");
}

/** Size in bytes of what lies in an object's place, for showing only: whether it can be relied on is not asked, so nothing is read. */
export function sizeThere(dir: string, object: ObjectName): number | null {
  return lstatSync(objectPath(dir, object), { throwIfNoEntry: false })?.size ?? null;
}

/** Objects of one kind that all can be relied on, each once, in the order of their names. */
export interface LookedAtObjects {
  hashes: string[];
  stats: StatAnswers;
  /** When the look began, in milliseconds since 1970. */
  readAt: number;
}

/** Null when one of them is not there, or cannot be relied on. */
export function* lookingAtObjects(
  dir: string,
  { hashes, hashName }: { hashes: string[]; hashName: HashName },
): Work<LookedAtObjects | null> {
  const readAt = Date.now();
  const all = [...new Set(hashes)].sort();
  const stats = yield* takingStats(all.length, (index) => objectPath(dir, { hash: all[index] as string, hashName }));
  for (const [index, hash] of all.entries()) {
    const mode = stats.mode(index);
    if (mode === null || sizeIfTrusted(dir, { hash, hashName }, { mode, size: stats.size(index) }) === null) return null;
  }
  return { hashes: all, stats, readAt };
}

function sizeIfTrusted(dir: string, object: ObjectName, { mode, size }: { mode: number; size: number }): number | null {
  if (isVerified(mode)) return size;
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) return null;
  const path = objectPath(dir, object);
  if (hashOfObject(path, object) !== object.hash) return null;
  setMode(path, VERIFIED_MODE);
  return size;
}

/** A plain file of which the mode says that its bytes are those of its name. */
export function isVerified(mode: number | null): boolean {
  return mode !== null && (mode & constants.S_IFMT) === constants.S_IFREG && (mode & 0o777) === VERIFIED_MODE;
}

/** What the bytes at `path` would be called, with `.dir` when `object` is a listing. */
function hashOfObject(path: string, { hash, hashName }: ObjectName): string {
  const { md5 } = md5OfFile(path, { kind: hashName });
  return hash.endsWith(".dir") ? `${md5}.dir` : md5;
}

/** Members of a stored folder; null when its listing is not there. Throws E_LISTING. */
export function readListing(dir: string, object: ObjectName): ListingEntry[] | null {
  return finishWork(readingListing(dir, object));
}

/** The same, counting as no progress. */
export function* readingListing(dir: string, object: ObjectName): Work<ListingEntry[] | null> {
  if (trustedSize(dir, object) === null) return null;
  const path = objectPath(dir, object);
  try {
    const bytes = readFileSync(path);
    refuseOtherListing(path, object, md5Of(bytes));
    return yield* parsingListing(bytes, object.hash);
  } catch (error) {
    if (isMissing(error)) return null;
    throw fromSystemError(error, `cannot read ${path}`);
  }
}

/** For those who can do without: a listing that is damaged counts as one that is not there. */
export function* unlessDamaged<T>(work: Work<T>, instead: T): Work<T> {
  try {
    return yield* work;
  } catch (error) {
    if (!(failedWith(error, "E_LISTING") && error.details.found !== undefined)) throw error;
    return instead;
  }
}

/** Tells objects apart. */
export function keyOf({ hash, hashName }: ObjectName): string {
  return hashName === "md5" ? hash : `${hashName}:${hash}`;
}

/** The object with this key. */
export function objectOfKey(key: string): ObjectName {
  const end = key.indexOf(":");
  return end < 0 ? { hash: key, hashName: "md5" } : { hash: key.slice(end + 1), hashName: "md5-dos2unix" };
}

/** Makes a folder for objects, and those above it. */
export function makeFolder({ shared }: ObjectFolder, path: string): void {
  const first = makeFolders(path);
  if (shared && first !== undefined) {
    for (let made = path; made.length >= first.length; made = made.slice(0, made.lastIndexOf("/"))) setMode(made, SHARED_FOLDER_MODE);
  }
}

/** Its mode says that nobody has changed it; but a listing says what all the files of a folder are, and is read in no time. */
function refuseOtherListing(path: string, { hash }: ObjectName, md5: string): void {
  if (`${md5}.dir` === hash) return;
  throw new ExpverError("E_LISTING", `${path} is damaged: its bytes are ${md5}.dir`, {
    hint: "Take it out of the cache and fetch it again: expver data verify --repair.",
    details: { path, hash, found: `${md5}.dir` },
  });
}
