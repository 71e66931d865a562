/**
 * Bringing objects into a cache or folder remote. They appear whole, durable and read-only, or not at all: all are written
 * into a staging folder beside the shards, synced together, then renamed, members before the listings that name them. Shards
 * that did not exist are built there and renamed whole: most of the renames of a first add.
 */
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { ExpverError, fromSystemError } from "../errors.ts";
import { nameOfCopy, type Objects } from "../platform/file-copier.ts";
import { hasCode, writeAll } from "../platform/files.ts";
import { type Digest, hashingFile } from "../platform/hashing.ts";
import { tryReflink } from "../platform/links.ts";
import { copyingMany, type ManyFiles } from "../platform/many-files.ts";
import { finishWork, NOTHING_DONE, type Work } from "../platform/pace.ts";
import { syncFolders, syncMany } from "../platform/sync.ts";
import { type Arrival, openArrival } from "./arrival.ts";
import { keyOf, makeFolder, type ObjectFolder, type ObjectName, shardPath, shardsFolder, trustedSize } from "./layout.ts";
import { listingHash } from "./listing.ts";
import { arrivingName, keepArrived, keepPartial, listPartials, takePartial } from "./partial.ts";
import { makeStaging, sweepStagings } from "./staging.ts";
import type { HashName } from "./types.ts";

export interface Ingest {
  /**
   * Stores these files under their MD5s, and answers them; null for a file that needs more than that, or has another MD5 than it
   * says. `leave`: files that begin with these bytes are not stored.
   */
  many(files: ManyFiles, options?: { leave?: string | undefined }): Work<(string | null)[]>;
  /** Stores a file of any size under its MD5, hashing while it copies. */
  file(path: string): Work<Digest>;
  /** Stores a folder's listing; its members must have been stored before, here or earlier. Answers its name. */
  listing(bytes: Uint8Array, hashName?: HashName): string;
  /** Stores a file that should have this name. Throws E_OBJECT when its bytes have another. */
  object(object: ObjectName, from: string): Work<void>;
  /** An object whose bytes come piece by piece. */
  arriving(object: ObjectName): Incoming;
  /** Gives everything its name. Until then nothing is visible; what is broken off half-way has given some objects theirs. */
  committing(): Work<{ objects: number; bytes: number }>;
  /** The same without a pause. */
  commit(): { objects: number; bytes: number };
  /** Removes what was written; does nothing after a commit. */
  abort(): void;
}

interface Incoming extends Pick<Arrival, "size" | "add" | "restart"> {
  /** Goes on with what an earlier fetch has brought. */
  resume(): Promise<void>;
  /** Ends without an object. What has come of a large one is kept for the next try. */
  drop(): void;
  /** All has come `from` there. Throws E_OBJECT, forgetting it, when it has another name. */
  keep(from: string): void;
}

/** Where the objects of one shard wait. */
interface Shard {
  /** The folder they are to be in. */
  path: string;
  /** There was none when we looked: the folder in which they wait becomes the shard. */
  isNew: boolean;
  /** In it they have the names they will have; null: all wait elsewhere. */
  folder: string | null;
}

/** Removes what killed processes left beside the shards of either layout; what came of large objects is kept for the next fetch. */
export function sweepCache({ dir }: ObjectFolder): void {
  const place = shardsFolder(dir, "md5");
  sweepStagings(place, { save: (staging) => keepArrived(place, staging) });
  sweepStagings(shardsFolder(dir, "md5-dos2unix"));
}

// From so many small files on nearly every new shard gets some of them.
const MANY_SHARDS = 1000;

