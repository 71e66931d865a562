/** Making the worktree look as the pointers say: first what would change, by reading only; `apply-checkout.ts` does it. */
import { lstatSync } from "node:fs";
import { absolutePath, underAny } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { createPlacer } from "../../platform/links.ts";
import { batchesOf, type Work } from "../../platform/pace.ts";
import { expectCopies } from "../../platform/threads/threads.ts";
import { type Cache, openCache } from "../objects/cache.ts";
import { findingDamaged } from "../objects/damaged.ts";
import { isStored, type ObjectName, objectPath, readingListing, sizeThere, trustedSizes } from "../objects/layout.ts";
import { dvcIgnore, IGNORES_NOTHING } from "../settings/dvcignore.ts";
import type { HashName, ListingEntry, Pointer } from "../types.ts";
import { openSingles, type Scan, type ScannedFile, scanFiles } from "./scan.ts";
import { openStatCache, type StatCache } from "./stat-cache.ts";
import { readingOutput, scanFilesOf } from "./status.ts";
import type { Unchanged } from "./unchanged.ts";

/** A file to be created from the cache. */
export interface Placement {
  /** Absolute. */
  path: string;
  /** Inside the output; empty when it is the output itself. */
  relpath: string;
  object: ObjectName;
  /** The folder of objects it is in. */
  dir: string;
  /** Bytes. */
  size: number;
  /** Nobody has looked at the object: `size` is an average. */
  isGuess?: boolean;
  /** What stands there now, as it was read; null: nothing. */
  replaces: ScannedFile | null;
  isexec: boolean;
}

export interface OutputCheckout {
  pointer: Pointer;
  /** Absolute path of the output. */
  path: string;
  isFolder: boolean;
  /** A folder stands where a file belongs, or the reverse: all of it must go first. */
  wrongKind: boolean;
  places: Placement[];
  removes: ScannedFile[];
  emptyFolders: string[];
  /** Paths whose bytes are in no cache here, relative to the root. When there are any, the output is left as it is. */
  missing: string[];
  /** Objects whose bytes are not what their names say, so that they count as missing. */
  damaged: ObjectName[];
  /** Files that would be lost: their bytes are in no cache here. */
  unsaved: ScannedFile[];
  /** The output was not there at all. */
  isNew: boolean;
  /** Nobody has looked at most of its objects: what is wrong with one is found when it is copied. */
  isUnproven: boolean;
}

export interface CheckoutOptions {
  /** Plans may be unproven: the caller reads what is missing once more after they are carried out. */
  mayBeUnproven?: boolean;
  /** Make files that are right anew, with today's link type. */
  relink?: boolean;
  /** Only these members of an output, by its path: relative paths, files or folders. */
  only?: ReadonlyMap<string, readonly string[]>;
  /** Where Git was asked a moment ago. */
  unchanged?: ReadonlyMap<string, Unchanged>;
}

/** Plans every output that has bytes in the cache. Outputs that are right already have nothing in their lists. */
export function* planningCheckout(project: Project, pointers: readonly Pointer[], options: CheckoutOptions = {}): Work<OutputCheckout[]> {
  const cache = openCache(project);
  const stored = pointers.flatMap(({ hash, ...pointer }) => (hash === null || !pointer.cache ? [] : [{ ...pointer, hash }]));
  const files = yield* scanFilesOf(project, stored);
  const plans: OutputCheckout[] = [];
  const memoryOf = memoryFinder(project);
  for (const pointer of stored) plans.push(yield* planOutput(project, pointer, { cache, file: files.get(pointer), memoryOf, ...options }));
  return plans;
}

/** Plans one output again, after a look at each of its objects. */
export function* planningProven(project: Project, { pointer }: OutputCheckout): Work<OutputCheckout> {
  const tools = { cache: openCache(project), file: undefined, memoryOf: memoryFinder(project) };
  return yield* planOutput(project, pointer as StoredPointer, tools);
}

type StoredPointer = Pointer & { hash: string };

interface Planning {
  cache: Cache;
  /** As it was read, when the output is a file. */
  file: Scan | undefined;
  memoryOf: (pointer: StoredPointer) => StatCache;
}

