/** Reading one output of the worktree: its files, their hashes and what a pointer would say; on the way the bytes may be stored. */
import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../config/project.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import { type Digest, hashingFile, md5Of, md5OfFileElsewhere, readSmall } from "../platform/hashing.ts";
import type { Work } from "../platform/pace.ts";
import { type CopyDatabase, isDatabase, resultsDatabase } from "./databases.ts";
import { dvcIgnore } from "./dvcignore.ts";
import type { Ingest } from "./ingest.ts";
import { type ObjectFolder, trustedSize } from "./layout.ts";
import { listingHash, renderListing } from "./listing.ts";
import { openStatCache, type StatCache } from "./stat-cache.ts";
import type { HashName, OutputContent } from "./types.ts";
import { type WalkedFile, walkFiles } from "./walk.ts";

export interface ScannedFile extends WalkedFile {
  md5: string;
}

export interface Scan {
  content: OutputContent;
  /** One for a single file, whose relpath is "". */
  files: ScannedFile[];
  isFolder: boolean;
  emptyFolders: string[];
}

/** The files of an output before anything of them was read. */
export interface Walk {
  isFolder: boolean;
  /** One for a single file, whose relpath is "". */
  files: WalkedFile[];
  emptyFolders: string[];
}

export interface ScanOptions {
  hashName?: HashName;
  /** A walk made a moment ago. */
  walk?: Walk | undefined;
  /** Also store every file, and the listing of a folder, here. */
  store?: { ingest: Ingest; into: ObjectFolder };
  copyDatabase?: CopyDatabase | undefined;
  /** Read the bytes of a single file from here instead. */
  bytesFrom?: string | undefined;
  /** Hashes of single files are remembered together; open it once for many outputs and save it afterwards. */
  singles?: StatCache;
}

/** Looks at the output at this absolute path. Throws E_NOT_FOUND, E_DATA. */
export function walkOutput(project: Project, path: string): Walk {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new ExpverError("E_NOT_FOUND", `there is no ${path}`, { details: { path } });
  if (stat.isFile()) {
    const isLink = lstatSync(path).isSymbolicLink();
    return { isFolder: false, files: [{ relpath: "", path, stat, isLink }], emptyFolders: [] };
  }
  if (!stat.isDirectory()) throw new ExpverError("E_DATA", `${path} is neither a file nor a folder`, { details: { path } });
  const emptyFolders: string[] = [];
  const files = walkFiles(path, { ignores: dvcIgnore(project, path), onEmptyFolder: (folder) => emptyFolders.push(folder) });
  return { isFolder: true, files, emptyFolders };
}

/** Reads the output at this absolute path. Throws E_NOT_FOUND, E_DATA. */
export function* scanOutput(project: Project, path: string, options: ScanOptions = {}): Work<Scan> {
  try {
    const walk = options.walk ?? (options.bytesFrom === undefined ? walkOutput(project, path) : walkOfBytes(path, options.bytesFrom));
    return walk.isFolder ? yield* scanFolder(project, path, { ...options, walk }) : yield* scanFile(project, path, { ...options, walk });
  } catch (error) {
    throw fromSystemError(error, `cannot ${options.store ? "store" : "read"} ${path}`);
  }
}

/** The memory of single-file outputs of this worktree. */
export function openSingles(project: Project, hashName: HashName = "md5"): StatCache {
  return openStatCache(project.stateDir, `${project.root}/*`, hashName);
}

function* scanFolder(project: Project, path: string, options: ScanOptions & { walk: Walk }): Work<Scan> {
  const memory = openStatCache(project.stateDir, path, options.hashName);
  const files: ScannedFile[] = [];
  let size = 0;
  for (const file of options.walk.files) {
    const digest = yield* digestOf(project, file, { ...options, memory, name: file.relpath });
    size += digest.size;
    files.push({ ...file, md5: digest.md5 });
  }
  memory.save();
  const listing = renderListing(files);
  const hash = options.store ? options.store.ingest.listing(listing) : listingHash(listing);
  return { content: { hash, size, nfiles: files.length }, files, isFolder: true, emptyFolders: options.walk.emptyFolders };
}

