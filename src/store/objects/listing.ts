/** The `.dir` object: JSON of a tracked folder's members, byte for byte as Python writes it, because its MD5 is the folder's name. */

import { createHash } from "node:crypto";
import { ExpverError } from "../../errors.ts";
import { expectEntries } from "../../platform/heap.ts";
import { fieldsOf } from "../../platform/mapping.ts";
import { batchesOf, finishWork, NOTHING_DONE, type Work } from "../../platform/pace.ts";
import type { ListingEntry } from "../types.ts";
import { clashAmong } from "./clashes.ts";

/** Bytes of the listing; members sorted by the code points of the whole path. */
export function renderListing(entries: readonly ListingEntry[]): Buffer {
  return finishWork(renderingListing(entries));
}

/** The same, counting as no progress. */
export function* renderingListing(entries: readonly ListingEntry[]): Work<Buffer> {
  const paths = entries.map(({ relpath }) => relpath);
  // Not as one text: with a million members that would be the most of a command's memory.
  const length = paths.reduce((sum, path, index) => sum + SYNTAX_BYTES + (entries[index]?.md5 ?? "").length + asciiJson(path).length, 0);
  const bytes = Buffer.allocUnsafe(Math.max(2, length));
  const item = (index: number) => `{"md5": "${entries[index]?.md5}", "relpath": ${asciiJson(paths[index] as string)}}`;
  let at = bytes.write("[", "latin1");
  yield NOTHING_DONE;
  for (const some of batchesOf(orderOf(paths))) {
    at += bytes.write(`${at === 1 ? "" : ", "}${some.map(item).join(", ")}`, at, "latin1");
    yield NOTHING_DONE;
  }
  bytes.write("]", at, "latin1");
  return bytes;
}

// Of a member all but its hash and path, with what stands between two of them.
const SYNTAX_BYTES = `{"md5": "", "relpath": }, `.length;

/** Numbers of these texts in the order of their code points. */
export function orderOf(texts: readonly string[]): number[] {
  const compare = comparerOf(texts);
  return [...texts.keys()].sort((a, b) => compare(texts[a] as string, texts[b] as string));
}

/** `32 hex.dir`: how a listing is named. */
export function listingHash(bytes: Uint8Array): string {
  return `${createHash("md5").update(bytes).digest("hex")}.dir`;
}

/**
 * Members of the listing with this name. Throws E_LISTING for anything that is no list of hash and relative path, whose path climbs out, or whose
 * files cannot all be there.
 */
export function parseListing(bytes: Uint8Array, hash: string): ListingEntry[] {
  return finishWork(parsingListing(bytes, hash));
}

/** The same, counting as no progress. */
export function* parsingListing(bytes: Uint8Array, hash: string): Work<ListingEntry[]> {
  const members: ListingEntry[] = [];
  expectEntries(bytes.length / LEAST_BYTES);
  for (const text of piecesOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) {
    for (const item of parseList(text, hash)) members.push(toEntry(item, hash));
    yield NOTHING_DONE;
  }
  const clash = clashAmong(members);
  if (clash !== null) throw clashing(hash, clash);
  return members;
}

// Of a member with a name of usual length.
const LEAST_BYTES = SYNTAX_BYTES + 32 + 16;
const PIECE_BYTES = 2 ** 16;
// Between two members as they are written. Inside a text it cannot be: behind a quote that ends one no letter follows.
const BETWEEN = '}, {"m';

/** A long list as several: text and values of a million members would be several times as large as what is kept of them. */
function* piecesOf(bytes: Buffer): Generator<string> {
  let from = 0;
  for (let cut = 0; cut >= 0; ) {
    cut = bytes.indexOf(BETWEEN, from + PIECE_BYTES, "latin1");
    yield `${from === 0 ? "" : "["}${bytes.toString("utf8", from, cut < 0 ? bytes.length : cut + 1)}${cut < 0 ? "" : "]"}`;
    from = cut + "}, ".length;
  }
}

function parseList(text: string, hash: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ExpverError("E_LISTING", `the folder listing ${hash} is no JSON`, { cause: error, details: { hash } });
  }
  if (!Array.isArray(value)) throw new ExpverError("E_LISTING", `the folder listing ${hash} is no JSON list`, { details: { hash } });
  return value;
}

/** What compares these texts by code points; without surrogates the language's own comparison does, ten times as fast. */
function comparerOf(texts: readonly string[]): (a: string, b: string) => number {
  const isPlain = !texts.some((text) => /[\ud800-\udfff]/.test(text));
  return isPlain ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : compareCodePoints;
}

/** JavaScript compares UTF-16 units; Python compares code points. They differ between U+E000–U+FFFF and what lies above. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** A surrogate stands for a code point above every single unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** A JSON string in ASCII, as Python's json.dumps writes it: DEL escaped too. */
export function asciiJson(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function toEntry(item: unknown, hash: string): ListingEntry {
  const { md5, relpath } = fieldsOf(item);
  if (typeof md5 !== "string" || typeof relpath !== "string" || !/^[0-9a-f]{32}$/.test(md5) || !staysInside(relpath)) {
    throw new ExpverError("E_LISTING", `the folder listing ${hash} has a bad entry: ${JSON.stringify(item)}`, {
      details: { hash, entry: item },
    });
  }
  return { md5, relpath };
}

/** Its hash is right, so it came like this: to fetch it again is no help. */
function clashing(hash: string, clash: string): ExpverError {
  return new ExpverError("E_LISTING", `the folder listing ${hash} names ${clash}`, {
    hint: `Find the pointer that names it (git grep ${hash}), put the folder there as it should be, and store it anew: expver data add FOLDER`,
    details: { hash },
  });
}

/** True for a relative path with `/` that names something strictly below its folder. */
export function staysInside(path: string): boolean {
  // Most paths have nothing that the expression could object to, and it costs more than parsing the listing.
  const isPlain = path !== "" && !path.startsWith(".") && !path.includes("/.") && !path.includes("//") && !path.includes("\0");
  return (isPlain && !path.startsWith("/") && !path.endsWith("/")) || !/(?:^|\/)\.{0,2}(?:\/|$)|\0/.test(path);
}
