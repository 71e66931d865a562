/** The end of a parquet file: its schema, and where its row groups lie. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { decodeStruct, type Field, type List, type Struct } from "./compact-protocol.ts";

/** Numbers of the fields that are used, as parquet.thrift has them. */
export const FILE = { schema: 2, rows: 3, rowGroups: 4, notes: 5, orders: 7, encryption: 8 };
export const ROW_GROUP = { columns: 1, bytes: 2, rows: 3, offset: 5, storedBytes: 6, ordinal: 7 };
export const CHUNK = {
  path: 1,
  offset: 2,
  facts: 3,
  offsetIndex: 4,
  offsetIndexLength: 5,
  columnIndex: 6,
  columnIndexLength: 7,
  encryption: 8,
  encrypted: 9,
};
export const FACTS = {
  type: 1,
  size: 7,
  dataPage: 9,
  indexPage: 10,
  dictionaryPage: 11,
  statistics: 12,
  bloomFilter: 14,
  bloomFilterLength: 15,
};
export const ELEMENT = { type: 1, length: 2, repetition: 3, name: 4, children: 5, convertedType: 6, id: 9, logicalType: 10 };

export interface Footer {
  fields: Struct;
  groups: Struct[];
  /** Where the footer begins, and everything else ends. */
  start: number;
}

/** Beyond that, reading all of it would take more than it saves. */
const MOST_BYTES = 4e6;

/** Null for a footer that is large, encrypted, or of a file whose columns lie elsewhere. */
export function readFooter(path: string): Footer | null {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const tail = bytesAt(file, size - 8, 8);
    const length = tail.readUInt32LE(0);
    if (tail.toString("latin1", 4) !== "PAR1" || length > MOST_BYTES) return null;
    const start = size - 8 - length;
    const fields = decodeStruct(bytesAt(file, start, length));
    for (const id of [FILE.schema, FILE.notes, FILE.orders]) structs(fields.get(id));
    const groups = structs(fields.get(FILE.rowGroups));
    const isOdd = (chunk: Struct) =>
      [CHUNK.path, CHUNK.encryption, CHUNK.encrypted].some((id) => chunk.has(id)) || !(factsOf(chunk) instanceof Map);
    return fields.has(FILE.encryption) || groups.flatMap(chunksOf).some(isOdd) ? null : { fields, groups, start };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}

export function chunksOf(group: Struct): Struct[] {
  return structs(group.get(ROW_GROUP.columns));
}

/** What is known of a column chunk. */
export function factsOf(chunk: Struct): Struct {
  return chunk.get(CHUNK.facts)?.value as Struct;
}

export function chunkBegin(chunk: Struct): number {
  const [data, dictionary] = [numberOf(factsOf(chunk), FACTS.dataPage), numberOf(factsOf(chunk), FACTS.dictionaryPage)];
  return dictionary > 0 && dictionary < data ? dictionary : data;
}

export function chunkEnd(chunk: Struct): number {
  return chunkBegin(chunk) + numberOf(factsOf(chunk), FACTS.size);
}

export function numberOf(fields: Struct, id: number): number {
  const value = fields.get(id)?.value;
  return typeof value === "number" ? value : 0;
}

/**
 * Columns that `wider` has behind those of `one`; null where pages of the one cannot be read as the schema of the other says: the same
 * columns, stored in the same way, meaning the same; or where an added one cannot be empty, or is nested.
 */
export function addedColumns(one: Footer, wider: Footer): Struct[] | null {
  const [[, ...ours], [, ...theirs]] = [structs(one.fields.get(FILE.schema)), structs(wider.fields.get(FILE.schema))];
  const isSame = ours.every((element, index) => areAlike(element, theirs[index] ?? new Map()));
  const added = theirs.slice(ours.length);
  const canBeEmpty = (element: Struct) => element.has(ELEMENT.type) && element.get(ELEMENT.repetition)?.value === OPTIONAL;
  return isSame && added.every((element) => canBeEmpty(element) && !element.has(ELEMENT.children)) ? added : null;
}

const OPTIONAL = 1;

/** Whole numbers of their type's own width: most writers do not say so. */
const [INT32, INT64] = [1, 2];
const PLAIN = [`${INT32} 17`, `${INT64} 18`];

function areAlike(one: Struct, other: Struct): boolean {
  const stored = (element: Struct) =>
    shown(new Map([...element].filter(([id]) => ![ELEMENT.convertedType, ELEMENT.logicalType, ELEMENT.id].includes(id))));
  if (stored(one) !== stored(other)) return false;
  const [a, b] = [meaningsOf(one), meaningsOf(other)];
  const shared = [ELEMENT.convertedType, ELEMENT.logicalType].filter((id) => a.has(id) && b.has(id));
  return shared.every((id) => a.get(id) === b.get(id)) && (shared.length > 0 || a.size + b.size === 0);
}

/** What the stored values mean, as the older and the newer way of saying so have it. */
function meaningsOf(element: Struct): Map<number, string> {
  const said = [ELEMENT.convertedType, ELEMENT.logicalType].flatMap((id): [number, string][] => {
    const field = element.get(id);
    return field === undefined ? [] : [[id, shown(field.value)]];
  });
  const converted = element.get(ELEMENT.convertedType)?.value;
  return new Map(PLAIN.includes(`${element.get(ELEMENT.type)?.value} ${converted}`) ? [] : said);
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, one) => (one instanceof Map ? [...one].sort() : one));
}

/** Throws RangeError when the field is a list of something else. */
export function structs(field: Field | undefined): Struct[] {
  const items = (field?.value as List | undefined)?.items ?? [];
  if (items.every((item): item is Struct => item instanceof Map)) return items;
  throw new RangeError("a list of no structs");
}

function bytesAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (position < 0 || readSync(file, bytes, 0, length, position) !== length) throw new RangeError("the file is too short");
  return bytes;
}
