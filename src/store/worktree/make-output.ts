/** An output of any pointer, made from the cache at another place than its own, as it would be made at its own. */
import { dirname } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { failedWith } from "../../errors.ts";
import { makeFolders } from "../../platform/files.ts";
import { batchesOf, finishWork, type Work } from "../../platform/pace.ts";
import { openCache } from "../objects/cache.ts";
import { damageAmong, refusingDamaged } from "../objects/damaged.ts";
import { type ObjectName, trustedSizes, unlessDamaged } from "../objects/layout.ts";
import type { ListingEntry, Pointer } from "../types.ts";
import { readingMembers } from "./checkout.ts";
import { type FileFromCache, makingFiles, placingIn } from "./place-files.ts";

/** Members of a stored output; a file is its own, with an empty name. Null when the listing is not in the cache. */
export function storedMembers(project: Project, pointer: Pointer): ListingEntry[] | null {
  return finishWork(readingStored(project, pointer));
}

export function* readingStored(project: Project, { hash, hashName, ...rest }: Pointer): Work<ListingEntry[] | null> {
  return hash === null ? [] : yield* readingMembers(openCache(project), { ...rest, hash, hashName });
}

/** Paths (relative to the output) of members whose bytes the cache lacks; the output itself when its listing does. */
export function* lookingForMissing(
  project: Project,
  pointer: Pointer,
  isWanted: (relpath: string) => boolean = () => true,
): Work<string[]> {
  const { dir } = openCache(project);
  const wanted = (yield* unlessDamaged(readingStored(project, pointer), null))?.filter(({ relpath }) => isWanted(relpath));
  if (wanted === undefined) return [""];
  const sizes = yield* trustedSizes(
    dir,
    wanted.map(({ md5 }) => ({ hash: md5, hashName: pointer.hashName })),
  );
  return wanted.filter((_, index) => sizes[index] === null).map(({ relpath }) => relpath);
}

/** Makes the wanted members where `at` says (absolute, nothing stands there). The cache has them. Throws E_OBJECT when damaged ones were among them. */
export function* makingOutput(
  project: Project,
  pointer: Pointer,
  { at, isWanted = () => true }: { at: (relpath: string) => string; isWanted?: (relpath: string) => boolean },
): Work<void> {
  const cache = openCache(project);
  const { hashName, hash } = pointer;
  const own = absolutePath(project, pointer.path);
  const isFolder = hash?.endsWith(".dir") === true;
  const folders = new Set<string>();
  const placing = placingIn(project);
  const members = ((yield* readingStored(project, pointer)) ?? []).filter(({ relpath }) => isWanted(relpath));
  const all = function* () {
    for (const { md5 } of members) yield { hash: md5, hashName };
  };
  // What is copied is hashed on its way.
  if (placing.placer.links()) yield* refusingDamaged(cache, [...all()]);
  for (const some of batchesOf(members)) {
    const objects = some.map(({ md5 }) => ({ hash: md5, hashName }));
    const sizes = yield* trustedSizes(cache.dir, objects);
    const targets = new Map<FileFromCache, string>();
    for (const [index, { relpath }] of some.entries()) {
      const target = at(relpath);
      if (!folders.has(dirname(target))) makeFolders(dirname(target));
      folders.add(dirname(target));
      const place: FileFromCache = {
        path: relpath === "" ? own : `${own}/${relpath}`,
        object: objects[index] as ObjectName,
        dir: cache.dir,
        size: sizes[index] ?? 0,
        isexec: !isFolder && pointer.isexec === true,
      };
      targets.set(place, target);
    }
    try {
      yield* makingFiles(placing, [...targets.keys()], { at: (place) => targets.get(place) as string });
    } catch (error) {
      throw failedWith(error, "E_OBJECT") ? yield* damageAmong(cache, [...all()], error) : error;
    }
  }
}
