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

/** Every object of a cache that is wanted, listings first; temporaries only when they were left behind long ago. */
export function cacheFiles(dir: string, now: Date, isWanted: (object: ObjectName) => boolean = () => true): CacheFile[] {
  const found = [
    ...filesOf(dir, "files/md5/", { hashName: "md5", now, isWanted }),
    ...filesOf(dir, "", { hashName: "md5-dos2unix", now, isWanted }),
  ];
  return found.sort((one, other) => Number(other.hash.endsWith(".dir")) - Number(one.hash.endsWith(".dir")));
}

function filesOf(
  dir: string,
  below: string,
  { hashName, now, isWanted }: Pick<ObjectName, "hashName"> & { now: Date; isWanted: (object: ObjectName) => boolean },
): CacheFile[] {
  const root = join(dir, below);
  if (!isFolder(root)) return [];
  return readdirSync(root).flatMap((shard) => {
    if (!/^[0-9a-f]{2}$/.test(shard) || !isFolder(join(root, shard))) return [];
    return readdirSync(join(root, shard), { withFileTypes: true }).flatMap((item): CacheFile[] => {
      const object: ObjectName = { hash: `${shard}${item.name}`, hashName };
      if (!item.isFile() || !isWanted(object)) return [];
      const name = `${below}${shard}/${item.name}`;
      const stat = lstatSync(join(dir, name), { throwIfNoEntry: false });
      const isObject = /^[0-9a-f]{30}(?:\.dir)?$/.test(item.name);
      if (stat === undefined || (!isObject && now.getTime() - stat.mtimeMs < STALE_MS)) return [];
      return [{ ...object, name, size: stat.size }];
    });
  });
}
