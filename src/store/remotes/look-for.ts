/**
 * Which objects are on a server: by listing a shard where that takes fewer requests than asking for each, or where they may not be asked
 * for. A page of a listing tells how full the shard is, so the choice is made again after each page.
 */
import { ExpverError, failedWith } from "../../errors.ts";
import type { ObjectName } from "../objects/layout.ts";
import { keyOf } from "./keys.ts";
import { forMany, type ManyOptions } from "./many.ts";
import type { LookOptions, Seen, Wanted } from "./remote.ts";
import type { Found, ObjectServer } from "./server.ts";

// Where the objects of DVC 3 are, in so many folders.
const TREE = "files/md5";
export const SHARDS = 256;
// Fewer than this in a shard are asked for.
const WORTH_LISTING = 3;
// After so many refusals and no answer nothing more is asked.
const HOPELESS = 12;

/** Throws E_REMOTE_FORBIDDEN where nothing is said of any of them, unless they count as absent then. */
export async function lookFor(
  server: ObjectServer,
  objects: readonly Wanted[],
  { mayGuess = false, ...options }: ManyOptions & LookOptions,
): Promise<Seen[]> {
  const there: Seen[] = [];
  const meet = (object: Wanted, found: Found | null) => {
    if (found !== null && (object.size === undefined || found.size === undefined || found.size === object.size))
      there.push({ hash: object.hash, hashName: object.hashName, size: found.size });
  };
  let { list } = server;
  const isTree = server.walk !== undefined && objects.length > options.jobs && objects.every(isOfTree);
  const pagesOfShards = (left: number) => Math.min(left, SHARDS) / options.jobs;
  // All that is there may be a few pages.
  const left = isTree ? await listed(new Map([[TREE, objects]]), { isFar: (pages, few) => pages > pagesOfShards(few) }) : objects;
  const ask = await listed(shardsOf(left), { fewest: WORTH_LISTING, isFar: (pages, few) => few <= pages });
  let denied: Wanted[] = [];
  let answered = 0;
  await all(
    ask.map((object) => ({ object })),
    async ({ object }, signal) => {
      if (denied.length >= HOPELESS && answered === 0) {
        denied.push(object);
        return;
      }
      try {
        meet(object, await server.find(keyOf(object), signal));
        answered += 1;
      } catch (error) {
        // S3 says so of what is not there to whoever may not list: what is sent will be seen.
        if (!isForbidden(error)) throw error;
        denied.push(object);
      }
    },
  );
  denied = await listed(shardsOf(denied), { isFar: () => false });
  if (denied.length > 0 && denied.length === objects.length && !mayGuess) throw saysNothing(options, denied.length);
  if (denied.length > 0) warn(options, denied.length);
  return there;

  /** By folders. Answers those of which nothing is known then. */
  async function listed(
    wanted: ReadonlyMap<string, readonly Wanted[]>,
    { fewest = 1, isFar }: { fewest?: number; isFar: Listing["isFar"] },
  ): Promise<Wanted[]> {
    const unknown: Wanted[] = [];
    await all(
      Array.from(wanted, ([folder, some]) => ({ object: some[0] as ObjectName, folder, some })),
      async ({ folder, some }, signal) => {
        const left = new Map(some.map((object) => [keyOf(object), object]));
        try {
          if (list !== null && left.size >= fewest) await listFolder(list, { folder, left, signal, meet, isFar });
        } catch (error) {
          // Some, also nobody, may ask and not list, and some servers know no listing.
          if (!isRefusal(error)) throw error;
          list = null;
        }
        for (const object of left.values()) unknown.push(object);
      },
    );
    return unknown;
  }

  async function all<Item extends { object: ObjectName }>(
    items: Item[],
    work: (item: Item, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const failures = await forMany(items, options, (item, { signal }) => work(item, signal));
    for (const { error } of failures) if (error !== null) throw error;
  }
}

/** Of a listing, by a server that may well be asked for an object. */
export function isRefusal(error: unknown): boolean {
  return isForbidden(error) || isUnknownCaller(error) || isUnknownRequest(error);
}

function isForbidden(error: unknown): boolean {
  return failedWith(error, "E_REMOTE_FORBIDDEN");
}

function isUnknownCaller(error: unknown): boolean {
  return failedWith(error, "E_REMOTE_AUTH");
}

function isUnknownRequest(error: unknown): boolean {
  return error instanceof ExpverError && [400, 405, 501].includes(Number(error.details.status));
}

const HINT = "`expver data remote check` names the permission that is missing.";

function warn({ pacing, label }: ManyOptions, denied: number): void {
  pacing.report?.({
    kind: "warning",
    text: `while ${label}: the server does not say whether ${denied} objects are there (403); they count as not there`,
    hint: HINT,
  });
}

function saysNothing({ label }: ManyOptions, denied: number): ExpverError {
  const which = denied === 1 ? "whether the object is there" : `of any of ${denied} objects whether it is there`;
  return new ExpverError("E_REMOTE_FORBIDDEN", `while ${label}: the server does not say ${which} (403)`, { hint: HINT });
}

interface Listing {
  /** Below which all keys go on with digits. */
  folder: string;
  left: Map<string, Wanted>;
  signal: AbortSignal;
  meet: (object: Wanted, found: Found | null) => void;
  /** Whether so many pages more are too many for so many objects: what is left is not asked for here. */
  isFar: (pages: number, left: number) => boolean;
}

/** Takes out of `left` what the listing decides. */
async function listFolder(list: NonNullable<ObjectServer["list"]>, { folder, left, signal, meet, isFar }: Listing): Promise<void> {
  let pages = 0;
  for await (const page of list(folder, signal)) {
    pages += 1;
    for (const { key, size } of page) {
      const object = left.get(key);
      if (object === undefined) continue;
      meet(object, { size });
      left.delete(key);
    }
    const last = page.at(-1)?.key;
    if (last === undefined) continue;
    for (const key of left.keys()) if (key < last) left.delete(key);
    if (isFar(pagesLeft(last.slice(folder.length + 1), pages), left.size)) return;
  }
  left.clear();
}

/** After so many that came as far as this name. */
export function pagesLeft(last: string, pages: number): number {
  // Keys are digests: evenly spread.
  const covered = (Number.parseInt(last.replace("/", "").slice(0, 8), 16) + 1) / 2 ** 32;
  return covered > 0 ? pages * (1 / covered - 1) : Number.POSITIVE_INFINITY;
}

function isOfTree(object: ObjectName): boolean {
  return keyOf(object).startsWith(`${TREE}/`);
}

function shardsOf(objects: readonly Wanted[]): Map<string, Wanted[]> {
  const shards = new Map<string, Wanted[]>();
  for (const object of objects) {
    const key = keyOf(object);
    const folder = key.slice(0, key.lastIndexOf("/"));
    const shard = shards.get(folder);
    if (shard === undefined) shards.set(folder, [object]);
    else shard.push(object);
  }
  return shards;
}
