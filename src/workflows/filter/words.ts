/** A filter's text as words with their columns. */
import { ExpverError } from "../../errors.ts";

export interface Word {
  kind: "word" | "quoted" | "sign" | "end";
  text: string;
  /** From 1, in characters. */
  column: number;
}

const SIGNS = /^(?:==|!=|<=|>=|!~|[=<>~(),])/;
const WORD = /^[^\s"'`=<>!~(),]+/;

/** Throws E_USAGE for a quote that does not end and a sign that is none. */
export function wordsOf(filter: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  const column = () => [...filter.slice(0, at)].length + 1;
  while (at < filter.length) {
    const rest = filter.slice(at);
    const space = /^\s+/.exec(rest)?.[0];
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const found = quoted(rest) ?? matched("sign", SIGNS, rest) ?? matched("word", WORD, rest);
    if (found === null) {
      const why = /^["'`]/.test(rest) ? "the quote does not end" : `${JSON.stringify(rest[0])} is no sign of this language`;
      throw filterError(filter, column(), why);
    }
    words.push({ kind: found.kind, text: found.text, column: column() });
    at += found.length;
  }
  return [...words, { kind: "end", text: "", column: [...filter].length + 1 }];
}

/** Its hint shows the filter, and a mark under the place. */
export function filterError(filter: string, column: number, why: string, hint = "`expver list --help` has the language."): ExpverError {
  const line = filter.replace(/\s/g, " ");
  return new ExpverError("E_USAGE", `--where, column ${column}: ${why}`, {
    hint: `${hint}\n  ${line}\n  ${" ".repeat(column - 1)}^`,
    details: { filter, column },
  });
}

interface Found {
  kind: "word" | "quoted" | "sign";
  text: string;
  length: number;
}

/** In any of three quotes; the quote itself is written twice. */
function quoted(rest: string): Found | null {
  const [whole, double, single, back] = /^(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|`((?:[^`]|``)*)`)/.exec(rest) ?? [];
  if (whole === undefined) return null;
  const quote = whole[0] ?? "";
  return { kind: "quoted", text: (double ?? single ?? back ?? "").replaceAll(quote + quote, quote), length: whole.length };
}

function matched(kind: "word" | "sign", pattern: RegExp, rest: string): Found | null {
  const text = pattern.exec(rest)?.[0];
  return text === undefined ? null : { kind, text, length: text.length };
}
