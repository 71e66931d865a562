/** Objects of a cache that nothing names. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isFolder } from "../../platform/files.ts";
import { finishWork, type Work } from "../../platform/pace.ts";
import type { HashName } from "../types.ts";
import type { ObjectName } from "./layout.ts";

export interface CacheFile extends ObjectName {
  /** Relative to the cache's folder. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

// A temporary that old belongs to no command that still runs.
const STALE_MS = 24 * 60 * 60 * 1000;

/** Every object of a cache. */
export function cacheFiles(dir: string, now: Date): CacheFile[] {
  return finishWork(readingCache(dir, now, () => true));
}

/**
 * Those that are wanted, listings first; temporaries only when they were left behind long ago. `untouchedMs`: and nobody has stored, renamed
 * or linked them for so long.
 */
export function* readingCache(dir: string, now: Date, isWanted: (object: ObjectName) => boolean, untouchedMs = 0): Work<CacheFile[]> {
  const listings: CacheFile[] = [];
  const others: CacheFile[] = [];
  for (const hashName of ["md5", "md5-dos2unix"] satisfies HashName[]) {
    const root = join(dir, SHARDS[hashName]);
    for (const shard of isFolder(root) ? readdirSync(root) : []) {
      if (!/^[0-9a-f]{2}$/.test(shard) || !isFolder(join(root, shard))) continue;
      const items = readdirSync(join(root, shard), { withFileTypes: true });
      for (const item of items) {
        const object: ObjectName = { hash: `${shard}${item.name}`, hashName };
        if (!item.isFile() || !isWanted(object)) continue;
        const stat = lstatSync(join(root, shard, item.name), { throwIfNoEntry: false });
        const isObject = /^[0-9a-f]{30}(?:\.dir)?$/.test(item.name);
        if (stat === undefined || (!isObject && now.getTime() - stat.mtimeMs < STALE_MS)) continue;
        if (!isUntouched(stat, now, untouchedMs)) continue;
        (object.hash.endsWith(".dir") ? listings : others).push(new FoundFile(object, stat.size));
      }
      yield { files: items.length, bytes: 0 };
    }
  }
  return listings.concat(others);
}

/** Whether nobody has stored, renamed or linked it for so long. */
export function isUntouched({ ctimeMs }: { ctimeMs: number }, now: Date, ms: number): boolean {
  return ms <= 0 || now.getTime() - ctimeMs >= ms;
}

const SHARDS = { md5: "files/md5/", "md5-dos2unix": "" };

/** There may be a million: names are made when they are asked for. */
class FoundFile implements CacheFile {
  readonly hash: string;
  readonly hashName: HashName;
  readonly size: number;

  constructor({ hash, hashName }: ObjectName, size: number) {
    this.hash = hash;
    this.hashName = hashName;
    this.size = size;
  }

  get name(): string {
    return `${SHARDS[this.hashName]}${this.hash.slice(0, 2)}/${this.hash.slice(2)}`;
  }
}
