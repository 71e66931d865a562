/** What a source holds: Git's files and DVC's outputs in one tree, whether or not they are checked out there. */
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { absolutePath, foldersAbove, isWithin, underAny } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, type Repository } from "../../git/git.ts";
import { isFolder } from "../../platform/files.ts";
import { eachOf } from "../../platform/together.ts";
import { orderOf } from "../objects/listing.ts";
import { comingUpon } from "../pointers/come-upon.ts";
import type { Expected } from "../remotes/remote.ts";
import { dvcIgnore, IGNORES_NOTHING, type IgnoreTest } from "../settings/dvcignore.ts";
import { LISTINGS_AT_ONCE, listingFinder } from "../transfer/listings.ts";
import type { Pointer, VersionedFile } from "../types.ts";
import { foldersAround, leavingOutAt } from "./ignored-at.ts";
import { broughtFor, type Source } from "./source.ts";

export interface SourceNode {
  /** From the source's top. */
  path: string;
  isFolder: boolean;
  /** Bytes; null when nobody says. */
  size: number | null;
  isexec: boolean;
  /** The output it is, or belongs to. */
  pointer: Pointer | null;
  /** What DVC calls its content; null for folders inside outputs and for what is not DVC's. */
  object: Expected | null;
  /** Git's object, when read at a commit. */
  blob: string | null;
  /** Absolute path of the file as it stands there now. */
  file: string | null;
  /** A symbolic link that stands there and is no file: what it leads to. */
  link: "folder" | "nothing" | null;
}

export interface TreeOptions {
  /** Name of a remote for listings, instead of the default one. */
  remote?: string | undefined;
  /** Members of outputs below `under` are needed down to so many levels below it; 0: of none. */
  levels?: number;
  /** What DVC tracks only, told by its pointers alone. */
  dvcOnly?: boolean;
  /**
   * Symbolic links too, at a commit as files with their text; without the folders below that are DVC repositories of their own, and what
   * `.dvcignore` leaves out.
   */
  asDvc?: boolean;
  /** Members are not needed of outputs below `under` that are not there and whose pointers say how large they are. */
  isSizeEnough?: boolean;
}

/** Everything at or below a path, in order. Throws E_NOT_STORED when the listing of a folder is nowhere. */
export async function sourceTree(
  source: Source,
  under: string,
  { remote, levels = Number.POSITIVE_INFINITY, dvcOnly = false, asDvc = false, isSizeEnough = false }: TreeOptions = {},
): Promise<SourceNode[]> {
  const { commit, project } = source;
  const nodes = new Map<string, Node>();
  const add = (found: Found) => {
    const known = nodes.get(found.path);
    if (known !== undefined) known.learn(found);
    else nodes.set(found.path, new Node(project, found));
  };
  const records = dvcOnly || commit === null || project.repository === null ? [] : recordsAt(project.repository, commit, under);
  const isLeftOut = asDvc ? leavingOutAt(project, commit, () => foldersOfInterest(source, under, records)) : IGNORES_NOTHING;
  const isComeUpon = comingUpon(project, isLeftOut);
  if (dvcOnly) add({ path: "", isFolder: true });
  else if (commit === null || project.repository === null) for (const node of standing(source, { under, asDvc, isLeftOut })) add(node);
  else for (const node of committed(project, records, { under, asDvc, isLeftOut })) add(node);
  let failure: ExpverError | undefined;
  const finder = listingFinder(project, {
    remoteName: remote,
    onFailure: (error) => {
      failure = error;
    },
    also: broughtFor(source),
  });
  const levelOf = ({ path }: Pointer) => posix.relative(under, path).split("/").length;
  const isOpened = (pointer: Pointer) => {
    if (pointer.hash?.endsWith(".dir") !== true) return false;
    const isTold = isSizeEnough && pointer.size !== undefined && !nodes.has(pointer.path);
    return under.startsWith(`${pointer.path}/`) || pointer.path === under || (levelOf(pointer) < levels && !isTold);
  };
  const found = source.pointers.filter(({ path, file, cache }) => {
    const isInside = under === "" || isWithin(path, under);
    // An output that DVC does not keep is a file of Git's. What is named is had all the same.
    return cache && (isInside ? path === under || isComeUpon(file) : under.startsWith(`${path}/`));
  });
  for (let first = 0; first < found.length; first += LISTINGS_AT_ONCE) {
    const some = found.slice(first, first + LISTINGS_AT_ONCE);
    const listings = await eachOf(some, LISTINGS_AT_ONCE, async (pointer) =>
      isOpened(pointer) ? ((await finder(pointer)) ?? refuseWithout(pointer, failure)) : [],
    );
    for (const [index, pointer] of some.entries()) for (const node of tracked(pointer, listings[index] ?? [])) add(node);
  }
  const wanted = [...nodes.values()].filter(({ path }) => path !== "" && (under === "" || isWithin(path, under)));
  nodes.clear();
  return orderOf(wanted.map(({ path }) => path)).map((index) => wanted[index] as Node);
}

