/**
 * Columns that DuckDB reads otherwise than they are: decimals of more digits than it has come as other numbers, moments are cut off at
 * microseconds where they have a zone, or are stored in the old way of 96 bits.
 */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../../../errors.ts";
import { quoteName } from "../../../platform/sqlite.ts";
import { type DuckDb, fileText, WITHOUT_FOLDERS } from "../duckdb.ts";
import { encodeStruct, I32, LIST, STRUCT, type Struct } from "./compact-protocol.ts";
import { chunkBegin, chunkEnd, chunksOf, ELEMENT, FACTS, FILE, type Footer, factsOf, readFooter, structs } from "./footer.ts";

interface ParquetColumns {
  path: string;
  /** What a person calls the file. */
  name: string;
  /** As DuckDB calls them. */
  columns: readonly { name: string }[];
}

/** Throws E_SCHEMA for decimals that would be other numbers. */
export async function refuseWideDecimals(db: DuckDb, { path, name }: Pick<ParquetColumns, "path" | "name">): Promise<void> {
  const [wide] = await db.rows(`SELECT name, precision FROM parquet_schema(${fileText(path)}) WHERE precision > ${MOST_DIGITS}`);
  if (wide === undefined) return;
  throw new ExpverError(
    "E_SCHEMA",
    `${name}: ${wide.name} has decimals of ${wide.precision} digits, and up to ${MOST_DIGITS} can be read`,
    {
      hint: `Write that column with at most ${MOST_DIGITS} digits, or as text.`,
      details: { file: path, column: String(wide.name) },
    },
  );
}

const MOST_DIGITS = 38;

/** Throws E_SCHEMA for moments that would lose digits. `spill`: folder for what is made to see whether they have any. */
export async function refuseNanoseconds(db: DuckDb, file: ParquetColumns, { spill }: { spill: string }): Promise<void> {
  const cutOff = (await leavesOf(db, file.path)).filter(isCutOff);
  if (cutOff.length === 0) return;
  const lost = cutOff.find(({ isNested }) => isNested) ?? (await firstLosing(db, file, { leaves: cutOff, spill }));
  if (lost === undefined) return;
  const column = file.columns[lost.column]?.name ?? "";
  throw new ExpverError("E_SCHEMA", `${file.name}: ${column} has nanoseconds, and is read in microseconds: it would lose digits`, {
    hint: "Round them where the file is made, or have them cut off: --allow-widen.",
    details: { file: file.path, column },
  });
}

/** Columns that are said to have no values at all, as pyarrow writes those of None alone: DuckDB takes them for whole numbers. */
export async function emptyColumns(db: DuckDb, path: string): Promise<Set<number>> {
  const leaves = await leavesOf(db, path);
  return new Set(leaves.filter(({ isNested, logicalType }) => !isNested && logicalType === "NullType()").map(({ column }) => column));
}

/** What of a column has values of its own: a column, or a part of a nested one. */
interface Leaf {
  column: number;
  isNested: boolean;
  /** Which element of the schema. */
  element: number;
  /** Which chunk of a row group. */
  chunk: number;
  type: string;
  logicalType: string;
}

async function leavesOf(db: DuckDb, path: string): Promise<Leaf[]> {
  const nodes = await db.rows(`SELECT type, logical_type, num_children FROM parquet_schema(${fileText(path)})`);
  const leaves: Leaf[] = [];
  let at = 1;
  const pass = (column: number, isNested: boolean) => {
    const [element, children] = [at, Number(nodes[at]?.num_children ?? 0)];
    at += 1;
    for (let child = 0; child < children; child += 1) pass(column, true);
    const { type, logical_type: logicalType } = nodes[element] ?? {};
    if (children === 0)
      leaves.push({ column, isNested, element, chunk: leaves.length, type: String(type), logicalType: String(logicalType) });
  };
  for (let column = 0; at < nodes.length; column += 1) pass(column, false);
  return leaves;
}

