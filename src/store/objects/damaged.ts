/** Objects whose bytes are not what their names say: found by reading them, and taken out of the cache, so that good bytes may take their place. */
import { randomBytes } from "node:crypto";
import { lstatSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExpverError, failedWith } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { hasCode } from "../../platform/files.ts";
import { hashingFile } from "../../platform/hashing.ts";
import { batchesOf, type Work } from "../../platform/pace.ts";
import { copyingMany } from "../../platform/threads/many-files.ts";
import type { ListingEntry } from "../types.ts";
import { cacheTrash } from "./cache.ts";
import { keyOf, makeFolder, type ObjectFolder, type ObjectName, objectPath, readListing } from "./layout.ts";

export type Health = "right" | "wrong" | "absent";

/** Reads every object, many at once. Answers by number. */
export function* examining(dir: string, objects: readonly ObjectName[]): Work<Health[]> {
  const found: Health[] = [];
  for (const some of batchesOf(objects)) {
    const sizes = some.map((object) => lstatSync(objectPath(dir, object), { throwIfNoEntry: false })?.size ?? null);
    const there = [...some.keys()].filter((index) => sizes[index] !== null);
    // DVC 2's hash of a text is not that of its bytes.
    const plain = there.filter((index) => some[index]?.hashName === "md5");
    const at = (place: number) => plain[place] as number;
    const answers = yield* copyingMany(
      {
        count: plain.length,
        size: (place) => sizes[at(place)] as number,
        path: (place) => objectPath(dir, some[at(place)] as ObjectName),
        md5: (place) => (some[at(place)] as ObjectName).hash.slice(0, 32),
      },
      {},
    );
    const right = new Set(plain.filter((_, place) => answers.state(place) === "done"));
    for (const [index, object] of some.entries()) {
      if (sizes[index] === null) found.push("absent");
      else found.push(right.has(index) || (yield* isRight(dir, object)) ? "right" : "wrong");
    }
  }
  return found;
}

/** For those who ask about many: a listing that is damaged is named, and counts as one that is not there. */
export function listingOrWarning(dir: string, object: ObjectName, { report }: Pick<Context, "report">): ListingEntry[] | null {
  try {
    return readListing(dir, object);
  } catch (error) {
    if (!failedWith(error, "E_LISTING")) throw error;
    report({ kind: "warning", text: error.message, hint: error.hint });
    return null;
  }
}

/** Those whose bytes are others, each once. */
export function* findingDamaged(dir: string, objects: readonly ObjectName[]): Work<ObjectName[]> {
  const all = [...new Map(objects.map(({ hash, hashName }) => [keyOf({ hash, hashName }), { hash, hashName }])).values()];
  const found = yield* examining(dir, all);
  return all.filter((_, index) => found[index] === "wrong");
}

function* isRight(dir: string, object: ObjectName): Work<boolean> {
  const { md5 } = yield* hashingFile(objectPath(dir, object), { kind: object.hashName });
  return md5 === object.hash.slice(0, 32);
}

/**
 * Moves damaged objects into the cache's trash; answers the folder there, or null when none of them could be moved: in a cache that is shared
 * they may be somebody else's.
 */
export function quarantine(cache: ObjectFolder, objects: readonly ObjectName[]): string | null {
  const folder = join(cacheTrash(cache), `damaged-${randomBytes(4).toString("hex")}`);
  let moved = 0;
  for (const object of objects) {
    const path = objectPath(cache.dir, object);
    const place = join(folder, path.slice(cache.dir.length + 1));
    try {
      makeFolder(cache, dirname(place));
      renameSync(path, place);
      moved += 1;
    } catch (error) {
      if (!hasCode(error, "ENOENT", "EACCES", "EPERM", "EROFS", "ENOSPC")) throw error;
    }
  }
  return moved === 0 ? null : folder;
}

/** The same, in words that follow "damaged". */
export function saidOfQuarantine(cache: ObjectFolder, objects: readonly ObjectName[]): string {
  const folder = quarantine(cache, objects);
  const first = objects[0] === undefined ? "" : ` (${objectPath(cache.dir, objects[0])}${objects.length > 1 ? " …" : ""})`;
  return folder === null ? `nobody could move away what is damaged${first}` : `what is damaged is in ${folder} now`;
}

/** Reads all of these, where one was found to be damaged: good ones of all can then be fetched at once. The error says where the damaged ones are now. */
export function* damageAmong(cache: ObjectFolder, objects: readonly ObjectName[], cause: ExpverError): Work<ExpverError> {
  const damaged = yield* findingDamaged(cache.dir, objects);
  return damaged.length === 0 ? cause : damageError(cache, damaged, cause);
}

/** Reads objects that nobody would read on their way. Throws E_OBJECT. */
export function* refusingDamaged(cache: ObjectFolder, objects: readonly ObjectName[]): Work<void> {
  const damaged = yield* findingDamaged(cache.dir, objects);
  if (damaged.length > 0) throw damageError(cache, damaged);
}

function damageError(cache: ObjectFolder, damaged: readonly ObjectName[], cause?: ExpverError): ExpverError {
  const [first] = damaged;
  const what =
    damaged.length === 1
      ? (cause?.message ?? `the cached object ${first?.hash} is damaged`)
      : `${damaged.length} cached objects are damaged, ${first?.hash} and others`;
  return new ExpverError("E_OBJECT", `${what}; ${saidOfQuarantine(cache, damaged)}`, {
    hint: "Fetch what is right: expver data pull, or repeat what fetches by itself. Where no remote has it and the file is whole in a worktree: expver data commit -f.",
    details: { ...cause?.details, damaged: damaged.map(({ hash }) => hash) },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Damaged objects were met, and are out of the cache: whole ones can take their places. */
export function isDamageMet(error: unknown): error is ExpverError {
  return failedWith(error, "E_OBJECT") && error.details.damaged !== undefined;
}
