/** Comments at the head of a pointer that could not be merged: it stays a pointer, and says what else it might have said. */
import { posix } from "node:path";
import { shellWord } from "../../platform/shell-word.ts";
import type { Pointer } from "../../store/types.ts";

const MARK = "# expver-conflict: ";

export interface Conflict {
  /** The pointer file, in stored form. */
  file: string;
  ours: readonly Pointer[];
  theirs: readonly Pointer[];
  reasons: readonly string[];
}

export function withMark(text: string, { file, ours, theirs, reasons }: Conflict): string {
  const lines = [
    `${oneLine(file)} was not merged; what stands below is ours.`,
    ...reasons.flatMap((reason) => reason.split("\n")),
    ...ours.map((pointer) => `ours   ${describe(pointer)}`),
    ...theirs.map((pointer) => `theirs ${describe(pointer)}`),
    // Wherever the reader stands: the file is there too.
    `Choose, in the folder of this file: expver merge --resolve ours|theirs ${shellWord(posix.basename(file))}`,
  ];
  return lines.map((line) => `${MARK}${oneLine(line)}\n`).join("") + withoutMark(text);
}

export function withoutMark(text: string): string {
  return text.replace(/^# expver-conflict:.*\r?\n?/gm, "");
}

export function isMarked(text: string): boolean {
  return text.includes(MARK);
}

function describe({ path, hash, size }: Pointer): string {
  return `${hash ?? "nothing stored"}  ${size === undefined ? "" : `${size} bytes  `}${path}`;
}

/** It must stay one comment, whatever it names. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, "?");
}