function isCutOff({ type, logicalType }: Leaf): boolean {
  return type === "INT96" || /isAdjustedToUTC=1\b.*NanoSeconds/.test(logicalType);
}

/** Undefined: none has nanoseconds. The first one where that cannot be seen. */
async function firstLosing(
  db: DuckDb,
  { path, columns }: ParquetColumns,
  { leaves, spill }: { leaves: readonly Leaf[]; spill: string },
): Promise<Leaf | undefined> {
  const footer = readFooter(path);
  if (footer === null) return leaves[0];
  const stored = join(spill, `stored-${copies}.parquet`);
  copies += 1;
  writeAsStored(stored, { path, footer, leaves });
  for (const leaf of leaves) {
    const cell = quoteName(columns[leaf.column]?.name ?? "");
    const nanoseconds = leaf.type === "INT96" ? ofTheDay(cell) : cell;
    const rows = `read_parquet(${fileText(stored)}, ${WITHOUT_FOLDERS})`;
    if ((await db.rows(`SELECT 1 FROM ${rows} WHERE ${nanoseconds} % 1000 <> 0 LIMIT 1`)).length > 0) return leaf;
  }
  return undefined;
}

let copies = 0;

/** The first eight of 12 bytes, the lowest first. */
function ofTheDay(cell: string): string {
  const bytes = [15, 13, 11, 9, 7, 5, 3, 1].map((from) => `hex(${cell})[${from}:${from + 1}]`);
  return `('0x' || ${bytes.join(" || ")})::UBIGINT`;
}

/** A file that says of these columns what is stored and not what it means, and has holes for all others. */
function writeAsStored(to: string, { path, footer, leaves }: { path: string; footer: Footer; leaves: readonly Leaf[] }): void {
  const [source, file] = [openSync(path, "r"), openSync(to, "w")];
  try {
    writeSync(file, MAGIC, 0, MAGIC.length, 0);
    for (const group of footer.groups) for (const { chunk } of leaves) copyChunk(source, file, chunksOf(group)[chunk] as Struct);
    const end = encodeStruct(asStored(footer, leaves));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(end.length);
    ftruncateSync(file, footer.start);
    const behind = Buffer.concat([end, length, MAGIC]);
    writeSync(file, behind, 0, behind.length, footer.start);
  } finally {
    closeSync(source);
    closeSync(file);
  }
}

const MAGIC = Buffer.from("PAR1");
const PIECE = 1 << 20;

function copyChunk(source: number, file: number, chunk: Struct): void {
  const [begin, end] = [chunkBegin(chunk), chunkEnd(chunk)];
  const buffer = Buffer.alloc(Math.min(PIECE, end - begin));
  for (let at = begin; at < end; ) {
    const size = readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
    if (size === 0) return;
    writeSync(file, buffer, 0, size, at);
    at += size;
  }
}

function asStored({ fields, groups }: Footer, leaves: readonly Leaf[]): Struct {
  const schema = [...structs(fields.get(FILE.schema))];
  for (const { element, chunk, type } of leaves) {
    const plain = new Map(schema[element]);
    for (const id of [ELEMENT.convertedType, ELEMENT.logicalType]) plain.delete(id);
    schema[element] = plain;
    if (type !== "INT96") continue;
    plain.set(ELEMENT.type, FIXED_LENGTH).set(ELEMENT.length, { type: I32, value: 12 });
    for (const facts of groups.map((group) => factsOf(chunksOf(group)[chunk] as Struct))) {
      facts.set(FACTS.type, FIXED_LENGTH);
      for (const id of [FACTS.statistics, FACTS.bloomFilter]) facts.delete(id);
    }
  }
  return new Map(fields).set(FILE.schema, { type: LIST, value: { of: STRUCT, items: schema } });
}

/** Physical type: so many bytes as the schema says. */
const FIXED_LENGTH = { type: I32, value: 7 };
