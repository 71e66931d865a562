/** Reading one output of the worktree: its files, their hashes and what a pointer would say; on the way the bytes may be stored. */
import { lstatSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { nearestWord } from "../../config/nearest.ts";
import type { Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { ExpverError, failedWith, fromSystemError } from "../../errors.ts";
import { fileStat } from "../../platform/file-stat.ts";
import { readableNamesIn, removePath, statIfThere } from "../../platform/files.ts";
import { type Digest, hashingFile, md5OfFileElsewhere } from "../../platform/hashing.ts";
import { batchesOf, type Work } from "../../platform/pace.ts";
import { copyingMany, type ManyFiles } from "../../platform/threads/many-files.ts";
import type { Ingest } from "../objects/ingest.ts";
import { type ObjectFolder, trustedSize, trustedSizes } from "../objects/layout.ts";
import { listingHash, renderingListing } from "../objects/listing.ts";
import { makeStaging } from "../objects/staging.ts";
import { dvcIgnore, type IgnoreTest } from "../settings/dvcignore.ts";
import type { HashName, OutputContent } from "../types.ts";
import { type CopyDatabase, DATABASE_HEADER, isDatabase } from "./databases.ts";
import { openStatCache, type StatCache } from "./stat-cache.ts";
import { type ReadFolder, type WalkedFile, walkingFiles } from "./walk.ts";

export interface ScannedFile extends WalkedFile {
  md5: string;
}

export interface Scan {
  content: OutputContent;
  /** One for a single file, whose relpath is "". */
  files: ScannedFile[];
  isFolder: boolean;
  emptyFolders: string[];
  folders: ReadFolder[];
  /** Links to nothing, which are left out: absolute paths. */
  deadLinks?: readonly string[];
}

/** The files of an output before anything of them was read. */
export interface Walk {
  isFolder: boolean;
  /** One for a single file, whose relpath is "". */
  files: WalkedFile[];
  emptyFolders: string[];
  /** All folders that were read, the output's own first. */
  folders: ReadFolder[];
  deadLinks?: readonly string[];
}

export interface ScanOptions {
  /** Links to nothing are data that is gone: for who compares. Who stores the output must not take it for whole. */
  mayLack?: boolean;
  hashName?: HashName;
  /** What is left out, other than what `.dvcignore` says of this place. */
  ignores?: IgnoreTest;
  /** A walk made a moment ago. */
  walk?: Walk | undefined;
  /** Also store every file, and the listing of a folder, here. */
  store?: { ingest: Ingest; into: ObjectFolder };
  copyDatabase?: CopyDatabase | undefined;
  /** Read the bytes of a single file from here instead. */
  bytesFrom?: string | undefined;
}

/** Looks at the output at this absolute path. Throws E_NOT_FOUND, E_DATA. */
export function* walkingOutput(
  project: Project,
  path: string,
  { mayLack = false, ignores }: Pick<ScanOptions, "mayLack" | "ignores"> = {},
): Work<Walk> {
  const stat = statIfThere(path);
  if (stat === undefined) throw notThere(path);
  if (stat.isFile()) return walkOfFile(path, stat);
  if (!stat.isDirectory()) throw new ExpverError("E_DATA", `${path} is neither a file nor a folder`, { details: { path } });
  const emptyFolders: string[] = [];
  const folders: ReadFolder[] = [];
  const deadLinks: string[] = [];
  const files = yield* walkingFiles(path, {
    ignores: ignores ?? dvcIgnore(project, path),
    onEmptyFolder: (folder) => emptyFolders.push(folder),
    onFolder: (folder) => folders.push(folder),
    ...(mayLack ? { onDeadLink: (link: string) => deadLinks.push(link) } : {}),
  });
  return { isFolder: true, files, emptyFolders, folders, deadLinks };
}

function walkOfFile(path: string, stat: Stats): Walk {
  const isLink = lstatSync(path).isSymbolicLink();
  return { isFolder: false, files: [{ relpath: "", path, stat: fileStat(stat), size: stat.size, isLink }], emptyFolders: [], folders: [] };
}

function notThere(path: string): ExpverError {
  const name = basename(path);
  const others = readableNamesIn(dirname(path)).filter((other) => other !== name);
  const near = nearestWord(name, others);
  return new ExpverError("E_NOT_FOUND", `there is no ${path}`, {
    ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }),
    details: { path },
  });
}

/** Reads the output at this absolute path. Throws E_NOT_FOUND, E_DATA. */
export function* scanOutput(project: Project, path: string, options: ScanOptions = {}): Work<Scan> {
  try {
    const { bytesFrom } = options;
    if (bytesFrom !== undefined) return yield* scanBytes(project, path, { ...options, bytesFrom });
    const walk = options.walk ?? (yield* walkingOutput(project, path, options));
    if (walk.isFolder) return yield* scanFolder(project, path, { ...options, walk });
    return (yield* scanFiles(project, [path], { ...options, walkOf: () => walk })).get(path) as Scan;
  } catch (error) {
    throw fromSystemError(error, `cannot ${options.store ? "store" : "read"} ${path}`);
  }
}

