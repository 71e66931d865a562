/** What a source holds: Git's files and DVC's outputs in one tree, whether or not they are checked out there. */
import { lstatSync, readdirSync, statSync } from "node:fs";
import { posix } from "node:path";
import { absolutePath } from "../config/paths.ts";
import { ExpverError } from "../errors.ts";
import { git, type Repository } from "../git/git.ts";
import { dvcIgnore } from "./dvcignore.ts";
import type { ObjectName } from "./layout.ts";
import { compareCodePoints } from "./listing.ts";
import { listingFinder } from "./listings.ts";
import type { Source } from "./source.ts";
import type { ListingEntry, Pointer } from "./types.ts";

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
  object: ObjectName | null;
  /** Git's object, when read at a commit. */
  blob: string | null;
  /** Absolute path of the file as it stands there now. */
  file: string | null;
}

export interface TreeOptions {
  /** Name of a remote for listings, instead of the default one. */
  remote?: string | undefined;
  /** False: the members of outputs below `under` are not needed. */
  members?: boolean;
  /** What DVC tracks only, told by its pointers alone. */
  dvcOnly?: boolean;
}

/** Everything at or below a path, in order. Throws E_NOT_STORED when the listing of a folder is nowhere. */
export async function sourceTree(
  source: Source,
  under: string,
  { remote, members = true, dvcOnly = false }: TreeOptions = {},
): Promise<SourceNode[]> {
  const nodes = new Map<string, SourceNode>();
  const add = (node: Partial<SourceNode> & Pick<SourceNode, "path" | "isFolder">) => {
    const empty: Omit<SourceNode, "path" | "isFolder"> = { size: null, isexec: false, pointer: null, object: null, blob: null, file: null };
    // What stands there now, or in Git, says more than what a pointer would make of it.
    nodes.set(node.path, { ...empty, ...node, ...defined(nodes.get(node.path)), ...tracking(node) });
  };
  const { commit, project } = source;
  if (dvcOnly) add({ path: "", isFolder: true });
  else if (commit === null || project.repository === null) for (const node of standing(source, under)) add(node);
  else for (const node of committed(project.repository, commit, under)) add(node);
  let failure: ExpverError | undefined;
  const finder = listingFinder(project, remote, (error) => {
    failure = error;
  });
  const listing = async (pointer: Pointer) => (await finder(pointer)) ?? refuseWithout(pointer, failure);
  for (const pointer of source.pointers) {
    // An output that DVC does not keep is a file of Git's.
    if (!pointer.cache) continue;
    const isInside = under === "" || pointer.path === under || pointer.path.startsWith(`${under}/`);
    const isAround = under.startsWith(`${pointer.path}/`);
    if (!isInside && !isAround) continue;
    for (const node of await tracked(pointer, { listing, members: members || isAround || pointer.path === under })) add(node);
  }
  return [...nodes.values()]
    .filter(({ path }) => path !== "" && (under === "" || path === under || path.startsWith(`${under}/`)))
    .sort((one, other) => compareCodePoints(one.path, other.path));
}

function defined(node: SourceNode | undefined): Partial<SourceNode> {
  return node === undefined ? {} : Object.fromEntries(Object.entries(node).filter(([, value]) => value !== null));
}

function tracking({ pointer, object }: Partial<SourceNode>): Partial<SourceNode> {
  return { ...(pointer ? { pointer } : {}), ...(object ? { object } : {}) };
}

type Found = Partial<SourceNode> & Pick<SourceNode, "path" | "isFolder">;

function committed(repository: Repository, commit: string, under: string): Found[] {
  // Sizes would have to be asked for one by one where contents are not here.
  const sizes = repository.partial ? [] : ["-l"];
  const args = ["ls-tree", "-r", "-t", ...sizes, "-z", "--full-tree", commit, ...(under === "" ? [] : ["--", under])];
  return git(repository, args)
    .split("\0")
    .flatMap((record): Found[] => {
      const tab = record.indexOf("\t");
      const [mode, type, object = "", size] = record.slice(0, tab).split(/ +/);
      const path = record.slice(tab + 1);
      if (tab < 0 || isOurs(path)) return [];
      if (type === "tree") return [{ path, isFolder: true }];
      // Links and sub-modules are nothing that could be copied by itself.
      if (type !== "blob" || mode === "120000") return [];
      return [{ path, isFolder: false, size: size === undefined ? null : Number(size), isexec: mode === "100755", blob: object }];
    });
}

function isOurs(path: string): boolean {
  return /(?:^|\/)\.(?:git|dvc|hg)(?:\/|$)/.test(path);
}

function standing({ project }: Source, under: string): Found[] {
  const found: Found[] = [];
  const visit = (path: string): void => {
    const absolute = absolutePath(project, path);
    const stat = statSync(absolute, { throwIfNoEntry: false });
    if (stat === undefined || isOurs(path)) return;
    if (!stat.isDirectory()) {
      if (stat.isFile()) found.push({ path, isFolder: false, size: stat.size, isexec: (stat.mode & 0o100) !== 0, file: absolute });
      return;
    }
    found.push({ path, isFolder: true, size: stat.size, file: absolute });
    if (lstatSync(absolute).isSymbolicLink() && path !== under) return;
    const isIgnored = dvcIgnore(project, `${absolute}/x`);
    for (const item of readdirSync(absolute, { withFileTypes: true }))
      if (!isIgnored(`${absolute}/${item.name}`, item.isDirectory())) visit(posix.join(path, item.name));
  };
  visit(under);
  return found;
}

/** An output with the folders it lies in, and its members. */
async function tracked(
  pointer: Pointer,
  { listing, members }: { listing: (pointer: Pointer) => Promise<ListingEntry[]>; members: boolean },
): Promise<Found[]> {
  const { path, hash, hashName } = pointer;
  const object = hash === null ? null : { hash, hashName };
  const isFolder = hash?.endsWith(".dir") === true;
  const found: Found[] = [...foldersAbove(path), { path, isFolder, size: pointer.size ?? null, pointer, object }];
  if (!isFolder || !members) return found;
  const entries = await listing(pointer);
  const inner = new Set<string>();
  for (const { relpath, md5 } of entries) {
    const member = `${path}/${relpath}`;
    for (const folder of foldersAbove(member)) if (folder.path.startsWith(`${path}/`)) inner.add(folder.path);
    found.push({ path: member, isFolder: false, pointer, object: { hash: md5, hashName } });
  }
  for (const folder of inner) found.push({ path: folder, isFolder: true, pointer });
  return found;
}

function foldersAbove(path: string): Found[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => ({ path: parts.slice(0, index + 1).join("/"), isFolder: true }));
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
