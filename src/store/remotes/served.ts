/** A remote behind a server: many objects at once, tried again, hashed on the way, listed or asked for one by one, whatever the server is. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { ExpverError, failedWith, fromSystemError } from "../../errors.ts";
import { md5Of, md5OfFile } from "../../platform/hashing.ts";
import type { Pacing } from "../../platform/pace.ts";
import { counted } from "../../platform/words.ts";
import { beginIngest, type Ingest, isListing, refuseOther } from "../objects/ingest.ts";
import type { ObjectFolder, ObjectName } from "../objects/layout.ts";
import { LONGEST_TEXT, mostOf, taking } from "./bounds.ts";
import { keyOf } from "./keys.ts";
import { lookFor, pagesLeft, SHARDS } from "./look-for.ts";
import { forMany, type ManyOptions, signalOf, type Tools } from "./many.ts";
import { once } from "./once.ts";
import type { Expected, Parcel, Received, Remote, StoredObject } from "./remote.ts";
import { retrying, tellingOfTries } from "./retry.ts";
import type { Coming, Key, KeyAndSize, ObjectServer, Source } from "./server.ts";

export interface ServedOptions {
  name: string;
  /** For messages: no secrets. */
  location: string;
  /** Connections. */
  jobs: number;
  /** Called at the first use, once. */
  connect: () => Promise<ObjectServer>;
}

// A batch of what was received gets its names before the next one: a killed fetch keeps what it had.
const BATCH_BYTES = 2 ** 28;
const BATCH_OBJECTS = 4000;
const PIECE = 2 ** 20;

export function servedRemote({ name, location, jobs, connect }: ServedOptions): Remote {
  const server = once(connect);
  const many = (pacing: Pacing, doing: string) => ({ pacing, jobs, label: `${doing} ${name}` });

  return {
    name,
    location,
    versions: null,
    isCertain: false,
    async present(objects, pacing, options) {
      return lookFor(await server(), objects, { ...many(pacing, "looking at"), ...options });
    },
    async send(parcels, pacing) {
      const to = await server();
      const totalBytes = parcels.reduce((sum, { size }) => sum + size, 0);
      return forMany(parcels, { ...many(pacing, "pushing to"), totalBytes }, async ({ object, from, size }, { signal, tell }) => {
        await to.put(keyOf(object), sourceOf({ object, from, size }, tell), signal);
      });
    },
    async receive(objects, cache, pacing) {
      const from = await server();
      return receiveAll(objects, cache, (wanted, work) => forMany(wanted, many(pacing, "fetching from"), work), {
        get: (object, options) => from.get(keyOf(object), options),
        placeOf: (object) => `${location}/${keyOf(object)}`,
      });
    },
    async read(object, pacing = {}) {
      const from = await server();
      const { signal, release } = signalOf(pacing);
      const tries = tellingOfTries(pacing, `reading from ${name}`);
      try {
        return await retrying(() => readObject(from, object, { place: `${location}/${keyOf(object)}`, signal }), { signal, ...tries });
      } finally {
        tries.over();
        release();
      }
    },
    async list(pacing) {
      return listAll(await server(), many(pacing, "listing"));
    },
    async remove(objects, pacing) {
      const from = await server();
      return forMany(
        objects.map((object) => ({ object })),
        many(pacing, "deleting from"),
        ({ object }, { signal }) => from.remove(keyOf(object), signal),
      );
    },
  };
}

/** An object's bytes, which it refuses to give whole when they are not the object's. */
export function sourceOf({ object, from, size }: Parcel, tell: Tools["tell"]): Source {
  const { hash, hashName } = object;
  const isPlain = hashName === "md5";
  return {
    size,
    path: from,
    md5: isPlain ? hash.slice(0, 32) : null,
    async *chunks() {
      // DVC 2's hash depends on 1 MiB borders of the whole file: read it twice.
      if (!isPlain) refuseOther(object, md5OfFile(from, { kind: hashName }).md5, from);
      const running = createHash("md5");
      let sent = 0;
      const file = await open(from, "r").catch((error: unknown) => {
        throw fromSystemError(error, `cannot read ${from}`);
      });
      try {
        do {
          const buffer = Buffer.allocUnsafe(Math.min(PIECE, size - sent));
          const { bytesRead } = await file.read(buffer, 0, buffer.length);
          const piece = buffer.subarray(0, bytesRead);
          sent += bytesRead;
          running.update(piece);
          if (isPlain && (sent >= size || bytesRead === 0)) refuseOther(object, running.digest("hex"), from);
          if (bytesRead > 0) yield piece;
          tell({ files: 0, bytes: bytesRead });
          if (bytesRead === 0) return;
        } while (sent < size);
      } finally {
        await file.close();
      }
    },
  };
}

