/** Making files of the worktree links to the cache, or files of their own, as the user wants them. */
import { lstatSync, readlinkSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Project } from "../../config/project.ts";
import { isThere, removePath } from "../../platform/files.ts";
import type { LinkType } from "../../platform/links.ts";
import { finishWork, type Work } from "../../platform/pace.ts";
import { type Cache, openCache } from "../objects/cache.ts";
import { findingDamaged, quarantine } from "../objects/damaged.ts";
import { beginIngest } from "../objects/ingest.ts";
import { type ObjectName, objectPath, trustedSize } from "../objects/layout.ts";
import { makeStaging } from "../objects/staging.ts";
import { dvcFolder } from "../settings/dvc-config.ts";
import { outsideOf } from "./inside.ts";
import { type FileFromCache, isCopyOnly, makingFile, type Placing, placingIn } from "./place-files.ts";
import { hasChanged } from "./remove-files.ts";
import { openSingles, type Scan, type ScannedFile } from "./scan.ts";
import { openStatCache, rememberPlaced, type StatCache } from "./stat-cache.ts";
import { readingFiles } from "./status.ts";
import { takeName } from "./take-name.ts";

/** An output of the worktree, or part of one, whose bytes are in the cache. */
export interface ToRelink {
  /** Absolute path of the output. */
  path: string;
  scan: Scan;
}

interface RelinkOptions {
  /** When the caller began to store these bytes, in milliseconds since 1970. */
  since: number;
}

/**
 * Files become links to the cache where the configuration wants links, and links become files where it does not; what they hold
 * is remembered. A file that changed since it was scanned is left alone: its new bytes are nowhere else; and so is one outside of the
 * repository, which a link of a folder leads to.
 */
export function* relinkOutputs(project: Project, outputs: readonly ToRelink[], { since }: RelinkOptions): Work<void> {
  const relinking: Relinking = {
    placing: placingIn(project),
    wanted: openCache(project).linkTypes,
    outside: outsideOf(project),
    since,
    singles: null,
    staging: null,
  };
  try {
    for (const output of outputs) yield* relinkOutput(output, relinking);
  } finally {
    relinking.singles?.save({ keepOthers: true });
    if (relinking.staging !== null) removePath(relinking.staging);
  }
}

interface Relinking {
  placing: Placing;
  wanted: readonly LinkType[];
  outside: (path: string) => string | null;
  since: number;
  /** The memory of outputs that are single files, once it is needed. */
  singles: StatCache | null;
  staging: string | null;
}

function* relinkOutput({ path, scan }: ToRelink, relinking: Relinking): Work<void> {
  const { placing, wanted, outside, since } = relinking;
  const { project, placer } = placing;
  const cache = openCache(project);
  const { dir } = cache;
  let memory: StatCache | null = null;
  for (const file of yield* readingFiles(scan)) {
    if (!placer.links() && !file.isLink && file.stat.nlink < 2) continue;
    const object: ObjectName = { hash: file.md5, hashName: "md5" };
    const place: FileFromCache = { path: file.path, object, dir, size: file.stat.size, isexec: scan.content.isexec === true };
    const isRight = linkOf(file, objectPath(dir, object)) === desiredLink(wanted, file, isCopyOnly(placing, place));
    if (isRight || trustedSize(dir, object) === null || outside(dirname(file.path)) !== null) continue;
    const isLost = placer.links() && !file.isLink && file.stat.nlink < 2;
    if (isLost && !(yield* isWhole(cache, object, { path: file.path, since }))) continue;
    relinking.staging ??= makeStaging(join(dvcFolder(project), "tmp"));
    const temporary = join(relinking.staging, "file");
    const told = yield* makingFile(placing, place, temporary);
    if (isThere(file.path) && !hasChanged(file)) {
      takeName(temporary, file.path, (beside) => finishWork(makingFile(placing, place, beside)));
      if (file.path === path) memory = relinking.singles ??= openSingles(project);
      else memory ??= openStatCache(project.stateDir, path);
      rememberPlaced(memory, { name: file.path === path ? path : file.path.slice(path.length + 1), path: file.path, md5: file.md5 });
    } else rmSync(temporary, { force: true });
    yield { files: 1, bytes: place.size - told };
  }
  if (memory !== relinking.singles) memory?.save({ keepOthers: true });
}

/**
 * The file at `path` holds these bytes and is about to go: an object that was there before must be what its mode says it is. If it is not, it
 * makes way for what the file holds; false where it cannot.
 */
function* isWhole(cache: Cache, object: ObjectName, { path, since }: { path: string; since: number }): Work<boolean> {
  if (lstatSync(objectPath(cache.dir, object)).ctimeMs > since) return true;
  const damaged = yield* findingDamaged(cache.dir, [object]);
  if (damaged.length === 0) return true;
  if (quarantine(cache, damaged) === null) return false;
  const ingest = beginIngest(cache);
  try {
    yield* ingest.object(object, path);
    yield* ingest.committing();
    return true;
  } finally {
    ingest.abort();
  }
}

type Link = "hardlink" | "symlink" | "elsewhere" | null;

function linkOf({ path, stat, isLink }: ScannedFile, object: string): Link {
  if (isLink) return readlinkSync(path) === object ? "symlink" : "elsewhere";
  if (stat.nlink < 2) return null;
  const other = lstatSync(object, { throwIfNoEntry: false });
  // What is written into a file with a second name changes that one too, which may be tracked data itself.
  return other?.ino === stat.ino && other.dev === stat.dev ? "hardlink" : "elsewhere";
}

function desiredLink([first]: readonly LinkType[], { stat }: ScannedFile, copyOnly: boolean): Link {
  if (copyOnly) return null;
  return (first === "symlink" || first === "hardlink") && stat.size > 0 ? first : null;
}
