/** The files of a tracked folder, as DVC sees them. */
import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs";
import { ExpverError, fromSystemError } from "../errors.ts";
import { type FileStat, fileStat } from "../platform/file-stat.ts";

export interface WalkedFile {
  /** Relative to the folder, with `/`. */
  relpath: string;
  /** Absolute. */
  path: string;
  /** Of the file; of its target when it is a link. */
  stat: FileStat;
  isLink: boolean;
}

export interface WalkOptions {
  /** True for what `.dvcignore` leaves out; `path` is absolute. */
  ignores?: (path: string, isFolder: boolean) => boolean;
  /** Told of every folder that holds no files, deepest first. */
  onEmptyFolder?: (path: string) => void;
}

/**
 * All files below a folder. Links to files count as files, links to folders are skipped, as in DVC. Throws E_DATA for what
 * cannot be stored: pipes and devices, broken links, names that are no UTF-8, DVC's own files.
 */
export function walkFiles(folder: string, { ignores = () => false, onEmptyFolder }: WalkOptions = {}): WalkedFile[] {
  const found: WalkedFile[] = [];
  const visit = (absolute: string, inside: string): void => {
    const before = found.length;
    for (const item of list(absolute)) {
      const name = item.name;
      const path = `${absolute}/${name}`;
      if (name.includes("\ufffd")) refuseUnlessUtf8(absolute, path);
      if (name === ".dvcignore" || name === ".dvc") throw refused(path, "belongs to dvc and may not stand inside tracked data");
      if (name === ".git" || name === ".hg" || ignores(path, item.isDirectory())) continue;
      const relpath = inside + name;
      if (item.isDirectory()) visit(path, `${relpath}/`);
      else if (item.isFile()) found.push({ relpath, path, stat: fileStat(lstatSync(path)), isLink: false });
      else if (!item.isSymbolicLink()) throw refused(path, "is neither a file nor a folder");
      else {
        const stat = targetOf(path);
        if (!stat.isDirectory()) found.push({ relpath, path, stat: fileStat(stat), isLink: true });
      }
    }
    if (found.length === before && inside !== "") onEmptyFolder?.(absolute);
  };
  visit(folder, "");
  return found;
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw fromSystemError(error, `cannot read ${folder}`);
  }
}

function targetOf(path: string) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refused(path, "is a link to nothing");
  if (!stat.isDirectory() && !stat.isFile()) throw refused(path, "is a link to neither a file nor a folder");
  return stat;
}

/** A name may hold the replacement character itself; only then do its bytes read back the same. */
function refuseUnlessUtf8(folder: string, path: string): void {
  const names = readdirSync(folder, { encoding: "buffer" });
  if (names.some((name) => !Buffer.from(name.toString("utf8")).equals(name))) throw refused(path, "has a name that is no UTF-8");
}

function refused(path: string, why: string): ExpverError {
  return new ExpverError("E_DATA", `${path} ${why}`, {
    hint: "Move it out of the folder, or remove it, and repeat.",
    details: { path },
  });
}
