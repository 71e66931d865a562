/** Making many files durable at once: fsync per file costs several times the writing, one sync of the file system does not. */
import { closeSync, type Dirent, fsyncSync, lstatSync, openSync, readdirSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder } from "./files.ts";
import { runProcess } from "./processes.ts";

// Below this many files their own fsync is cheaper than flushing what other programs wrote.
const FEW = 16;

/** Makes the bytes of these files durable. All must be on one file system. */
export function syncFiles(paths: readonly string[]): void {
  syncMany(paths.length, (index) => paths[index] as string);
}

/** The same, where a list of all paths would be long. */
export function syncMany(count: number, pathOf: (index: number) => string): void {
  if (count > FEW && syncFileSystem(dirname(pathOf(0)))) return;
  for (let index = 0; index < count; index += 1) {
    const descriptor = openSync(pathOf(index), "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Makes a file, or a folder with all that is in it, durable. */
export function syncTree(path: string): void {
  const inside = lstatSync(path).isDirectory() ? readdirSync(path, { recursive: true, withFileTypes: true }) : null;
  const pathsOf = (entries: readonly Dirent[]) => entries.map((entry) => join(entry.parentPath, entry.name));
  syncFiles(inside === null ? [path] : pathsOf(inside.filter((entry) => entry.isFile())));
  if (inside !== null) syncFolders([path, ...pathsOf(inside.filter((entry) => entry.isDirectory()))]);
}

/** Makes renames in these folders durable. All must be on one file system. */
export function syncFolders(folders: readonly string[]): void {
  if (folders.length > FEW && syncFileSystem(folders[0] ?? ".")) return;
  for (const folder of folders) syncFolder(folder);
}

/** As `statfs` names it: what is in memory only is never durable. */
const TMPFS = 0x01021994;

/** False where there is no way to flush one file system: the caller then syncs file by file. */
function syncFileSystem(folder: string): boolean {
  if (process.platform !== "linux") return false;
  try {
    if (statfsSync(folder).type === TMPFS) return true;
    return runProcess("sync", ["-f", "--", folder], { cwd: "/" }).code === 0;
  } catch {
    return false;
  }
}
