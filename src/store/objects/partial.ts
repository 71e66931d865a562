/**
 * Bytes of large objects whose fetch was broken off: they wait beside the shards of a cache, under the name they should get, until a later
 * fetch goes on with them. Nothing vouches for them: the hash of the whole object does.
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { fileSize, isMissing, setMode } from "../../platform/files.ts";
import { makeFolder, type ObjectFolder, shardsFolder } from "./layout.ts";

/** Where they wait. */
export function partialsFolder({ dir }: Pick<ObjectFolder, "dir">): string {
  return `${shardsFolder(dir, "md5")}/expver-partial`;
}

const WAITING = /^arriving-\d+-([0-9a-f]{32}(\.dir)?)$/;
// Less is fetched anew sooner than it is looked for.
const WORTH_KEEPING = 4 * 2 ** 20;
const ABANDONED_MS = 7 * 24 * 3600 * 1000;

/** How a large object is called while it comes. */
export function arrivingName(count: number, hash: string): string {
  return `arriving-${count}-${hash}`;
}

/** Keeps what came into a staging folder whose process is dead. Another process that sees it may do the same at the same time. */
export function keepArrived(cache: ObjectFolder, staging: string): void {
  try {
    for (const name of readdirSync(staging)) {
      const hash = WAITING.exec(name)?.[1];
      if (hash !== undefined) keepPartial(cache, hash, `${staging}/${name}`);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Keeps a file for a later fetch, unless there is more already; the file is gone from where it was, or worth nothing. */
export function keepPartial(cache: ObjectFolder, hash: string, from: string): void {
  const size = fileSize(from);
  const folder = partialsFolder(cache);
  const to = `${folder}/${hash}`;
  if (size < WORTH_KEEPING || size <= fileSize(to)) return;
  makeFolder(cache, folder);
  renameSync(from, to);
}

/** Moves what there is of an object to a place of one's own, writable; false when there is nothing. */
export function takePartial(cache: ObjectFolder, hash: string, to: string): boolean {
  try {
    renameSync(`${partialsFolder(cache)}/${hash}`, to);
    setMode(to, 0o644);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    // Of another user of the cache.
    rmSync(to, { force: true });
    return false;
  }
}

/** Hashes of the objects there is something of; what nobody went on with for long is removed. */
export function listPartials(cache: ObjectFolder, now: number): Set<string> {
  const folder = partialsFolder(cache);
  if (!existsSync(folder)) return new Set();
  const isAbandoned = (name: string) => now - (statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.mtimeMs ?? now) > ABANDONED_MS;
  const names = readdirSync(folder);
  for (const name of names.filter(isAbandoned)) rmSync(`${folder}/${name}`, { force: true });
  return new Set(names);
}
