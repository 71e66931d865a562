/** The files of a tracked folder, as DVC sees them. */
import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ExpverError, fromSystemError } from "../errors.ts";

/**
 * Relative paths (with `/`) of all files below a folder. Links to files count as files, links to folders are skipped, as in
 * DVC. Throws E_DATA for what cannot be stored: pipes and devices, broken links, names that are no UTF-8, DVC's own files.
 */
export function walkFiles(folder: string): string[] {
  const found: string[] = [];
  const visit = (inside: string): void => {
    for (const item of list(join(folder, inside))) {
      if (item.name.includes("\ufffd")) throw refused(folder, `${inside}${item.name}`, "has a name that is no UTF-8");
      const path = `${inside}${item.name}`;
      if (item.name === ".dvcignore" || item.name === ".dvc")
        throw refused(folder, path, "belongs to dvc and may not stand inside tracked data");
      if (item.name === ".git" || item.name === ".hg") continue;
      if (item.isDirectory()) visit(`${path}/`);
      else if (item.isFile() || (item.isSymbolicLink() && linksToFile(folder, path))) found.push(path);
      else if (!item.isSymbolicLink()) throw refused(folder, path, "is neither a file nor a folder");
    }
  };
  visit("");
  return found;
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw fromSystemError(error, `cannot read ${folder}`);
  }
}

function linksToFile(folder: string, path: string): boolean {
  const target = statSync(join(folder, path), { throwIfNoEntry: false });
  if (target === undefined) throw refused(folder, path, "is a link to nothing");
  return target.isFile();
}

function refused(folder: string, path: string, why: string): ExpverError {
  return new ExpverError("E_DATA", `${join(folder, path)} ${why}`, {
    hint: "Move it out of the folder, or remove it, and repeat.",
    details: { path: join(folder, path) },
  });
}
