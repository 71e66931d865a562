/** What kind of file system a path is on, whether there is room, and whether it may be written. */
import { accessSync, constants, statfsSync } from "node:fs";

/** Magic numbers of statfs(2) on Linux. */
const NETWORK: Record<number, string> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "SMB",
  4266872130: "SMB",
  16914839: "9P",
  12805120: "Ceph",
  198183888: "Lustre",
  1196443219: "GPFS",
  428016422: "BeeGFS",
  1397113167: "AFS",
  18225520: "GFS2",
};

/** Name of the network file system under a path, or null: local, or not known. */
export function networkFileSystem(path: string): string | null {
  try {
    return NETWORK[statfsSync(path).type >>> 0] ?? null;
  } catch {
    return null;
  }
}

// Btrfs, ZFS.
const COMPRESSING = new Set([2435016766, 801189825]);

/** More than is free may fit there. */
export function compresses(path: string): boolean {
  try {
    return COMPRESSING.has(statfsSync(path).type >>> 0);
  } catch {
    return false;
  }
}

/** Bytes that are free for us; null where the system does not tell. */
export function freeBytes(path: string): number | null {
  return roomOn(path)?.free ?? null;
}

/** Bytes that are free for us, and of the whole file system; null where the system does not tell. */
export function roomOn(path: string): { free: number; total: number } | null {
  try {
    const { bavail, bfree, blocks, bsize } = statfsSync(path);
    // Some file systems of programs, in the network too, say 0 of everything: that is no full disk.
    if (blocks === 0) return null;
    // Some of it is kept for root.
    return { free: (process.getuid?.() === 0 ? bfree : bavail) * bsize, total: blocks * bsize };
  } catch {
    return null;
  }
}

/** Hardly a byte is free for us. False where the system does not tell. */
export function isFull(path: string): boolean {
  return (freeBytes(path) ?? HARDLY_ANY) < HARDLY_ANY;
}

const HARDLY_ANY = 256 * 1024;

/** Why nothing may be written there; null: it may. */
export function whyReadOnly(path: string): string | null {
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return error.code === "EROFS" ? "the file system is read-only" : String(error.code);
  }
}
