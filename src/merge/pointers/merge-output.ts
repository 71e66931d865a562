/** One output whose pointer two sides changed: which content it should have, or why that cannot be told. */
import { join } from "node:path";
import { dirname } from "node:path/posix";
import { absolutePath, isUnder, storedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { ExpverError, throwUnlessFailure } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { firstBytes } from "../../platform/hashing.ts";
import { paceWork } from "../../platform/pace.ts";
import { counted } from "../../platform/words.ts";
import type { Cache } from "../../store/objects/cache.ts";
import type { Ingest } from "../../store/objects/ingest.ts";
import { objectPath, trustedSize } from "../../store/objects/layout.ts";
import { renderListing } from "../../store/objects/listing.ts";
import type { FindListing } from "../../store/transfer/listings.ts";
import { fetchObjects } from "../../store/transfer/transfer.ts";
import type { ListingEntry, OutputContent, Pointer } from "../../store/types.ts";
import { startsLikeDatabase } from "../../store/worktree/databases.ts";
import { besideOf, discard } from "../beside.ts";
import { changesTable } from "../results/merge-files.ts";
import type { ConflictChoice, SourceReport } from "../results/types.ts";
import { type Decide, type EntryClash, type MergedListing, mergeListings, sharing } from "./merge-listings.ts";
import { holdsResults, mergeStored } from "./stored-database.ts";

export interface OutputSides {
  /** Null: the common ancestor had no such output, or it is not known. */
  base: Pointer | null;
  ours: Pointer;
  theirs: Pointer;
}

export type MergedOutput = { path: string; notes: string[] } & (
  | { kind: "ours" | "theirs"; content: OutputContent }
  | { kind: "rows"; content: OutputContent; report: SourceReport }
  | { kind: "entries"; content: OutputContent; listing: MergedListing }
  | { kind: "conflict"; reason: string }
);

export interface Workbench {
  project: Project;
  context: Context;
  cache: Cache;
  ingest: Ingest;
  findListing: FindListing;
  /** Where databases are merged; made by the caller. */
  folder: string;
  /** Decides what both sides changed; without it that is a conflict. */
  choice: ConflictChoice | undefined;
}

/** What cannot be merged is an answer, not an error: the pointer stays a choice. */
export async function mergeOutput(bench: Workbench, sides: OutputSides): Promise<MergedOutput> {
  try {
    return await merged(bench, sides);
  } catch (error) {
    if (!(error instanceof Unmergeable)) throw error;
    const { ours, theirs } = sides;
    const side = bench.choice === "ours" ? ours : bench.choice === "theirs" ? theirs : null;
    if (side === null || !error.canChoose) return { path: ours.path, kind: "conflict", reason: error.message, notes: [] };
    return taken(bench, side, { isOurs: side === ours });
  }
}

class Unmergeable extends Error {
  readonly canChoose: boolean;
  constructor(message: string, { canChoose = true }: { canChoose?: boolean } = {}) {
    super(message);
    this.canChoose = canChoose;
  }
}

async function merged(bench: Workbench, { base, ours, theirs }: OutputSides): Promise<MergedOutput> {
  const [isOurs, isTheirs] = [theirs, ours].map((other) => isSame(ours, theirs) || (base !== null && isSame(base, other))) as [
    boolean,
    boolean,
  ];
  if (isOurs || isTheirs) return taken(bench, isOurs ? ours : theirs, { isOurs });
  const { path } = ours;
  if (ours.hash === null || theirs.hash === null) throw new Unmergeable(`${path}: one side says nothing of its content`);
  if (!ours.cache || !theirs.cache) throw new Unmergeable(`${path} is not kept in the cache`);
  if (ours.isImport || theirs.isImport) throw new Unmergeable(`${path} is an import: expver data update`);
  if (ours.hashName !== "md5" || theirs.hashName !== "md5") throw new Unmergeable(`${path} is stored as DVC 2 did it`);
  if (isFolder(ours) !== isFolder(theirs)) throw new Unmergeable(`${path} is a folder on one side and a file on the other`);
  return isFolder(ours) ? mergeFolders(bench, { base, ours, theirs }) : mergeFiles(bench, { base, ours, theirs });
}

function taken({ cache }: Workbench, pointer: Pointer, { isOurs }: { isOurs: boolean }): MergedOutput {
  const { path, hash, hashName, nfiles, isexec } = pointer;
  if (hash === null || hashName !== "md5") throw new ExpverError("E_POINTER", `${pointer.file}: ${path} is not stored as DVC 3 does it`);
  const size = pointer.size ?? trustedSize(cache.dir, { hash, hashName }) ?? 0;
  const content = { hash, size, ...(nfiles === undefined ? {} : { nfiles }), ...(isexec ? { isexec } : {}) };
  return { path, kind: isOurs ? "ours" : "theirs", content, notes: [] };
}

async function mergeFiles(bench: Workbench, sides: OutputSides): Promise<MergedOutput> {
  const { path, isexec } = sides.ours;
  const database = await mergeDatabases(bench, sides);
  if (database === null) throw new Unmergeable(`${path}: two different files`);
  const { hash, size, report, notes } = database;
  return { path, kind: "rows", content: { hash, size, ...(isexec ? { isexec } : {}) }, report, notes };
}

interface StoredRows {
  hash: string;
  size: number;
  report: SourceReport;
  notes: string[];
}

/** Null when they are no results databases. */
async function mergeDatabases(bench: Workbench, { base, ours, theirs }: OutputSides): Promise<StoredRows | null> {
  const { project, cache, ingest, choice, folder, context } = bench;
  const { path } = ours;
  if (!looksLikeDatabase(bench, ours) && !looksLikeDatabase(bench, theirs)) return null;
  const [mine, other] = [await bring(bench, ours), await bring(bench, theirs)];
  if (mine === null || other === null) {
    throw new Unmergeable(`${path}: the bytes of ${mine === null ? "ours" : "theirs"} are neither in the cache nor on the remote`);
  }
  if (![mine, other].every(startsAsDatabase)) return null;
  const ancestor = base === null || !isFile(base) ? null : await bring(bench, base);
  const known = ancestor !== null && startsAsDatabase(ancestor) ? ancestor : null;
  const notes =
    known === null && base !== null ? [`${path}: the common ancestor's bytes are nowhere; what one side had deleted may be back`] : [];
  const to = besideOf(join(folder, ours.hash ?? "database"), "merged");
  try {
    if (absolutePath(project, path) !== resultsDatabase(project) && ![mine, other].every(holdsResults)) return null;
    const report = mergeStored({ base: known, ours: mine, theirs: other }, to, choice);
    if (!report.tables.some(changesTable)) return { hash: ours.hash ?? "", size: trustedSize(cache.dir, named(ours)) ?? 0, report, notes };
    const { md5, size } = await paceWork(ingest.file(to), context, { label: "storing merged rows" });
    return { hash: md5, size, report, notes };
  } catch (error) {
    if (!(error instanceof ExpverError) || !/^E_(CONFLICT|DATABASE)/.test(error.code)) throw error;
    throw new Unmergeable(`${path}: ${error.message}`);
  } finally {
    for (const beside of ["", "-wal", "-shm"]) discard(to + beside);
  }
}

async function mergeFolders(bench: Workbench, sides: OutputSides): Promise<MergedOutput> {
  const { ours, theirs, base } = sides;
  const { path } = ours;
  if (isOneModel(bench.project, path)) throw new Unmergeable(`${path} is one model: files of two are never mixed`);
  const mine = await bench.findListing(ours);
  const other = await sharedListing(bench, theirs, mine);
  if (mine === null || other === null) {
    throw new Unmergeable(`${path}: the listing of ${mine === null ? "ours" : "theirs"} is neither in the cache nor on the remote`);
  }
  const ancestor = base === null ? [] : isFolder(base) && base.hashName === "md5" ? await sharedListing(bench, base, mine) : null;
  const notes = ancestor === null ? [`${path}: the common ancestor's listing is nowhere; what one side had deleted may be back`] : [];
  const made = new Map<string, StoredRows>();
  const undecided = mergeListings({ base: ancestor, ours: mine, theirs: other });
  for (const clash of undecided.clashes) {
    const rows = await mergeMembers(bench, sides, clash);
    if (rows !== null) made.set(clash.relpath, rows);
  }
  const decide: Decide = ({ relpath, ours: kept, theirs: wanted }) => {
    const rows = made.get(relpath);
    if (rows !== undefined) return rows.hash;
    return bench.choice === "ours" ? kept : bench.choice === "theirs" ? wanted : undefined;
  };
  const hasClashes = undecided.clashes.length > 0;
  const listing = hasClashes ? mergeListings({ base: ancestor, ours: mine, theirs: other }, decide) : undecided;
  if (listing.clashes.length > 0) throw new Unmergeable(describeClashes(path, listing.clashes), { canChoose: false });
  const sizes = new Map([...made.values()].map(({ hash, size }) => [hash, size]));
  const size = sizeOf(bench, { listing, sizes }) ?? (ancestor === null ? null : sizeByPointers(sides, listing));
  if (size === null) throw new Unmergeable(`${path}: not all its files are in the cache, so its size is not known: expver data fetch`);
  const hash = bench.ingest.listing(renderListing(listing.entries));
  return {
    path,
    kind: "entries",
    content: { hash, size, nfiles: listing.entries.length },
    listing,
    notes: [...notes, ...[...made.values()].flatMap((rows) => rows.notes)],
  };
}

async function sharedListing(bench: Workbench, pointer: Pointer, known: ListingEntry[] | null): Promise<ListingEntry[] | null> {
  const entries = await bench.findListing(pointer);
  return entries === null || known === null ? entries : sharing(entries, known);
}

/** A results database inside a tracked folder. */
async function mergeMembers(bench: Workbench, { ours, theirs, base }: OutputSides, clash: EntryClash): Promise<StoredRows | null> {
  if (clash.ours === null || clash.theirs === null) return null;
  const member = (side: Pointer, hash: string): Pointer => ({ ...side, path: `${side.path}/${clash.relpath}`, hash });
  try {
    return await mergeDatabases(bench, {
      ours: member(ours, clash.ours),
      theirs: member(theirs, clash.theirs),
      base: base === null || clash.base === null ? null : member(base, clash.base),
    });
  } catch (error) {
    if (error instanceof Unmergeable && bench.choice !== undefined) return null;
    throw error;
  }
}

/** Null when a member is not in the cache. */
function sizeOf({ cache }: Workbench, { listing, sizes }: { listing: MergedListing; sizes: ReadonlyMap<string, number> }): number | null {
  let sum = 0;
  for (const { md5 } of listing.entries) {
    const size = sizes.get(md5) ?? trustedSize(cache.dir, { hash: md5, hashName: "md5" });
    if (size === null) return null;
    sum += size;
  }
  return sum;
}

/** Without the members' bytes: right where each change was made by one side only. Null where it was not, or a pointer has no size. */
function sizeByPointers({ base, ours, theirs }: OutputSides, { apart, decided }: MergedListing): number | null {
  const before = base === null ? 0 : base.size;
  if (!apart || decided > 0 || ours.size === undefined || theirs.size === undefined || before === undefined) return null;
  return ours.size + theirs.size - before;
}

/** The absolute path of the object; null when it is nowhere. */
async function bring({ project, context, cache }: Workbench, pointer: Pointer): Promise<string | null> {
  const object = named(pointer);
  if (trustedSize(cache.dir, object) === null) {
    try {
      await fetchObjects(project, [pointer], context);
    } catch (error) {
      throwUnlessFailure(error);
      return null; // no remote, or it does not answer: nobody can be asked here
    }
  }
  return trustedSize(cache.dir, object) === null ? null : objectPath(cache.dir, object);
}

/** By its bytes where they are here; by its name where they would have to be fetched to see. */
function looksLikeDatabase({ project, cache }: Workbench, pointer: Pointer): boolean {
  const object = named(pointer);
  if (trustedSize(cache.dir, object) !== null) return startsAsDatabase(objectPath(cache.dir, object));
  return absolutePath(project, pointer.path) === resultsDatabase(project) || /\.(?:db|sqlite3?)$/i.test(pointer.path);
}

function startsAsDatabase(object: string): boolean {
  return startsLikeDatabase(firstBytes(object, 16));
}

/** The production model and what a run leaves: a folder there is one thing. */
function isOneModel(project: Project, path: string): boolean {
  const { output, production } = project.config.models;
  const places = [output, production, ...(dirname(production) === "." ? [] : [dirname(production)])].map((place) =>
    storedPath(project, place),
  );
  return places.includes(path) || isUnder(path, places.slice(0, 2));
}

function describeClashes(path: string, clashes: readonly EntryClash[]): string {
  const say = (md5: string | null) => (md5 === null ? "removed" : md5.slice(0, 6));
  const lines = clashes.slice(0, 5).map(({ relpath, ours, theirs }) => `  ${relpath}: ${say(ours)} in ours, ${say(theirs)} in theirs`);
  const more = clashes.length > 5 ? [`  … and ${clashes.length - 5} more`] : [];
  return [`${path}: both sides changed ${counted(clashes.length, "file")} of it:`, ...lines, ...more].join("\n");
}

function named({ hash, hashName }: Pointer): { hash: string; hashName: Pointer["hashName"] } {
  return { hash: hash ?? "", hashName };
}

function isFolder({ hash }: Pointer): boolean {
  return hash?.endsWith(".dir") === true;
}

function isFile(pointer: Pointer): boolean {
  return pointer.hash !== null && !isFolder(pointer);
}

function isSame(one: Pointer, other: Pointer): boolean {
  return one.hash === other.hash && one.hashName === other.hashName && one.isexec === other.isexec;
}
