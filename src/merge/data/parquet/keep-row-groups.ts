/**
 * A parquet file whose first row groups are another's, byte for byte. DuckDB can only write a file anew; most of a base that grows stays
 * as it is.
 */
import { appendBytes, writeAll } from "../../../platform/files.ts";
import { BINARY, encodeStruct, type Field, I16, I32, I64, LIST, STRUCT, type Struct } from "./compact-protocol.ts";
import {
  CHUNK,
  chunkBegin,
  chunkEnd,
  chunksOf,
  ELEMENT,
  FACTS,
  FILE,
  type Footer,
  factsOf,
  numberOf,
  ROW_GROUP,
  structs,
} from "./footer.ts";

export interface ParquetFile {
  path: string;
  footer: Footer;
}

export interface KeptGroups {
  path: string;
  /** Of the whole file. */
  footer: Footer;
  groups: Struct[];
  rows: number;
  /** Where the first byte lies that is not theirs. */
  end: number;
}

/** No row group is taken for full that has fewer rows. */
export const LEAST_ROWS = 2048;

/**
 * The first row groups, up to the one with the row `before`, and without a last one that is not full: small merges one after the other
 * shall not leave a group each. Null when there are none.
 */
export function keepGroups({ path, footer }: ParquetFile, { before }: { before: number }): KeptGroups | null {
  const counts = footer.groups.map(rowsOf);
  const full = counts.reduce((most, count) => Math.max(most, count), LEAST_ROWS);
  let [kept, rows] = [0, 0];
  while (kept < counts.length && rows + (counts[kept] ?? 0) <= before) {
    if (kept === counts.length - 1 && (counts[kept] ?? 0) < full) break;
    rows += counts[kept] ?? 0;
    kept += 1;
  }
  const [groups, others] = [footer.groups.slice(0, kept), footer.groups.slice(kept)];
  const end = others.flatMap(chunksOf).reduce((least, chunk) => Math.min(least, chunkBegin(chunk)), footer.start);
  const areApart = groups.flatMap(chunksOf).every((chunk) => chunkEnd(chunk) <= end);
  return kept > 0 && areApart ? { path, footer, groups, rows, end } : null;
}

/** Writes what is kept of a file. */
export function copyGroups(file: number, { path, end }: KeptGroups): void {
  appendBytes(file, path, { to: end });
}

/**
 * Writes what comes behind the bytes that are kept of a file: nothing for its `added` columns, then the row groups of `more`, of which each
 * file has some columns, in order. Answers false, with nothing written, where those do not fit together.
 */
export function writeBehind(
  file: number,
  { base, added, more }: { base: KeptGroups; added: readonly Struct[]; more: readonly ParquetFile[] },
): boolean {
  const [stay, pages] = withEmptyColumns(base, added);
  const behind = weave(more, { at: base.end + pages.length, ordinal: stay.length });
  if (behind === null) return false;
  const fields = new Map(added.length === 0 ? base.footer.fields : widened(base.footer.fields, added));
  fields.set(FILE.rows, { type: I64, value: behind.groups.reduce((sum, group) => sum + rowsOf(group), base.rows) });
  fields.set(FILE.rowGroups, listOf([...stay, ...behind.groups]));
  const footer = encodeStruct(fields);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  writeAll(file, pages);
  for (const { path, from, to } of behind.pieces) appendBytes(file, path, { from, to });
  writeAll(file, Buffer.concat([footer, length, MAGIC]));
  return true;
}

interface Piece {
  path: string;
  from: number;
  to: number;
}

/**
 * The row groups of files that have each some of the columns, whole, and the pieces of these files to be written from `at` on: as one writer of
 * all columns would have written them, group by group, filters last. Null where the files have other groups, or a filter of unknown length.
 */
