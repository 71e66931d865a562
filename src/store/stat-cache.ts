/**
 * Hashes of files that have not changed since they were last read: told by device, inode, size, modification and change time.
 *
 * One compact file per output (or per worktree, for single-file outputs) in the state folder; worktrees share the folder. Safe
 * to delete, safe to lose: a damaged file counts as empty. Times are doubles of milliseconds, exact to 0.25 µs; that is enough
 * because of the rule below.
 *
 * The racy rule, as in Git: a file changed twice within one tick of the file system's clock looks the same both times. So a hash
 * is kept only if the file was already older than a tick when its reading began.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FileIdentity } from "../platform/file-stat.ts";
import { writeFileAtomic } from "../platform/files.ts";
import { md5Of } from "../platform/hashing.ts";
import { pause } from "../platform/pause.ts";

export interface StatCache {
  /** MD5 of the file at this path if it is the one that was hashed, else undefined. `path` is any stable name. */
  get(path: string, stat: FileIdentity): string | undefined;
  /** Remembers a hash; `readAt` is when reading began, in milliseconds since 1970. */
  set(path: string, stat: FileIdentity, md5: string, readAt: number): void;
  /** Remembers a file that we have just made ourselves; kept once it is older than a tick, as Git does after a checkout. */
  setPlaced(path: string, stat: FileIdentity, md5: string): void;
  /** Name of the folder's listing, when exactly the files that were there the last time have been asked for and found unchanged. */
  listing(): string | null;
  /** Writes if something changed. Entries not asked for are dropped unless `keepOthers`. `listing`: of a folder with so many files. */
  save(options?: { keepOthers?: boolean; listing?: { hash: string; files: number } }): void;
}

// Kernel clocks tick every 1 to 10 ms; a file system that stores whole or two seconds shows it by its round times.
const TICK_MS = 20;
export const COARSE_TICK_MS = 2100;

const MAGIC = "expver stat 2\n\0\0";
const HEAD_BYTES = 40;
const NUMBERS = 5;
const LISTING_BYTES = 16;
const NO_LISTING = "0".repeat(32);

/** `scope` is the absolute path whose files are remembered together; `kind` separates hash functions. */
export function openStatCache(stateDir: string, scope: string, kind = "md5"): StatCache {
  const file = join(stateDir, "stat-cache", createHash("md5").update(`${kind}\0${scope}`).digest("hex"));
  const old = load(file);
  let asked = 0;
  let missed = 0;
  const isAsked = new Uint8Array(old.paths.length);
  const rowOf = rowFinder(old.paths);
  const fresh = newRows();
  const placed: [path: string, stat: FileIdentity, md5: string][] = [];
  return {
    get(path, stat) {
      const row = rowOf(path);
      if (row === undefined || !isSame(old.numbers, row, stat)) {
        missed += 1;
        return undefined;
      }
      asked += isAsked[row] === 0 ? 1 : 0;
      isAsked[row] = 1;
      return hashAt(old, row);
    },
    set(path, stat, md5, readAt) {
      if (!isRacy(stat, readAt)) fresh.add(path, stat, md5);
    },
    setPlaced(path, stat, md5) {
      placed.push([path, stat, md5]);
    },
    listing() {
      return missed === 0 && asked === old.paths.length && old.listing !== NO_LISTING ? `${old.listing}.dir` : null;
    },
    save({ keepOthers = false, listing } = {}) {
      const settled = placed.length > 0 ? Date.now() + TICK_MS + 1 : 0;
      for (const [path, stat, md5] of placed.splice(0)) this.set(path, stat, md5, settled);
      const hash = listing?.hash.slice(0, 32) ?? NO_LISTING;
      if (fresh.size() === 0 && (keepOthers || (asked === old.paths.length && hash === old.listing))) return;
      for (const [row, path] of old.paths.entries()) {
        if ((keepOthers || isAsked[row] === 1) && !fresh.has(path)) fresh.add(path, identityAt(old.numbers, row), hashAt(old, row));
      }
      try {
        const bytes = fresh.pack(fresh.size() === listing?.files ? hash : NO_LISTING);
        waitUntil(settled);
        writeFileAtomic(file, bytes);
      } catch {
        // A read-only or full disk costs speed only.
      }
    },
  };
}

function waitUntil(time: number): void {
  const milliseconds = Math.min(time - Date.now(), TICK_MS + 1);
  if (milliseconds > 0) pause(milliseconds);
}

function isRacy({ mtimeMs, ctimeMs }: FileIdentity, readAt: number): boolean {
  const tick = mtimeMs % 1000 === 0 && ctimeMs % 1000 === 0 ? COARSE_TICK_MS : TICK_MS;
  return Math.max(mtimeMs, ctimeMs) + tick > readAt;
}