/** That of single files is read once for all of them. */
function memoryFinder(project: Project): Planning["memoryOf"] {
  const singles = new Map<HashName, StatCache>();
  return ({ path, hash, hashName }) => {
    if (hash.endsWith(".dir")) return openStatCache(project.stateDir, absolutePath(project, path), { kind: hashName });
    const known = singles.get(hashName) ?? openSingles(project, hashName);
    singles.set(hashName, known);
    return known;
  };
}

function* planOutput(
  project: Project,
  pointer: StoredPointer,
  { cache, file, memoryOf, relink = false, only, mayBeUnproven = false, unchanged }: CheckoutOptions & Planning,
): Work<OutputCheckout> {
  const path = absolutePath(project, pointer.path);
  const isFolder = pointer.hash.endsWith(".dir");
  const selected = only?.get(pointer.path);
  const isWanted = selected === undefined ? () => true : underAny(selected);
  const plan: OutputCheckout = {
    pointer,
    path,
    isFolder,
    wrongKind: false,
    places: [],
    removes: [],
    emptyFolders: [],
    missing: [],
    damaged: [],
    unsaved: [],
    isNew: false,
    isUnproven: false,
  };
  const asBefore = unchanged?.get(pointer.path)?.folder;
  if (asBefore?.content.hash === pointer.hash && !relink) return { ...plan, emptyFolders: wantedFolders(asBefore, { path, isWanted }) };
  const scan = file ?? (yield* readingOutput(project, pointer));
  plan.isNew = scan === null;
  plan.wrongKind = scan !== null && scan.isFolder !== isFolder;
  const mayNotBeRun = !isFolder && pointer.isexec === true && scan?.content.isexec !== true;
  if (scan?.content.hash === pointer.hash && !relink && !mayNotBeRun)
    return { ...plan, emptyFolders: isFolder ? wantedFolders(scan, { path, isWanted }) : [] };
  if (scan === null) expectCopies(pointer.nfiles ?? 1, pointer.size);
  const members = yield* readingMembers(cache, pointer);
  if (members === null) return { ...plan, missing: scan?.content.hash === pointer.hash ? [] : [pointer.path] };
  if (scan === null && selected === undefined && mayBeUnproven && areLeftUnproven(cache, pointer, members)) {
    const output = { path, dir: cache.dir, hashName: pointer.hashName, isexec: false, programs: programsIn(pointer), isGuess: true };
    const size = Math.ceil((pointer.size ?? 0) / members.length);
    return { ...plan, isUnproven: true, places: members.map((member) => new MemberPlacement(output, member, { size, replaces: null })) };
  }
  const memory = createPlacer(cache.linkTypes).links() ? memoryOf(pointer) : null;
  yield* comparing(project, plan, { scan, members, cache, memory, relink: relink || mayNotBeRun, isWanted });
  return plan;
}

// With fewer there is nothing to gain.
const MANY = 2000;
const SMALL_BYTES = 16 * 1024;
const LOOKED_AT = 64;

/**
 * Many small files that are going to be copied: their bytes are checked then, and a look at each object before takes a fifth of the time.
 * False when one of a few is not there: mostly it is not the only one.
 */
function areLeftUnproven(cache: Cache, { hashName, size, nfiles }: StoredPointer, members: readonly ListingEntry[]): boolean {
  if (hashName !== "md5" || members.length < MANY || nfiles !== members.length || !size || size > SMALL_BYTES * nfiles) return false;
  if (createPlacer(cache.linkTypes).links()) return false;
  const stride = Math.ceil(members.length / LOOKED_AT);
  return members.every(({ md5 }, index) => index % stride !== 0 || sizeThere(cache.dir, { hash: md5, hashName }) !== null);
}

interface Comparison {
  scan: Scan | null;
  members: readonly ListingEntry[];
  cache: Cache;
  /** Of what will be links; null: copies are made. */
  memory: StatCache | null;
  relink: boolean;
  isWanted: (relpath: string) => boolean;
}

