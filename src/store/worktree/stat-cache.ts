/**
 * Hashes of files that have not changed since they were last read: told by device, inode, size, modification and change time. Of a
 * protected file that has several names the change time says nothing: each name that comes or goes, in any worktree, is a change.
 *
 * One compact file per output (or per worktree, for single-file outputs) in the state folder; worktrees share the folder. Paths are known by
 * where they are from there: a repository that was moved is the same. Safe to delete, safe to lose: a damaged file counts as empty. Times are doubles of milliseconds, exact to 0.25 µs; that is enough
 * because of the rule below.
 *
 * The racy rule, as in Git: a file changed twice within one tick of the file system's clock looks the same both times. So a hash
 * is kept only if the file was already older than a tick when its reading began.
 */

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { FileIdentity, FileStat } from "../../platform/file-stat.ts";
import { temporaryBeside, writeFileAtomic } from "../../platform/files.ts";
import { pause } from "../../platform/pause.ts";
import { isVerified } from "../objects/layout.ts";
import type { HashName } from "../types.ts";

export interface StatCache {
  /** MD5 of the file at this path if it is the one that was hashed, else undefined. `path` is any stable name. */
  get(path: string, stat: FileStat): string | undefined;
  /** True when the very file with this identity was remembered under this path, with another hash or before it was changed. */
  contradicts(path: string, stat: FileStat, md5: string): boolean;
  /** Remembers the hash of a file that was asked for and not known; `readAt` is when reading began, in milliseconds since 1970. */
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
const HASH_BYTES = 16;
const NO_LISTING = "0".repeat(32);

export interface StatCacheOptions {
  /** Separates hash functions. */
  kind?: HashName | undefined;
  /** None of the files that were remembered is there any more. */
  isNew?: boolean;
  /** Paths begin with this, and are remembered without it. */
  below?: string;
}

/** `scope` is the absolute path whose files are remembered together. */
export function openStatCache(
  stateDir: string,
  scope: string,
  { kind = "md5", isNew = false, below = "" }: StatCacheOptions = {},
): StatCache {
  const file = fileOf(stateDir, scope, kind);
  const old = isNew ? NOTHING : load(file);
  let asked = 0;
  let missed = 0;
  const states = new Uint8Array(old.paths.length);
  const findRow = rowFinder(old.paths);
  const nameOf = (path: string) => path.slice(below.length);
  const rowOf = (path: string) => findRow(nameOf(path));
  const fresh = newRows();
  const placed = newRows();
  const youngest: Youngest = { time: 0, dev: null };
  return {
    get(path, stat) {
      const row = rowOf(path);
      if (row === undefined || !isSame(old.numbers, row, stat)) {
        missed += 1;
        if (row !== undefined) states[row] = STALE;
        return undefined;
      }
      asked += states[row] === UNKNOWN ? 1 : 0;
      states[row] = ASKED;
      return hashAt(old, row);
    },
    contradicts(path, stat, md5) {
      const row = rowOf(path);
      if (row === undefined || old.numbers[row * NUMBERS + 1] !== stat.ino || old.numbers[row * NUMBERS] !== stat.dev) return false;
      return hashAt(old, row) !== md5 || !isSame(old.numbers, row, stat);
    },
    set(path, stat, md5, readAt) {
      if (!isRacy(stat, readAt)) fresh.add(nameOf(path), stat, md5);
    },
    setPlaced(path, stat, md5) {
      const row = rowOf(path);
      if (row !== undefined) states[row] = STALE;
      placed.add(nameOf(path), stat, md5);
      youngest.time = Math.max(youngest.time, stat.mtimeMs, stat.ctimeMs);
      youngest.dev = youngest.dev === null || youngest.dev === stat.dev ? stat.dev : SEVERAL;
    },
    listing() {
      return missed === 0 && asked === old.paths.length && old.listing !== NO_LISTING ? `${old.listing}.dir` : null;
    },
    save({ keepOthers = false, listing } = {}) {
      const hasTicked = placed.size() > 0 && waitForTick(file, youngest);
      const now = Date.now();
      fresh.takeOver(placed, (stat) => hasTicked || !isRacy(stat, now));
      const hash = listing?.hash.slice(0, 32) ?? NO_LISTING;
      if (fresh.size() === 0 && (keepOthers || (asked === old.paths.length && hash === old.listing))) return;
      for (const [row, path] of old.paths.entries()) {
        if (states[row] !== ASKED && !(keepOthers && states[row] === UNKNOWN)) continue;
        fresh.add(path, identityAt(old.numbers, row), hashAt(old, row));
        states[row] = STALE;
      }
      try {
        writeFileAtomic(file, fresh.pack(fresh.size() === listing?.files ? hash : NO_LISTING));
      } catch {
        // A read-only or full disk costs speed only.
      }
    },
  };
}

/** `name`: how the memory knows the file that we have just made at `path`. Of a link its target is remembered. */
export function rememberPlaced(memory: StatCache, { name, path, md5 }: { name: string; path: string; md5: string }): void {
  memory.setPlaced(name, statSync(path), md5);
}

/** Whether files of `scope` have been read before. */
export function isRemembered(stateDir: string, scope: string, kind: HashName): boolean {
  return existsSync(fileOf(stateDir, scope, kind));
}

/** What was read of the files of a folder is known of them where that folder has been moved to: nothing about them has changed. */
export function moveRemembered(stateDir: string, { from, to, kind }: { from: string; to: string; kind: HashName }): void {
  try {
    renameSync(fileOf(stateDir, from, kind), fileOf(stateDir, to, kind));
  } catch {
    // Never read, or a state folder that cannot be written: then they are read once more.
  }
}

function fileOf(stateDir: string, scope: string, kind: HashName): string {
  return join(
    stateDir,
    "stat-cache",
    createHash("md5")
      .update(`${kind}\0${relative(stateDir, scope)}`)
      .digest("hex"),
  );
}

// What became of a row that was there: whether it is of the file as it is, or there is a newer one.
const [UNKNOWN, ASKED, STALE] = [0, 1, 2];

/** Of files that we have made. */
interface Youngest {
  /** In milliseconds since 1970. */
  time: number;
  /** Device they are on. */
  dev: number | null;
}

const SEVERAL = -1;

/**
 * Waits until files that are written now get later times: seen on a file beside `file`, where that is on the same file system. False
 * when it was not seen: then a tick has passed by our clock.
 */
function waitForTick(file: string, { time, dev }: Youngest): boolean {
  const end = Math.min(time, Date.now()) + TICK_MS + 1;
  const probe = temporaryBeside(file);
  try {
    mkdirSync(dirname(file), { recursive: true });
    do {
      writeFileSync(probe, "tick");
      const stat = lstatSync(probe);
      if (stat.dev !== dev) break;
      if (stat.mtimeMs > time) return true;
      pause(1);
    } while (Date.now() < end);
  } catch {
    // Where nothing can be written nothing will be remembered.
  } finally {
    rmSync(probe, { force: true });
  }
  const milliseconds = end - Date.now();
  if (milliseconds > 0) pause(milliseconds);
  return false;
}

/** Whether a file was younger than a tick when its reading began. */
export function isRacy({ mtimeMs, ctimeMs }: FileIdentity, readAt: number): boolean {
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

function isSame(numbers: Float64Array, row: number, stat: FileStat): boolean {
  const at = row * NUMBERS;
  const { dev, ino, size, mtimeMs, ctimeMs } = stat;
  if (numbers[at + 1] !== ino || numbers[at + 2] !== size || numbers[at + 3] !== mtimeMs || numbers[at] !== dev) return false;
  return numbers[at + 4] === ctimeMs || (stat.nlink > 1 && isVerified(stat.mode));
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

/** What is to be written: numbers and bytes, since there may be a million. */
interface Rows {
  size(): number;
  /** A path that has none yet. */
  add(path: string, stat: FileIdentity, md5: string): void;
  /** All of the others that are wanted; the others are empty then. */
  takeOver(others: Rows, isWanted: (stat: FileIdentity) => boolean): void;
  /** Empties them. */
  release(): Piece[];
  /** Head: magic, number of entries, MD5 of the rest. Rest: listing, numbers of all entries, their hashes, their paths ended by NUL. */
  pack(listing: string): Generator<Uint8Array>;
}

interface Piece {
  count: number;
  numbers: Float64Array;
  /** While there is room for more. */
  names: string[];
  md5s: string[];
  /** Once it is full. */
  packed: Packed | null;
}

interface Packed {
  /** NUL between them. */
  paths: Buffer;
  hashes: Buffer;
}

const PIECE_ROWS = 8192;

function newRows(): Rows {
  let pieces: Piece[] = [];
  let size = 0;
  const rows: Rows = {
    size: () => size,
    add(path, { dev, ino, size: bytes, mtimeMs, ctimeMs }, md5) {
      let piece = pieces.at(-1);
      if (piece === undefined || piece.packed !== null || piece.count * NUMBERS === piece.numbers.length) {
        if (piece !== undefined) packed(piece);
        piece = newPiece(Math.min(PIECE_ROWS, 2 * (piece?.count ?? 8)));
        pieces.push(piece);
      }
      const at = piece.count * NUMBERS;
      piece.numbers[at] = dev;
      piece.numbers[at + 1] = ino;
      piece.numbers[at + 2] = bytes;
      piece.numbers[at + 3] = mtimeMs;
      piece.numbers[at + 4] = ctimeMs;
      piece.names.push(path);
      piece.md5s.push(md5);
      piece.count += 1;
      size += 1;
    },
    takeOver(others, isWanted) {
      for (const piece of others.release()) {
        const wanted = Array.from({ length: piece.count }, (_, row) => isWanted(identityAt(piece.numbers, row)));
        if (wanted.every(Boolean)) {
          pieces.push(piece);
          size += piece.count;
          continue;
        }
        const { paths, hashes } = packed(piece);
        const names = paths.toString("utf8").split("\0");
        for (const [row, isKept] of wanted.entries()) {
          const md5 = hashes.toString("hex", row * HASH_BYTES, (row + 1) * HASH_BYTES);
          if (isKept) rows.add(names[row] as string, identityAt(piece.numbers, row), md5);
        }
      }
    },
    release() {
      const all = pieces;
      pieces = [];
      size = 0;
      return all;
    },
    *pack(listing) {
      const sum = createHash("md5");
      for (const part of partsOf(pieces, listing)) sum.update(part);
      const head = Buffer.alloc(HEAD_BYTES);
      head.write(MAGIC, "latin1");
      head.writeDoubleLE(size, 16);
      sum.digest().copy(head, 24);
      yield head;
      yield* partsOf(pieces, listing);
    },
  };
  return rows;
}

function newPiece(rows: number): Piece {
  return { count: 0, numbers: new Float64Array(rows * NUMBERS), names: [], md5s: [], packed: null };
}

/** All texts of a piece at once: one by one takes ten times as long. */
function packed(piece: Piece): Packed {
  piece.packed ??= { paths: Buffer.from(piece.names.join("\0")), hashes: Buffer.from(piece.md5s.join(""), "hex") };
  [piece.names, piece.md5s] = [[], []];
  return piece.packed;
}

function* partsOf(pieces: readonly Piece[], listing: string): Generator<Uint8Array> {
  yield Buffer.from(listing, "hex");
  for (const { numbers, count } of pieces) yield Buffer.from(numbers.buffer, 0, count * NUMBERS * 8);
  for (const piece of pieces) yield packed(piece).hashes;
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) yield Buffer.alloc(1);
    yield packed(piece).paths;
  }
}

const NOTHING: Loaded = { listing: NO_LISTING, paths: [], numbers: new Float64Array(0), hashes: "" };

function load(file: string): Loaded {
  try {
    return withFile(file, loadFrom);
  } catch {
    return NOTHING;
  }
}

/** Each part goes from the file to where it stays. Throws when anything is not as it was written. */
function loadFrom(descriptor: number): Loaded {
  const sum = createHash("md5");
  const take = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(descriptor, bytes, at, bytes.length - at, null);
      if (count === 0) throw new Error("it ends too soon");
      at += count;
    }
    return bytes;
  };
  const part = (length: number) => {
    const bytes = take(Buffer.allocUnsafe(length));
    sum.update(bytes);
    return bytes;
  };
  const head = take(Buffer.alloc(HEAD_BYTES));
  const count = head.readDoubleLE(16);
  const pathBytes = fstatSync(descriptor).size - HEAD_BYTES - LISTING_BYTES - count * (NUMBERS * 8 + HASH_BYTES);
  if (head.toString("latin1", 0, 16) !== MAGIC || !(pathBytes >= 0)) throw new Error("it is no such file");
  const listing = part(LISTING_BYTES).toString("hex");
  const numbers = new Float64Array(count * NUMBERS);
  sum.update(take(Buffer.from(numbers.buffer)));
  const hashes = part(count * HASH_BYTES).toString("hex");
  const paths = part(pathBytes).toString("utf8").split("\0");
  if (sum.digest("hex") !== head.toString("hex", 24, HEAD_BYTES)) throw new Error("it is damaged");
  return { listing, paths: count === 0 ? [] : paths, numbers, hashes };
}

function withFile<T>(file: string, work: (descriptor: number) => T): T {
  const descriptor = openSync(file, "r");
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
