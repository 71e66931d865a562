/**
 * Which objects are on a server: by listing a shard where that takes fewer requests than asking for each. A page of a listing tells how
 * full the shard is, so the choice is made again after each page.
 */
import { ExpverError } from "../../errors.ts";
import type { ObjectName } from "../layout.ts";
import { keyOf } from "./keys.ts";
import { forMany, type ManyOptions } from "./many.ts";
import type { Wanted } from "./remote.ts";
import type { Found, ObjectServer } from "./server.ts";

// Fewer than this in a shard are asked for.
const WORTH_LISTING = 3;
// After so many refusals and no answer nothing more is asked.
const HOPELESS = 12;

export async function lookFor(server: ObjectServer, objects: readonly Wanted[], options: ManyOptions): Promise<ObjectName[]> {
  const there: ObjectName[] = [];
  const meet = (object: Wanted, found: Found | null) => {
    if (found !== null && (object.size === undefined || found.size === undefined || found.size === object.size)) there.push(plain(object));
  };
  let { list } = server;
  const ask = list === null ? [...objects] : [];
  const shards = list === null ? [] : [...shardsOf(objects)];
  await all(
    shards.map(([folder, wanted]) => ({ object: wanted[0] as ObjectName, folder, wanted })),
    async ({ folder, wanted }, signal) => {
      const left = new Map(wanted.map((object) => [keyOf(object), object]));
      try {
        if (list !== null && left.size >= WORTH_LISTING) await listShard(list, { folder, left, signal, meet });
      } catch (error) {
        // Some, also nobody, may ask and not list, and some servers know no listing.
        if (!isRefusal(error)) throw error;
        list = null;
      }
      for (const object of left.values()) ask.push(object);
    },
  );
  let denied = 0;
  let answered = 0;
  await all(
    ask.map((object) => ({ object })),
    async ({ object }, signal) => {
      if (denied >= HOPELESS && answered === 0) return;
      try {
        meet(object, await server.find(keyOf(object), signal));
        answered += 1;
      } catch (error) {
        // S3 says so of what is not there to whoever may not list: what is sent will be seen.
        if (!isForbidden(error)) throw error;
        denied += 1;
      }
    },
  );
  if (denied > 0) warn(options, denied);
  return there;

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
  return error instanceof ExpverError && error.code === "E_REMOTE_FORBIDDEN";
}

function isUnknownCaller(error: unknown): boolean {
  return error instanceof ExpverError && error.code === "E_REMOTE_AUTH";
}

function isUnknownRequest(error: unknown): boolean {
  return error instanceof ExpverError && [400, 405, 501].includes(Number(error.details.status));
}

function warn({ pacing, label }: ManyOptions, denied: number): void {
  pacing.report?.({
    kind: "warning",
    text: `while ${label}: the server does not say whether ${denied} objects are there (403); they count as not there`,
    hint: "`expver data remote check` names the permission that is missing.",
  });
}

/** Takes out of `left` what the listing decides. */
async function listShard(
  list: NonNullable<ObjectServer["list"]>,
  {
    folder,
    left,
    signal,
    meet,
  }: { folder: string; left: Map<string, Wanted>; signal: AbortSignal; meet: (object: Wanted, found: Found | null) => void },
): Promise<void> {
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
    const covered = (Number.parseInt(last.slice(folder.length + 1, folder.length + 9), 16) + 1) / 2 ** 32;
    // Keys are digests: evenly spread.
    if (left.size <= pages * (1 / covered - 1)) return;
  }
  left.clear();
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

function plain({ hash, hashName }: Wanted): ObjectName {
  return { hash, hashName };
}
