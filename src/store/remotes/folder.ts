/** A folder as a remote: a disk, a mount, a colleague's share. Laid out as DVC's local remotes are. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { namesIn, removeFile } from "../../platform/files.ts";
import { md5Of } from "../../platform/hashing.ts";
import { batchesOf, paceWork, type Work } from "../../platform/pace.ts";
import { refuseCopiesWithoutRoom } from "../../platform/room.ts";
import { counted } from "../../platform/words.ts";
import { beginIngest, type Ingest, isListing } from "../objects/ingest.ts";
import {
  isClosed,
  type ObjectFolder,
  type ObjectName,
  ObjectThere,
  objectPath,
  shardPath,
  shardsFolder,
  trustedSize,
  trustedSizes,
} from "../objects/layout.ts";
import type { HashName } from "../types.ts";
import { LONGEST_TEXT } from "./bounds.ts";
import type { Parcel, Received, Remote, Seen, StoredObject, TransferFailure, Wanted } from "./remote.ts";

export function folderRemote(name: string, folder: ObjectFolder): Remote {
  return {
    name,
    versions: null,
    location: folder.dir,
    folder,
    isCertain: true,
    present: (objects, pacing) => paceWork(looking(folder, objects), pacing, { label: `looking at ${name}`, total: objects.length }),
    send: (parcels, pacing) =>
      paceWork(sending(folder, parcels), pacing, {
        label: `pushing to ${name}`,
        total: parcels.length,
        totalBytes: parcels.reduce((sum, { size }) => sum + size, 0),
      }),
    receive: (objects, cache, pacing) =>
      paceWork(receiving(folder, objects, cache), pacing, { label: `fetching from ${name}`, total: objects.length }),
    async read(object) {
      const size = trustedSize(folder.dir, object);
      if (size === null || size > LONGEST_TEXT) return null;
      const bytes = readFileSync(objectPath(folder.dir, object));
      return `${md5Of(bytes)}.dir` === object.hash || md5Of(bytes) === object.hash ? bytes : null;
    },
    list: (pacing) => paceWork(listing(folder), pacing, { label: `listing ${name}` }),
    remove: (objects, pacing) => paceWork(removing(folder, objects), pacing, { label: `deleting from ${name}`, total: objects.length }),
  };
}

function* looking({ dir }: ObjectFolder, objects: readonly Wanted[]): Work<Seen[]> {
  const shards = new Map<string, boolean>();
  const maybe = objects.filter((object) => {
    const shard = shardPath(dir, object);
    const isThere = shards.get(shard) ?? existsSync(shard);
    shards.set(shard, isThere);
    return isThere;
  });
  const sizes = yield* trustedSizes(dir, maybe);
  yield { files: objects.length, bytes: 0 };
  return maybe.flatMap(({ hash, hashName, size }, index) => {
    const found = sizes[index] ?? null;
    return found === null || found !== (size ?? found) ? [] : [{ hash, hashName, size: found }];
  });
}

function* sending(folder: ObjectFolder, parcels: readonly Parcel[]): Work<TransferFailure[]> {
  needRoomFor(parcels, folder);
  const ingest = beginIngest(folder);
  try {
    const failures = yield* bringing(ingest, parcels);
    yield* ingest.committing();
    return failures;
  } catch (error) {
    keepWhole(ingest);
    throw error;
  } finally {
    ingest.abort();
  }
}

function* receiving({ dir }: ObjectFolder, objects: readonly ObjectName[], cache: ObjectFolder): Work<Received> {
  const ingest = beginIngest(cache);
  try {
    const failures: TransferFailure[] = [];
    const parcels: Parcel[] = [];
    const sizes = yield* trustedSizes(dir, objects, { readLater: true });
    for (const [index, object] of objects.entries()) {
      const size = sizes[index] ?? null;
      if (size === null) failures.push({ object, error: null });
      else parcels.push(new ObjectThere(dir, object, size));
    }
    needRoomFor(parcels, cache);
    const failed = failures.concat(yield* bringing(ingest, parcels));
    return { objects: (yield* ingest.committing()).objects, failures: failed };
  } catch (error) {
    keepWhole(ingest);
    throw error;
  } finally {
    ingest.abort();
  }
}

/** Interrupted, or the room is used up: what has come whole need not come again. Listings are a work of their own, after their members. */
function keepWhole(ingest: Ingest): void {
  try {
    ingest.commit();
  } catch {
    // What ended it is said.
  }
}

/** None of them is there yet. */
function needRoomFor(parcels: readonly Parcel[], { dir }: ObjectFolder): void {
  const [first] = parcels;
  if (first === undefined) return;
  const bytes = parcels.reduce((sum, { size }) => sum + size, 0);
  refuseCopiesWithoutRoom(dir, { what: `${counted(parcels.length, "object")} in ${dir}`, bytes, example: first.from });
}

function* bringing(ingest: Ingest, parcels: readonly Parcel[]): Work<TransferFailure[]> {
  const failures: TransferFailure[] = [];
  const isQuick = ({ object }: Parcel) => object.hashName === "md5" && !isListing(object);
  const left = parcels.filter((parcel) => !isQuick(parcel));
  for (const some of batchesOf(parcels.filter(isQuick))) {
    const parcelAt = (index: number) => some[index] as Parcel;
    const md5s = yield* ingest.many({
      count: some.length,
      size: (index) => parcelAt(index).size,
      path: (index) => parcelAt(index).from,
      md5: (index) => parcelAt(index).object.hash,
    });
    for (const [index, parcel] of some.entries()) if (md5s[index] === null) left.push(parcel);
  }
  for (const parcel of left) failures.push(...(yield* bring(ingest, parcel)));
  return failures;
}

/** An object that is damaged, or may not be read, fails alone; a full disk or a lost mount ends everything. */
function* bring(ingest: Ingest, { object, from }: Parcel): Work<TransferFailure[]> {
  try {
    yield* ingest.object(object, from);
    return [];
  } catch (error) {
    if (!(error instanceof ExpverError && (error.code === "E_OBJECT" || isClosed(error, from)))) throw error;
    return [{ object, error }];
  }
}

function* listing({ dir }: ObjectFolder): Work<StoredObject[]> {
  const found: StoredObject[] = [];
  for (const [base, hashName] of [
    [shardsFolder(dir, "md5"), "md5"],
    [dir, "md5-dos2unix"],
  ] satisfies [string, HashName][]) {
    for (const shard of namesIn(base).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
      for (const rest of namesIn(`${base}/${shard}`).filter((name) => /^[0-9a-f]{30}(\.dir)?$/.test(name))) {
        const stat = statSync(`${base}/${shard}/${rest}`, { throwIfNoEntry: false });
        if (stat?.isFile()) found.push({ hash: shard + rest, hashName, size: stat.size });
      }
      yield { files: 1, bytes: 0 };
    }
  }
  return found;
}

function* removing({ dir }: ObjectFolder, objects: readonly ObjectName[]): Work<TransferFailure[]> {
  for (const object of objects) {
    const path = objectPath(dir, object);
    try {
      removeFile(path);
    } catch (error) {
      throw fromSystemError(error, `cannot delete ${path}`);
    }
    yield { files: 1, bytes: 0 };
  }
  return [];
}
