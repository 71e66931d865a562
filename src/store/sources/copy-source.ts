/** Bytes out of a source: from the file that stands there, from Git, from its cache, else from a remote. */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Project } from "../../config/project.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import { checkoutFiles } from "../../git/checkout-files.ts";
import { isLfsPointer, lfsBytes } from "../../git/lfs.ts";
import { blobSizes, catFiles } from "../../git/tree.ts";
import { copyingFiles, type FileToCopy } from "../../platform/copy-files.ts";
import { isFolder, makeFolders, plainMode, removePath, setMode } from "../../platform/files.ts";
import { createPlacer } from "../../platform/links.ts";
import { batchesBySize, batchesOf, type Pacing, paceWork, type Work } from "../../platform/pace.ts";
import { counted } from "../../platform/words.ts";
import { openCache } from "../objects/cache.ts";
import { findingDamaged, saidOfQuarantine } from "../objects/damaged.ts";
import { keyOf, type ObjectFolder, type ObjectName, objectPath, trustedSizes } from "../objects/layout.ts";
import { openRemote } from "../remotes/open-remote.ts";
import type { Expected } from "../remotes/remote.ts";
import { readDvcConfig } from "../settings/dvc-config.ts";
import { keysOf } from "../transfer/bundles.ts";
import { type FileFromCache, makingFiles } from "../worktree/place-files.ts";
import { broughtFor, type Source } from "./source.ts";
import type { SourceNode } from "./source-tree.ts";

export interface CopyTo {
  /** An empty folder on the file system of the destination, for what is on its way; the caller removes it. */
  staging: string;
  /** Where a node's file goes: absolute. */
  place: (node: SourceNode) => string;
  /** Name of the remote to use instead of the default one. */
  remote?: string | undefined;
  /** Caches that may have the bytes, beside the source's own. */
  caches?: readonly ObjectFolder[];
  /** The one that is ours: what is damaged there goes out of it, and whole bytes come in. */
  ours?: ObjectFolder | null;
  /** Whether the MD5s of copies are wanted, which cost more than a copy. */
  hashed: boolean;
  /** Files of Git pass the filters that are set up here; else only what dvc applies too, line endings and Git LFS. */
  filtered: boolean;
}

/**
 * Makes a file of its own of every node. Answers MD5s of bytes that were read or checked on the way. Throws E_NOT_STORED when bytes are
 * nowhere; what was copied until then stays.
 */
export async function copyFromSource(
  source: Source,
  nodes: readonly SourceNode[],
  pacing: Pacing,
  { staging, place, remote, caches = [], ours = null, hashed, filtered }: CopyTo,
): Promise<Map<SourceNode, string>> {
  const files = nodes.filter(({ isFolder }) => !isFolder);
  const stored = files.filter(({ file, blob }) => file === null && blob === null);
  const broken = checkOutBlobs(source, files, pacing, { staging, place, filtered });
  if (broken !== null && copyBlobs(source, files, pacing, place) === 0) warnOfFilter(broken, pacing.report);
  const here = [openCache(source.project), ...broughtFor(source), ...caches].map((folder): Shelf => ({ folder, damaged: new Set() }));
  const into: ObjectFolder = { dir: join(staging, "objects"), shared: false };
  const attempt = async () => {
    const arrived: Shelf = { folder: into, damaged: NONE };
    const locations: Locations = new Map();
    await paceWork(locating(stored, [...here, arrived], locations), pacing, { label: "looking into the cache" });
    const lacking = stored.filter((node) => !locations.has(node));
    await receiving(source, lacking, pacing, { into, remote });
    await paceWork(locating(lacking, [arrived], locations), pacing, { label: "looking into the cache" });
    const came = new Set(lacking.filter((node) => locations.has(node)));
    const work = copying(files, { project: source.project, locations, place, hashed, came });
    return paceWork(work, pacing, { label: "copying data", total: files.length });
  };
  try {
    return await attempt();
  } catch (error) {
    if (!failedWith(error, "E_OBJECT")) throw error;
    const objects = stored.flatMap(({ object }) => object ?? []);
    for (const shelf of here) await settingAside(shelf, objects, pacing, shelf.folder.dir === ours?.dir);
    // Of what an earlier try left whole ones come again.
    const left = await paceWork(findingDamaged(into.dir, objects), pacing, { label: "reading what has come" });
    for (const object of left) rmSync(objectPath(into.dir, object), { force: true });
    if (left.length === 0 && here.every(({ damaged }) => damaged.size === 0)) throw error;
    const lost = here.find(({ folder }) => folder.dir === ours?.dir)?.damaged ?? NONE;
    const nodes = stored.filter(({ object }) => object !== null && lost.has(keyOf(object)));
    if (ours && nodes.length > 0) await receiving(source, nodes, pacing, { into: ours, remote });
    for (const node of files) if (node.file !== null || node.blob === null) rmSync(place(node), { force: true });
    return attempt();
  }
}

