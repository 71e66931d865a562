/** Texts inside a tag message: bare while that is unambiguous, a JSON string otherwise. */

const JSON_STRING = /"(?:[^"\\]|\\.)*"/uy;

/** One line that {@link readQuoted} turns back into exactly this text. `extra` names further texts that must not stand bare. */
export function quote(text: string, extra?: RegExp): string {
  const bare = !/^"|[\p{Cc}\p{Surrogate}\u2028\u2029]|\s\||\|\s/u.test(text) && text === text.trim() && !extra?.test(text);
  return bare ? text : JSON.stringify(text);
}

/** The whole text a bare or quoted piece stands for. */
export function unquote(piece: string): string {
  return readQuoted(piece, 0)?.end === piece.length ? (readQuoted(piece, 0)?.text ?? piece) : piece;
}

/** The piece that begins at `start`, quoted or else as far as `bare` (sticky) goes. */
export function readPiece(line: string, start: number, bare: RegExp): { text: string; end: number } | null {
  const quoted = readQuoted(line, start);
  if (quoted !== null) return quoted;
  bare.lastIndex = start;
  const found = bare.exec(line);
  return found === null ? null : { text: found[0], end: bare.lastIndex };
}

/** The JSON string that begins at `start`, or null when none does. */
export function readQuoted(line: string, start: number): { text: string; end: number } | null {
  JSON_STRING.lastIndex = start;
  const found = JSON_STRING.exec(line);
  if (found === null) return null;
  try {
    return { text: JSON.parse(found[0]) as string, end: JSON_STRING.lastIndex };
  } catch {
    return null;
  }
}
