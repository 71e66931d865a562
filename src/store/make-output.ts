/** An output of any pointer, made from the cache at another place than its own, as it would be made at its own. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { absolutePath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import type { Work } from "../platform/pace.ts";
import { openCache } from "./cache.ts";
import { membersOf } from "./checkout.ts";
import { trustedSize } from "./layout.ts";
import { type FileFromCache, makingFiles, placingIn } from "./place-files.ts";
import type { ListingEntry, Pointer } from "./types.ts";

/** Members of a stored output; a file is its own, with an empty name. Null when the listing is not in the cache. */
export function storedMembers(project: Project, { hash, hashName, ...rest }: Pointer): ListingEntry[] | null {
  return hash === null ? [] : membersOf(openCache(project), { ...rest, hash, hashName });
}

/** Paths (relative to the output) of members whose bytes the cache lacks; the output itself when its listing does. */
export function missingMembers(project: Project, pointer: Pointer, isWanted: (relpath: string) => boolean = () => true): string[] {
  const { dir } = openCache(project);
  const members = storedMembers(project, pointer);
  if (members === null) return [""];
  return members
    .filter(({ relpath, md5 }) => isWanted(relpath) && trustedSize(dir, { hash: md5, hashName: pointer.hashName }) === null)
    .map(({ relpath }) => relpath);
}

/** Makes the wanted members where `at` says (absolute, nothing stands there). The cache has them. */
export function* makingOutput(
  project: Project,
  pointer: Pointer,
  { at, isWanted = () => true }: { at: (relpath: string) => string; isWanted?: (relpath: string) => boolean },
): Work<void> {
  const cache = openCache(project);
  const { hashName, hash } = pointer;
  const own = absolutePath(project, pointer.path);
  const isFolder = hash?.endsWith(".dir") === true;
  const targets = new Map<FileFromCache, string>();
  if (isFolder && isWanted("")) mkdirSync(at(""), { recursive: true });
  for (const { relpath, md5 } of storedMembers(project, pointer) ?? []) {
    if (!isWanted(relpath)) continue;
    const object = { hash: md5, hashName };
    const size = trustedSize(cache.dir, object) ?? 0;
    const target = at(relpath);
    if (!existsSync(dirname(target))) mkdirSync(dirname(target), { recursive: true });
    const place: FileFromCache = {
      path: relpath === "" ? own : `${own}/${relpath}`,
      object,
      dir: cache.dir,
      size,
      isexec: !isFolder && pointer.isexec === true,
    };
    targets.set(place, target);
  }
  yield* makingFiles(placingIn(project), [...targets.keys()], { at: (place) => targets.get(place) as string });
}