/** The memory of single-file outputs of this worktree. */
export function openSingles(project: Project, hashName: HashName = "md5"): StatCache {
  return openStatCache(project.stateDir, `${project.root}/*`, { kind: hashName, below: `${project.root}/` });
}

function* scanFolder(project: Project, path: string, options: ScanOptions & { walk: Walk }): Work<Scan> {
  const memory = openStatCache(project.stateDir, path, { kind: options.hashName });
  const read = { ...options, memory };
  const files: ScannedFile[] = [];
  let size = 0;
  for (const some of batchesOf(options.walk.files)) {
    const digests = yield* digestsOf(project, some, { nameOf: ({ relpath }) => relpath, read });
    for (const [index, file] of some.entries()) {
      const digest = digests[index] as Digest;
      size += digest.size;
      file.md5 = digest.md5;
      files.push(file as ScannedFile);
    }
  }
  const hash = knownListing(memory, options.store) ?? (yield* namingListing(files, options.store));
  memory.save({ listing: { hash, files: files.length } });
  return {
    content: { hash, size, nfiles: files.length },
    files,
    isFolder: true,
    emptyFolders: options.walk.emptyFolders,
    folders: options.walk.folders,
    deadLinks: options.walk.deadLinks ?? [],
  };
}

/** Of a folder in which nothing has changed: making the listing costs as much as all the rest. */
function knownListing(memory: StatCache, store: ScanOptions["store"]): string | null {
  const hash = memory.listing();
  return hash !== null && (!store || trustedSize(store.into.dir, { hash, hashName: "md5" }) !== null) ? hash : null;
}

function* namingListing(files: readonly ScannedFile[], store: ScanOptions["store"]): Work<string> {
  const listing = yield* renderingListing(files);
  return store ? store.ingest.listing(listing) : listingHash(listing);
}

/**
 * Reads those of these outputs (absolute paths) that are single files, together: by several threads where that is much work. What is not
 * there, or no file, is not among the answers.
 */
export function* scanFiles(
  project: Project,
  paths: readonly string[],
  { walkOf, ...options }: ScanOptions & { walkOf?: (path: string) => Walk | undefined } = {},
): Work<Map<string, Scan>> {
  const memory = openSingles(project, options.hashName);
  const files = paths.flatMap((path) => {
    const known = walkOf?.(path);
    if (known !== undefined) return known.isFolder ? [] : known.files;
    const stat = statIfThere(path);
    return stat?.isFile() === true ? walkOfFile(path, stat).files : [];
  });
  if (files.length === 0) return new Map();
  const digests = yield* digestsOf(project, files, { nameOf: ({ path }) => path, read: { ...options, memory } });
  memory.save({ keepOthers: true });
  return new Map(files.map((file, index) => [file.path, scanOfFile(file, digests[index] as Digest)]));
}

function scanOfFile(file: WalkedFile, { md5, size }: Digest, mode = file.stat.mode): Scan {
  const content = { hash: md5, size, ...((mode & 0o111) === 0 ? {} : { isexec: true }) };
  return { content, files: [{ ...file, md5 }], isFolder: false, emptyFolders: [], folders: [] };
}

/** A file whose bytes are read from elsewhere: nothing is remembered of it. */
function* scanBytes(project: Project, path: string, { bytesFrom, ...options }: ScanOptions & { bytesFrom: string }): Work<Scan> {
  const stat = statSync(bytesFrom, { throwIfNoEntry: false });
  if (stat === undefined) throw new ExpverError("E_NOT_FOUND", `there is no ${bytesFrom}`, { details: { path: bytesFrom } });
  const own = lstatSync(path, { throwIfNoEntry: false });
  const file: WalkedFile = { relpath: "", path: bytesFrom, stat: fileStat(stat), size: stat.size, isLink: own?.isSymbolicLink() === true };
  const [digest] = (yield* digestsOf(project, [file], { nameOf: () => path, read: { ...options, bytesFrom, memory: null } })) as [Digest];
  return scanOfFile({ ...file, path }, digest, own?.mode ?? 0);
}

type ReadOptions = ScanOptions & { memory: StatCache | null };

interface Reading {
  /** How the memory knows a file. */
  nameOf: (file: WalkedFile) => string;
  read: ReadOptions;
}

