/** Tables that fit the width: whole columns go before a number loses a digit, and what went is told. */
import { someOf } from "../../platform/words.ts";
import type { Terminal } from "../terminal.ts";
import { fitMiddle, fitText, oneLine, padText, textWidth, wrapText } from "../text-width.ts";

export interface Column<Row> {
  title: string;
  /** Exact text; "" for nothing. */
  text(row: Row): string;
  /** Numbers stand right, so that their digits compare. */
  align?: "left" | "right";
  /** Lower goes first when the width does not do; absent: never goes. */
  weight?: number;
  /** Words may be cut down to this many columns, with `…`; numbers and names never are. */
  shrinkTo?: number;
  /** Is cut in the middle rather than at its end: paths, names that begin alike. */
  keepsEnd?: true;
  /** Applied after padding, where there is colour. */
  style?: Style | ((row: Row) => Style);
}

type Style = Parameters<Terminal["style"]>[0];

export interface Table {
  /** Lines, the heading first, each ending in a newline. */
  text: string;
  /** Titles of the columns that did not fit, and of those whose words were cut. */
  dropped: string[];
  cut: string[];
}

export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): Table {
  const measured = columns.map((column) => {
    const cells = rows.map((row) => oneLine(column.text(row)));
    const full = cells.reduce((width, cell) => Math.max(width, textWidth(cell)), textWidth(column.title));
    return { column, cells, full, width: full };
  });
  // A column that says nothing in any row costs width and tells nothing.
  const telling = measured.filter(
    ({ cells, column }) => rows.length === 0 || column.weight === undefined || cells.some((cell) => cell !== ""),
  );
  const { kept, dropped } = fitColumns(telling, terminal.width);
  const line = (texts: string[], style: (text: string, column: Column<Row>) => string) =>
    kept
      .map(({ column, width }, index) => {
        const text = (column.keepsEnd ? fitMiddle : fitText)(texts[index] ?? "", width);
        const isLast = index === kept.length - 1 && column.align !== "right";
        return style(isLast ? text : padText(text, width, column.align), column);
      })
      .join(GAP)
      .trimEnd();
  const heading = line(
    kept.map(({ column }) => column.title),
    (text) => (text.trim() === "" ? text : terminal.style("bold", text)),
  );
  const body = rows.map((row, index) =>
    line(
      kept.map(({ cells }) => cells[index] ?? ""),
      (text, { style }) => (style === undefined ? text : terminal.style(typeof style === "function" ? style(row) : style, text)),
    ),
  );
  const cut = kept.filter(({ width, full }) => width < full).map(({ column }) => column.title);
  return { text: `${[heading, ...body].join("\n")}\n`, dropped, cut };
}

/** What a table has not shown for want of width, or nothing; `where` says how to see it. */
export function widthNote({ dropped, cut }: Pick<Table, "dropped" | "cut">, where: string): string[] {
  const said = (what: string, titles: readonly string[]) => {
    const named = titles.filter((title) => title !== "").map(oneLine);
    return named.length === 0 ? [] : [`${what} for width: ${someOf(named, MOST_NAMED)}`];
  };
  const parts = [
    ...said("not shown", dropped),
    ...said(
      "cut",
      cut.map((title) => title || "names"),
    ),
  ];
  return parts.length === 0 ? [] : [`${parts.join("; ")}${where === "" ? "" : ` (${where})`}`];
}

/** Remarks below a table, each wrapped to the terminal. */
export function renderNotes(notes: readonly string[], terminal: Terminal): string {
  return notes.map((note) => `${terminal.style("dim", wrapText(note, terminal.width))}\n`).join("");
}

const GAP = "  ";
/** Of what did not fit: the rest is counted. */
const MOST_NAMED = 12;

interface Measured<Row> {
  column: Column<Row>;
  cells: string[];
  full: number;
  width: number;
}

/** First words shrink, then columns go, the lightest first; then what room is left goes back to the words. */
function fitColumns<Row>(columns: Measured<Row>[], limit: number): { kept: Measured<Row>[]; dropped: string[] } {
  const smallest = ({ column, full }: Measured<Row>) => Math.min(full, column.shrinkTo ?? full);
  let room = limit - columns.reduce((sum, one) => sum + smallest(one) + GAP.length, -GAP.length);
  const gone = new Set<Measured<Row>>();
  const byWeight = columns.filter(({ column }) => column.weight !== undefined).reverse();
  byWeight.sort((one, other) => (one.column.weight ?? 0) - (other.column.weight ?? 0));
  for (const one of byWeight) {
    if (room >= 0) break;
    gone.add(one);
    room += smallest(one) + GAP.length;
  }
  // A wide one that had to go may have made room for narrower ones that went before it.
  for (const one of [...gone].reverse()) {
    if (smallest(one) + GAP.length > room) continue;
    gone.delete(one);
    room -= smallest(one) + GAP.length;
  }
  const kept = columns.filter((one) => !gone.has(one));
  for (const one of kept) one.width = smallest(one);
  // One column of the terminal after the other, in turns, so that no long text starves the next.
  for (let hungry = kept; room > 0 && hungry.length > 0; hungry = hungry.filter(({ width, full }) => width < full)) {
    for (const one of hungry) {
      if (room <= 0 || one.width >= one.full) continue;
      one.width += 1;
      room -= 1;
    }
  }
  return { kept, dropped: columns.filter((one) => gone.has(one)).map(({ column }) => column.title) };
}
