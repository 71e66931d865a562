/** What is kept of a file's status. Node's own object holds eight dates: over many files most of the memory, and of the time to collect it. */
import type { Stats } from "node:fs";

export type FileStat = Pick<Stats, "dev" | "ino" | "mode" | "nlink" | "size" | "mtimeMs" | "ctimeMs">;

/** What tells whether a file is still the one that was looked at. */
export type FileIdentity = Pick<FileStat, "dev" | "ino" | "size" | "mtimeMs" | "ctimeMs">;

export function fileStat({ dev, ino, mode, nlink, size, mtimeMs, ctimeMs }: Stats): FileStat {
  return { dev, ino, mode, nlink, size, mtimeMs, ctimeMs };
}