export function beginIngest(folder: ObjectFolder): Ingest {
  const shardsPlace = shardsFolder(folder.dir, "md5");
  sweepCache(folder);
  let partials: Set<string> | null = null;
  /** Bytes of those that have no name yet, by key. A million of them are to be kept: no object for each. */
  const waiting = new Map<string, number>();
  /** Where those are that do not wait in their shard's folder. */
  const elsewhere = new Map<string, string>();
  const shards = new Map<string, Shard>();
  const stagings = new Map<string, string>();
  // Created read-only: nobody looks into the staging folder, and it saves a call per file.
  const chmodNeeded = (process.umask() & 0o444) !== 0;
  let reflinks = true;
  let count = 0;

  const stagingOf = ({ hashName }: Pick<ObjectName, "hashName">): string => {
    const place = shardsFolder(folder.dir, hashName);
    const known = stagings.get(place);
    if (known !== undefined) return known;
    makeFolder(folder, place);
    const staging = makeStaging(place);
    stagings.set(place, staging);
    return staging;
  };
  const shardOf = (object: ObjectName): Shard => {
    const key = shardKey(keyOf(object));
    const known = shards.get(key);
    if (known !== undefined) return known;
    const path = shardPath(folder.dir, object);
    const shard: Shard = { path, isNew: !existsSync(path), folder: null };
    if (shard.isNew) makeWaitingFolder(shard, object);
    shards.set(key, shard);
    return shard;
  };
  const makeWaitingFolder = (shard: Shard, object: ObjectName): string => {
    if (shard.folder === null) {
      shard.folder = `${stagingOf(object)}/${object.hash.slice(0, 2)}`;
      makeFolder(folder, shard.folder);
    }
    return shard.folder;
  };
  const anyTemporary = (object: Pick<ObjectName, "hashName">) => {
    count += 1;
    // Not a name that a shard could have.
    return `${stagingOf(object)}/object-${count}`;
  };
  const isThere = (object: ObjectName, size: number) =>
    waiting.has(keyOf(object)) || (!shardOf(object).isNew && trustedSize(folder.dir, object) === size);
  /** `temporary`: where it is; null: in its shard's folder. */
  const wait = (object: ObjectName, { temporary, size }: { temporary: string | null; size: number }) => {
    waiting.set(keyOf(object), size);
    if (temporary === null) return;
    elsewhere.set(keyOf(object), temporary);
    shardOf(object);
  };
  const writeBytes = (object: ObjectName, bytes: Uint8Array) => {
    if (isThere(object, bytes.length)) return;
    const shard = shardOf(object);
    const isInShard = shard.folder !== null && !isListing(object);
    const temporary = isInShard ? `${shard.folder}/${object.hash.slice(2)}` : anyTemporary(object);
    const descriptor = openSync(temporary, "wx", 0o444);
    try {
      writeAll(descriptor, bytes);
    } finally {
      closeSync(descriptor);
    }
    if (chmodNeeded) chmodSync(temporary, 0o444);
    wait(object, { temporary: isInShard ? null : temporary, size: bytes.length });
  };
  /** Files are copied under the names they will have; many of them into folders that may become shards. */
  const placesFor = (isMany: boolean): Objects => {
    const staging = `${stagingOf({ hashName: "md5" })}/named-`;
    const places = Array.from({ length: 256 }, (_, digits) => {
      const name: ObjectName = { hash: digits.toString(16).padStart(2, "0"), hashName: "md5" };
      if (!isMany) return { waiting: staging + name.hash, there: `${shardPath(folder.dir, name)}/` };
      const shard = shardOf(name);
      return { waiting: `${makeWaitingFolder(shard, name)}/`, there: shard.isNew ? null : `${shard.path}/` };
    });
    const unnamed = `${stagingOf({ hashName: "md5" })}/unnamed-`;
    return { waiting: places.map(({ waiting }) => waiting), there: places.map(({ there }) => there), unnamed };
  };

  /** The name is unknown until the end. */
  function* copyLarge(from: string, kind: ObjectName["hashName"]): Work<Digest & { temporary: string }> {
    const temporary = anyTemporary({ hashName: kind });
    if (reflinks && tryReflink(from, temporary)) {
      const digest = yield* hashingFile(temporary, { kind });
      chmodSync(temporary, 0o444);
      return { ...digest, temporary };
    }
    reflinks = false;
    const descriptor = openSync(temporary, "wx", 0o444);
    try {
      const digest = yield* hashingFile(from, { kind, copyTo: descriptor });
      if (chmodNeeded) chmodSync(temporary, 0o444);
      return { ...digest, temporary };
    } finally {
      closeSync(descriptor);
    }
  }
  const keep = (object: ObjectName, { temporary, size }: { temporary: string; size: number }) => {
    if (isThere(object, size)) rmSync(temporary, { force: true });
    else wait(object, { temporary, size });
  };

  const shardOfKey = (key: string) => shards.get(shardKey(key)) as Shard;
  const fileOf = (key: string) => elsewhere.get(key) ?? `${shardOfKey(key).folder}/${restOfKey(key)}`;
  /** Whole shards first, then single objects, listings last. */
  function* publishing(keys: readonly string[], used: ReadonlySet<Shard>): Work<void> {
    const done = new Set([...used].filter(({ isNew, folder: own, path }) => isNew && own !== null && tryRename(own, path)));
    const single = keys.filter((key) => elsewhere.has(key) || !done.has(shardOfKey(key)));
    const isLast = (key: string) => key.endsWith(".dir");
    for (const key of [...single.filter((one) => !isLast(one)), ...single.filter(isLast)]) {
      const { path } = shardOfKey(key);
      makeFolder(folder, path);
      renameSync(fileOf(key), `${path}/${restOfKey(key)}`);
      yield NOTHING_DONE;
    }
  }
  const removeStagings = () => {
    for (const staging of stagings.values()) rmSync(staging, { recursive: true, force: true });
    stagings.clear();
    shards.clear();
    waiting.clear();
    elsewhere.clear();
  };

  return {
    *many(files, options = {}) {
      return files.count === 0 ? [] : yield* guarded(storeMany(files, options), `cannot write to ${folder.dir}`);
    },
    *file(path) {
      return yield* guarded(storeFile(path), `cannot store ${path}`);
    },
    listing(bytes, hashName = "md5") {
      const object: ObjectName = { hash: listingHash(bytes), hashName };
      try {
        writeBytes(object, bytes);
      } catch (error) {
        throw fromSystemError(error, `cannot write to ${folder.dir}`);
      }
      return object.hash;
    },
    *object(object, from) {
      yield* guarded(storeObject(object, from), `cannot copy ${from} to ${folder.dir}`);
    },
    arriving(object) {
      // Others than md5 are not known by their bytes alone: nothing is kept of them.
      const temporary = () =>
        object.hashName === "md5" ? `${stagingOf(object)}/${arrivingName(++count, object.hash)}` : anyTemporary(object);
      const arrival = openArrival(object.hashName, temporary);
      const remove = () => {
        const file = arrival.giveUp();
        if (file !== null) rmSync(file, { force: true });
      };
      const keepWhole = (from: string) => {
        try {
          const { md5, ...got } = arrival.end();
          refuseOther(object, md5, from);
          if ("bytes" in got) writeBytes(object, got.bytes);
          else {
            if (chmodNeeded) chmodSync(got.file, 0o444);
            keep(object, { temporary: got.file, size: got.size });
          }
        } catch (error) {
          remove();
          throw fromSystemError(error, `cannot write to ${folder.dir}`);
        }
      };
      return {
        ...arrival,
        keep: keepWhole,
        async resume() {
          if (object.hashName !== "md5") return;
          partials ??= listPartials(shardsPlace, Date.now());
          if (!partials.delete(object.hash)) return;
          const path = temporary();
          if (takePartial(shardsPlace, object.hash, path)) await arrival.resume(path);
        },
        drop() {
          const file = arrival.giveUp();
          if (file === null) return;
          if (object.hashName === "md5") keepPartial(shardsPlace, object.hash, file);
          rmSync(file, { force: true });
        },
      };
    },
    committing,
    commit: () => finishWork(committing()),
    abort() {
      for (const staging of stagings.values()) keepArrived(shardsPlace, staging);
      removeStagings();
    },
  };

  function* committing(): Work<{ objects: number; bytes: number }> {
    const keys = [...waiting.keys()];
    let bytes = 0;
    for (const size of waiting.values()) bytes += size;
    try {
      const used = new Set(keys.map(shardOfKey));
      syncMany(keys.length, (index) => fileOf(keys[index] as string));
      yield* publishing(keys, used);
      syncFolders([...Array.from(used, ({ path }) => path), ...new Set(stagings.keys())]);
      removeStagings();
    } catch (error) {
      throw fromSystemError(error, `cannot write to ${folder.dir}`);
    }
    return { objects: keys.length, bytes };
  }

  function* storeMany(files: ManyFiles, { leave }: { leave?: string | undefined }): Work<(string | null)[]> {
    const isMany = files.count >= MANY_SHARDS;
    const objects = placesFor(isMany);
    const copies = yield* copyingMany(files, { leave, objects, mode: 0o444, exactMode: chmodNeeded });
    const answers: (string | null)[] = [];
    for (let index = 0; index < files.count; index += 1) {
      const size = files.size(index);
      const state = copies.state(index);
      const md5 = state === "left" ? null : copies.md5(index);
      if (md5 !== null && state === "done") {
        if (isMany) waiting.set(md5, size);
        else wait({ hash: md5, hashName: "md5" }, { temporary: nameOfCopy(objects, md5), size });
      }
      answers.push(md5);
    }
    // A copy that was not made is none, whoever was to make it.
    return answers.map((md5, index) => (md5 !== null && copies.state(index) === "twin" && !waiting.has(md5) ? null : md5));
  }

  function* storeFile(path: string): Work<Digest> {
    const { temporary, ...digest } = yield* copyLarge(path, "md5");
    keep({ hash: digest.md5, hashName: "md5" }, { temporary, size: digest.size });
    return digest;
  }

  function* storeObject(object: ObjectName, from: string): Work<void> {
    const { temporary, md5, size: copied } = yield* copyLarge(from, object.hashName);
    refuseOther(object, md5, from);
    keep(object, { temporary, size: copied });
    yield { files: 1, bytes: 0 };
  }
}

/** Of the shard in which the object with this key is. */
function shardKey(key: string): string {
  return key.slice(0, key.indexOf(":") + 3);
}

/** What the object with this key is called in its shard. */
function restOfKey(key: string): string {
  return key.slice(key.indexOf(":") + 3);
}

/** False when somebody has made a shard of that name meanwhile. */
function tryRename(own: string, path: string): boolean {
  try {
    renameSync(own, path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY", "EEXIST", "EPERM")) return false;
    throw error;
  }
}

function* guarded<T>(work: Work<T>, doing: string): Work<T> {
  try {
    return yield* work;
  } catch (error) {
    throw fromSystemError(error, doing);
  }
}

export function refuseOther({ hash, hashName }: ObjectName, md5: string, from: string): void {
  const found = hash.endsWith(".dir") ? `${md5}.dir` : md5;
  if (found === hash) return;
  throw new ExpverError("E_OBJECT", `${from} should hold ${hash} but its bytes are ${found}`, {
    hint: "The object is damaged there; fetch or push it again from a place that has it whole.",
    details: { path: from, hash, found, hashName },
  });
}

export function isListing({ hash }: ObjectName): boolean {
  return hash.endsWith(".dir");
}
