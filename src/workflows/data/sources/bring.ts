/** What `import`, `import-url` and `update` have in common: data from elsewhere becomes a tracked output. */

import { dirname, join } from "node:path";
import { absolutePath, fromTop } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { moveToTrash, moveWhole, recordTrash, trashPlace } from "../../../journal/trash.ts";
import type { Effect } from "../../../journal/types.ts";
import type { Context } from "../../../platform/context.ts";
import { makeFolders, removePath } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { digestingTree } from "../../../platform/tree-digest.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { areStored, type ObjectFolder, shardsFolder } from "../../../store/objects/layout.ts";
import { makeStaging } from "../../../store/objects/staging.ts";
import type { SourceFields } from "../../../store/pointers/import-file.ts";
import { dvcFolder } from "../../../store/settings/dvc-config.ts";
import { openSource, type Source, sourcePath } from "../../../store/sources/source.ts";
import { sourceTree } from "../../../store/sources/source-tree.ts";
import { sameTaken } from "../../../store/sources/url-source.ts";
import type { RepositorySource, UrlOrigin } from "../../../store/types.ts";
import { storingOutputs } from "../../../store/worktree/contents.ts";
import { relinkOutputs } from "../../../store/worktree/relink.ts";
import { rememberMade } from "../../../store/worktree/remember.ts";
import { removingScanned } from "../../../store/worktree/remove-files.ts";
import { type Scan, scanOutput } from "../../../store/worktree/scan.ts";
import { isHere } from "../../../store/worktree/status.ts";
import { removingStored } from "../checkout-effects.ts";
import { bringToRest, databaseCopier, journalsOfGone } from "../databases.ts";
import { copyNodes } from "./copy-nodes.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { ForeignSettings } from "./foreign-settings.ts";

/** Fills `target` with a copy. */
export type MakeCopy = (target: string, staging: string) => Promise<Copied>;

interface Copied {
  /** It was taken from; null for what is no repository. */
  commit: string | null;
  /** Of files whose bytes were checked on the way, by path below `target`. */
  md5s: ReadonlyMap<string, string>;
}

/** A copy of a path of a repository. Throws E_NOT_FOUND, E_NOT_STORED. */
export function copyOfRepository(
  context: Context,
  {
    url,
    path,
    rev,
    settings,
    remote: said,
    chained,
    caches = [],
  }: RepositoryPath & {
    remote: RepositorySource["remote"];
    caches?: readonly ObjectFolder[];
  },
): MakeCopy {
  const remote = typeof said === "string" ? said : undefined;
  return async (target, staging) => {
    const source = openSource(context, url, { rev, settings, path, isImport: true });
    try {
      const under = sourcePath(source, path);
      await chained(context, source, under);
      const nodes = await sourceTree(source, under, { remote, asDvc: true });
      if (under !== "" && !nodes.some((node) => node.path === under))
        throw new ExpverError("E_NOT_FOUND", `there is no ${path} there`, { details: { path, exitCode: 255 } });
      const { md5s } = await copyNodes(context, source, { nodes, under, target, staging, remote, caches, hashed: true, filtered: false });
      return { commit: source.commit, md5s };
    } finally {
      source.close();
    }
  };
}

interface RepositoryPath {
  url: string;
  path: string;
  rev: string;
  settings: ForeignSettings;
  /** Is asked first for what the source has imported itself. */
  chained: (context: Context, source: Source, under: string) => Promise<void>;
}

export function copyOf(there: Pick<Elsewhere, "copy">): MakeCopy {
  return async (target) => {
    const { md5s } = await there.copy(target, { tracked: true });
    return { commit: null, md5s };
  };
}

/** The commit a revision of a repository is now; the path must be there. */
export async function commitThere(context: Context, { url, path, rev, settings, chained }: RepositoryPath): Promise<string | null> {
  const source = openSource(context, url, { rev, settings, path, isImport: true });
  try {
    const under = sourcePath(source, path);
    // What is in it is not asked: of what that repository has imported itself the listing may be nowhere yet.
    if (source.pointers.some((one) => one.path === under)) return source.commit;
    await chained(context, source, under);
    const nodes = await sourceTree(source, under, { levels: 0, asDvc: true });
    if (nodes.length === 0) throw new ExpverError("E_NOT_FOUND", `there is no ${path} there`, { details: { path, exitCode: 255 } });
    return source.commit;
  } finally {
    source.close();
  }
}

