/** Append-only files of JSON lines, each on the disk before the caller goes on. */
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fromSystemError } from "../errors.ts";
import { hasCode, openIfExists, syncFolder, writeAll } from "./files.ts";

/** Creates the file with its first lines; false when the name is taken. */
export function createLines(path: string, lines: readonly object[]): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeLines(openSync(path, "wx"), lines);
    syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    rmSync(path, { force: true });
    throw fromSystemError(error, `cannot write the journal ${path}`);
  }
}

/** Adds lines behind whatever a killed process left. */
export function appendLines(path: string, lines: readonly object[]): void {
  try {
    const descriptor = openSync(path, "a+");
    writeLines(descriptor, lines, endsTorn(descriptor) ? "\n" : "");
  } catch (error) {
    throw fromSystemError(error, `cannot write the journal ${path}`);
  }
}

/** A line that is not whole was being written when its process died, so what it announces had not begun: it is skipped. */
export function* readLines<Line extends object>(path: string): Generator<Line> {
  for (const bytes of linesIn(path)) {
    const line = parseLine<Line>(bytes);
    if (line !== null) yield line;
  }
}

const CHUNK_BYTES = 2 ** 20;

/** One after the other: a file that tells of a million files is long. */
function* linesIn(path: string): Generator<Buffer> {
  const descriptor = openIfExists(path);
  if (descriptor === null) return;
  try {
    let begun: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const bytes = chunk.subarray(0, readSync(descriptor, chunk, 0, chunk.length, null));
      if (bytes.length === 0) break;
      let from = 0;
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
        yield Buffer.concat([...begun, bytes.subarray(from, end)]);
        begun = [];
        from = end + 1;
      }
      if (from < bytes.length) begun.push(bytes.subarray(from));
    }
    yield Buffer.concat(begun);
  } finally {
    closeSync(descriptor);
  }
}

function parseLine<Line extends object>(bytes: Buffer): Line | null {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Line) : null;
  } catch {
    return null;
  }
}

/** Takes over the descriptor. */
function writeLines(descriptor: number, lines: readonly object[], before = ""): void {
  try {
    let text = before;
    for (const line of lines) {
      text += `${JSON.stringify(line)}\n`;
      if (text.length < CHUNK_BYTES) continue;
      writeAll(descriptor, Buffer.from(text));
      text = "";
    }
    writeAll(descriptor, Buffer.from(text));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function endsTorn(descriptor: number): boolean {
  const size = fstatSync(descriptor).size;
  const last = Buffer.alloc(1);
  return size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}
