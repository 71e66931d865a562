/** Texts of people's files that are not UTF-8 throughout: Git takes ignore files as bytes, and so may whoever wrote them. */
import { readFileSync } from "node:fs";
import { isMissing } from "./files.ts";

/** A text's bytes where it takes the place of a file: lines that were there and are no UTF-8 stay as they are, to the byte. */
export function bytesFor(path: string, text: string): Uint8Array {
  return text.includes(UNKNOWN) ? keepingLines(text, bytesIn(path)) : Buffer.from(text);
}

/** The same of the bytes that lines come from. */
export function keepingLines(text: string, from: Uint8Array): Uint8Array {
  const known = new Map<string, Buffer[]>();
  for (const line of linesIn(Buffer.from(from)).toReversed()) {
    const alike = known.get(line.toString("utf8"));
    if (alike === undefined) known.set(line.toString("utf8"), [line]);
    else alike.push(line);
  }
  const lines = text.split("\n").map((line) => {
    const [, content = "", end = ""] = /^(.*?)(\r?)$/s.exec(line) ?? [];
    return Buffer.concat([nextOf(known.get(content)) ?? Buffer.from(content), Buffer.from(end)]);
  });
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [NEWLINE, line])));
}

/** Lines that differ only in what is no UTF-8 read the same: they come in their order. */
function nextOf(lines: Buffer[] | undefined): Buffer | undefined {
  return lines !== undefined && lines.length > 1 ? lines.pop() : lines?.[0];
}

/** What stands for bytes that are not UTF-8. */
const UNKNOWN = "\uFFFD";
const NEWLINE = Buffer.from("\n");

/** Without what ends them. */
function linesIn(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from <= bytes.length; ) {
    const next = bytes.indexOf(0x0a, from);
    const end = next < 0 ? bytes.length : next;
    lines.push(bytes.subarray(from, end > from && bytes[end - 1] === 0x0d ? end - 1 : end));
    from = end + 1;
  }
  return lines;
}

function bytesIn(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return new Uint8Array();
    throw error;
  }
}
