/** Watching a log file grow. The file is the truth; whoever reads it may come and go. */
import { closeSync, fstatSync, readSync } from "node:fs";
import { openIfExists } from "../platform/files.ts";

const POLL_MS = 50;
const CHUNK = 64 * 1024;
const NEWLINE = 10;

/**
 * Hands every byte of the file from `from` on to `onChunk`, in order, until `ended` settles; what was written before that is
 * still delivered. Answers the offset reached. A file that does not exist yet counts as empty.
 */
export async function followLog(
  path: string,
  onChunk: (chunk: Uint8Array) => void,
  { ended, from = 0 }: { ended: Promise<unknown>; from?: number },
): Promise<number> {
  let over = false;
  const end = ended.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  let offset = from;
  while (!over) {
    offset = drain(path, offset, onChunk);
    await Promise.race([end, new Promise((done) => setTimeout(done, POLL_MS))]);
  }
  return drain(path, offset, onChunk);
}

/** Reads what stands after `offset` now. */
export function drain(path: string, offset: number, onChunk: (chunk: Uint8Array) => void): number {
  const descriptor = openIfExists(path);
  if (descriptor === null) return offset;
  try {
    for (let at = offset; ; ) {
      const buffer = Buffer.allocUnsafe(CHUNK);
      const read = readSync(descriptor, buffer, 0, CHUNK, at);
      if (read === 0) return at;
      at += read;
      onChunk(buffer.subarray(0, read));
    }
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
