/** One string as a YAML scalar, written as ruamel.yaml (DVC's library) writes it in a block mapping. */

const WIDTH = 80;

// Texts that YAML 1.2, with ruamel's extras, would read as something other than a string.
const RESOLVES = [
  /^(?:~|null|Null|NULL|)$/,
  /^(?:true|True|TRUE|false|False|FALSE)$/,
  /^[-+]?0b[01_]+$/,
  /^[-+]?0o?[0-7_]+$/,
  /^[-+]?[0-9_]+$/,
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
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be escaped.
const SPECIAL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** `key: scalar` with its line end; `prefix` is the line's beginning (`- ` or `  `), `indent` where a folded line continues. */
export function yamlLine(prefix: string, key: string, text: string, indent: number): string {
  const head = `${prefix}${key}: `;
  return `${head}${needsQuotes(text) ? quote(text) : foldPlain(text, head.length, indent)}\n`;
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

function quote(text: string): string {
  if (!SPECIAL.test(text) && !text.includes("'")) return `'${text}'`;
  return `"${[...text].map(escaped).join("")}"`;
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
  const code = character.charCodeAt(0);
  return code <= 0xff ? `\\x${code.toString(16).toUpperCase().padStart(2, "0")}` : `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Words never reach past the width if a line break before them helps; a blank already written stays at the line's end. */
function foldPlain(text: string, start: number, indent: number): string {
  const newLine = `\n${" ".repeat(indent)}`;
  let column = start;
  let out = "";
  for (const part of text.match(/ +|[^ ]+/g) ?? []) {
    const length = [...part].length;
    if (part.startsWith(" ")) {
      if (part === " " && column >= WIDTH) {
        out += newLine;
        column = indent;
        continue;
      }
    } else if (column + length > WIDTH && column > indent) {
      out += newLine;
      column = indent;
    }
    out += part;
    column += length;
  }
  return out;
}
