/** MD5 of files and bytes, read synchronously through one buffer: four times as fast as streams on many small files. */
import { createHash, type Hash, hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { fromSystemError } from "../errors.ts";
import { writeAll } from "./files.ts";
import { finishWork, type Work } from "./pace.ts";
import { runProcess } from "./processes.ts";

const CHUNK = 1024 * 1024;
// Two, because a large file may be read while the bytes of a small one are still in use.
let smallBuffer: Buffer | null = null;
let chunkBuffer: Buffer | null = null;

/** What is known of bytes that were read. */
export interface Digest {
  /** 32 hex digits. */
  md5: string;
  /** Bytes. */
  size: number;
}

/** `md5`: of the raw bytes. `md5-dos2unix`: DVC 2's, where CRLF counts as LF in chunks that look like text. */
type Md5Kind = "md5" | "md5-dos2unix";

export interface ReadOptions {
  kind?: Md5Kind;
  /** Also write every byte read to this descriptor. */
  copyTo?: number;
}

export function md5Of(bytes: Uint8Array): string {
  return hash("md5", bytes);
}

/** Hash and size of a file in one go: for files that are small, or where nobody waits. */
export function md5OfFile(path: string, options: ReadOptions = {}): Digest {
  return finishWork(hashingFile(path, options));
}

/** The same for a file that may be large: yields after every chunk. */
export function* hashingFile(path: string, { kind = "md5", copyTo }: ReadOptions = {}): Work<Digest> {
  const digest = createDigest(kind);
  for (const chunk of chunksOf(path)) {
    digest.add(chunk);
    if (copyTo !== undefined) writeAll(copyTo, chunk);
    yield { files: 0, bytes: chunk.length };
  }
  return digest.end();
}

/** Writes every byte of a file to this descriptor; answers how many. A hash would take thrice as long. */
export function* copyingAll(path: string, copyTo: number): Work<number> {
  let size = 0;
  for (const chunk of chunksOf(path)) {
    writeAll(copyTo, chunk);
    size += chunk.length;
    yield { files: 0, bytes: chunk.length };
  }
  return size;
}

/** Whether a file of so many bytes is read at once. */
export function isSmall(size: number): boolean {
  return size < CHUNK;
}

/**
 * Reads a file of the given size (negative: about so many bytes) into a shared buffer; null when it does not fit or its size is another
 * by now. The bytes are valid until the next call of this function.
 */
export function readSmall(path: string, size: number): Buffer | null {
  if (!isSmall(size)) return null;
  smallBuffer ??= Buffer.allocUnsafeSlow(CHUNK);
  const descriptor = openSync(path, "r");
  try {
    const count = readSync(descriptor, smallBuffer, 0, CHUNK, null);
    return count === size || (size < 0 && count < CHUNK) ? smallBuffer.subarray(0, count) : null;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The first `length` bytes of a file, fewer when it is shorter. Never call it on a database that this process has open:
 * closing any descriptor of a file drops the process's POSIX locks on it.
 */
export function firstBytes(path: string, length: number): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * MD5 by another process, for a database this process may have open: closing any descriptor of it here would drop the locks
 * we hold. Null where there is no md5sum.
 */
export function md5OfFileElsewhere(path: string): string | null {
  try {
    const { code, stdout } = runProcess("md5sum", ["--", path], { cwd: "/" });
    return code === 0 ? (/^\\?([0-9a-f]{32}) /.exec(stdout.toString("latin1"))?.[1] ?? null) : null;
  } catch {
    return null;
  }
}

/** Chunks of exactly 1 MiB except the last: text detection of DVC 2 depends on the borders. Each is valid until the next. */
function* chunksOf(path: string): Generator<Buffer> {
  chunkBuffer ??= Buffer.allocUnsafeSlow(CHUNK);
  try {
    const descriptor = openSync(path, "r");
    try {
      for (;;) {
        const chunk = fill(descriptor, chunkBuffer);
        if (chunk.length > 0) yield chunk;
        if (chunk.length < CHUNK) return;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fromSystemError(error, `cannot read ${path}`);
  }
}

function fill(descriptor: number, into: Buffer): Buffer {
  let length = 0;
  while (length < CHUNK) {
    const count = readSync(descriptor, into, length, CHUNK - length, null);
    if (count === 0) break;
    length += count;
  }
  return into.subarray(0, length);
}

interface RunningDigest {
  add(chunk: Buffer): void;
  end(): Digest;
}

function createDigest(kind: Md5Kind): RunningDigest {
  let running: Hash | null = null;
  let only: string | null = null;
  let size = 0;
  return {
    add(chunk) {
      size += chunk.length;
      const bytes = kind === "md5-dos2unix" && looksLikeText(chunk) ? withoutCarriageReturns(chunk) : chunk;
      // Most files are one chunk: the one-shot call costs a third of a Hash object.
      if (running === null && chunk.length < CHUNK) only = md5Of(bytes);
      else {
        running ??= createHash("md5");
        running.update(bytes);
      }
    },
    end: () => ({ md5: running?.digest("hex") ?? only ?? md5Of(Buffer.alloc(0)), size }),
  };
}

/** DVC 2's rule: no NUL and at most 30 % unusual bytes among the first 512. */
function looksLikeText(chunk: Buffer): boolean {
  const head = chunk.subarray(0, 512);
  if (head.includes(0)) return false;
  let unusual = 0;
  for (const byte of head) if (!isTextByte(byte)) unusual += 1;
  return unusual <= head.length * 0.3;
}

/** Printable ASCII, backspace, tab, line feed, form feed, carriage return. */
function isTextByte(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x08 && byte <= 0x0d && byte !== 0x0b);
}

/** A CRLF cut in two by a chunk's end stays as it is, as in DVC. */
function withoutCarriageReturns(chunk: Buffer): Buffer {
  if (!chunk.includes("\r\n")) return chunk;
  const out = Buffer.allocUnsafe(chunk.length);
  let length = 0;
  for (let index = 0; index < chunk.length; index += 1) {
    if (chunk[index] === 0x0d && chunk[index + 1] === 0x0a) continue;
    out[length] = chunk[index] ?? 0;
    length += 1;
  }
  return out.subarray(0, length);
}