function* scanFile(project: Project, path: string, options: ScanOptions & { walk: Walk }): Work<Scan> {
  const [file] = options.walk.files as [WalkedFile];
  const memory = options.singles ?? openSingles(project, options.hashName);
  const remembered = options.bytesFrom === undefined ? memory : null;
  const { md5, size } = yield* digestOf(project, file, { ...options, memory: remembered, name: path });
  if (options.singles === undefined) memory.save({ keepOthers: true });
  const mode = remembered === null ? (lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) : file.stat.mode;
  const content = { hash: md5, size, ...((mode & 0o111) === 0 ? {} : { isexec: true }) };
  return { content, files: [{ ...file, path, md5 }], isFolder: false, emptyFolders: [] };
}

function walkOfBytes(path: string, bytesFrom: string): Walk {
  const stat = statSync(bytesFrom, { throwIfNoEntry: false });
  if (stat === undefined) throw new ExpverError("E_NOT_FOUND", `there is no ${bytesFrom}`, { details: { path: bytesFrom } });
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return { isFolder: false, files: [{ relpath: "", path: bytesFrom, stat, isLink }], emptyFolders: [] };
}

type DigestOptions = ScanOptions & { memory: StatCache | null; name: string };

function* digestOf(project: Project, { path, stat }: WalkedFile, options: DigestOptions): Work<Digest> {
  const { memory, name, store, hashName = "md5" } = options;
  const known = memory?.get(name, stat);
  if (known !== undefined && (!store || trustedSize(store.into.dir, { hash: known, hashName }) === stat.size)) {
    yield { files: 1, bytes: 0 };
    return { md5: known, size: stat.size };
  }
  const readAt = Date.now();
  if (store && options.copyDatabase && options.bytesFrom === undefined && isDatabase(project, path, stat.size)) {
    const stored = yield* storeDatabase(project, path, { ...options, store, copyDatabase: options.copyDatabase });
    if (stored !== null) return stored;
  }
  const digest = store ? yield* store.ingest.file(path, stat.size) : yield* hashFile(project, path, { size: stat.size, hashName });
  // Another size: somebody is writing it. What was read is what is stored, but it is not what is there.
  if (digest.size === stat.size) memory?.set(name, stat, digest.md5, readAt);
  return digest;
}

function* hashFile(project: Project, path: string, { size, hashName }: { size: number; hashName: HashName }): Work<Digest> {
  if (hashName === "md5") {
    const small = path === resultsDatabase(project) ? null : readSmall(path, size);
    if (small !== null) {
      yield { files: 1, bytes: size };
      return { md5: md5Of(small), size };
    }
    const elsewhere = path === resultsDatabase(project) ? md5OfFileElsewhere(path) : null;
    if (elsewhere !== null) return { md5: elsewhere, size };
  }
  const digest = yield* hashingFile(path, { kind: hashName });
  yield { files: 1, bytes: 0 };
  return digest;
}

/** Null for what only looks like a database, or when there is no driver: then its plain bytes are the best there is. */
function* storeDatabase(
  project: Project,
  path: string,
  { store, copyDatabase, memory, name }: DigestOptions & { store: NonNullable<ScanOptions["store"]>; copyDatabase: CopyDatabase },
): Work<Digest | null> {
  const folder = join(project.dvcRoot ?? project.root, ".dvc", "tmp");
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, `expver-${randomBytes(6).toString("hex")}.db`);
  const readAt = Date.now();
  const before = statSync(path);
  try {
    const { equalBytes } = copyDatabase(path, copy);
    const after = statSync(path);
    const digest = yield* store.ingest.file(copy, statSync(copy).size);
    if (equalBytes && after.ctimeMs === before.ctimeMs && after.size === before.size) memory?.set(name, after, digest.md5, readAt);
    return digest;
  } catch (error) {
    if (error instanceof ExpverError && (error.code === "E_DATABASE" || error.code === "E_NO_SQLITE")) return null;
    throw error;
  } finally {
    rmSync(copy, { force: true });
  }
}
