/** Taking an output's files away without touching what else lies between them. */
import { lstatSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { removeFile } from "../../platform/files.ts";
import type { Work } from "../../platform/pace.ts";
import type { ScannedFile } from "./scan.ts";

/**
 * True when somebody has written a file since it was read; one that is gone has no bytes to lose. The time of change says nothing about a
 * hard link: each name of the same bytes that comes or goes elsewhere changes it.
 */
export function hasChanged({ path, stat, isLink }: ScannedFile): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false });
  if (now === undefined) return false;
  if (isLink) return !now.isSymbolicLink();
  const isSame = now.ino === stat.ino && now.size === stat.size && now.mtimeMs === stat.mtimeMs;
  return !isSame || (stat.nlink === 1 && now.ctimeMs !== stat.ctimeMs);
}

/** Deletes scanned files that are as they were, and the folders that are then empty. Ignored files and links to folders stay, with their folders. */
export function* removingScanned(
  path: string,
  { files, emptyFolders }: { files: readonly ScannedFile[]; emptyFolders: readonly string[] },
): Work<void> {
  for (const file of files) {
    yield { files: 1, bytes: 0 };
    if (!hasChanged(file)) removeFile(file.path);
  }
  for (const folder of foldersAround({ path, files, emptyFolders })) removeIfEmpty(folder);
  removeIfEmpty(path);
}

/** Folders below `path` that may have become empty when these files went, deepest first. */
export function foldersAround({
  path,
  files,
  emptyFolders,
}: {
  path: string;
  files: readonly Pick<ScannedFile, "path">[];
  emptyFolders: readonly string[];
}): string[] {
  const folders = new Set(emptyFolders);
  for (const file of files) {
    for (let folder = dirname(file.path); folder.length > path.length && !folders.has(folder); folder = dirname(folder))
      folders.add(folder);
  }
  return [...folders].sort((one, other) => other.length - one.length);
}

export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something is in it that is not ours to judge, or it was no folder.
  }
}