/** A folder of objects, and the keys of those that were found to be damaged in it. */
interface Shelf {
  folder: ObjectFolder;
  damaged: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

type Location = Pick<FileFromCache, "object" | "dir" | "size">;

/** Where the bytes of nodes are. */
type Locations = Map<SourceNode, Location>;

/** On the first of the shelves that has them. */
function* locating(nodes: readonly SourceNode[], shelves: readonly Shelf[], locations: Locations): Work<void> {
  let open = nodes;
  for (const { folder, damaged } of shelves) {
    if (!isFolder(folder.dir)) continue;
    const asked = open.flatMap((node) => {
      const { object } = node;
      return object === null || damaged.has(keyOf(object)) ? [] : [{ node, object }];
    });
    const objects = asked.map(({ object }) => object);
    const sizes = yield* trustedSizes(folder.dir, objects);
    for (const [index, { node, object }] of asked.entries()) {
      const size = sizes[index] ?? null;
      if (size !== null) locations.set(node, { object, dir: folder.dir, size });
    }
    open = open.filter((node) => !locations.has(node));
    if (open.length === 0) return;
  }
}

/** What is damaged is not taken from there again. Out of a cache that is ours it goes; another's is left as it is. */
async function settingAside(shelf: Shelf, objects: readonly ObjectName[], pacing: Pacing, isOurs: boolean): Promise<void> {
  const { folder } = shelf;
  const found = await paceWork(findingDamaged(folder.dir, objects), pacing, { label: "reading the cache" });
  const [first] = found;
  if (first === undefined) return;
  shelf.damaged = keysOf(found);
  const what = isOurs ? saidOfQuarantine(folder, found) : `first ${objectPath(folder.dir, first)}, left as it is`;
  pacing.report?.({
    kind: "warning",
    text: `${counted(found.length, "damaged object")} in ${folder.dir}: ${what}`,
    hint: isOurs ? "Whole ones are fetched." : "Whole bytes are taken from elsewhere. In that repository: expver data verify --repair.",
  });
}

interface Copying extends Pick<CopyTo, "place" | "hashed"> {
  project: Project;
  locations: Locations;
  /** Objects of these nobody needs but their copies, and they were checked a moment ago; what an earlier try left was not. */
  came: ReadonlySet<SourceNode>;
}

/** Bytes out of a cache are checked on the way. Throws E_OBJECT. */
function* copying(files: readonly SourceNode[], { project, locations, place, hashed, came }: Copying): Work<Map<SourceNode, string>> {
  const placer = createPlacer(["copy"]);
  const made = new Set<string>();
  const makeRoom = (node: SourceNode) => {
    const folder = dirname(place(node));
    if (!made.has(folder)) makeFolders(folder);
    made.add(folder);
  };
  const md5s = new Map<SourceNode, string>();
  const movable = onePerObject(came, locations);
  for (const some of batchesOf(files)) {
    const fromCache = new Map<FileFromCache, string>();
    const plain: (FileToCopy & { node: SourceNode })[] = [];
    for (const node of some) {
      if (node.file === null && node.blob !== null) continue;
      makeRoom(node);
      if (node.file !== null) {
        plain.push({ node, from: node.file, to: place(node), size: node.size ?? 1 });
        continue;
      }
      const there = locations.get(node) ?? refuseWithout(node);
      const from = objectPath(there.dir, there.object);
      if (!came.has(node)) fromCache.set({ path: node.path, isexec: false, ...there }, place(node));
      else if (!movable.has(node)) plain.push({ node, from, to: place(node), size: there.size });
      if (there.object.hashName === "md5") md5s.set(node, there.object.hash);
    }
    const read = yield* copyingFiles(plain, { hashed });
    for (const [index, { node }] of plain.entries()) {
      const md5 = read[index] ?? null;
      if (md5 !== null) md5s.set(node, md5);
    }
    yield* makingFiles({ project, placer, isMutable: () => false }, [...fromCache.keys()], { at: (file) => fromCache.get(file) as string });
  }
  // Last of all: the others have their copies, and what ends before is found again there by the next try.
  for (const [node, { dir, object, size }] of movable) {
    renameSync(objectPath(dir, object), place(node));
    setMode(place(node), plainMode());
    yield { files: 1, bytes: size };
  }
  return md5s;
}

/** For each object that has come one of the nodes that want it: it can have the very file, once the others have their copies. */
function onePerObject(came: ReadonlySet<SourceNode>, locations: Locations): Locations {
  const chosen = new Map<string, [SourceNode, Location]>();
  for (const node of came) {
    const there = locations.get(node);
    if (there !== undefined) chosen.set(keyOf(there.object), [node, there]);
  }
  return new Map(chosen.values());
}

/** Answers what is wrong with a filter of Git; then nothing was made. */
function checkOutBlobs(
  { project: { repository }, commit }: Source,
  files: readonly SourceNode[],
  { report }: Pacing,
  { staging, place, filtered }: Pick<CopyTo, "staging" | "place" | "filtered">,
): ExpverError | null {
  const inGit = files.filter(({ file, blob }) => file === null && blob !== null);
  if (repository === null || commit === null || inGit.length === 0) return null;
  if (repository.partial)
    blobSizes(
      repository,
      inGit.flatMap(({ blob }) => blob ?? []),
    );
  const [into, apart] = [join(staging, "git"), join(staging, "empty")];
  makeFolders(apart);
  try {
    checkoutFiles(repository, commit, { paths: inGit.map(({ path }) => path), into, apart, filtered });
  } catch (error) {
    if (!failedWith(error, "E_GIT")) throw error;
    removePath(into);
    return error;
  }
  for (const node of inGit) {
    const [from, to] = [join(into, node.path), place(node)];
    makeFolders(dirname(to));
    renameSync(from, to);
    // As with dvc, for which such a file is no program any more.
    if (!filtered) setMode(to, plainMode());
    if (statSync(to).size >= 1024 || !isLfsPointer(readFileSync(to))) continue;
    const meant = lfsBytes(repository, { path: node.path, blob: node.blob as string });
    if (meant === null) warnOfPointer(node, report);
    else writeFileSync(to, meant);
  }
  return null;
}

function warnOfFilter({ message, hint }: ExpverError, report: Pacing["report"]): void {
  report?.({ kind: "warning", text: `files came as Git stores them: ${message}`, ...(hint ? { hint } : {}) });
}

function warnOfPointer({ path }: SourceNode, report: Pacing["report"]): void {
  report?.({ kind: "warning", text: `${path} is a pointer of Git LFS, and came as that`, hint: LFS_HINT });
}

/** As Git stores them. Answers how many are pointers of Git LFS whose bytes are not to be had. */
function copyBlobs({ project }: Source, files: readonly SourceNode[], { report }: Pacing, place: CopyTo["place"]): number {
  const inGit = files.flatMap((node) => (node.file === null && node.blob !== null ? [{ node, blob: node.blob }] : []));
  const { repository } = project;
  if (repository === null || inGit.length === 0) return 0;
  const names = inGit.map(({ blob }) => blob);
  // What a clone left behind has no size yet, and comes with this question, all at once.
  const sizes = repository.partial ? blobSizes(repository, names) : null;
  const bytesOf = ({ node, blob }: (typeof inGit)[number]) => sizes?.get(blob) ?? node.size ?? BATCH_BYTES;
  let unread = 0;
  for (const some of batchesBySize(inGit, { bytesOf, bytes: BATCH_BYTES })) {
    const blobs = catFiles(
      repository,
      some.map(({ blob }) => blob),
    );
    for (const { node, blob } of some) {
      const to = place(node);
      makeFolders(dirname(to));
      const bytes = blobs.get(blob) ?? Buffer.alloc(0);
      const meant = isLfsPointer(bytes) ? lfsBytes(repository, { path: node.path, blob }) : bytes;
      if (meant === null) {
        warnOfPointer(node, report);
        unread += 1;
      }
      writeFileSync(to, meant ?? bytes);
    }
  }
  return unread;
}

// So much of what Git has is in memory at once, or one file.
const BATCH_BYTES = 2 ** 26;

const LFS_HINT = "Install git-lfs (git lfs install), bring its objects with git lfs fetch --all, and repeat.";

/** What has come is kept after so many: a copy that is cut off goes on from there. */
const AT_ONCE = 256;

/** Brings these from the remotes of the pointers, verified. */
async function receiving(
  { project }: Source,
  nodes: readonly SourceNode[],
  pacing: Pacing,
  { into, remote }: { into: ObjectFolder; remote: string | undefined },
): Promise<void> {
  const groups = new Map<string | undefined, Expected[]>();
  for (const { object, pointer } of nodes) {
    if (object === null) continue;
    const name = pointer?.remote ?? remote;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [object]);
    else group.push(object);
  }
  for (const [name, objects] of groups) {
    // Without any remote it is the bytes that are missing, not a setting.
    if (name === undefined && readDvcConfig(project).defaultRemote === null) continue;
    const from = openRemote(project, name);
    for (let next = 0; next < objects.length; next += AT_ONCE) {
      const some = objects.slice(next, next + AT_ONCE);
      const { failures } = await from.receive(some, into, partOf(pacing, { before: next, total: objects.length }));
      const failed = failures.find(({ error }) => error !== null);
      if (failed?.error) throw failed.error;
    }
  }
}

/** Progress of a part told as that of the whole. */
function partOf(pacing: Pacing, { before, total }: { before: number; total: number }): Pacing {
  return {
    ...pacing,
    report: (event) => pacing.report?.(event.kind === "progress" ? { ...event, done: event.done + before, total } : event),
  };
}

function refuseWithout({ path, object }: SourceNode): never {
  throw new ExpverError("E_NOT_STORED", `the bytes of ${path} are neither in the cache nor on a remote of that repository`, {
    hint: "Push them from where they were stored: expver data push.",
    details: { path, hash: object?.hash ?? null, exitCode: 255 },
  });
}
