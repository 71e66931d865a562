/** expver shares the main worktree's cache with a linked one by itself; dvc must be told, in a file that Git does not see. */
import { join } from "node:path";
import type { Place } from "../config/project.ts";
import { gitResult } from "../git/git.ts";
import { perform } from "../journal/perform.ts";
import type { Context } from "../platform/context.ts";
import { readTextIfExists } from "../platform/files.ts";
import { cacheDir, cacheSeenByDvc, dvcFolder, sharedCache } from "../store/settings/dvc-config.ts";
import type { FileEdit } from "../store/types.ts";
import { applyFileEdits } from "./plan.ts";

/** What `.dvc/config.local` of a linked worktree must say for dvc to find the data; null when nothing is to be done. */
export function sharedCacheEdit(place: Place): FileEdit | null {
  const { repository, dvcRoot } = place;
  const dir = cacheDir(place);
  if (repository === null || sharedCache(place) === null || cacheSeenByDvc(place) === dir) return null;
  const path = join(dvcFolder(place), "config.local");
  // A `.dvc` that is to be made hides it.
  const hidden = dvcRoot === null || gitResult(repository, ["check-ignore", "--quiet", "--", path], { allow: [1] }).code === 0;
  if (!hidden) return null;
  const before = readTextIfExists(path);
  return { path, before, after: withCacheDir(before ?? "", dir) };
}

/** An operation of its own: undoing what comes after it leaves it alone. */
export async function nameSharedCache(place: Place, context: Context): Promise<void> {
  const edit = sharedCacheEdit(place);
  if (edit === null) return;
  await perform(place, context, {
    command: "doctor",
    argv: ["doctor", "--fix"],
    summary: `name the shared cache in ${edit.path}`,
    work: (operation) => applyFileEdits(place, operation, [edit]),
  });
}

/** Every other line stays: in its section when there is one, else in a new one at the end. */
function withCacheDir(text: string, dir: string): string {
  const line = `    dir = ${/[,#"'\s]/.test(dir) ? `"${dir}"` : dir}\n`;
  const header = /^[ \t]*\[[ \t]*['"]?cache['"]?[ \t]*\][^\n]*\n/im.exec(text);
  if (header !== null) {
    const end = header.index + header[0].length;
    return text.slice(0, end) + line + text.slice(end);
  }
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}[cache]\n${line}`;
}
