/** Bytes out of a source: from the file that stands there, from Git, from its cache, else from a remote. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { isLfsPointer, lfsBytes } from "../git/lfs.ts";
import { catFiles } from "../git/tree.ts";
import { createPlacer } from "../platform/links.ts";
import { batchesOf, type Pacing, paceWork, type Work } from "../platform/pace.ts";
import { openCache } from "./cache.ts";
import { readDvcConfig } from "./dvc-config.ts";
import { type ObjectFolder, trustedSize } from "./layout.ts";
import { type FileFromCache, makingFiles } from "./place-files.ts";
import { openRemote } from "./remotes/open-remote.ts";
import type { Expected } from "./remotes/remote.ts";
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
}

/** Makes a file of its own of every node that is none yet. Throws E_NOT_STORED when bytes are nowhere; what was copied until then stays. */
export async function copyFromSource(
  source: Source,
  nodes: readonly SourceNode[],
  pacing: Pacing,
  { staging, place, remote, caches = [] }: CopyTo,
): Promise<void> {
  const files = nodes.filter(({ isFolder }) => !isFolder);
  const stored = files.filter(({ file, blob }) => file === null && blob === null);
  copyBlobs(source, files, pacing, place);
  const here = [openCache(source.project), ...broughtFor(source), ...caches];
  const folders = [...here, await received(source, stored, pacing, { staging, remote, here })];
  await paceWork(copying(files, { project: source.project, folders, place }), pacing, { label: "copying data", total: files.length });
}

/** Bytes out of a cache are checked on the way. Throws E_OBJECT. */
function* copying(
  files: readonly SourceNode[],
  { project, folders, place }: { project: Project; folders: readonly ObjectFolder[]; place: CopyTo["place"] },
): Work<void> {
  const placer = createPlacer(["copy"]);
  const made = new Set<string>();
  const makeRoom = (node: SourceNode) => {
    const folder = dirname(place(node));
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
  };
  for (const some of batchesOf(files)) {
    const targets = new Map<FileFromCache, string>();
    for (const node of some) {
      if (node.file === null && node.blob !== null) continue;
      makeRoom(node);
      if (node.file === null) targets.set({ path: node.path, isexec: false, ...locate(folders, node) }, place(node));
      else yield* placer.duplicating(node.file, place(node), node.size ?? 1);
    }
    yield* makingFiles({ project, placer, isMutable: () => false }, [...targets.keys()], { at: (file) => targets.get(file) as string });
  }
}

function copyBlobs({ project }: Source, files: readonly SourceNode[], { report }: Pacing, place: CopyTo["place"]): void {
  const inGit = files.flatMap((node) => (node.file === null && node.blob !== null ? [{ node, blob: node.blob }] : []));
  const { repository } = project;
  if (repository === null || inGit.length === 0) return;
  const blobs = catFiles(
    repository,
    inGit.map(({ blob }) => blob),
  );
  for (const { node, blob } of inGit) {
    const to = place(node);
    mkdirSync(dirname(to), { recursive: true });
    const bytes = blobs.get(blob) ?? Buffer.alloc(0);
    const meant = isLfsPointer(bytes) ? lfsBytes(repository, { path: node.path, blob }) : bytes;
    if (meant === null) report?.({ kind: "warning", text: `${node.path} is a pointer of Git LFS, and came as that`, hint: LFS_HINT });
    writeFileSync(to, meant ?? bytes);
  }
}

const LFS_HINT = "Install git-lfs (git lfs install), bring its objects with git lfs fetch --all, and repeat.";

/** What has come is kept after so many: a copy that is cut off goes on from there. */
const AT_ONCE = 256;

/** Brings what the source's cache lacks from the remotes of the pointers, verified. */
async function received(
  { project }: Source,
  nodes: readonly SourceNode[],
  pacing: Pacing,
  { staging, remote, here }: { staging: string; remote: string | undefined; here: readonly ObjectFolder[] },
): Promise<ObjectFolder> {
  const into: ObjectFolder = { dir: join(staging, "objects"), shared: false };
  const groups = new Map<string | undefined, Expected[]>();
  for (const { object, pointer } of nodes) {
    // What an earlier try has brought is there already.
    if (object === null || [...here, into].some(({ dir }) => trustedSize(dir, object) !== null)) continue;
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
  return into;
}

/** Progress of a part told as that of the whole. */
function partOf({ report, signal }: Pacing, { before, total }: { before: number; total: number }): Pacing {
  return {
    ...(signal ? { signal } : {}),
    report: (event) => report?.(event.kind === "progress" ? { ...event, done: event.done + before, total } : event),
  };
}

function locate(folders: readonly ObjectFolder[], { path, object }: SourceNode): Pick<FileFromCache, "object" | "dir" | "size"> {
  for (const { dir } of folders) {
    const size = object === null ? null : trustedSize(dir, object);
    if (object !== null && size !== null) return { object, dir, size };
  }
  throw new ExpverError("E_NOT_STORED", `the bytes of ${path} are neither in the cache nor on a remote of that repository`, {
    hint: "Push them from where they were stored: expver data push.",
    details: { path, hash: object?.hash ?? null, exitCode: 255 },
  });
}
