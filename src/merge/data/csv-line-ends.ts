/** Lines of one file that end in several ways: Python's csv writes `\r\n`, whoever appends to it `\n`. DuckDB reads one kind. */
import { closeSync, openSync, readSync } from "node:fs";
import { writeAll } from "../../platform/files.ts";

interface Dialect {
  delimiter: string;
  quote: string;
}

const [LF, CR] = [0x0a, 0x0d];
const CHUNK = 1 << 20;

/** Line ends within quoted cells are none of these. */
export function hasMixedLineEnds(path: string, dialect: Dialect): boolean {
  // Most files have one kind, within cells too: that is seen without a look at each byte.
  if (!hasBothKinds(path)) return false;
  const reader = new LineReader(dialect);
  for (const chunk of chunksOf(path)) {
    reader.read(chunk, null);
    if (reader.long && reader.short) return true;
  }
  return false;
}

/** A copy in which every line ends with `\n`. */
export function copyWithOneLineEnd(from: string, to: string, dialect: Dialect): void {
  const file = openSync(to, "w");
  try {
    const reader = new LineReader(dialect);
    const out = Buffer.alloc(CHUNK + 1);
    for (const chunk of chunksOf(from)) writeAll(file, out.subarray(0, reader.read(chunk, out)));
    if (reader.holds) writeAll(file, Buffer.from([CR]));
  } finally {
    closeSync(file);
  }
}

function hasBothKinds(path: string): boolean {
  let [all, long, before] = [0, 0, 0];
  for (const chunk of chunksOf(path)) {
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      all += 1;
      if ((at === 0 ? before : chunk[at - 1]) === CR) long += 1;
    }
    before = chunk.at(-1) ?? 0;
  }
  return long > 0 && long < all;
}

/** One buffer for all: each chunk is done with before the next one is asked for. */
function* chunksOf(path: string): Generator<Buffer> {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer)) yield buffer.subarray(0, size);
  } finally {
    closeSync(file);
  }
}

/** Knows at each byte whether it is within quotes. */
class LineReader {
  long = false;
  short = false;
  /** A `\r` that ended the last chunk, and is not written yet. */
  holds = false;
  #isQuoted = false;
  /** A quote has ended a cell, unless another one follows it. */
  #isClosed = false;
  #isCellStart = true;
  readonly #delimiter: number;
  readonly #quote: number;

  constructor({ delimiter, quote }: Dialect) {
    [this.#delimiter, this.#quote] = [delimiter.charCodeAt(0), quote.charCodeAt(0)];
  }

  /** Answers how many bytes of `out` the chunk became. */
  read(chunk: Buffer, out: Buffer | null): number {
    let size = 0;
    for (const byte of chunk) {
      if (this.holds) {
        this.holds = false;
        if (byte === LF) this.long = true;
        else if (out !== null) out[size++] = CR;
      } else if (byte === LF && !this.#isQuoted) this.short = true;
      this.#follow(byte);
      if (byte === CR && !this.#isQuoted) this.holds = true;
      else if (out !== null) out[size++] = byte;
    }
    return size;
  }

  #follow(byte: number): void {
    const isQuote = byte === this.#quote;
    if (this.#isQuoted) {
      this.#isQuoted = !isQuote;
      this.#isClosed = isQuote;
      return;
    }
    this.#isQuoted = isQuote && (this.#isClosed || this.#isCellStart);
    this.#isClosed = false;
    this.#isCellStart = byte === this.#delimiter || byte === LF || byte === CR;
  }
}
