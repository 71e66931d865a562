/** Entries of DVC 2: adding bytes that have not changed leaves them as they are. */
import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import type { Work } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import type { Pointer } from "../../../store/types.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";
import { isComplete } from "../../../store/worktree/status.ts";

/** True when the pointer is of DVC 2, is still true, and its bytes are in the old part of the cache. */
export function* isLegacyUnchanged(project: Project, pointer: Pointer | undefined): Work<boolean> {
  if (pointer === undefined || pointer.hash === null || pointer.hashName === "md5") return false;
  const { content } = yield* scanOutput(project, absolutePath(project, pointer.path), { hashName: pointer.hashName });
  return content.hash === pointer.hash && isComplete(openCache(project), pointer);
}
