/** Files of an output that are replaced, removed or made while the cache has what they were: as the journal writes them down. */
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import type { Effect } from "../../journal/types.ts";
import { batchesOf, NOTHING_DONE, type Work } from "../../platform/pace.ts";
import { openCache } from "../../store/objects/cache.ts";
import { shardsFolder } from "../../store/objects/layout.ts";
import type { Pointer } from "../../store/types.ts";
import { removingScanned } from "../../store/worktree/remove-files.ts";
import type { Scan } from "../../store/worktree/scan.ts";

type CheckedOut = Extract<Effect, { kind: "checkout" }>;

export type Change = CheckedOut["files"][number];

// Between two of them one can be interrupted.
const CHANGES_IN_EFFECT = 1000;

export function checkoutEffects(
  project: Project,
  { path, hashName }: Pick<Pointer, "path" | "hashName">,
  changes: readonly Change[],
): CheckedOut[] {
  const shards = shardsFolder(openCache(project).dir, hashName);
  return Array.from({ length: Math.ceil(changes.length / CHANGES_IN_EFFECT) }, (_, index): CheckedOut => {
    const files = changes.slice(index * CHANGES_IN_EFFECT, (index + 1) * CHANGES_IN_EFFECT);
    return { kind: "checkout", path, shards, hashName, files };
  });
}

/** Deletes the files of an output, all of which the cache has: from there undo makes them again. */
export function* removingStored(project: Project, operation: OpenOperation, { path, scan }: { path: string; scan: Scan }): Work<void> {
  for (const batch of batchesOf(scan.files)) {
    const changes = batch.map(({ relpath, md5 }): Change => [relpath, md5, null]);
    operation.record(...checkoutEffects(project, { path, hashName: "md5" }, changes));
    yield NOTHING_DONE;
  }
  yield* removingScanned(absolutePath(project, path), scan);
}
