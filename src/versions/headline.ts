/** The first line of a tag message: `key=value | key=value | text`, as people and the original script write it. */
import { quote, readPiece, readQuoted } from "./quoting.ts";
import type { VersionMessage } from "./types.ts";

type Headline = Pick<VersionMessage, "headline" | "description">;

export function formatHeadline({ headline, description }: Headline): string {
  const parts = headline.map(([key, value]) => `${quote(key, NOT_A_KEY)}=${quote(value)}`);
  const text = quoteDescription(description, parts.length > 0);
  return [...parts, ...(text === null ? [] : [text])].join(SEPARATOR);
}

/** Reads any line: what is no `key=value` part, and all that follows it, is the description. */
export function parseHeadline(line: string): Headline {
  const headline: Headline["headline"] = [];
  let at = 0;
  while (at < line.length) {
    const pair = readPair(line, at);
    if (pair === null) break;
    headline.push([pair.key, pair.value]);
    at = pair.end;
  }
  const rest = line.slice(at).trim();
  const quoted = readQuoted(rest, 0);
  return { headline, description: quoted !== null && quoted.end === rest.length ? quoted.text : rest };
}

const SEPARATOR = " | ";
const NOT_A_KEY = /[\s=|"]|^$/;
const BARE_KEY = /[^\s=|"]+/y;

/** Null: nothing needs to be written. */
function quoteDescription(description: string, afterPairs: boolean): string | null {
  if (description === "") return afterPairs ? null : '""';
  // Several parts in one description are read back as one, as long as the first is no pair.
  const bare = !/^"|[\p{Cc}\p{Surrogate}\u2028\u2029]/u.test(description) && description === description.trim();
  return bare && readPair(description, 0) === null ? description : JSON.stringify(description);
}

function readPair(line: string, start: number): { key: string; value: string; end: number } | null {
  const key = readPiece(line, start, BARE_KEY);
  if (key === null || line[key.end] !== "=") return null;
  const valueAt = key.end + 1;
  const quoted = readQuoted(line, valueAt);
  if (quoted !== null) {
    const after = line.slice(quoted.end);
    if (after.trim() === "") return { key: key.text, value: quoted.text, end: line.length };
    if (after.startsWith(SEPARATOR)) return { key: key.text, value: quoted.text, end: quoted.end + SEPARATOR.length };
  }
  const next = line.indexOf(SEPARATOR, valueAt);
  const end = next < 0 ? line.length : next;
  return { key: key.text, value: line.slice(valueAt, end).trim(), end: next < 0 ? end : end + SEPARATOR.length };
}
