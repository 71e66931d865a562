/** One string as a YAML scalar, written as ruamel.yaml (DVC's library) writes it in a block mapping. */

const WIDTH = 80;

// Texts that YAML 1.2, with ruamel's extras, would read as something other than a string.
const RESOLVES = [
  /^(?:~|null|Null|NULL|)$/,
  /^(?:true|True|TRUE|false|False|FALSE)$/,
  /^[-+]?0b[01_]+$/,
  /^[-+]?0o?[0-7_]+$/,
  /^(?:[-+][0-9_]+|[0-9][0-9_]*)$/,
  /^[-+]?0x[0-9a-fA-F_]+$/,
  /^[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?$/,
  /^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$/,
  /^[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?$/,
  /^[-+]?\.(?:inf|Inf|INF)$/,
  /^\.(?:nan|NaN|NAN)$/,
  /^\d{4}-\d{2}-\d{2}$/,
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|[ \t]+)\d{1,2}:\d{2}:\d{2}(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d{1,2}(?::?\d{2})?))?$/,
  /^(?:=|<<)$/,
];

const INDICATOR_FIRST = /^[#,[\]{}&*!|>'"%@`]/;
// Only double quotes can hold these. Next line and the separators too: others could write them raw, but not every reader would return them.
const SPECIAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be escaped.
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * `key: scalar` with its line end; `prefix` is the line's beginning (`- ` or `  `), `indent` where a folded line continues.
 * `verbatim` writes a number or truth value, not a string.
 */
export function yamlLine(prefix: string, key: string, text: string, indent: number, verbatim = false): string {
  const head = `${prefix}${key}: `;
  return `${head}${verbatim ? text : yamlScalar(text, [...head].length, indent)}\n`;
}

/** The scalar alone, its first character standing at `column`. */
export function yamlScalar(text: string, column: number, indent: number): string {
  if (!needsQuotes(text)) return foldPlain(text, column, indent);
  const characters = [...text];
  if (SPECIAL.test(text) || text.includes("'")) return `"${foldDouble(characters, column + 1, indent)}"`;
  return `'${foldSingle(characters, column + 1, indent)}'`;
}

function needsQuotes(text: string): boolean {
  return (
    RESOLVES.some((pattern) => pattern.test(text)) ||
    INDICATOR_FIRST.test(text) ||
    /^[?:-](?:\s|$)/.test(text) ||
    /^(?:---|\.\.\.)/.test(text) ||
    /:(?:\s|$)/.test(text) ||
    /\s#/.test(text) ||
    /^ | $/.test(text) ||
    SPECIAL.test(text)
  );
}

/**
 * Words never reach past the width if a line break before them helps; a blank already written stays at the line's end.
 * Two or more blanks would come back as one there, so behind them no line breaks (ruamel's does, and loses them).
 */
function foldPlain(text: string, start: number, indent: number): string {
  const newLine = `\n${" ".repeat(indent)}`;
  let column = start;
  let out = "";
  let isBehindRun = false;
  for (const part of text.match(/ +|[^ ]+/g) ?? []) {
    const length = [...part].length;
    const isBlank = part.startsWith(" ");
    const breaks = isBlank ? length === 1 && column >= WIDTH : column + length > WIDTH && column > indent && !isBehindRun;
    if (breaks) {
      out += newLine;
      column = indent;
    }
    isBehindRun = isBlank && length > 1;
    if (breaks && isBlank) continue;
    out += part;
    column += length;
  }
  return out;
}

/** Breaks at a lone inner blank once the width is passed; the break stands for the blank. (Texts with a quote go to double quotes.) */
function foldSingle(characters: readonly string[], start: number, indent: number): string {
  let column = start;
  let out = "";
  for (const [index, character] of characters.entries()) {
    const isLone = character === " " && characters[index - 1] !== " " && characters[index + 1] !== " ";
    if (isLone && column > WIDTH && index > 0 && index < characters.length - 1) {
      out += `\n${" ".repeat(indent)}`;
      column = indent;
    } else {
      out += character;
      column += 1;
    }
  }
  return out;
}

const SHORT = new Map([
  ["\0", "\\0"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\u000b", "\\v"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ["\u001b", "\\e"],
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0085", "\\N"],
  ["\u2028", "\\L"],
  ["\u2029", "\\P"],
]);

function escaped(character: string): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  if (!SPECIAL.test(character)) return character;
  const hex = character.charCodeAt(0).toString(16).toUpperCase();
  return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

/**
 * Past the width the text breaks at a blank, which the break may stand for, or behind an escape. A backslash before the break
 * hides it, and one before a blank that begins a line keeps that.
 */
function foldDouble(characters: readonly string[], start: number, indent: number): string {
  let column = start;
  let out = "";
  let pending = "";
  let isReplaced = false;
  const put = (text: string) => {
    out += text;
    column += [...text].length;
  };
  for (const [index, character] of characters.entries()) {
    if (isReplaced) {
      isReplaced = false;
      continue;
    }
    const written = escaped(character);
    const isEscape = written !== character;
    if (isEscape) {
      put(pending + written);
      pending = "";
    }
    const isPlace = index > 0 && index < characters.length - 1 && (isEscape || character === " " || pending === "");
    const isFull = column + (isEscape ? -1 : [...pending].length) > WIDTH;
    if (isPlace && isFull) {
      const blank = isEscape ? index + 1 : index;
      const isVisible = (isEscape || pending !== "") && isLoneBlank(characters, blank) && !/["\n]/.test(character);
      put(isVisible ? pending : `${pending}\\`);
      out += `\n${" ".repeat(indent)}`;
      column = indent;
      pending = "";
      if (characters[blank] === " " && !isVisible) put("\\");
      if (isVisible && !isEscape) continue;
      isReplaced = isVisible;
    }
    if (!isEscape) pending += character;
  }
  return out + pending;
}

/** A blank with a word on each side, so that a line break read as one blank says the same. */
function isLoneBlank(characters: readonly string[], index: number): boolean {
  const next = characters[index + 1];
  return characters[index] === " " && characters[index - 1] !== " " && next !== undefined && next !== " " && next !== "\n";
}