export interface Brought {
  scan: Scan;
  commit: string | null;
}

/** The copy takes the place of what is at the output's path, and its bytes go into the cache. */
export async function bring(
  project: Project,
  context: Context,
  { path, make, operation }: { path: string; make: MakeCopy; operation: OpenOperation },
): Promise<Brought> {
  const absolute = absolutePath(project, path);
  await bringToRest([absolute]);
  const staging = makeStaging(join(dvcFolder(project), "tmp"));
  try {
    const target = join(staging, "made");
    const { commit, md5s } = await make(target, staging);
    const [waiting, replaced] = [trashPlace(project, absolute), trashPlace(project, absolute)];
    const digest = await paceWork(digestingTree(target, md5s), context, { label: "hashing data" });
    const stored = await storedAt(project, context, absolute);
    makeFolders(dirname(waiting));
    // From here until it is noted nothing takes long: killed meanwhile, the copy stays in the trash.
    moveWhole(target, waiting);
    const move = { kind: "move", from: fromTop(project, waiting), to: path, digest, isCopy: true } as const;
    const noted = stored === null ? move : { ...move, removed: removedBy(project, stored) };
    // Only now, when what comes is there: whatever went wrong before, what stood there stands.
    if (stored !== null) {
      operation.record(noted);
      await paceWork(removingScanned(absolute, stored), context, { label: "removing" });
    }
    const stands = isHere(absolute);
    if (stands || stored === null) operation.record(stands ? { ...noted, replaced } : noted);
    if (stands) moveToTrash(project, absolute, replaced);
    else if (stored === null) for (const journal of journalsOfGone(absolute, waiting)) recordTrash(project, operation, journal);
    moveWhole(waiting, absolute);
    const since = Date.now();
    const work = storingOutputs(project, [path], { copyDatabase: await databaseCopier() });
    const [scan] = await paceWork(work, context, { label: "storing data" });
    if (scan === undefined) throw new Error("storing one output gives one scan");
    rememberMade(project, absolute, scan, { md5s, readAt: since });
    await paceWork(relinkOutputs(project, [{ path: absolute, scan }], { since }), context, { label: "linking data" });
    return { scan, commit };
  } finally {
    removePath(staging);
  }
}

/** What the cache has is deleted; everything else goes to the trash. */
export async function takeAway(
  project: Project,
  context: Context,
  { path, operation }: { path: string; operation: OpenOperation },
): Promise<void> {
  const absolute = absolutePath(project, path);
  await bringToRest([absolute]);
  const scan = await storedAt(project, context, absolute);
  if (scan !== null) await paceWork(removingStored(project, operation, { path, scan }), context, { label: "removing" });
  if (isHere(absolute)) recordTrash(project, operation, absolute);
}

type Removed = NonNullable<Extract<Effect, { kind: "move" }>["removed"]>;

/** Null: nothing is there, or not all of it in the cache. */
async function storedAt(project: Project, context: Context, absolute: string): Promise<Scan | null> {
  if (!isHere(absolute)) return null;
  // Links into a cache that is gone hold nothing.
  const scan = await paceWork(scanOutput(project, absolute, { mayLack: true }), context, { label: "hashing data" });
  const isWhole = await paceWork(areStored(openCache(project).dir, scan.files), context, { label: "looking into the cache" });
  return isWhole ? scan : null;
}

function removedBy(project: Project, { files }: Scan): Removed {
  return { shards: shardsFolder(openCache(project).dir, "md5"), files: files.map(({ relpath, md5 }) => [relpath, md5]) };
}

/** The same bytes: a folder's files by what the server calls each. */
export function isSameSource({ hash, versions }: UrlOrigin, { fields, files }: SourceFields): boolean {
  if (files === null) return fields[0]?.[1] === hash;
  return sameTaken(versions ?? [], files);
}
