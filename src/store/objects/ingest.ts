/**
 * Bringing objects into a cache or folder remote. They appear whole, durable and read-only, or not at all: all are written
 * into a staging folder beside the shards, synced together, then renamed, members before the listings that name them. Shards
 * that did not exist are built there and renamed whole: most of the renames of a first add.
 */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { setMode, writeAll } from "../../platform/files.ts";
import { type Digest, hashingFile } from "../../platform/hashing.ts";
import { tryReflink } from "../../platform/links.ts";
import { finishWork, type Work } from "../../platform/pace.ts";
import { refuseWithoutRoom } from "../../platform/room.ts";
import { nameOfCopy } from "../../platform/threads/file-copier.ts";
import { type CopyAnswers, copyingMany, type ManyFiles } from "../../platform/threads/many-files.ts";
import type { HashName } from "../types.ts";
import { type Arrival, openArrival } from "./arrival.ts";
import { type ObjectFolder, type ObjectName, shardsFolder } from "./layout.ts";
import { listingHash } from "./listing.ts";
import { arrivingName, keepArrived, keepPartial, listPartials, takePartial } from "./partial.ts";
import { refusingManyWithoutRoom } from "./room-for-many.ts";
import { sweepStagings } from "./staging.ts";
import { WaitingObjects } from "./waiting-objects.ts";

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
  /** Gives everything its name. Until then nothing is visible; what is broken off half-way has given some objects theirs, and can be repeated. */
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

/** Removes what killed processes left beside the shards of either layout; what came of large objects is kept for the next fetch. */
export function sweepCache(cache: ObjectFolder): void {
  sweepStagings(shardsFolder(cache.dir, "md5"), { save: (staging) => keepArrived(cache, staging) });
  sweepStagings(shardsFolder(cache.dir, "md5-dos2unix"));
}

// From so many small files on nearly every new shard gets some of them.
const MANY_SHARDS = 1000;

export function beginIngest(folder: ObjectFolder): Ingest {
  sweepCache(folder);
  const waiting = new WaitingObjects(folder);
  const writer = writerInto(waiting);
  const arriving = arrivalsInto(waiting, writer);
  const doing = `cannot write to ${folder.dir}`;
  const committing = () => guarded(waiting.publishing(), doing);
  return {
    *many(files, options = {}) {
      return files.count === 0 ? [] : yield* guarded(writer.storingMany(files, options), doing);
    },
    *file(path) {
      return yield* guarded(writer.storingFile(path), `cannot store ${path}`);
    },
    listing(bytes, hashName = "md5") {
      const object: ObjectName = { hash: listingHash(bytes), hashName };
      try {
        writer.write(object, bytes);
      } catch (error) {
        throw fromSystemError(error, doing);
      }
      return object.hash;
    },
    *object(object, from) {
      yield* guarded(writer.storingObject(object, from), `cannot copy ${from} to ${folder.dir}`);
    },
    arriving,
    committing,
    commit: () => finishWork(committing()),
    abort() {
      for (const staging of waiting.stagings()) keepArrived(folder, staging);
      waiting.remove();
    },
  };
}

interface Writer {
  write(object: ObjectName, bytes: Uint8Array): void;
  storingMany(files: ManyFiles, options: { leave?: string | undefined }): Work<(string | null)[]>;
  storingFile(path: string): Work<Digest>;
  storingObject(object: ObjectName, from: string): Work<void>;
  /** A file of a staging folder gets the mode of an object. */
  protect(file: string): void;
}

