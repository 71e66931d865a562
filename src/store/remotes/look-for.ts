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

export async function lookFor(server: ObjectServer, objects: readonly Wanted[], options: ManyOptions): Promise<ObjectName[]> {
  const there: ObjectName[] = [];
  const meet = (object: Wanted, found: Found | null) => {
    if (found !== null && (object.size === undefined || found.size === undefined || found.size === object.size)) there.push(plain(object));
  };
  let { list } = server;
  const ask: Wanted[] = [];
  const shards = list === null ? [] : [...shardsOf(objects)];
  if (list === null) ask.push(...objects);
  await all(
    shards.map(([folder, wanted]) => ({ object: wanted[0] as ObjectName, folder, wanted })),
    async ({ folder, wanted }, signal) => {
      const left = new Map(wanted.map((object) => [keyOf(object), object]));
      try {
        if (list !== null && left.size >= WORTH_LISTING) await listShard(list, { folder, left, signal, meet });
      } catch (error) {
        // Some may ask and not list.
        if (!(error instanceof ExpverError && error.code === "E_REMOTE_FORBIDDEN")) throw error;
        list = null;
      }
      ask.push(...left.values());
    },
  );
  await all(
    ask.map((object) => ({ object })),
    async ({ object }, signal) => meet(object, await server.find(keyOf(object), signal)),
  );
  return there;

  async function all<Item extends { object: ObjectName }>(
    items: Item[],
    work: (item: Item, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const failures = await forMany(items, options, (item, { signal }) => work(item, signal));
    for (const { error } of failures) if (error !== null) throw error;
  }
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
