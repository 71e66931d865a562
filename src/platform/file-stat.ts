/** What is kept of a file's status. Node's own object holds eight dates: over many files most of the memory, and of the time to collect it. */
import type { Stats } from "node:fs";

export type FileStat = Pick<Stats, "dev" | "ino" | "mode" | "nlink" | "uid" | "gid" | "size" | "mtimeMs" | "ctimeMs">;

/** What tells whether a file is still the one that was looked at. */
export type FileIdentity = Pick<FileStat, "dev" | "ino" | "size" | "mtimeMs" | "ctimeMs">;

/** Many of them, as numbers in a row. */
export const STAT_NUMBERS = 9;
export const MODE = 2;
export const SIZE = 4;

export function fileStat({ dev, ino, mode, nlink, uid, gid, size, mtimeMs, ctimeMs }: Stats): FileStat {
  return { dev, ino, mode, nlink, uid, gid, size, mtimeMs, ctimeMs };
}

export function putStat(numbers: Float64Array, index: number, stat: FileStat): void {
  const at = index * STAT_NUMBERS;
  numbers[at] = stat.dev;
  numbers[at + 1] = stat.ino;
  numbers[at + MODE] = stat.mode;
  numbers[at + 3] = stat.nlink;
  numbers[at + SIZE] = stat.size;
  numbers[at + 5] = stat.mtimeMs;
  numbers[at + 6] = stat.ctimeMs;
  numbers[at + 7] = stat.uid;
  numbers[at + 8] = stat.gid;
}

export function statAt(numbers: Float64Array, index: number): FileStat {
  const at = index * STAT_NUMBERS;
  return {
    dev: numbers[at] as number,
    ino: numbers[at + 1] as number,
    mode: numbers[at + MODE] as number,
    nlink: numbers[at + 3] as number,
    size: numbers[at + SIZE] as number,
    mtimeMs: numbers[at + 5] as number,
    ctimeMs: numbers[at + 6] as number,
    uid: numbers[at + 7] as number,
    gid: numbers[at + 8] as number,
  };
}
