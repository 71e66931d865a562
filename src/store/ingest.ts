/**
 * Bringing objects into a cache or folder remote. They appear whole, durable and read-only, or not at all: all are written
 * under temporary names in the shard folders, synced together, then renamed, members before the listings that name them.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, openSync, renameSync, rmSync } from "node:fs";
import { ExpverError, fromSystemError } from "../errors.ts";
import { writeAll } from "../platform/files.ts";
import { type Digest, hashingFile, md5Of, readSmall } from "../platform/hashing.ts";
import { isUnsupported, reflink } from "../platform/links.ts";
import type { Work } from "../platform/pace.ts";
import { syncFiles, syncFolders } from "../platform/sync.ts";
import { type Arrival, openArrival } from "./arrival.ts";
import { makeShard, type ObjectFolder, type ObjectName, objectPath, shardPath, trustedSize } from "./layout.ts";
import { listingHash } from "./listing.ts";

export interface Ingest {
  /** Stores a file of `size` bytes under its MD5, hashing while it copies. */
  file(path: string, size: number): Work<Digest>;
  /** Stores a folder's listing; its members must have been stored before, here or earlier. Answers its name. */
  listing(bytes: Uint8Array): string;
  /** Stores a file that should have this name. Throws E_OBJECT when its bytes have another. */
  object(object: ObjectName, from: string, size: number): Work<void>;
  /** An object whose bytes come piece by piece. */
  arriving(object: ObjectName): Incoming;
  /** Gives everything its name. Until then nothing is visible. */
  commit(): { objects: number; bytes: number };
  /** Removes what was written; does nothing after a commit. */
  abort(): void;
}

interface Incoming extends Pick<Arrival, "size" | "add" | "restart" | "drop"> {
  /** All has come `from` there. Throws E_OBJECT, forgetting it, when it has another name. */
  keep(from: string): void;
}

interface Waiting {
  object: ObjectName;
  temporary: string;
  size: number;
}

export function beginIngest(folder: ObjectFolder): Ingest {
  const nonce = randomBytes(9).toString("base64url");
  const waiting = new Map<string, Waiting>();
  const temporaries = new Set<string>();
  const shards = new Set<string>();
  // Created read-only: nobody looks under a temporary name, and it saves a call per file.
  const chmodNeeded = (process.umask() & 0o444) !== 0;
  let reflinks = true;
  let count = 0;

  const temporaryFor = (object: ObjectName): string => {
    const shard = shardPath(folder.dir, object);
    if (!shards.has(shard)) shards.add(makeShard(folder, object));
    count += 1;
    const path = `${shard}/.${nonce}${count}.tmp`;
    temporaries.add(path);
    return path;
  };
  const discard = (temporary: string) => {
    rmSync(temporary, { force: true });
    temporaries.delete(temporary);
  };
  const isThere = (object: ObjectName, size: number) => waiting.has(keyOf(object)) || trustedSize(folder.dir, object) === size;
  const wait = (object: ObjectName, temporary: string, size: number) => {
    if (isThere(object, size)) discard(temporary);
    else waiting.set(keyOf(object), { object, temporary, size });
  };
  const writeBytes = (object: ObjectName, bytes: Uint8Array) => {
    if (isThere(object, bytes.length)) return;
    const temporary = temporaryFor(object);
    const descriptor = openSync(temporary, "wx", 0o444);
    try {
      writeAll(descriptor, bytes);
    } finally {
      closeSync(descriptor);
    }
    if (chmodNeeded) chmodSync(temporary, 0o444);
    waiting.set(keyOf(object), { object, temporary, size: bytes.length });
  };

  /** Hash is unknown until the end: the temporary waits in any shard, which renaming leaves. */
  function* copyLarge(from: string, kind: ObjectName["hashName"]): Work<Digest & { temporary: string }> {
    const temporary = temporaryFor({ hash: randomBytes(1).toString("hex"), hashName: kind });
    if (reflinks && clone(from, temporary)) {
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

  const guard = <T>(work: Work<T>, doing: string): Work<T> => guarded(work, doing);

  return {
    *file(path, size) {
      return yield* guard(storeFile(path, size), `cannot store ${path}`);
    },
    listing(bytes) {
      const object: ObjectName = { hash: listingHash(bytes), hashName: "md5" };
      try {
        writeBytes(object, bytes);
      } catch (error) {
        throw fromSystemError(error, `cannot write to ${folder.dir}`);
      }
      return object.hash;
    },
    *object(object, from, size) {
      yield* guard(storeObject(object, from, size), `cannot copy ${from} to ${folder.dir}`);
    },
    arriving(object) {
      const arrival = openArrival(object.hashName, () => temporaryFor(object));
      const keep = (from: string) => {
        try {
          const { md5, ...got } = arrival.end();
          refuseOther(object, md5, from);
          if ("bytes" in got) writeBytes(object, got.bytes);
          else {
            if (chmodNeeded) chmodSync(got.file, 0o444);
            wait(object, got.file, got.size);
          }
        } catch (error) {
          arrival.drop();
          throw fromSystemError(error, `cannot write to ${folder.dir}`);
        }
      };
      return { ...arrival, keep };
    },
    commit() {
      const all = [...waiting.values()];
      try {
        syncFiles(all.map(({ temporary }) => temporary));
        const isListing = ({ object }: Waiting) => object.hash.endsWith(".dir");
        const place = ({ object, temporary }: Waiting) => {
          const shard = shardPath(folder.dir, object);
          if (!shards.has(shard)) shards.add(makeShard(folder, object));
          renameSync(temporary, objectPath(folder.dir, object));
          temporaries.delete(temporary);
        };
        for (const one of all) if (!isListing(one)) place(one);
        for (const one of all) if (isListing(one)) place(one);
        syncFolders([...new Set(all.map(({ object }) => shardPath(folder.dir, object)))]);
      } catch (error) {
        throw fromSystemError(error, `cannot write to ${folder.dir}`);
      }
      waiting.clear();
      return { objects: all.length, bytes: all.reduce((sum, { size }) => sum + size, 0) };
    },
    abort() {
      for (const temporary of temporaries) rmSync(temporary, { force: true });
      temporaries.clear();
      waiting.clear();
    },
  };

  function* storeFile(path: string, size: number): Work<Digest> {
    const small = readSmall(path, size);
    if (small !== null) {
      const digest = { md5: md5Of(small), size: small.length };
      writeBytes({ hash: digest.md5, hashName: "md5" }, small);
      yield { files: 1, bytes: size };
      return digest;
    }
    const { temporary, ...digest } = yield* copyLarge(path, "md5");
    wait({ hash: digest.md5, hashName: "md5" }, temporary, digest.size);
    yield { files: 1, bytes: 0 };
    return digest;
  }

  function* storeObject(object: ObjectName, from: string, size: number): Work<void> {
    const kind = object.hashName;
    const small = kind === "md5" ? readSmall(from, size) : null;
    if (small !== null) {
      refuseOther(object, md5Of(small), from);
      writeBytes(object, small);
      yield { files: 1, bytes: size };
      return;
    }
    const { temporary, md5, size: copied } = yield* copyLarge(from, kind);
    refuseOther(object, md5, from);
    wait(object, temporary, copied);
    yield { files: 1, bytes: 0 };
  }

  function clone(from: string, to: string): boolean {
    try {
      reflink(from, to);
      return true;
    } catch (error) {
      if (isUnsupported(error)) return false;
      throw error;
    }
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

function keyOf({ hash, hashName }: ObjectName): string {
  return hashName === "md5" ? hash : `${hashName}:${hash}`;
}
