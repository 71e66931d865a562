/** One operation as an append-only file of JSON lines, each on the disk before what it announces happens. */
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { fromSystemError } from "../errors.ts";
import { readTextIfExists, syncFolder, writeAll } from "../platform/files.ts";
import type { Effect, Operation, OperationState } from "./types.ts";

export type Line =
  | { begin: Pick<Operation, "id" | "command" | "argv" | "worktree" | "owner" | "startedAt" | "summary" | "notes"> }
  | { effect: Effect }
  | { note: [key: string, value: unknown] }
  | { end: { state: OperationState; at: string; outcome: string | null } };

/** Creates the file with its first lines; false when the name is taken. */
export function createRecord(path: string, lines: Line[]): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeLines(openSync(path, "wx"), lines);
    syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw fromSystemError(error, `cannot write the journal ${path}`);
  }
}

/** Adds lines behind whatever a killed process left. */
export function appendRecord(path: string, lines: Line[]): void {
  try {
    const descriptor = openSync(path, "a+");
    writeLines(descriptor, lines, endsTorn(descriptor) ? "\n" : "");
  } catch (error) {
    throw fromSystemError(error, `cannot write the journal ${path}`);
  }
}

/**
 * The operation a file tells of, or null when there is no file or not even its first line is whole. A line that is not
 * whole was being written when its process died, so what it announces had not begun: it is skipped.
 */
export function readRecord(path: string): Operation | null {
  let operation: Operation | null = null;
  for (const text of (readTextIfExists(path) ?? "").split("\n")) {
    const line = parseLine(text);
    if (line === null) continue;
    if ("begin" in line) {
      operation ??= { ...line.begin, endedAt: null, state: "open", outcome: null, effects: [] };
    } else if (operation !== null) {
      applyLine(operation, line);
    }
  }
  return operation;
}

function applyLine(operation: Operation, line: Exclude<Line, { begin: unknown }>): void {
  if ("effect" in line) operation.effects.push(line.effect);
  else if ("note" in line) operation.notes[line.note[0]] = line.note[1];
  else {
    operation.state = line.end.state;
    operation.endedAt ??= line.end.at;
    operation.outcome = line.end.outcome;
  }
}

function parseLine(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Line) : null;
  } catch {
    return null;
  }
}

/** Takes over the descriptor. */
function writeLines(descriptor: number, lines: Line[], before = ""): void {
  try {
    writeAll(descriptor, Buffer.from(before + lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
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