function* comparing(project: Project, plan: OutputCheckout, { scan, members, cache, memory, relink, isWanted }: Comparison): Work<void> {
  const { pointer, path } = plan;
  const { hashName } = pointer;
  const isSaved = (file: ScannedFile) => isStored(cache.dir, file, hashName);
  const { standing, others } =
    plan.wrongKind || scan === null
      ? NONE_STANDS
      : sideBySide(members, yield* withIgnoredMembers(project, plan, { files: scan.files, members }));
  const numbers = [...members.keys()];
  const changed = numbers.filter((number) => {
    const { relpath, md5 } = members[number] as ListingEntry;
    return isWanted(relpath) && (standing(number)?.md5 !== md5 || relink);
  });
  const isSuspect = suspicion(plan, cache.dir, memory);
  const suspects = new Set<string>();
  let bytes = 0;
  const output: Output = {
    path,
    dir: cache.dir,
    hashName,
    isexec: !plan.isFolder && pointer.isexec === true,
    isGuess: false,
    programs: programsIn(pointer),
  };
  for (const some of batchesOf(changed)) {
    const sizes = yield* trustedSizes(
      cache.dir,
      some.map((number) => ({ hash: (members[number] as ListingEntry).md5, hashName })),
    );
    for (const [index, number] of some.entries()) {
      const member = members[number] as ListingEntry;
      const { relpath, md5 } = member;
      const file = standing(number);
      const size = sizes[index] ?? null;
      if (size === null) {
        // What is right already needs nothing from the cache.
        if (file?.md5 !== md5) plan.missing.push(shownMember(pointer, relpath));
        continue;
      }
      bytes += size;
      if (isSuspect(member, file)) suspects.add(md5);
      if (file !== undefined && file.md5 !== md5 && !isSaved(file)) plan.unsaved.push(file);
      plan.places.push(new MemberPlacement(output, member, { size, replaces: file ?? null }));
    }
  }
  // A folder's pointer says how many bytes there are in all.
  const isWhole = changed.length === members.length && plan.missing.length === 0;
  const mayBeCut = isWhole && pointer.size !== undefined && pointer.size !== bytes;
  const read = mayBeCut ? members.map(({ md5 }) => md5) : [...suspects];
  plan.damaged = yield* findingDamaged(
    cache.dir,
    read.map((hash) => ({ hash, hashName })),
  );
  const damaged = new Set(plan.damaged.map(({ hash }) => hash));
  for (const { relpath, md5 } of damaged.size === 0 ? [] : changed.map((number) => members[number] as ListingEntry))
    if (damaged.has(md5)) plan.missing.push(shownMember(pointer, relpath));
  const extra = plan.wrongKind ? (scan?.files ?? []) : others.filter(({ relpath }) => isWanted(relpath));
  for (const file of extra) {
    if (!isSaved(file)) plan.unsaved.push(file);
    plan.removes.push(file);
  }
  plan.emptyFolders = scan === null ? [] : wantedFolders(scan, { path, isWanted });
}

function wantedFolders(
  { emptyFolders }: Pick<Scan, "emptyFolders">,
  { path, isWanted }: { path: string; isWanted: (relpath: string) => boolean },
): string[] {
  return emptyFolders.filter((folder) => isWanted(folder.slice(path.length + 1)));
}

/** Members that `.dvcignore` leaves out by now are seen by no walk, but stand where others are to be put. */
function* withIgnoredMembers(
  project: Project,
  { path, pointer: { hashName } }: OutputCheckout,
  { files, members }: { files: readonly ScannedFile[]; members: readonly ListingEntry[] },
): Work<readonly ScannedFile[]> {
  const ignores = dvcIgnore(project, path);
  if (ignores === IGNORES_NOTHING) return files;
  const seen = new Set(files.map(({ relpath }) => relpath));
  const ignored = members.flatMap(({ relpath }) =>
    !seen.has(relpath) && ignores(`${path}/${relpath}`, false) ? [`${path}/${relpath}`] : [],
  );
  if (ignored.length === 0) return files;
  const found = yield* scanFiles(project, ignored, { hashName });
  return files.concat([...found].flatMap(([at, scan]) => scan.files.map((file) => ({ ...file, relpath: at.slice(path.length + 1) }))));
}

function shownMember({ path }: Pointer, relpath: string): string {
  return relpath === "" ? path : `${path}/${relpath}`;
}

type Suspicion = (member: ListingEntry, file: ScannedFile | undefined) => boolean;

/**
 * Whether an object may have been changed although its mode says that nobody did. Copies are hashed on their way; of what will be a link that
 * would be all of the work, so it is asked only whether anything speaks against it: a link through which it was changed, what
 * is remembered of it.
 */
