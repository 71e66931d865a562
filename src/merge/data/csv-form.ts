/**
 * How a CSV file is written: what parts its cells, what its first line calls the columns, where its lines end. Told from its first line, and said
 * to DuckDB: left to itself it takes what fits most lines, and leaves the others out (lines above a longer one, lines that begin with `#`).
 */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../../errors.ts";
import { foldName } from "../../platform/sqlite.ts";
import { copyWithOneLineEnd, hasMixedLineEnds } from "./csv-line-ends.ts";
import { fileText, sqlText, WITHOUT_FOLDERS } from "./duckdb.ts";

export interface CsvForm {
  delimiter: string;
  quote: string;
  /** Cells of the first line: empty ones (an index that pandas wrote) and equal ones too. */
  header: readonly string[];
  /** The columns' names: the same where they can be; none is empty, no two are alike. */
  names: readonly string[];
  /** Empty lines above it. */
  skip: number;
  /** What all lines end with. */
  lineEnd: "\n" | "\r\n" | "\r";
  /** It begins with a mark of its bytes' order, as Excel writes and wants it. */
  hasMark: boolean;
  /** What is to be read: the file, or a copy of it whose lines end alike. */
  path: string;
}

const DELIMITERS = [",", ";", "\t", "|"];
const LONGEST_HEADER = 16 << 20;

/** `spill`: folder for a copy. Throws E_DATA for a file without a first line, or whose first line has no end. */
export function csvFormOf({ path, name }: { path: string; name: string }, spill: string): CsvForm {
  const { text: head, hasMark } = headOf({ path, name });
  const skip = /^(?:\r\n|\n|\r)*/.exec(head)?.[0].match(/\r\n|\n|\r/g)?.length ?? 0;
  const first = head.replace(/^[\r\n]+/, "");
  if (first === "") throw new ExpverError("E_DATA", `${name} is empty: no first line names its columns`, { details: { path } });
  const dialects = ['"', "'"].flatMap((quote) =>
    delimitersOf([name, path]).map((delimiter) => ({ delimiter, quote, header: firstRecord(first, { delimiter, quote }) })),
  );
  // More cells are told apart by what parts them; of single quotes only where they are around a cell.
  const isEnclosed = /(?:^|[,;\t|])'[^']*'(?:[,;\t|\r\n]|$)/.test(first.split(/\r|\n/, 1)[0] ?? "") && !first.startsWith('"');
  const possible = dialects.filter(({ quote }) => quote === (isEnclosed ? "'" : '"'));
  const [best] = possible.toSorted((one, other) => other.header.length - one.header.length);
  const { delimiter, quote, header } = best as (typeof dialects)[number];
  const behind = first.slice(recordEnd(first, quote));
  const lineEnd = (["\r\n", "\r"] as const).find((one) => behind.startsWith(one)) ?? "\n";
  const form = { delimiter, quote, header, names: namesOf(header), skip, hasMark };
  if (!hasMixedLineEnds(path, form)) return { ...form, lineEnd, path };
  const copy = join(spill, `line-ends-${copies}.csv`);
  copies += 1;
  copyWithOneLineEnd(path, copy, form);
  return { ...form, lineEnd: "\n", path: copy };
}

let copies = 0;

/** The likeliest first: where two part the first line into as many cells, that is the one. */
function delimitersOf(names: readonly string[]): string[] {
  return names.some(isTabbed) ? ["\t", ...DELIMITERS.filter((one) => one !== "\t")] : DELIMITERS;
}

/** By its name. */
export function isTabbed(name: string): boolean {
  return /\.tsv$/i.test(name);
}

/** The text of the first line and what follows it; of the file all where that is less. */
function headOf({ path, name }: { path: string; name: string }): { text: string; hasMark: boolean } {
  const file = openSync(path, "r");
  try {
    let bytes = Buffer.alloc(0);
    for (let size = 1 << 16; ; size *= 4) {
      bytes = Buffer.alloc(size);
      const read = readSync(file, bytes, 0, size, 0);
      const whole = bytes.toString("utf8", 0, read);
      const text = whole.replace(/^\ufeff/, "");
      const first = text.replace(/^[\r\n]+/, "");
      // Its end may be of two characters.
      if (read < size || recordEnd(first, '"') < first.length - 1) return { text, hasMark: text !== whole };
      if (size >= LONGEST_HEADER) throw new ExpverError("E_DATA", `${name}: its first line has no end`, { details: { path } });
    }
  } finally {
    closeSync(file);
  }
}

