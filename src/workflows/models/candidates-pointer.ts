/** The one pointer of the candidates folder, beside it. Members that are not in this worktree stay in it. */

import { absolutePath, isWithin, storedPath } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { throwUnlessFailure } from "../../errors.ts";
import { resolveCommit } from "../../git/refs.ts";
import { itemsOf } from "../../models/candidates.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { openCache } from "../../store/objects/cache.ts";
import { readListing } from "../../store/objects/layout.ts";
import { readPointers, readPointersAt } from "../../store/pointers/pointers.ts";
import { ignoreEdits } from "../../store/settings/gitignore.ts";
import { fetchObjects } from "../../store/transfer/transfer.ts";
import type { FileEdit, Pointer } from "../../store/types.ts";
import { pointerEdit, storingOutputs } from "../../store/worktree/contents.ts";
import type { Scan } from "../../store/worktree/scan.ts";
import { storingMembers } from "../data/tracking/add-members.ts";

/** Stores these items of the folder as they are now (new, changed or gone) and answers the texts to write. A folder nobody tracked is stored whole. */
export async function folderEdits(project: Project, context: Context, items: readonly string[]): Promise<FileEdit[]> {
  const path = storedPath(project, project.config.models.candidates);
  const pointer = readPointers(project).find((one) => one.path === path);
  if (pointer !== undefined) await bringListing(project, context, pointer);
  const label = { label: `storing ${path}` };
  const content =
    pointer?.hash?.endsWith(".dir") === true
      ? (await paceWork(storingMembers(project, pointer, { members: items }), context, label)).content
      : ((await paceWork(storingOutputs(project, [path]), context, label))[0] as Scan).content;
  return [pointerEdit(project, path, content, pointer), ...ignoreEdits(project, [absolutePath(project, path)])];
}

/** In a clone that has not pulled the candidates it is on the remote only; without it their pointer cannot be continued. */
async function bringListing(project: Project, context: Context, pointer: Pointer): Promise<void> {
  const { hash, hashName, path } = pointer;
  if (hash?.endsWith(".dir") !== true || readListing(openCache(project).dir, { hash, hashName }) !== null) return;
  try {
    await fetchObjects(project, [pointer], context, { only: new Map([[path, []]]) });
  } catch (error) {
    // That it is lacking is said by whoever needs it.
    throwUnlessFailure(error);
  }
}

/** Of an item of the folder as HEAD's pointer has it; null when it has none, or its listing is not in the cache. */
export function committedHash(project: Project, item: string): string | null {
  const head = resolveCommit(requireRepository(project), "HEAD");
  const path = storedPath(project, project.config.models.candidates);
  const pointer = head === null ? undefined : readPointersAt(project, head).find((one) => one.path === path);
  if (pointer?.hash?.endsWith(".dir") !== true) return null;
  const entries = readListing(openCache(project).dir, { hash: pointer.hash, hashName: pointer.hashName }) ?? [];
  return itemsOf(entries.filter(({ relpath }) => isWithin(relpath, item))).get(item)?.hash ?? null;
}