/** A loaded file, mostly as it lay there: an object for each entry would cost more than everything else. */
interface Loaded {
  listing: string;
  paths: readonly string[];
  /** Five for each row. */
  numbers: Float64Array;
  /** 32 digits for each row. */
  hashes: string;
}

function isSame(numbers: Float64Array, row: number, { dev, ino, size, mtimeMs, ctimeMs }: FileIdentity): boolean {
  const at = row * NUMBERS;
  return (
    numbers[at + 1] === ino && numbers[at + 2] === size && numbers[at + 3] === mtimeMs && numbers[at + 4] === ctimeMs && numbers[at] === dev
  );
}

function identityAt(numbers: Float64Array, row: number): FileIdentity {
  const number = (column: number) => numbers[row * NUMBERS + column] as number;
  return { dev: number(0), ino: number(1), size: number(2), mtimeMs: number(3), ctimeMs: number(4) };
}

function hashAt({ hashes }: Loaded, row: number): string {
  return hashes.slice(row * 32, row * 32 + 32);
}

/** A folder is mostly walked in the order of the last time: then no table is needed. */
function rowFinder(paths: readonly string[]): (path: string) => number | undefined {
  let next = 0;
  let rows: Map<string, number> | null = null;
  return (path) => {
    if (paths[next] === path) {
      next += 1;
      return next - 1;
    }
    rows ??= new Map(paths.map((one, row) => [one, row]));
    const row = rows.get(path);
    if (row !== undefined) next = row + 1;
    return row;
  };
}

interface Rows {
  size(): number;
  has(path: string): boolean;
  /** The last one of a path counts. */
  add(path: string, stat: FileIdentity, md5: string): void;
  /** Head: magic, number of entries, MD5 of the rest. Rest: listing, numbers of all entries, their hashes, their paths ended by NUL. */
  pack(listing: string): Buffer;
}

function newRows(): Rows {
  const rows = new Map<string, number>();
  const hashes: string[] = [];
  let numbers = new Float64Array(NUMBERS * 16);
  return {
    size: () => rows.size,
    has: (path) => rows.has(path),
    add(path, { dev, ino, size, mtimeMs, ctimeMs }, md5) {
      const row = rows.get(path) ?? rows.size;
      rows.set(path, row);
      hashes[row] = md5;
      const at = row * NUMBERS;
      if (at === numbers.length) {
        const larger = new Float64Array(2 * numbers.length);
        larger.set(numbers);
        numbers = larger;
      }
      numbers[at] = dev;
      numbers[at + 1] = ino;
      numbers[at + 2] = size;
      numbers[at + 3] = mtimeMs;
      numbers[at + 4] = ctimeMs;
    },
    pack(listing) {
      const parts = [
        Buffer.from(listing, "hex"),
        Buffer.from(numbers.buffer, 0, rows.size * NUMBERS * 8),
        Buffer.from(hashes.join(""), "hex"),
        Buffer.from([...rows.keys()].join("\0")),
      ];
      const head = Buffer.alloc(HEAD_BYTES);
      head.write(MAGIC, "latin1");
      head.writeDoubleLE(rows.size, 16);
      const bytes = Buffer.concat([head, ...parts]);
      bytes.write(md5Of(bytes.subarray(HEAD_BYTES)), 24, "hex");
      return bytes;
    },
  };
}

function load(file: string): Loaded {
  const bytes = read(file);
  const nothing = { listing: NO_LISTING, paths: [], numbers: new Float64Array(0), hashes: "" };
  if (bytes === null || bytes.length < HEAD_BYTES || bytes.toString("latin1", 0, 16) !== MAGIC) return nothing;
  if (md5Of(bytes.subarray(HEAD_BYTES)) !== bytes.toString("hex", 24, 40)) return nothing;
  const listing = bytes.toString("hex", HEAD_BYTES, HEAD_BYTES + LISTING_BYTES);
  const body = bytes.subarray(HEAD_BYTES + LISTING_BYTES);
  const count = bytes.readDoubleLE(16);
  const numbers = new Float64Array(body.buffer.slice(body.byteOffset, body.byteOffset + count * NUMBERS * 8));
  const hashes = body.toString("hex", count * NUMBERS * 8, count * (NUMBERS * 8 + 16));
  const paths = body.toString("utf8", count * (NUMBERS * 8 + 16)).split("\0");
  return { listing, paths: count === 0 ? [] : paths, numbers, hashes };
}

function read(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}
