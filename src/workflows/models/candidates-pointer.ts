/** The one pointer of the candidates folder, beside it. Members that are not in this worktree stay in it. */
import { absolutePath, isWithin, storedPath } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { resolveCommit } from "../../git/refs.ts";
import { hashOfItem } from "../../models/candidates.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { openCache } from "../../store/cache.ts";
import { pointerEdit, storingOutputs } from "../../store/contents.ts";
import { ignoreEdits } from "../../store/gitignore.ts";
import { readListing } from "../../store/layout.ts";
import { readPointers, readPointersAt } from "../../store/pointers.ts";
import type { Scan } from "../../store/scan.ts";
import type { FileEdit } from "../../store/types.ts";
import { storingMembers } from "../data/tracking/add-members.ts";

/** Stores these items of the folder as they are now (new, changed or gone) and answers the texts to write. A folder nobody tracked is stored whole. */
export async function folderEdits(project: Project, context: Context, items: readonly string[]): Promise<FileEdit[]> {
  const path = storedPath(project, project.config.models.candidates);
  const pointer = readPointers(project).find((one) => one.path === path);
  const label = { label: `storing ${path}` };
  const content =
    pointer?.hash?.endsWith(".dir") === true
      ? (await paceWork(storingMembers(project, pointer, { members: items }), context, label)).content
      : ((await paceWork(storingOutputs(project, [path]), context, label))[0] as Scan).content;
  return [pointerEdit(project, path, content, pointer), ...ignoreEdits(project, [absolutePath(project, path)])];
}

/** Of an item of the folder as HEAD's pointer has it; null when it has none, or its listing is not in the cache. */
export function committedHash(project: Project, item: string): string | null {
  const head = resolveCommit(requireRepository(project), "HEAD");
  const path = storedPath(project, project.config.models.candidates);
  const pointer = head === null ? undefined : readPointersAt(project, head).find((one) => one.path === path);
  if (pointer?.hash?.endsWith(".dir") !== true) return null;
  const entries = readListing(openCache(project).dir, { hash: pointer.hash, hashName: pointer.hashName }) ?? [];
  const members = entries.filter(({ relpath }) => isWithin(relpath, item));
  return members.length === 0 ? null : hashOfItem(item, members);
}