function writerInto(waiting: WaitingObjects): Writer {
  // Created read-only: nobody looks into the staging folder, and it saves a call per file.
  const chmodNeeded = (process.umask() & 0o444) !== 0;
  let reflinks = true;

  const protect = (file: string) => {
    if (chmodNeeded) setMode(file, 0o444);
  };

  /** The name is unknown until the end. */
  function* copyLarge(from: string, kind: ObjectName["hashName"]): Work<Digest & { temporary: string }> {
    const temporary = waiting.temporary({ hashName: kind });
    if (reflinks && tryReflink(from, temporary)) {
      const digest = yield* hashingFile(temporary, { kind });
      setMode(temporary, 0o444);
      return { ...digest, temporary };
    }
    reflinks = false;
    refuseWithoutRoom(waiting.folder.dir, { what: from, bytes: statSync(from).size });
    const descriptor = openSync(temporary, "wx", 0o444);
    try {
      const digest = yield* hashingFile(from, { kind, copyTo: descriptor });
      protect(temporary);
      return { ...digest, temporary };
    } finally {
      closeSync(descriptor);
    }
  }

  return {
    protect,
    write(object, bytes) {
      if (waiting.isThere(object, bytes.length)) return;
      const inShard = isListing(object) ? null : waiting.placeInShard(object);
      const temporary = inShard ?? waiting.temporary(object);
      const descriptor = openSync(temporary, "wx", 0o444);
      try {
        writeAll(descriptor, bytes);
      } finally {
        closeSync(descriptor);
      }
      protect(temporary);
      waiting.add(object, { temporary: inShard === null ? temporary : null, size: bytes.length });
    },
    *storingMany(files, { leave }) {
      yield* refusingManyWithoutRoom(waiting, files, leave);
      const isMany = files.count >= MANY_SHARDS;
      const objects = waiting.placesFor(isMany);
      const taking = (copies: CopyAnswers) => {
        const answers: (string | null)[] = [];
        for (let index = 0; index < files.count; index += 1) {
          const size = files.size(index);
          const state = copies.state(index);
          const md5 = state === "left" ? null : copies.md5(index);
          if (md5 !== null && state === "done")
            waiting.add({ hash: md5, hashName: "md5" }, { temporary: isMany ? null : nameOfCopy(objects, md5), size });
          answers.push(md5);
        }
        return answers;
      };
      const copies = yield* copyingMany(files, { leave, objects, mode: 0o444, exactMode: chmodNeeded }, taking);
      const answers = taking(copies);
      // A copy that was not made is none, whoever was to make it.
      return answers.map((md5, index) => (md5 !== null && copies.state(index) === "twin" && !waiting.has(md5) ? null : md5));
    },
    *storingFile(path) {
      const { temporary, ...digest } = yield* copyLarge(path, "md5");
      waiting.keep({ hash: digest.md5, hashName: "md5" }, { temporary, size: digest.size });
      return digest;
    },
    *storingObject(object, from) {
      const { temporary, md5, size: copied } = yield* copyLarge(from, object.hashName);
      refuseOther(object, md5, from);
      waiting.keep(object, { temporary, size: copied });
      yield { files: 1, bytes: 0 };
    },
  };
}

function arrivalsInto(waiting: WaitingObjects, writer: Writer): Ingest["arriving"] {
  let partials: Set<string> | null = null;
  return (object) => {
    // Others than md5 are not known by their bytes alone: nothing is kept of them.
    const isResumable = object.hashName === "md5";
    const temporary = () => waiting.temporary(object, isResumable ? (count) => arrivingName(count, object.hash) : undefined);
    const arrival = openArrival(object.hashName, temporary);
    return {
      ...arrival,
      keep(from) {
        try {
          const { md5, ...got } = arrival.end();
          refuseOther(object, md5, from);
          if ("bytes" in got) writer.write(object, got.bytes);
          else {
            writer.protect(got.file);
            waiting.keep(object, { temporary: got.file, size: got.size });
          }
        } catch (error) {
          const file = arrival.giveUp();
          if (file !== null) rmSync(file, { force: true });
          throw fromSystemError(error, `cannot write to ${waiting.folder.dir}`);
        }
      },
      async resume() {
        if (!isResumable) return;
        partials ??= listPartials(waiting.folder, Date.now());
        if (!partials.delete(object.hash)) return;
        const path = temporary();
        if (takePartial(waiting.folder, object.hash, path)) await arrival.resume(path);
      },
      drop() {
        const file = arrival.giveUp();
        if (file === null) return;
        if (isResumable) keepPartial(waiting.folder, object.hash, file);
        rmSync(file, { force: true });
      },
    };
  };
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
    hint: "It is damaged there. Who has it whole in a cache deletes that one and types expver data push; one of another size push replaces by itself.",
    details: { path: from, hash, found, hashName },
  });
}

export function isListing({ hash }: ObjectName): boolean {
  return hash.endsWith(".dir");
}
