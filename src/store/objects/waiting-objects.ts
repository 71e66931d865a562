/** Objects that are written and have no name yet: where each waits, in a staging folder beside the shards, and how all get their names. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { hasCode, removePath } from "../../platform/files.ts";
import { isSmall } from "../../platform/hashing.ts";
import { NOTHING_DONE, type Work } from "../../platform/pace.ts";
import { syncFolders, syncMany } from "../../platform/sync.ts";
import type { Objects } from "../../platform/threads/file-copier.ts";
import { noteChecked } from "./just-checked.ts";
import { keyOf, makeFolder, type ObjectFolder, type ObjectName, shardPath, shardsFolder, trustedSize } from "./layout.ts";
import { makeStaging } from "./staging.ts";

/** Where the objects of one shard wait. */
interface Shard {
  /** The folder they are to be in. */
  path: string;
  /** There was none when we looked: the folder in which they wait becomes the shard. */
  isNew: boolean;
  /** In it they have the names they will have; null: all wait elsewhere. */
  folder: string | null;
}

export class WaitingObjects {
  readonly folder: ObjectFolder;
  /** Bytes of each, by key. A million of them are to be kept: no object for each. */
  readonly #sizes = new Map<string, number>();
  /** Where those are that do not wait in their shard's folder. */
  readonly #elsewhere = new Map<string, string>();
  readonly #shards = new Map<string, Shard>();
  readonly #stagings = new Map<string, string>();
  #count = 0;

  constructor(folder: ObjectFolder) {
    this.folder = folder;
  }

  has(key: string): boolean {
    return this.#sizes.has(key);
  }

  /** It waits, or was there before: of texts of DVC 2 with the same hash, which may be of other sizes, the first stays. */
  isThere(object: ObjectName, size: number): boolean {
    if (this.has(keyOf(object))) return true;
    const there = this.#shardOf(object).isNew ? null : trustedSize(this.folder.dir, object);
    return there === size || (there !== null && object.hashName !== "md5" && !object.hash.endsWith(".dir"));
  }

  /** A path for a file that may become an object. Not a name that a shard could have. */
  temporary(object: Pick<ObjectName, "hashName">, nameOf: (count: number) => string = (count) => `object-${count}`): string {
    this.#count += 1;
    return `${this.#stagingOf(object)}/${nameOf(this.#count)}`;
  }

  /** Where it would wait under its own name; null when those of its shard wait elsewhere. */
  placeInShard(object: ObjectName): string | null {
    const shard = this.#shardOf(object);
    return shard.folder === null ? null : `${shard.folder}/${object.hash.slice(2)}`;
  }

  /** Files are copied under the names they will have; many of them into folders that may become shards. */
  placesFor(isMany: boolean): Objects {
    const staging = `${this.#stagingOf({ hashName: "md5" })}/named-`;
    const places = Array.from({ length: 256 }, (_, digits) => {
      const name: ObjectName = { hash: digits.toString(16).padStart(2, "0"), hashName: "md5" };
      if (!isMany) return { waiting: staging + name.hash, there: `${shardPath(this.folder.dir, name)}/` };
      const shard = this.#shardOf(name);
      return { waiting: `${this.#makeWaitingFolder(shard, name)}/`, there: shard.isNew ? null : `${shard.path}/` };
    });
    const unnamed = `${this.#stagingOf({ hashName: "md5" })}/unnamed-`;
    return { waiting: places.map(({ waiting }) => waiting), there: places.map(({ there }) => there), unnamed };
  }

  /** `temporary`: where it is; null: in its shard's folder. */
  add(object: ObjectName, { temporary, size }: { temporary: string | null; size: number }): void {
    this.#sizes.set(keyOf(object), size);
    if (temporary === null) return;
    this.#elsewhere.set(keyOf(object), temporary);
    this.#shardOf(object);
  }

  /** The same, unless it is there. */
  keep(object: ObjectName, { temporary, size }: { temporary: string; size: number }): void {
    if (this.isThere(object, size)) rmSync(temporary, { force: true });
    else this.add(object, { temporary, size });
  }

  /** All are synced, then named; nothing waits any more. Once broken off it goes on with those that still wait. */
  *publishing(): Work<{ objects: number; bytes: number }> {
    const keys = [...this.#sizes.keys()];
    let bytes = 0;
    for (const size of this.#sizes.values()) bytes += size;
    const used = new Set(keys.map((key) => this.#shardOfKey(key)));
    const large = keys.filter((key) => !isSmall(this.#sizes.get(key) as number));
    syncMany(keys.length, (index) => this.#fileOf(keys[index] as string));
    yield* this.#naming(keys, used);
    for (const key of large) noteChecked(this.#placeOf(key));
    syncFolders([...Array.from(used, ({ path }) => path), ...new Set(this.#stagings.keys())]);
    this.remove();
    return { objects: keys.length, bytes };
  }

  stagings(): Iterable<string> {
    return this.#stagings.values();
  }

  remove(): void {
    for (const staging of this.#stagings.values()) removePath(staging);
    for (const known of [this.#stagings, this.#shards, this.#sizes, this.#elsewhere]) known.clear();
  }

  /** Whole shards first, then single objects, listings last. */
  *#naming(keys: readonly string[], used: ReadonlySet<Shard>): Work<void> {
    const done = new Set([...used].filter(({ isNew, folder: own, path }) => isNew && own !== null && tryRename(own, path)));
    for (const shard of done) shard.isNew = false;
    const isNamed = (key: string) => !this.#elsewhere.has(key) && done.has(this.#shardOfKey(key));
    const single = keys.filter((key) => !isNamed(key));
    for (const key of keys) if (isNamed(key)) this.#sizes.delete(key);
    const isLast = (key: string) => key.endsWith(".dir");
    for (const key of [...single.filter((one) => !isLast(one)), ...single.filter(isLast)]) {
      const { path } = this.#shardOfKey(key);
      makeFolder(this.folder, path);
      renameSync(this.#fileOf(key), this.#placeOf(key));
      this.#sizes.delete(key);
      yield NOTHING_DONE;
    }
  }

  #stagingOf({ hashName }: Pick<ObjectName, "hashName">): string {
    const place = shardsFolder(this.folder.dir, hashName);
    const known = this.#stagings.get(place);
    if (known !== undefined) return known;
    makeFolder(this.folder, place);
    const staging = makeStaging(place, (path) => makeFolder(this.folder, path));
    this.#stagings.set(place, staging);
    return staging;
  }

  #shardOf(object: ObjectName): Shard {
    const key = shardKey(keyOf(object));
    const known = this.#shards.get(key);
    if (known !== undefined) return known;
    const path = shardPath(this.folder.dir, object);
    const shard: Shard = { path, isNew: !existsSync(path), folder: null };
    if (shard.isNew) this.#makeWaitingFolder(shard, object);
    this.#shards.set(key, shard);
    return shard;
  }

  #makeWaitingFolder(shard: Shard, object: ObjectName): string {
    if (shard.folder === null) {
      shard.folder = `${this.#stagingOf(object)}/${object.hash.slice(0, 2)}`;
      makeFolder(this.folder, shard.folder);
    }
    return shard.folder;
  }

  #shardOfKey(key: string): Shard {
    return this.#shards.get(shardKey(key)) as Shard;
  }

  /** Where it is to be in the end. */
  #placeOf(key: string): string {
    return `${this.#shardOfKey(key).path}/${restOfKey(key)}`;
  }

  #fileOf(key: string): string {
    return this.#elsewhere.get(key) ?? `${this.#shardOfKey(key).folder}/${restOfKey(key)}`;
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
