/** Watching a log file grow. The file is the truth; whoever reads it may come and go. */
import { closeSync, fstatSync, readSync } from "node:fs";
import { fileSize, openIfExists } from "../platform/files.ts";

const POLL_MS = 50;
const CHUNK = 64 * 1024;
/** Bytes until signals are heard again. */
const TURN = 1024 * 1024;
const NEWLINE = 10;

/**
 * Hands every byte of the file from `from` on to `onChunk`, in order, until `ended` settles; what was written before that is
 * still delivered, and nothing that whoever outlives it goes on to write. Answers the offset reached. A file that does not exist yet counts
 * as empty. However fast it grows, there are turns in which signals are heard.
 */
export async function followLog(
  path: string,
  onChunk: (chunk: Uint8Array) => void,
  { ended, from = 0 }: { ended: Promise<unknown>; from?: number },
): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  const over = () => {
    last = fileSize(path);
  };
  const end = ended.then(over, over);
  let offset = from;
  while (offset < last) {
    const start = offset;
    offset = drain(path, offset, onChunk, { most: Math.min(TURN, last - offset) });
    if (offset > start) await new Promise((done) => setImmediate(done));
    // Cut short meanwhile.
    else if (Number.isFinite(last)) break;
    else await Promise.race([end, new Promise((done) => setTimeout(done, POLL_MS))]);
  }
  return offset;
}

/** Reads what stands after `offset` now, at most so many bytes of it. */
export function drain(
  path: string,
  offset: number,
  onChunk: (chunk: Uint8Array) => void,
  { most = Number.POSITIVE_INFINITY } = {},
): number {
  const descriptor = openIfExists(path);
  if (descriptor === null) return offset;
  try {
    const end = Math.min(fstatSync(descriptor).size, offset + most);
    for (let at = offset; at < end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at));
      const read = readSync(descriptor, buffer, 0, buffer.length, at);
      if (read === 0) return at;
      at += read;
      onChunk(buffer.subarray(0, read));
      if (at >= end) return at;
    }
    return offset;
  } finally {
    closeSync(descriptor);
  }
}

/** Offset where the last `lines` lines begin: read from the end, however long the file is. */
export function startOfLastLines(path: string, lines: number): number {
  const descriptor = openIfExists(path);
  if (descriptor === null) return 0;
  try {
    const { size } = fstatSync(descriptor);
    if (lines === 0) return size;
    const buffer = Buffer.allocUnsafe(CHUNK);
    let left = lines;
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - CHUNK);
      const part = buffer.subarray(0, readSync(descriptor, buffer, 0, end - start, start));
      for (let at = part.length - 1; at >= 0; at -= 1) {
        // The line break that ends the file begins no further line.
        if (part[at] !== NEWLINE || start + at === size - 1) continue;
        left -= 1;
        if (left <= 0) return start + at + 1;
      }
      end = start;
    }
    return 0;
  } finally {
    closeSync(descriptor);
  }
}
