/** Many files replaced or removed, each in one step, without a sync of its own for each: that costs several times the writing. */
import { renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fromSystemError } from "../errors.ts";
import { removeFile, temporaryBeside, writeInPlaceOf } from "./files.ts";
import { syncFiles, syncFolders } from "./sync.ts";

export interface Replacement {
  /** Absolute; its folder is made when it is not there. */
  path: string;
  /** Null: the file goes away, if it is there. */
  bytes: Uint8Array | null;
}

/** All are written before the first takes its place; each is then as it was or as it is to be, whenever the process ends. Throws what writing throws. */
export function replaceFiles(replacements: readonly Replacement[]): void {
  const written: { path: string; temporary: string }[] = [];
  let at = "";
  try {
    for (const { path, bytes } of replacements) {
      if (bytes === null) continue;
      at = path;
      const temporary = temporaryBeside(path);
      written.push({ path, temporary });
      writeInPlaceOf(path, temporary, { data: bytes, synced: false });
    }
    for (const group of byFileSystem(written.map(({ temporary }) => temporary))) syncFiles(group);
    for (const { path, temporary } of written) {
      at = path;
      renameSync(temporary, path);
    }
    for (const { path, bytes } of replacements) {
      if (bytes !== null) continue;
      at = path;
      rmSync(path, { force: true });
    }
    const folders = new Set(replacements.map(({ path }) => dirname(path)));
    for (const group of byFileSystem([...folders], (folder) => folder)) syncFolders(group);
  } catch (error) {
    for (const { temporary } of written) removeFile(temporary);
    throw fromSystemError(error, `cannot change ${at}`);
  }
}

/** What is in no folder that is there is in none of them. */
function byFileSystem(paths: readonly string[], folderOf = dirname): string[][] {
  const devices = new Map<string, number | undefined>();
  const groups = new Map<number, string[]>();
  for (const path of paths) {
    const folder = folderOf(path);
    if (!devices.has(folder)) devices.set(folder, statSync(folder, { throwIfNoEntry: false })?.dev);
    const device = devices.get(folder);
    if (device === undefined) continue;
    const group = groups.get(device);
    if (group === undefined) groups.set(device, [path]);
    else group.push(path);
  }
  return [...groups.values()];
}