function suspicion({ pointer, path, isFolder }: OutputCheckout, dir: string, memory: StatCache | null): Suspicion {
  const { hashName } = pointer;
  return ({ relpath, md5 }, file) => {
    const isLinked = file !== undefined && (file.isLink || file.stat.nlink > 1);
    if (memory === null && !isLinked) return false;
    const object = lstatSync(objectPath(dir, { hash: md5, hashName }), { throwIfNoEntry: false });
    if (object === undefined) return false;
    if (isLinked && file.md5 !== md5 && file.stat.ino === object.ino && file.stat.dev === object.dev) return true;
    return memory?.contradicts(isFolder ? relpath : path, object, md5) === true;
  };
}

interface SideBySide {
  /** The file that stands where the member with this number belongs. */
  standing: (number: number) => ScannedFile | undefined;
  /** Files that are no members. */
  others: ScannedFile[];
}

const NONE_STANDS: SideBySide = { standing: () => undefined, others: [] };

/** Paths of files are made when they are asked for: those of the listing are the names that are kept. */
function sideBySide(members: readonly ListingEntry[], files: readonly ScannedFile[]): SideBySide {
  const numbers = new Map<string, number>();
  if (files.length > 0) for (const [number, { relpath }] of members.entries()) numbers.set(relpath, number);
  const places = new Uint32Array(members.length);
  const others: ScannedFile[] = [];
  for (const [index, file] of files.entries()) {
    const number = numbers.get(file.relpath);
    if (number === undefined) others.push(file);
    else places[number] = index + 1;
  }
  return { standing: (number) => (places[number] === 0 ? undefined : files[(places[number] as number) - 1]), others };
}

function programsIn({ files }: Pointer): Set<string> {
  return new Set(files?.flatMap(({ relpath, isexec }) => (isexec ? [relpath] : [])));
}

interface Output {
  /** Absolute. */
  path: string;
  /** Of the cache. */
  dir: string;
  hashName: HashName;
  isexec: boolean;
  isGuess: boolean;
  /** Members that may be run: a listing does not say it, a pointer that lists its files does. */
  programs: ReadonlySet<string>;
}

/** Of a million files to be made are kept: names, hashes and sizes. */
class MemberPlacement implements Placement {
  readonly size: number;
  readonly replaces: ScannedFile | null;
  readonly #output: Output;
  /** Null: that of the file it replaces. */
  readonly #relpath: string | null;
  readonly #md5: string;

  constructor(output: Output, { relpath, md5 }: ListingEntry, { size, replaces }: Pick<Placement, "size" | "replaces">) {
    this.#output = output;
    this.#relpath = replaces === null ? relpath : null;
    this.#md5 = md5;
    this.size = size;
    this.replaces = replaces;
  }

  get path(): string {
    if (this.#relpath === null) return (this.replaces as ScannedFile).path;
    return this.#relpath === "" ? this.#output.path : `${this.#output.path}/${this.#relpath}`;
  }

  get relpath(): string {
    return this.#relpath ?? (this.replaces as ScannedFile).relpath;
  }

  get object(): ObjectName {
    return { hash: this.#md5, hashName: this.#output.hashName };
  }

  get dir(): string {
    return this.#output.dir;
  }

  get isexec(): boolean {
    const { isexec, programs } = this.#output;
    // Made anew with the same bytes, it keeps what nobody has noted down.
    if (this.replaces?.md5 === this.#md5 && (this.replaces.stat.mode & 0o100) !== 0) return true;
    return isexec || (programs.size > 0 && programs.has(this.#relpath ?? (this.replaces as ScannedFile).relpath));
  }

  get isGuess(): boolean {
    return this.#output.isGuess;
  }
}

/** A file is its own member, with an empty name. Null when the listing is neither in the cache nor in the pointer. */
export function* readingMembers(cache: Cache, { hash, hashName, files }: StoredPointer): Work<ListingEntry[] | null> {
  if (!hash.endsWith(".dir")) return [{ relpath: "", md5: hash }];
  const listed = yield* readingListing(cache.dir, { hash, hashName });
  return listed ?? files?.map(({ relpath, md5 }) => ({ relpath, md5 })) ?? null;
}