function weave(
  files: readonly ParquetFile[],
  { at, ordinal }: { at: number; ordinal: number },
): { groups: Struct[]; pieces: Piece[] } | null {
  const [first] = files;
  const isLike = ({ footer }: ParquetFile) => footer.groups.map(rowsOf).join() === first?.footer.groups.map(rowsOf).join();
  if (first === undefined || !files.every(isLike)) return null;
  const pieces: Piece[] = [];
  let to = at;
  /** Answers how much further back it lies than in its own file. */
  const place = (piece: Piece): number => {
    pieces.push(piece);
    to += piece.to - piece.from;
    return to - piece.to;
  };
  const groups = first.footer.groups.map((_, index) =>
    files.map(({ path, footer }) => {
      const chunks = chunksOf(footer.groups[index] as Struct);
      const from = Math.min(...chunks.map(chunkBegin));
      const by = place({ path, from, to: Math.max(...chunks.map(chunkEnd)) });
      return moved(footer.groups[index] as Struct, { by, ordinal: ordinal + index });
    }),
  );
  for (const parts of groups) {
    for (const [index, part] of parts.entries()) {
      for (const facts of chunksOf(part).map(factsOf)) {
        const [from, length] = [numberOf(facts, FACTS.bloomFilter), numberOf(facts, FACTS.bloomFilterLength)];
        if (from === 0) continue;
        if (length === 0) return null;
        move(facts, FACTS.bloomFilter, place({ path: files[index]?.path ?? "", from, to: from + length }));
      }
    }
  }
  return { groups: groups.map(joined), pieces };
}

/** Parts of one row group as one. */
function joined(parts: readonly Struct[]): Struct {
  const whole = new Map(parts[0]).set(ROW_GROUP.columns, listOf(parts.flatMap(chunksOf)));
  for (const id of [ROW_GROUP.bytes, ROW_GROUP.storedBytes])
    if (whole.has(id)) whole.set(id, { type: I64, value: parts.reduce((sum, part) => sum + numberOf(part, id), 0) });
  return whole;
}

function rowsOf(group: Struct): number {
  return numberOf(group, ROW_GROUP.rows);
}

/** The kept groups with chunks for the added columns, and the pages of these, which lie behind all that is kept. */
function withEmptyColumns(base: KeptGroups, added: readonly Struct[]): [Struct[], Buffer] {
  const pages: Buffer[] = [];
  let at = base.end;
  const groups = base.groups.map((group) => {
    const stay = withoutLost(group, base.end);
    const page = emptyPage(rowsOf(group));
    const chunks = added.map((element) => {
      pages.push(page);
      at += page.length;
      return emptyChunk(element, { rows: rowsOf(group), at: at - page.length, size: page.length });
    });
    for (const id of [ROW_GROUP.bytes, ROW_GROUP.storedBytes])
      if (stay.has(id)) stay.set(id, { type: I64, value: numberOf(stay, id) + page.length * added.length });
    return stay.set(ROW_GROUP.columns, listOf([...chunksOf(stay), ...chunks]));
  });
  return [groups, Buffer.concat(pages)];
}

/** The end of a file with more columns. Arrow's own copy of the schema would contradict it. */
function widened(fields: Struct, added: readonly Struct[]): Struct {
  const [root, ...elements] = structs(fields.get(FILE.schema));
  const wide = new Map(root).set(ELEMENT.children, { type: I32, value: numberOf(root ?? new Map(), ELEMENT.children) + added.length });
  const all = new Map(fields).set(FILE.schema, listOf([wide, ...elements, ...added]));
  const byType: Struct = new Map([[1, { type: STRUCT, value: new Map() }]]);
  if (fields.has(FILE.orders)) all.set(FILE.orders, listOf([...structs(fields.get(FILE.orders)), ...added.map(() => byType)]));
  const notes = structs(fields.get(FILE.notes)).filter((note) => String(note.get(1)?.value) !== "ARROW:schema");
  return fields.has(FILE.notes) ? all.set(FILE.notes, listOf(notes)) : all;
}

