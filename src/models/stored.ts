/** Whether a model's bytes are in the cache, all of them. */
import { finishWork } from "../platform/pace.ts";
import { isListing } from "../store/objects/ingest.ts";
import { type ObjectName, readingListing, trustedSize, unlessDamaged } from "../store/objects/layout.ts";

/** A model's own object and, for a folder, its members'; null when the listing is not in this cache, or damaged. */
export function objectsOfModel(dir: string, hash: string): ObjectName[] | null {
  const own: ObjectName = { hash, hashName: "md5" };
  if (!hash.endsWith(".dir")) return [own];
  const members = finishWork(unlessDamaged(readingListing(dir, own), null));
  return members === null ? null : [own, ...members.map(({ md5 }): ObjectName => ({ hash: md5, hashName: "md5" }))];
}

export function isCached(dir: string, hash: string): boolean {
  return areCached(dir, objectsOfModel(dir, hash));
}

export function areCached(dir: string, objects: readonly ObjectName[] | null): boolean {
  return objects?.every((object) => trustedSize(dir, object) !== null) ?? false;
}

/** Whether bytes that lie somewhere are in the cache too, so that they may go: one object of another size was cut off. `size`: of all files. */
export function isStoredWhole(dir: string, { hash, size }: { hash: string; size: number }): boolean {
  const objects = objectsOfModel(dir, hash);
  if (objects === null || !areCached(dir, objects)) return false;
  const files = objects.filter((object) => !isListing(object));
  return files.reduce((sum, object) => sum + (trustedSize(dir, object) ?? 0), 0) === size;
}
