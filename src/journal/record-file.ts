/** One operation as an append-only file of JSON lines, each on the disk before what it announces happens. */
import { fileSize } from "../platform/files.ts";
import { expectEntries } from "../platform/heap.ts";
import { readLines } from "../platform/json-lines.ts";
import type { Effect, Operation, OperationState } from "./types.ts";

export type Line =
  | { begin: Pick<Operation, "id" | "command" | "argv" | "worktree" | "folder" | "home" | "owner" | "startedAt" | "summary" | "notes"> }
  | { effect: Effect }
  | { note: [key: string, value: unknown] }
  | { end: { state: OperationState; at: string; outcome: string | null } };

/** The operation a file tells of, or null when there is no file or not even its first line is whole. */
export function readRecord(path: string): Operation | null {
  let operation: Operation | null = null;
  expectEntries(fileSize(path) / FILE_BYTES);
  for (const line of readLines<Line>(path)) {
    if ("begin" in line) {
      operation ??= { ...line.begin, endedAt: null, state: "open", outcome: null, effects: [] };
    } else if (operation !== null) {
      applyLine(operation, line);
    }
  }
  return operation;
}

// What a line says of one of many files: a name of usual length, and two hashes.
const FILE_BYTES = 100;

function applyLine(operation: Operation, line: Exclude<Line, { begin: unknown }>): void {
  if ("effect" in line) operation.effects.push(line.effect);
  else if ("note" in line) operation.notes[line.note[0]] = line.note[1];
  else {
    operation.state = line.end.state;
    operation.endedAt ??= line.end.at;
    operation.outcome = line.end.outcome;
  }
}
