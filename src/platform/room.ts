/** Whether copies have room, asked before the first of them is made. */
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExpverError } from "../errors.ts";
import { compresses, freeBytes } from "./file-system.ts";
import { tryReflink } from "./links.ts";

/** False when so many bytes are certain not to fit into a folder, which need not be there yet. */
export function hasRoom(folder: string, bytes: number): boolean {
  const place = nearestFolder(folder);
  const free = freeBytes(place);
  return free === null || free >= bytes || compresses(place);
}

/** Throws E_DISK_FULL then. */
export function refuseWithoutRoom(folder: string, { what, bytes }: { what: string; bytes: number }): void {
  if (hasRoom(folder, bytes)) return;
  const free = freeBytes(nearestFolder(folder)) ?? 0;
  throw new ExpverError("E_DISK_FULL", `no room for ${what}: ${free} bytes are free, ${bytes} are needed`, {
    details: { path: folder, free, needed: bytes },
  });
}

/** The same for copies of files, `example` among them: where blocks can be shared they take none. */
export function refuseCopiesWithoutRoom(folder: string, { example, ...need }: { what: string; bytes: number; example: string }): void {
  if (!hasRoom(folder, need.bytes) && !sharesBlocks(example, nearestFolder(folder))) refuseWithoutRoom(folder, need);
}

/** Whether a clone of the file can be made in the folder. */
export function sharesBlocks(file: string, folder: string): boolean {
  const probe = join(folder, `.expver-${randomBytes(6).toString("hex")}.tmp`);
  try {
    return tryReflink(file, probe);
  } catch {
    return false; // whoever makes the copy says why not
  } finally {
    rmSync(probe, { force: true });
  }
}

function nearestFolder(path: string): string {
  let there = path;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  return there;
}