/** Where the first line ends: not within a cell that has line ends itself. A quote amid a cell (`5" disk`) begins none. */
function recordEnd(text: string, quote: string): number {
  let [isQuoted, mayBegin] = [false, true];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (character === quote && (isQuoted || mayBegin)) isQuoted = !isQuoted;
    else if (!isQuoted && (character === "\n" || character === "\r")) return at;
    // Also behind a quote that ended a cell: two of them are one within it.
    mayBegin = character === quote || DELIMITERS.includes(character);
  }
  return text.length;
}

function firstRecord(text: string, { delimiter, quote }: Pick<CsvForm, "delimiter" | "quote">): string[] {
  const line = text.slice(0, recordEnd(text, quote));
  const cells: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const isQuoted = line[at] === quote;
    let end = isQuoted ? line.indexOf(quote, at + 1) : line.indexOf(delimiter, at);
    // Two quotes stand for one.
    while (isQuoted && end >= 0 && line[end + 1] === quote) end = line.indexOf(quote, end + 2);
    if (!isQuoted || end < 0) {
      end = line.indexOf(delimiter, at);
      cells.push(line.slice(at, end < 0 ? undefined : end));
    } else {
      cells.push(line.slice(at + 1, end).replaceAll(quote + quote, quote));
      end = line.indexOf(delimiter, end);
    }
    if (end < 0) break;
    at = end + 1;
  }
  return cells;
}

/** As DuckDB would call them: the number of a column without a name, and one behind a name that an earlier column has. */
function namesOf(header: readonly string[]): string[] {
  const taken = new Set<string>();
  return header.map((cell, index) => {
    const own = cell === "" ? `column${index}` : cell;
    let name = own;
    for (let again = 1; taken.has(foldName(name)); again += 1) name = `${own}_${again}`;
    taken.add(foldName(name));
    return name;
  });
}

/** As a table whose cells stay the text they are; `typed`: as what they look like. */
export function readingCsv({ path, names, ...form }: CsvForm, { typed = false }: { typed?: boolean } = {}): string {
  const columns = names.map((name) => `${sqlText(name)}: 'VARCHAR'`).join(", ");
  const [read, quote] = [fileText(path), sqlText(form.quote)];
  const cells = `delim = ${sqlText(form.delimiter)}, quote = ${quote}, escape = ${quote}, comment = '', skip = ${form.skip}, header = true`;
  // Left to itself, DuckDB takes a line end within a cell of the first line for that of all lines, and finds no row.
  const ends = form.lineEnd === "\r" ? "" : `, new_line = ${escapedEnd(form.lineEnd)}`;
  return `read_csv(${read}, ${cells}${ends}, ${WITHOUT_FOLDERS}, ${typed ? `names = [${names.map(sqlText).join(", ")}]` : `auto_detect = false, columns = {${columns}}`})`;
}

/** Of COPY. */
export function csvOptions({ delimiter, quote, lineEnd }: CsvForm, { header }: { header: boolean }): string {
  return `FORMAT csv, HEADER ${header}, NEW_LINE ${escapedEnd(lineEnd)}, DELIMITER ${sqlText(delimiter)}, QUOTE ${sqlText(quote)}, ESCAPE ${sqlText(quote)}`;
}

/** Files of old Macs, which nobody writes any more, get the usual one. */
function escapedEnd(lineEnd: CsvForm["lineEnd"]): string {
  return lineEnd === "\r\n" ? "'\\r\\n'" : "'\\n'";
}

/** The first line of a file like the base with these columns; null: as DuckDB itself would write it. */
export function headerLine({ delimiter, quote, header, lineEnd, hasMark }: CsvForm, columns: readonly { name: string }[]): string | null {
  const names = columns.map(({ name }) => name);
  const own = [...header, ...names.slice(header.length)];
  if (!hasMark && own.every((text, index) => text === names[index])) return null;
  const isPlain = (text: string) => ![delimiter, quote, "\n", "\r"].some((one) => text.includes(one));
  const cells = own.map((text) => (isPlain(text) ? text : `${quote}${text.replaceAll(quote, quote + quote)}${quote}`));
  return `${hasMark ? "\ufeff" : ""}${cells.join(delimiter)}${lineEnd === "\r" ? "\n" : lineEnd}`;
}
