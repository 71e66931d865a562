/** Tracked data that somebody has renamed by hand: its pointer still says the old name, and Git takes the new one for code. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { absolutePath, isWithin } from "../../../config/paths.ts";
import { type Project, topOf } from "../../../config/project.ts";
import { git } from "../../../git/git.ts";
import { lstatIfThere } from "../../../platform/files.ts";
import { md5OfFile } from "../../../platform/hashing.ts";
import { finishWork } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { readingListing, unlessDamaged } from "../../../store/objects/layout.ts";
import type { Pointer } from "../../../store/types.ts";

export interface Renamed {
  /** The file or folder, as it is called now. */
  path: string;
  /** What its pointer says. */
  from: string;
  isFolder: boolean;
}

interface NewFile {
  path: string;
  bytes: number;
}

// Of a folder so many files are compared.
const SAMPLE = 20;
// What is larger would be read for long before each run; as a new file it is held back in any case.
const MOST_BYTES = 2 ** 28;

/** Only what is not at its place any more can be elsewhere; without such data nothing is read. */
export function renamedData(
  project: Project,
  pointers: readonly Pointer[],
  changes: readonly (NewFile & { tracked: boolean; deleted: boolean; repository?: string })[],
): Renamed[] {
  const gone = pointers.filter(({ path, hash, hashName, cache }) => {
    if (!cache || hash === null || hashName !== "md5") return false;
    return lstatIfThere(absolutePath(project, path)) === undefined;
  });
  const fresh = gone.length === 0 ? [] : changes.filter(({ tracked, deleted, repository }) => !tracked && !deleted && !repository);
  if (fresh.length === 0) return [];
  return gone.flatMap((pointer): Renamed[] => {
    const isFolder = pointer.hash?.endsWith(".dir") === true;
    const path = isFolder ? folderOf(project, pointer, fresh) : fresh.find((file) => isFileOf(project, pointer, file))?.path;
    return path === undefined ? [] : [{ path, from: pointer.path, isFolder }];
  });
}

export function renamedAs(renamed: readonly Renamed[], path: string): Renamed | undefined {
  return renamed.find((one) => isWithin(path, one.path));
}

function isFileOf(project: Project, { hash, size }: Pointer, { path, bytes }: NewFile): boolean {
  return bytes > 0 && bytes === size && md5Of(project, path) === hash;
}

/** Most of its files, of those that are looked at, have their places and bytes there. */
function folderOf(project: Project, { hash, hashName, nfiles }: Pointer, fresh: readonly NewFile[]): string | undefined {
  // Most of them would be new.
  if ((nfiles ?? 0) > fresh.length * 2) return undefined;
  const reading = readingListing(openCache(project).dir, { hash: hash as string, hashName });
  const sample = finishWork(unlessDamaged(reading, null))?.slice(0, SAMPLE) ?? [];
  const paths = new Set(fresh.map(({ path }) => path));
  const folders = sample.flatMap(({ relpath }) =>
    fresh.flatMap(({ path }) => (path.endsWith(`/${relpath}`) ? [path.slice(0, -relpath.length - 1)] : [])),
  );
  return [...new Set(folders)].find((folder) => {
    const same = sample.filter(({ relpath, md5 }) => {
      const path = `${folder}/${relpath}`;
      return paths.has(path) && md5Of(project, path) === md5;
    });
    return same.length * 2 > sample.length && !isOfGit(project, folder);
  });
}

/** It holds code: what is new in it is not all data, and to move it away would take that along. */
function isOfGit({ repository }: Project, folder: string): boolean {
  return repository !== null && git(repository, ["ls-files", "-z", "--", `:(top,literal)${folder}`]) !== "";
}

function md5Of(project: Project, path: string): string | null {
  const file = join(topOf(project), path);
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size <= MOST_BYTES ? md5OfFile(file).md5 : null;
}
