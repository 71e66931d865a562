/** A folder as a remote: a disk, a mount, a colleague's share. Laid out as DVC's local remotes are. */
import { readFileSync } from "node:fs";
import { ExpverError } from "../../errors.ts";
import { md5Of } from "../../platform/hashing.ts";
import { paceWork, type Work } from "../../platform/pace.ts";
import { beginIngest, type Ingest } from "../ingest.ts";
import { type ObjectFolder, type ObjectName, objectPath, trustedSize } from "../layout.ts";
import type { Parcel, Remote, TransferFailure } from "./remote.ts";

export function folderRemote(name: string, folder: ObjectFolder): Remote {
  return {
    name,
    location: folder.dir,
    present: (objects, pacing) => paceWork(looking(folder, objects), pacing, { label: `looking at ${name}`, total: objects.length }),
    send: (parcels, pacing) => paceWork(sending(folder, parcels), pacing, { label: `pushing to ${name}`, total: parcels.length }),
    receive: (objects, ingest, pacing) =>
      paceWork(receiving(folder, objects, ingest), pacing, { label: `fetching from ${name}`, total: objects.length }),
    async read(object) {
      if (trustedSize(folder.dir, object) === null) return null;
      const bytes = readFileSync(objectPath(folder.dir, object));
      return `${md5Of(bytes)}.dir` === object.hash || md5Of(bytes) === object.hash ? bytes : null;
    },
  };
}

function* looking({ dir }: ObjectFolder, objects: readonly ObjectName[]): Work<ObjectName[]> {
  const found: ObjectName[] = [];
  for (const object of objects) {
    if (trustedSize(dir, object) !== null) found.push(object);
    yield { files: 1, bytes: 0 };
  }
  return found;
}

function* sending(folder: ObjectFolder, parcels: readonly Parcel[]): Work<TransferFailure[]> {
  const ingest = beginIngest(folder);
  try {
    const failures: TransferFailure[] = [];
    for (const { object, from, size } of parcels) failures.push(...(yield* bring(ingest, object, { from, size })));
    ingest.commit();
    return failures;
  } finally {
    ingest.abort();
  }
}

function* receiving({ dir }: ObjectFolder, objects: readonly ObjectName[], ingest: Ingest): Work<TransferFailure[]> {
  const failures: TransferFailure[] = [];
  for (const object of objects) {
    const size = trustedSize(dir, object);
    if (size === null) failures.push({ object, reason: "not there" });
    else failures.push(...(yield* bring(ingest, object, { from: objectPath(dir, object), size })));
  }
  return failures;
}

/** A damaged object fails alone; a full disk or a lost mount ends everything. */
function* bring(ingest: Ingest, object: ObjectName, { from, size }: { from: string; size: number }): Work<TransferFailure[]> {
  try {
    yield* ingest.object(object, from, size);
    return [];
  } catch (error) {
    if (!(error instanceof ExpverError && error.code === "E_OBJECT")) throw error;
    return [{ object, reason: error.message }];
  }
}
