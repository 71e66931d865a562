/** Which of the bytes a version's tag names are not in this machine's cache. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { parseListing } from "../../store/objects/listing.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import type { Version } from "../../versions/types.ts";

// A list must stay quick over thousands of large folders: beyond this a folder counts as here when its listing is.
const LISTING_BYTES = 4 << 20;

/** Each object is looked at once, however many versions name it. */
export function lackingObjects(project: Project): (version: Version) => string[] {
  const cache = cacheDir(project);
  const seen = new Map<string, boolean>();
  let room = LISTING_BYTES;
  const isHere = (hash: string): boolean => {
    const known = seen.get(hash);
    if (known !== undefined) return known;
    const found = look(hash);
    seen.set(hash, found);
    return found;
  };
  const look = (hash: string): boolean => {
    const file = [objectFile(cache, hash), join(cache, hash.slice(0, 2), hash.slice(2))].find((path) => existsSync(path));
    if (file === undefined) return false;
    if (!hash.endsWith(".dir")) return true;
    const { size } = statSync(file);
    if (size > room) return true;
    room -= size;
    try {
      return parseListing(readFileSync(file), hash).every(({ md5 }) => isHere(md5));
    } catch {
      return false; // A listing that cannot be read names no files.
    }
  };
  return ({ message }) => [...message.data, ...message.models].filter(({ hash }) => !isHere(hash)).map(({ path }) => path);
}
