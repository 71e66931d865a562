/** How many columns of a terminal a text takes, and texts made safe for one: what comes from outside passes here before it is shown. */

/** Nothing in a name, a tag or a message may move the cursor, colour the rest or turn the line around. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (one) =>
    JSON.stringify(one)
      .slice(1, -1)
      .replace(/^[^\\]$/, escapeOf),
  );
}

/** The same for a text of several lines: its line breaks and tabs stay. */
export function safeLines(text: string): string {
  return PLAIN.test(text) ? text : text.replace(/[^\n\t]+/g, oneLine);
}

/** Data on its way to a terminal: every name and text in it made safe. What is safe already is not copied. */
export function safeData<T>(data: T): T {
  if (typeof data === "string") return safeLines(data) as T;
  if (typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) {
    let items: unknown[] | null = null;
    for (const [index, item] of data.entries()) {
      const safe = safeData(item);
      if (safe === item) continue;
      items ??= [...data];
      items[index] = safe;
    }
    return (items ?? data) as T;
  }
  let made: Map<string, unknown> | null = null;
  for (const name of Object.keys(data)) {
    const value: unknown = data[name as keyof T];
    const safe = safeData(value);
    if (safe === value && PLAIN.test(name)) continue;
    made ??= new Map();
    made.set(name, safe);
  }
  if (made === null) return data;
  const known: ReadonlyMap<string, unknown> = made;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [safeLines(name), known.has(name) ? known.get(name) : value])) as T;
}

/** Columns: 2 for East Asian wide characters and emoji, 0 for what joins the character before it. */
export function textWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes().segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The longest beginning that fits, with `…` in place of the rest. */
export function fitText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const { segment } of graphemes().segment(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return width < 1 ? "" : `${kept.trimEnd()}…`;
}

/** Beginning and end, with `…` in place of what is between: of a path the end says most. */
export function fitMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const room = Math.max(0, width - 1);
  const end = widest([...graphemes().segment(text)].map(({ segment }) => segment).reverse(), Math.ceil(room / 2));
  const start = widest(
    [...graphemes().segment(text)].map(({ segment }) => segment),
    room - textWidth(end.join("")),
  );
  return width < 1 ? "" : `${start.join("")}…${end.reverse().join("")}`;
}

function widest(segments: readonly string[], width: number): string[] {
  let used = 0;
  const over = segments.findIndex((segment) => {
    used += graphemeWidth(segment);
    return used > width;
  });
  return segments.slice(0, over < 0 ? segments.length : over);
}

/** Broken between words, so that no line is wider where that can be helped. */
export function wrapText(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

export function padText(text: string, width: number, align: "left" | "right" = "left"): string {
  const gap = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "right" ? gap + text : text + gap;
}

const PLAIN = /^[\x20-\x7e]*$/;
/** One column each, whatever stands beside it, as Latin letters, `·`, `…` and `→` do: the first use of a segmenter takes 10 ms. */
const NARROW = /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u21ff]*$/;
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;

let segmenter: Intl.Segmenter | undefined;

function graphemes(): Intl.Segmenter {
  segmenter ??= new Intl.Segmenter("en");
  return segmenter;
}

function graphemeWidth(segment: string): number {
  if (/^\p{Emoji_Presentation}/u.test(segment) || segment.includes("\ufe0f")) return 2;
  if (WIDE.test(segment)) return 2;
  return /^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment) ? 0 : 1;
}

/** `\u009b`, as JSON writes it. */
export function escapeOf(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
