/**
 * Git's index as a memory of how files stood. Git looks at files many times as fast as Node can, and by several threads, so a folder
 * that was read before is asked about like this: an index with the files' statuses is written once, and `git diff-files` compares.
 *
 * Such an index names no contents (every entry has the same object), and lies apart from the repository's own. Format:
 * https://git-scm.com/docs/index-format, version 2, and one optional extension with what its writer wants to remember.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { FileStat } from "../platform/file-stat.ts";
import { writeFileAtomic } from "../platform/files.ts";
import { runProcess } from "../platform/processes.ts";
import { startProgram } from "../platform/programs.ts";
import type { Repository } from "./git.ts";

/** By number, in the order of the bytes of their paths. Paths are relative to the folder. */
export interface IndexedFiles {
  count: number;
  path(index: number): string;
  /** Of a plain file. */
  stat(index: number): FileStat;
}

const EXTENSION = "EXPV";
const FIXED_BYTES = 62;
const HASH_BYTES = 20;
const PIECE_BYTES = 1024 * 1024;
const LONGEST_NAME = 0xfff;
// The empty file: an object name that is no lie about the repository.
const OBJECT = Buffer.from("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "hex");

/** Writes such an index; `remembered` is a text of the caller's. */
export function writeStatIndex(file: string, files: IndexedFiles, remembered: string): void {
  writeFileAtomic(file, indexBytes(files, Buffer.from(remembered)));
}

/** What its writer remembered; null where there is no index. */
export function readRemembered(file: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(descriptor);
    const tail = readAt(descriptor, size - HASH_BYTES - 4, 4);
    const length = tail?.readUInt32BE(0) ?? 0;
    const start = size - HASH_BYTES - 4 - length;
    const extension = start < 8 ? null : readAt(descriptor, start - 8, 8 + length);
    if (extension?.toString("latin1", 0, 4) !== EXTENSION) return null;
    return extension.toString("utf8", 8);
  } finally {
    closeSync(descriptor);
  }
}

/** An index, and the folder whose files it knows. */
export interface IndexedFolder {
  index: string;
  folder: string;
}

/** True when every file of the index is still as it was; files that came since are not seen. Any doubt is false. */
export function isAsIndexed(repository: Repository, place: IndexedFolder): boolean {
  return runProcess("git", COMPARING, optionsOf(repository, place)).code === 0;
}

/** The same of several at once. */
export async function areAsIndexed(repository: Repository, places: readonly IndexedFolder[]): Promise<boolean[]> {
  const started = places.map((place) => startProgram("git", COMPARING, optionsOf(repository, place)));
  return (await Promise.all(started.map(({ ended }) => ended))).map(({ code }) => code === 0);
}

const SETTINGS = [
  "core.fileMode=false",
  "core.checkStat=default",
  "core.trustctime=true",
  "core.fsmonitor=false",
  "core.preloadIndex=true",
];
const COMPARING = [...SETTINGS.flatMap((setting) => ["-c", setting]), "diff-files", "--quiet", "--ignore-submodules=all"];

function optionsOf({ env }: Repository, { index, folder }: IndexedFolder) {
  return { cwd: folder, env: { ...env, GIT_WORK_TREE: folder, GIT_INDEX_FILE: index } };
}

function readAt(descriptor: number, position: number, length: number): Buffer | null {
  if (position < 0) return null;
  const bytes = Buffer.alloc(length);
  return readSync(descriptor, bytes, 0, length, position) === length ? bytes : null;
}

function* indexBytes(files: IndexedFiles, remembered: Buffer): Generator<Buffer> {
  const hash = createHash("sha1");
  const head = Buffer.alloc(12);
  head.write("DIRC", "latin1");
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(files.count, 8);
  yield hashed(hash, head);
  // Each is written before the next is made, in the same memory.
  let piece = new Piece(PIECE_BYTES);
  for (let index = 0; index < files.count; index += 1) {
    const name = files.path(index);
    const most = FIXED_BYTES + 3 * name.length + 8;
    if (!piece.hasRoom(most)) {
      yield hashed(hash, piece.taken());
      if (!piece.hasRoom(most)) piece = new Piece(most);
    }
    piece.put(name, files.stat(index));
  }
  yield hashed(hash, piece.taken());
  const extension = Buffer.alloc(12 + remembered.length);
  extension.write(EXTENSION, "latin1");
  extension.writeUInt32BE(remembered.length + 4, 4);
  remembered.copy(extension, 8);
  // Once more at its end, where a reader finds it without the rest.
  extension.writeUInt32BE(remembered.length, 8 + remembered.length);
  yield hashed(hash, extension);
  yield hash.digest();
}

function hashed(hash: Hash, bytes: Buffer): Buffer {
  hash.update(bytes);
  return bytes;
}

/** Some entries, one behind the other. */
class Piece {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #end = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  hasRoom(size: number): boolean {
    return this.#end + size <= this.#bytes.length;
  }

  /** All of them; the next ones take their place. */
  taken(): Buffer {
    const all = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return all;
  }

  put(name: string, { ctimeMs, mtimeMs, dev, ino, uid, gid, size }: FileStat): void {
    const start = this.#end;
    const view = this.#view;
    // Parts of a second are left out: where Git heeds them at all it finds each file changed, and nobody is told a wrong thing.
    view.setUint32(start, seconds(ctimeMs));
    view.setUint32(start + 4, 0);
    view.setUint32(start + 8, seconds(mtimeMs));
    view.setUint32(start + 12, 0);
    view.setUint32(start + 16, dev);
    view.setUint32(start + 20, ino);
    view.setUint32(start + 24, 0o100644);
    view.setUint32(start + 28, uid);
    view.setUint32(start + 32, gid);
    view.setUint32(start + 36, size);
    this.#bytes.set(OBJECT, start + 40);
    const length = this.#bytes.write(name, start + FIXED_BYTES, "utf8");
    view.setUint16(start + 60, Math.min(length, LONGEST_NAME));
    // One to eight NULs, so that the next entry begins at a multiple of eight.
    this.#end = start + Math.ceil((FIXED_BYTES + length + 1) / 8) * 8;
    for (let at = start + FIXED_BYTES + length; at < this.#end; at += 1) view.setUint8(at, 0);
  }
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
