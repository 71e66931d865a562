/**
 * The message of a version's tag:
 *
 *     key=value | … | description
 *
 *     free text
 *
 *     Kind: run
 *     Run: quiet-otter-0412 lr=0.1
 *     …
 *
 * A message without `Kind:` in its last paragraph has no trailers: it was made by hand or by another tool, and all its
 * text is text. Nothing is stripped: a line may begin with `#`.
 */
import { formatHeadline, parseHeadline } from "./headline.ts";
import { formatTrailers, parseTrailers, type Recorded, UNRECORDED } from "./trailers.ts";
import type { VersionMessage } from "./types.ts";

export function formatMessage(message: VersionMessage): string {
  const { body, kind, other } = message;
  const recorded = kind !== null || other.some(([key]) => key === "Kind");
  const paragraphs = [
    formatHeadline(message),
    trimBlankLines(body.split(/\r?\n/)).join("\n"),
    recorded ? formatTrailers(message).join("\n") : "",
  ];
  return `${paragraphs.filter((text) => text !== "").join("\n\n")}\n`;
}

export function parseMessage(text: string): VersionMessage {
  return readMessage(text).message;
}

/** Reads any message; what looks recorded but cannot be read is named in `problems`. */
export function readMessage(text: string): { message: VersionMessage; problems: string[] } {
  const lines = trimBlankLines(withoutSignature(text).split(/\r?\n/));
  // Editors of Windows put a mark of their own before the first letter, and people blanks.
  const firstLine = parseHeadline((lines[0] ?? "").trimStart());
  const { rest, recorded, problems } = splitTrailers(lines.slice(1));
  return { message: { ...firstLine, body: trimBlankLines(rest).join("\n"), ...recorded }, problems };
}

function splitTrailers(lines: string[]): { rest: string[]; recorded: Recorded; problems: string[] } {
  const start = lines.findLastIndex(isBlank) + 1;
  const block = start === 0 ? null : readBlock(lines.slice(start));
  if (!block?.some(([key]) => key === "Kind")) return { rest: lines, recorded: UNRECORDED, problems: [] };
  return { rest: lines.slice(0, start), ...parseTrailers(block) };
}

/** Null when a line is neither a trailer nor the continuation of one. */
function readBlock(lines: string[]): [key: string, value: string][] | null {
  const block: [string, string][] = [];
  for (const line of lines) {
    const trailer = /^([A-Za-z0-9][A-Za-z0-9-]*): ?(.*)$/s.exec(line);
    const last = block.at(-1);
    if (trailer) block.push([trailer[1] ?? "", (trailer[2] ?? "").trim()]);
    else if (last && /^\s+\S/.test(line)) last[1] = `${last[1]} ${line.trim()}`;
    else return null;
  }
  return block;
}

function withoutSignature(text: string): string {
  const at = /^-----BEGIN (PGP|SSH) (SIGNATURE|MESSAGE)-----|^-----BEGIN SIGNED MESSAGE-----/m.exec(text)?.index;
  return at === undefined ? text : text.slice(0, at);
}

function trimBlankLines(lines: string[]): string[] {
  const start = lines.findIndex((line) => !isBlank(line));
  return start < 0 ? [] : lines.slice(start, lines.findLastIndex((line) => !isBlank(line)) + 1);
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}