/** First what is remembered, then the others together, then one by one what needs more than that. */
function* digestsOf(project: Project, files: readonly WalkedFile[], { nameOf, read }: Reading): Work<Digest[]> {
  const digests = yield* rememberedDigests(files, { nameOf, read });
  const unknown = files.flatMap((_, index) => (digests[index] === null ? [index] : []));
  yield { files: files.length - unknown.length, bytes: 0 };
  const readAt = Date.now();
  const database = resultsDatabase(project);
  // As far as it can be told without reading.
  const isPlain = ({ path }: WalkedFile) => path !== database;
  const plain = (read.hashName ?? "md5") === "md5" ? unknown.filter((index) => isPlain(files[index] as WalkedFile)) : [];
  const md5s = yield* readPlainFiles(
    plain.map((index) => files[index] as WalkedFile),
    read,
  );
  for (const [at, index] of plain.entries()) {
    const { stat, size } = files[index] as WalkedFile;
    const md5 = md5s[at] ?? null;
    if (md5 === null) continue;
    read.memory?.set(nameOf(files[index] as WalkedFile), stat, md5, readAt);
    digests[index] = { md5, size };
  }
  const all: Digest[] = [];
  for (const [index, file] of files.entries()) {
    const quick = digests[index] ?? null;
    all.push(quick ?? (yield* slowDigest(project, file, { name: nameOf(file), read })));
    if (quick === null) yield { files: 1, bytes: 0 };
  }
  return all;
}

function* rememberedDigests(files: readonly WalkedFile[], { nameOf, read }: Reading): Work<(Digest | null)[]> {
  const { memory, store, hashName = "md5" } = read;
  const digests = files.map((file): Digest | null => {
    const md5 = memory?.get(nameOf(file), file.stat);
    return md5 === undefined ? null : { md5, size: file.size };
  });
  if (!store) return digests;
  const known = digests.flatMap((digest) => digest ?? []);
  const sizes = yield* trustedSizes(
    store.into.dir,
    known.map(({ md5 }) => ({ hash: md5, hashName })),
  );
  const gone = new Set(known.filter(({ size }, index) => sizes[index] !== size));
  return digests.map((digest) => (digest !== null && gone.has(digest) ? null : digest));
}

/** Their MD5s; null for a file that needs more than that. */
function* readPlainFiles(files: readonly WalkedFile[], read: ReadOptions): Work<(string | null)[]> {
  const fileAt = (index: number) => files[index] as WalkedFile;
  const many: ManyFiles = { count: files.length, size: (index) => fileAt(index).size, path: (index) => fileAt(index).path };
  const leave = copiesDatabases(read) ? DATABASE_HEADER : undefined;
  if (read.store) return yield* read.store.ingest.many(many, { leave });
  const answers = yield* copyingMany(many, { leave });
  return files.map((_, index) => (answers.state(index) === "left" ? null : answers.md5(index)));
}

function* slowDigest(project: Project, { path, stat }: WalkedFile, { name, read }: { name: string; read: ReadOptions }): Work<Digest> {
  const { memory, store, hashName = "md5" } = read;
  const readAt = Date.now();
  if (copiesDatabases(read) && isDatabase(project, path, stat.size)) {
    const stored = yield* storeDatabase(project, path, { name, read });
    if (stored !== null) return stored;
  }
  const digest = store ? yield* store.ingest.file(path) : yield* hashOne(project, path, { size: stat.size, hashName });
  // Another size: somebody is writing it. What was read is what is stored, but it is not what is there.
  if (digest.size === stat.size) memory?.set(name, stat, digest.md5, readAt);
  return digest;
}

type CopyOptions = ReadOptions & { store: NonNullable<ScanOptions["store"]>; copyDatabase: CopyDatabase };

function copiesDatabases(options: ReadOptions): options is CopyOptions {
  return options.store !== undefined && options.copyDatabase !== undefined && options.bytesFrom === undefined;
}

function* hashOne(project: Project, path: string, { size, hashName }: { size: number; hashName: HashName }): Work<Digest> {
  const elsewhere = hashName === "md5" && path === resultsDatabase(project) ? md5OfFileElsewhere(path) : null;
  return elsewhere === null ? yield* hashingFile(path, { kind: hashName }) : { md5: elsewhere, size };
}

/** Null for what only looks like a database, or when there is no driver: then its plain bytes are the best there is. */
function* storeDatabase(project: Project, path: string, { name, read }: { name: string; read: CopyOptions }): Work<Digest | null> {
  const { store, copyDatabase, memory } = read;
  const staging = makeStaging(join(project.dvcRoot ?? project.root, ".dvc", "tmp"));
  const copy = join(staging, "copy.db");
  const readAt = Date.now();
  const before = statSync(path);
  try {
    const { equalBytes } = copyDatabase(path, copy);
    const after = statSync(path);
    const digest = yield* store.ingest.file(copy);
    if (equalBytes && after.ctimeMs === before.ctimeMs && after.size === before.size) memory?.set(name, after, digest.md5, readAt);
    return digest;
  } catch (error) {
    if (failedWith(error, "E_DATABASE", "E_NO_SQLITE")) return null;
    throw error;
  } finally {
    removePath(staging);
  }
}
