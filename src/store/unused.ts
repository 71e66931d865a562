/** Objects of a cache that nothing names. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isFolder } from "../platform/files.ts";
import type { ObjectName } from "./layout.ts";

export interface CacheFile extends ObjectName {
  /** Relative to the cache's folder. */
  name: string;
  /** Bytes. */
  size: number;
}

// A temporary that old belongs to no command that still runs.
const STALE_MS = 24 * 60 * 60 * 1000;

/** Every object of a cache, listings first; temporaries only when they were left behind long ago. */
export function cacheFiles(dir: string, now: Date): CacheFile[] {
  const found = [...filesOf(dir, "files/md5", "md5", now), ...filesOf(dir, "", "md5-dos2unix", now)];
  return found.sort((one, other) => Number(other.hash.endsWith(".dir")) - Number(one.hash.endsWith(".dir")));
}

function filesOf(dir: string, below: string, hashName: ObjectName["hashName"], now: Date): CacheFile[] {
  const root = join(dir, below);
  if (!isFolder(root)) return [];
  return readdirSync(root).flatMap((shard) => {
    if (!/^[0-9a-f]{2}$/.test(shard) || !isFolder(join(root, shard))) return [];
    return readdirSync(join(root, shard), { withFileTypes: true }).flatMap((item): CacheFile[] => {
      if (!item.isFile()) return [];
      const name = join(below, shard, item.name);
      const stat = lstatSync(join(dir, name), { throwIfNoEntry: false });
      const isObject = /^[0-9a-f]{30}(?:\.dir)?$/.test(item.name);
      if (stat === undefined || (!isObject && now.getTime() - stat.mtimeMs < STALE_MS)) return [];
      return [{ name, hash: `${shard}${item.name}`, hashName, size: stat.size }];
    });
  });
}
