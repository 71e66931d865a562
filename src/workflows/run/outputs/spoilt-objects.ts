/**
 * Where the user wants links into the cache, a program that may write anything (as root) can write through one: then an object
 * has bytes its name does not mean. Such bytes stay in the worktree; under the name nothing is better than something else.
 */

import { statSync } from "node:fs";
import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { moveToTrash, trashPlace } from "../../../journal/trash.ts";
import type { Context } from "../../../platform/context.ts";
import { copyFileAtomic, plainMode } from "../../../platform/files.ts";
import { md5OfFile } from "../../../platform/hashing.ts";
import { type Cache, openCache } from "../../../store/objects/cache.ts";
import { objectPath, readListing } from "../../../store/objects/layout.ts";
import type { Pointer } from "../../../store/types.ts";
import type { ClosingRun } from "../open-run.ts";

/** Looks at objects touched since the run began. Safe to repeat. */
export function rescueSpoilt(context: Context, run: ClosingRun): void {
  const { project, facts, operation } = run;
  const cache = openCache(project);
  if (!cache.linkTypes.some((type) => type === "symlink" || type === "hardlink")) return;
  const since = Date.parse(facts().startedAt);
  for (const { hash, path, file } of facts().closing.pointers.flatMap((pointer) => linksOf(project, cache, pointer))) {
    const object = objectPath(cache.dir, { hash, hashName: "md5" });
    const stat = statSync(object, { throwIfNoEntry: false });
    if (stat === undefined || stat.ctimeMs < since || md5OfFile(object).md5 === hash) continue;
    const worktree = statSync(file, { throwIfNoEntry: false });
    if (worktree?.ino === stat.ino && worktree.dev === stat.dev) copyFileAtomic(object, file, { mode: plainMode() });
    const trash = trashPlace(project, object);
    operation.note(`spoilt ${hash}`, trash);
    moveToTrash(project, object, trash);
    context.report({
      kind: "warning",
      text: `the program wrote through ${path}, a link into the cache: the stored bytes of ${hash} are lost here; what it wrote is in ${path}`,
      hint: `Fetch them again from a remote that has them: expver data fetch. To be safe from it: expver data config cache.type copy, then expver data checkout --relink`,
    });
  }
}

interface Link {
  hash: string;
  /** Stored path. */
  path: string;
  /** Absolute. */
  file: string;
}

function linksOf(project: Project, cache: Cache, { hash, hashName, path, cache: isCached }: Pointer): Link[] {
  // DVC 2 named texts by another digest than that of their bytes.
  if (hash === null || hashName !== "md5" || !isCached) return [];
  const file = absolutePath(project, path);
  if (!hash.endsWith(".dir")) return [{ hash, path, file }];
  const members = readListing(cache.dir, { hash, hashName }) ?? [];
  return members.map(({ relpath, md5 }) => ({ hash: md5, path: `${path}/${relpath}`, file: `${file}/${relpath}` }));
}