type RunMany = (
  items: { object: Expected }[],
  work: (item: { object: Expected }, tools: Tools) => Promise<void>,
) => Promise<Received["failures"]>;

/** Where objects come from: theirs is the only thing in which remotes differ. */
interface Origin {
  get(object: Expected, options: { from: number; signal: AbortSignal }): Promise<Coming | null>;
  /** For messages. */
  placeOf(object: Expected): string;
}

/** Batches of an ingest each: a batch is committed when its last object has come. */
export async function receiveAll(objects: readonly Expected[], cache: ObjectFolder, run: RunMany, origin: Origin): Promise<Received> {
  const open = new Set<Batch>();
  const unnamed: Received["failures"] = [];
  let batch: Batch | null = null;
  let count = 0;
  const close = (one: Batch) => {
    if (one.coming > 0 || !one.isFull) return;
    open.delete(one);
    try {
      count += one.ingest.commit().objects;
    } catch (error) {
      one.ingest.abort();
      if (!(error instanceof ExpverError)) throw error;
      for (const object of one.objects) unnamed.push({ object, error });
    }
  };
  const closeAll = () => {
    for (const one of [...open]) {
      one.isFull = true;
      close(one);
    }
  };
  try {
    const failures = await run(
      objects.map((object) => ({ object })),
      async ({ object }, tools) => {
        const [first] = unnamed;
        if (first?.error) throw first.error;
        if (batch === null || batch.isFull) {
          batch = { ingest: beginIngest(cache), coming: 0, objects: [], bytes: 0, isFull: false };
          open.add(batch);
        }
        const mine = batch;
        mine.coming += 1;
        try {
          mine.bytes += await receiveOne(origin, object, { ingest: mine.ingest, folder: cache.dir, tools });
          mine.objects.push(object);
          mine.isFull ||= mine.bytes >= BATCH_BYTES || mine.objects.length >= BATCH_OBJECTS;
        } finally {
          mine.coming -= 1;
          close(mine);
        }
      },
    );
    closeAll();
    return { objects: count, failures: failures.concat(unnamed) };
  } catch (error) {
    // Interrupted: what has come whole need not come again.
    closeAll();
    throw error;
  } finally {
    for (const one of open) one.ingest.abort();
  }
}

interface Batch {
  ingest: Ingest;
  /** Objects under way. */
  coming: number;
  /** Those that have come. */
  objects: Expected[];
  bytes: number;
  isFull: boolean;
}

/** A connection that breaks is taken up where it broke; bytes that turn out wrong are fetched once more, from the beginning. */
async function receiveOne(
  { get, placeOf }: Origin,
  object: Expected,
  { ingest, folder, tools: { signal, tell } }: { ingest: Ingest; folder: string; tools: Tools },
): Promise<number> {
  const place = placeOf(object);
  const incoming = ingest.arriving(object);
  let isOpenEnded = false;
  const most = isListing(object) ? LONGEST_TEXT : mostOf(object.within);
  try {
    await incoming.resume();
    for (let isSecond = false; ; isSecond = true) {
      await retrying(
        async () => {
          const answer = await get(object, { from: incoming.size(), signal });
          if (answer === null) throw notThere(object);
          isOpenEnded = answer.length === undefined;
          const asked = incoming.size();
          if (answer.from !== asked) incoming.restart();
          if (answer.from !== asked && answer.from !== 0) throw wrongPlace(place, { asked, from: answer.from });
          for await (const chunk of taking(answer, { place, had: answer.from, most, folder })) {
            incoming.add(chunk);
            tell({ files: 0, bytes: chunk.length });
          }
        },
        { signal, come: () => incoming.size() },
      );
      const size = incoming.size();
      try {
        incoming.keep(place);
        return size;
      } catch (error) {
        if (isSecond || !failedWith(error, "E_OBJECT")) throw error;
        incoming.restart();
      }
    }
  } catch (error) {
    // Of what may never end nothing is kept for a later fetch.
    if (error instanceof ExpverError && (error.code === "E_OBJECT" || (error.code === "E_DISK_FULL" && isOpenEnded))) incoming.restart();
    incoming.drop();
    throw error;
  }
}