/** Of a million files are kept: names, hashes and sizes. */
class Node implements SourceNode {
  readonly path: string;
  readonly isFolder: boolean;
  readonly isexec: boolean;
  readonly link: SourceNode["link"];
  size: number | null;
  pointer: Pointer | null;
  blob: string | null;
  readonly #project: Project;
  #hash: string | null;
  #version: string | undefined;
  #stands: boolean;

  constructor(
    project: Project,
    { path, isFolder, isexec = false, size = null, pointer = null, hash = null, version, blob = null, stands = false, link = null }: Found,
  ) {
    this.#project = project;
    this.path = path;
    this.isFolder = isFolder;
    this.isexec = isexec;
    this.link = link;
    this.size = size;
    this.pointer = pointer;
    this.blob = blob;
    this.#hash = hash;
    this.#version = version;
    this.#stands = stands;
  }

  /** What stands there now, or in Git, says more than what a pointer would make of it. */
  learn({ size = null, pointer = null, hash = null, version, blob = null, stands = false }: Found): void {
    this.size ??= size;
    this.blob ??= blob;
    this.#stands ||= stands;
    this.pointer = pointer ?? this.pointer;
    this.#hash = hash ?? this.#hash;
    this.#version ??= version;
  }

  get object(): Expected | null {
    if (this.#hash === null || this.pointer === null) return null;
    const at = this.#version === undefined ? null : { path: this.path, version: this.#version };
    return { hash: this.#hash, hashName: this.pointer.hashName, at };
  }

  get file(): string | null {
    return this.#stands ? absolutePath(this.#project, this.path) : null;
  }
}

/** What one place tells of a path. */
interface Found extends Pick<SourceNode, "path" | "isFolder"> {
  size?: number | null;
  isexec?: boolean;
  pointer?: Pointer | null;
  /** Of DVC's object. */
  hash?: string | null;
  /** Of it, on a remote that keeps versions. */
  version?: string | undefined;
  blob?: string | null;
  /** A file or folder is there now. */
  stands?: boolean;
  link?: SourceNode["link"];
}

interface Wanted {
  under: string;
  asDvc: boolean;
  isLeftOut: IgnoreTest;
}

/** As `git ls-tree` has them. */
function recordsAt(repository: Repository, commit: string, under: string): string[] {
  // Sizes would have to be asked for one by one where contents are not here.
  const sizes = repository.partial ? [] : ["-l"];
  const args = ["ls-tree", "-r", "-t", ...sizes, "-z", "--full-tree", commit, ...(under === "" ? [] : ["--", under])];
  return git(repository, args).split("\0");
}

/** That may have a `.dvcignore` which says something here. */
function foldersOfInterest({ pointers }: Source, under: string, records: readonly string[]): Set<string> {
  const below = records.flatMap((record) => (/\t(?:(.*)\/)?\.dvcignore$/s.exec(record) ?? []).slice(1).map((folder) => folder ?? ""));
  return new Set([...foldersAround(under), ...below, ...pointers.flatMap(({ file }) => foldersAround(file))]);
}

function committed(project: Project, records: readonly string[], { under, asDvc, isLeftOut }: Wanted): Found[] {
  const isOthers = underAny(asDvc ? otherRepositories(records, under) : []);
  return records.flatMap((record): Found[] => {
    const tab = record.indexOf("\t");
    const [mode, type, object = "", size] = record.slice(0, tab).split(/ +/);
    const path = record.slice(tab + 1);
    if (tab < 0 || isOurs(path) || isOthers(path)) return [];
    const isFolder = type === "tree";
    // A file that is named is had all the same.
    if ((isFolder || path !== under) && isLeftOut(absolutePath(project, path), isFolder)) return [];
    if (isFolder) return [{ path, isFolder, blob: object }];
    // Links and sub-modules are nothing that could be copied by itself.
    if (type !== "blob" || (mode === "120000" && !asDvc)) return [];
    return [{ path, isFolder, size: size === undefined ? null : Number(size), isexec: mode === "100755", blob: object }];
  });
}

/** Folders below `under` that have a `.dvc` folder. */
function otherRepositories(records: readonly string[], under: string): string[] {
  const folders = records.flatMap((record) => /^\d+ tree [^\t]*\t(.+)\/\.dvc$/s.exec(record)?.[1] ?? []);
  return folders.filter((folder) => folder !== under);
}

function isOurs(path: string): boolean {
  return /(?:^|\/)\.(?:git|dvc|hg)(?:\/|$)/.test(path);
}

function* standing({ project }: Source, { under, asDvc, isLeftOut }: Wanted): Generator<Found> {
  const isIgnoredFolder = asDvc && under !== "" && isFolder(absolutePath(project, under)) && isLeftOut(absolutePath(project, under), true);
  if (!isIgnoredFolder) yield* visit(under);

  function* visit(path: string): Generator<Found> {
    const absolute = absolutePath(project, path);
    const stat = statSync(absolute, { throwIfNoEntry: false });
    if (isOurs(path)) return;
    if (stat === undefined) {
      if (asDvc && path !== under) yield { path, isFolder: false, size: 0, stands: true, link: "nothing" };
      return;
    }
    if (!stat.isDirectory()) {
      if (stat.isFile()) yield { path, isFolder: false, size: stat.size, isexec: (stat.mode & 0o100) !== 0, stands: true };
      return;
    }
    const isLink = path !== under && lstatSync(absolute).isSymbolicLink();
    if (asDvc && path !== under && !isLink && isFolder(join(absolute, ".dvc"))) return;
    yield { path, isFolder: !(isLink && asDvc), size: stat.size, stands: true, ...(isLink ? { link: "folder" } : {}) };
    if (isLink) return;
    const isIgnored = dvcIgnore(project, `${absolute}/x`);
    for (const item of readdirSync(absolute, { withFileTypes: true }))
      if (!isIgnored(`${absolute}/${item.name}`, item.isDirectory())) yield* visit(path === "" ? item.name : `${path}/${item.name}`);
  }
}

/** An output with the folders it lies in, and its members. */
function* tracked(pointer: Pointer, entries: readonly VersionedFile[]): Generator<Found> {
  const { path, hash, files } = pointer;
  for (const folder of foldersAbove(path).reverse()) yield { path: folder, isFolder: true };
  const isFolder = hash?.endsWith(".dir") === true;
  yield { path, isFolder, size: pointer.size ?? null, pointer, hash, version: isFolder ? undefined : files?.[0]?.version };
  const inner = new Set<string>();
  for (const { relpath, md5, size, version } of entries) {
    for (let end = relpath.lastIndexOf("/"); end > 0; end = relpath.lastIndexOf("/", end - 1)) {
      const folder = relpath.slice(0, end);
      if (inner.has(folder)) break;
      inner.add(folder);
    }
    yield { path: `${path}/${relpath}`, isFolder: false, size: size ?? null, pointer, hash: md5, version };
  }
  for (const folder of inner) yield { path: `${path}/${folder}`, isFolder: true, pointer };
}

/** A remote that does not answer says more than that nothing was found. */
function refuseWithout({ path, hash }: Pointer, failure: ExpverError | undefined): never {
  const details = { path, hash, exitCode: 255 };
  const lacks = `the listing of ${path} is not in the cache`;
  if (failure?.code.startsWith("E_REMOTE_")) {
    throw new ExpverError("E_NOT_STORED", `${lacks}; ${failure.message}`, { ...(failure.hint ? { hint: failure.hint } : {}), details });
  }
  throw new ExpverError("E_NOT_STORED", `${lacks}, and no remote of that repository that answers has it`, {
    hint: "Push it from where it was stored: expver data push.",
    details,
  });
}
