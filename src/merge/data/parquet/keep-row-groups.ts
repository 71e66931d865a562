/**
 * A parquet file whose first row groups are another's, byte for byte. DuckDB can only write a file anew; most of a base that grows stays
 * as it is.
 */
import { closeSync, openSync } from "node:fs";
import { appendBytes, writeAll } from "../../../platform/files.ts";
import { encodeStruct, type Field, I16, I64, LIST, STRUCT, type Struct } from "./compact-protocol.ts";
import { CHUNK, chunksOf, FACTS, FILE, type Footer, factsOf, numberOf, ROW_GROUP } from "./footer.ts";

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
  const counts = footer.groups.map((group) => numberOf(group, ROW_GROUP.rows));
  const full = counts.reduce((most, count) => Math.max(most, count), LEAST_ROWS);
  let [kept, rows] = [0, 0];
  while (kept < counts.length && rows + (counts[kept] ?? 0) <= before) {
    if (kept === counts.length - 1 && (counts[kept] ?? 0) < full) break;
    rows += counts[kept] ?? 0;
    kept += 1;
  }
  const [groups, others] = [footer.groups.slice(0, kept), footer.groups.slice(kept)];
  const end = others.flatMap(chunksOf).reduce((least, chunk) => Math.min(least, chunkBegin(chunk)), footer.start);
  const areApart = groups.flatMap(chunksOf).every((chunk) => chunkBegin(chunk) + numberOf(factsOf(chunk), FACTS.size) <= end);
  return kept > 0 && areApart ? { path, footer, groups, rows, end } : null;
}

/** Writes what is kept of a file, and behind it all of `more`, which has the same schema. */
export function joinRowGroups(path: string, { base, more }: { base: KeptGroups; more: ParquetFile }): void {
  const stay = base.groups.map((group) => withoutLost(group, base.end));
  const added = more.footer.groups.map((group, index) => moved(group, { by: base.end - MAGIC.length, ordinal: stay.length + index }));
  const groups = [...stay, ...added];
  const fields = new Map(base.footer.fields);
  fields.set(FILE.rows, { type: I64, value: base.rows + numberOf(more.footer.fields, FILE.rows) });
  fields.set(FILE.rowGroups, structs(groups));
  const footer = encodeStruct(fields);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  const file = openSync(path, "w");
  try {
    appendBytes(file, base.path, { to: base.end });
    appendBytes(file, more.path, { from: MAGIC.length, to: more.footer.start });
    writeAll(file, Buffer.concat([footer, length, MAGIC]));
  } finally {
    closeSync(file);
  }
}

const MAGIC = Buffer.from("PAR1");

function chunkBegin(chunk: Struct): number {
  const [data, dictionary] = [numberOf(factsOf(chunk), FACTS.dataPage), numberOf(factsOf(chunk), FACTS.dictionaryPage)];
  return dictionary > 0 && dictionary < data ? dictionary : data;
}

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

/** A group of which every byte lies so much further back; its page indexes, which name places themselves, are left out. */
function moved(group: Struct, { by, ordinal }: { by: number; ordinal: number }): Struct {
  const there = withChunks(group, (chunk) => {
    for (const id of [CHUNK.offsetIndex, CHUNK.offsetIndexLength, CHUNK.columnIndex, CHUNK.columnIndexLength]) chunk.delete(id);
    move(chunk, CHUNK.offset, by);
    for (const id of [FACTS.dataPage, FACTS.indexPage, FACTS.dictionaryPage, FACTS.bloomFilter]) move(factsOf(chunk), id, by);
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
  return new Map(group).set(ROW_GROUP.columns, structs(items));
}

function structs(items: Struct[]): Field {
  return { type: LIST, value: { of: STRUCT, items } };
}
