/** Whether a model's bytes are in the cache, all of them. */
import type { Project } from "../config/project.ts";
import { openCache } from "../store/cache.ts";
import { type ObjectName, readListing, trustedSize } from "../store/layout.ts";

/** A model's own object and, for a folder, its members'; null when the listing is not in the cache. */
export function objectsOfModel(project: Project, hash: string): ObjectName[] | null {
  const own: ObjectName = { hash, hashName: "md5" };
  if (!hash.endsWith(".dir")) return [own];
  const members = readListing(openCache(project).dir, own);
  return members === null ? null : [own, ...members.map(({ md5 }): ObjectName => ({ hash: md5, hashName: "md5" }))];
}

export function isCached(project: Project, hash: string): boolean {
  const { dir } = openCache(project);
  return objectsOfModel(project, hash)?.every((object) => trustedSize(dir, object) !== null) ?? false;
}
