/** Trees and blobs of any commit, without a checkout. */
import { ExpverError } from "../errors.ts";
import { git, gitResult, type Repository } from "./git.ts";

export interface TreeEntry {
  mode: string;
  type: "blob" | "tree" | "commit";
  object: string;
  /** From the top, with `/`. */
  path: string;
}

/** Every file of a commit's tree, or only those at or below `paths`. One git process. */
export function readTree(repository: Repository, rev: string, paths: readonly string[] = []): TreeEntry[] {
  const args = ["ls-tree", "-r", "-z", "--full-tree", rev, "--", ...paths];
  return git(repository, args)
    .split("\0")
    .filter((record) => record !== "")
    .map((record) => {
      const tab = record.indexOf("\t");
      const [mode = "", type = "", object = ""] = record.slice(0, tab).split(" ");
      return { mode, type: type as TreeEntry["type"], object, path: record.slice(tab + 1) };
    });
}

/** Bytes of many objects by name: one `cat-file --batch`. Throws E_GIT for an object that is not there. */
export function catFiles(repository: Repository, objects: readonly string[]): Map<string, Buffer> {
  const found = catFilesIfThere(repository, objects);
  const object = objects.find((name) => !found.has(name));
  if (object !== undefined) throw new ExpverError("E_GIT", `git has no object ${object}`, { details: { object } });
  return found;
}

/** The same; a name may also be `COMMIT:PATH`, and those that name nothing are left out. */
export function catFilesIfThere(repository: Repository, names: readonly string[]): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const wanted = [...new Set(names)];
  if (wanted.length === 0) return found;
  const { stdout } = gitResult(repository, ["cat-file", "--batch"], { input: `${wanted.join("\n")}\n` });
  let at = 0;
  for (const name of wanted) {
    const end = stdout.indexOf(10, at);
    const line = stdout.toString("utf8", at, end);
    at = end + 1;
    if (line.endsWith(" missing")) continue;
    const size = Number(line.slice(line.lastIndexOf(" ") + 1));
    found.set(name, stdout.subarray(at, at + size));
    at += size + 1;
  }
  return found;
}