/** One page for so many rows without a value: that no row has one is a single run. */
function emptyPage(rows: number): Buffer {
  const run: number[] = [];
  let rest = rows * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) run.push((rest % 128) + 128);
  const levels = Buffer.from([...run, rest, 0]);
  const body = Buffer.concat([Buffer.alloc(4), levels]);
  body.writeUInt32LE(levels.length);
  const facts = struct({ 1: i32(rows), 2: i32(ENCODING.plain), 3: i32(ENCODING.runs), 4: i32(ENCODING.runs) });
  const header = struct({ 1: i32(0), 2: i32(body.length), 3: i32(body.length), 5: { type: STRUCT, value: facts } });
  return Buffer.concat([encodeStruct(header), body]);
}

function emptyChunk(element: Struct, { rows, at, size }: { rows: number; at: number; size: number }): Struct {
  const facts = struct({
    1: element.get(ELEMENT.type) as Field,
    2: { type: LIST, value: { of: I32, items: [ENCODING.plain, ENCODING.runs] } },
    3: { type: LIST, value: { of: BINARY, items: [element.get(ELEMENT.name)?.value as Buffer] } },
    4: i32(0),
    5: { type: I64, value: rows },
    6: { type: I64, value: size },
    [FACTS.size]: { type: I64, value: size },
    [FACTS.dataPage]: { type: I64, value: at },
    12: { type: STRUCT, value: struct({ 3: { type: I64, value: rows } }) },
  });
  return struct({ [CHUNK.offset]: { type: I64, value: at }, [CHUNK.facts]: { type: STRUCT, value: facts } });
}

const ENCODING = { plain: 0, runs: 3 };

function i32(value: number): Field {
  return { type: I32, value };
}

function struct(fields: Record<number, Field>): Struct {
  return new Map(Object.entries(fields).map(([id, field]) => [Number(id), field]));
}

const MAGIC = Buffer.from("PAR1");

/** A group without the indexes and filters that lay behind what is left of its file: a reader does without. */
function withoutLost(group: Struct, end: number): Struct {
  return withChunks(group, (chunk) => {
    for (const [at, length] of [
      [CHUNK.offsetIndex, CHUNK.offsetIndexLength],
      [CHUNK.columnIndex, CHUNK.columnIndexLength],
    ] as const)
      dropBehind(chunk, { at, length, end });
    dropBehind(factsOf(chunk), { at: FACTS.bloomFilter, length: FACTS.bloomFilterLength, end });
  });
}

function dropBehind(fields: Struct, { at, length, end }: { at: number; length: number; end: number }): void {
  if (numberOf(fields, at) + numberOf(fields, length) < end && fields.has(length)) return;
  fields.delete(at);
  fields.delete(length);
}

/** A group of which every page lies so much further back; its page indexes, which name places themselves, are left out. */
function moved(group: Struct, { by, ordinal }: { by: number; ordinal: number }): Struct {
  const there = withChunks(group, (chunk) => {
    for (const id of [CHUNK.offsetIndex, CHUNK.offsetIndexLength, CHUNK.columnIndex, CHUNK.columnIndexLength]) chunk.delete(id);
    move(chunk, CHUNK.offset, by);
    for (const id of [FACTS.dataPage, FACTS.indexPage, FACTS.dictionaryPage]) move(factsOf(chunk), id, by);
  });
  move(there, ROW_GROUP.offset, by);
  if (there.has(ROW_GROUP.ordinal)) there.set(ROW_GROUP.ordinal, { type: I16, value: ordinal });
  return there;
}

/** Zero is no place: some writers leave these out that way. */
function move(fields: Struct, id: number, by: number): void {
  const place = numberOf(fields, id);
  if (place > 0) fields.set(id, { type: I64, value: place + by });
}

/** A copy with copied chunks, which `change` may change. */
function withChunks(group: Struct, change: (chunk: Struct) => void): Struct {
  const items = chunksOf(group).map((chunk) => {
    const copy = new Map(chunk);
    copy.set(CHUNK.facts, { type: STRUCT, value: new Map(factsOf(chunk)) });
    change(copy);
    return copy;
  });
  return new Map(group).set(ROW_GROUP.columns, listOf(items));
}

function listOf(items: Struct[]): Field {
  return { type: LIST, value: { of: STRUCT, items } };
}