/** Asked again from the beginning. */
function wrongPlace(place: string, { asked, from }: { asked: number; from: number }): ExpverError {
  return new ExpverError("E_REMOTE_ANSWER", `${place}: bytes from ${asked} on were asked for, and come from ${from} on`, {
    details: { passing: true },
  });
}

async function readObject(
  server: ObjectServer,
  object: ObjectName,
  { place, signal }: { place: string; signal: AbortSignal },
): Promise<Buffer | null> {
  const answer = await server.get(keyOf(object), { from: 0, signal });
  if (answer === null) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of taking(answer, { place, most: LONGEST_TEXT })) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return md5Of(bytes) === object.hash.slice(0, 32) ? bytes : null;
}

async function listAll(
  server: ObjectServer,
  { pacing, jobs, label }: { pacing: Pacing; jobs: number; label: string },
): Promise<StoredObject[]> {
  const { list } = server;
  if (list === null) {
    throw new ExpverError("E_REMOTE", "this kind of remote cannot list what it has", {
      hint: "Name the objects (status --cloud does), or use a remote of another kind: S3, SSH, WebDAV, a folder.",
    });
  }
  const few = await listFew(server, { pacing, jobs, label });
  if (few !== null) return few;
  const shards = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, "0"));
  const folders = shards.flatMap((shard): (ObjectName & { folder: Key })[] => [
    { folder: `files/md5/${shard}`, hash: shard, hashName: "md5" },
    { folder: shard, hash: shard, hashName: "md5-dos2unix" },
  ]);
  let found: StoredObject[] = [];
  const failures = await forMany(
    folders.map((object) => ({ object })),
    { pacing, jobs, label },
    async ({ object }, { signal }) => {
      const { folder, hash, hashName } = object as (typeof folders)[number];
      const here: StoredObject[] = [];
      for await (const page of list(folder, signal)) {
        for (const { key, size } of page) {
          const rest = key.slice(folder.length + 1);
          if (/^[0-9a-f]{30}(\.dir)?$/.test(rest)) here.push({ hash: hash + rest, hashName, size });
        }
      }
      found = found.concat(here);
    },
  );
  refuseUnlisted(failures);
  return found;
}

/** A folder that is not there is empty, and no failure; of those that are untried all have the first one's. */
function refuseUnlisted(failures: Received["failures"]): void {
  const errors = [...new Set(failures.flatMap(({ error }) => error ?? []))];
  const [first, ...others] = errors;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  throw new ExpverError(first.code, `${first.message} (and ${counted(others.length, "more folder")} of it)`, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    details: { ...first.details, failures: errors.map(({ message }) => message) },
    cause: first,
  });
}

/** All there is where that is a few pages: the shards of both layouts take 512 requests. Null: there is more. */
async function listFew({ walk }: ObjectServer, options: ManyOptions): Promise<StoredObject[] | null> {
  if (walk === undefined) return null;
  let pages: KeyAndSize[][] = [];
  let isAll = false;
  const [failure] = await forMany([{ object: { hash: "", hashName: "md5" } }], options, async (_, { signal }) => {
    pages = [];
    for await (const page of walk("", signal)) {
      const digits = /^files\/md5\/(.+)/.exec(page.at(-1)?.key ?? "")?.[1];
      if (pages.push(page) > 1 && (digits === undefined || pagesLeft(digits, pages.length) > (2 * SHARDS) / options.jobs)) return;
    }
    isAll = true;
  });
  if (failure?.error) throw failure.error;
  if (!isAll) return null;
  return pages.flat().flatMap(({ key, size }): StoredObject[] => {
    const [, layout, shard, rest] = /^(files\/md5\/)?([0-9a-f]{2})\/([0-9a-f]{30}(?:\.dir)?)$/.exec(key) ?? [];
    if (shard === undefined || rest === undefined) return [];
    return [{ hash: shard + rest, hashName: layout === undefined ? "md5-dos2unix" : "md5", size }];
  });
}

/** Becomes a failure without an error. */
function notThere({ hash }: ObjectName): ExpverError {
  return new ExpverError("E_NOT_FOUND", `${hash} is not there`);
}
