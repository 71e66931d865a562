/** The files of a tracked folder, as DVC sees them. */
import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { type FileStat, fileStat, putStat, SIZE, STAT_NUMBERS, statAt } from "../../platform/file-stat.ts";
import { expectEntries } from "../../platform/heap.ts";
import { NOTHING_DONE, type Work } from "../../platform/pace.ts";

export interface WalkedFile {
  /** Relative to the folder, with `/`. */
  readonly relpath: string;
  /** Absolute. */
  readonly path: string;
  /** Of the file; of its target when it is a link. */
  readonly stat: FileStat;
  /** Its bytes, as `stat` says: for a million files one number is much less than all of them. */
  readonly size: number;
  readonly isLink: boolean;
  /** Once it was read. */
  md5?: string | undefined;
}

/** A folder, and how it stood before its names were read. */
export interface ReadFolder {
  path: string;
  stat: FileStat;
}

export interface WalkOptions {
  /** True for what `.dvcignore` leaves out; `path` is absolute. */
  ignores?: (path: string, isFolder: boolean) => boolean;
  /** Told of every folder that holds no files, deepest first. */
  onEmptyFolder?: (path: string) => void;
  /** Told of every link to nothing; without it one is refused. */
  onDeadLink?: (path: string) => void;
  /** Told of every folder that is read. */
  onFolder?: (folder: ReadFolder) => void;
  /** What can never be tracked too: the folders of DVC, Git and Mercurial, `.dvcignore`. */
  everything?: boolean;
}

/**
 * All files below a folder. Links to files count as files, links to folders are skipped, as in DVC. Throws E_DATA for what
 * cannot be stored: pipes and devices, broken links, names that are no UTF-8, DVC's own files. Counts as no progress.
 */
export function* walkingFiles(
  folder: string,
  { ignores = () => false, onEmptyFolder, onDeadLink = refuseDeadLink, onFolder, everything = false }: WalkOptions = {},
): Work<WalkedFile[]> {
  const found: WalkedFile[] = [];
  function* visit(absolute: string, inside: string): Work<void> {
    const before = found.length;
    onFolder?.({ path: absolute, stat: fileStat(lstatSync(absolute)) });
    const items = list(absolute);
    const stats = new Float64Array(items.length * STAT_NUMBERS);
    const place: Place = { absolute, inside, stats, hashes: Buffer.alloc(items.length * HASH_BYTES) };
    for (const [index, item] of items.entries()) {
      if (index % SLICE === 0) yield NOTHING_DONE;
      const name = item.name;
      const path = `${absolute}/${name}`;
      if (name.includes("\ufffd")) refuseUnlessUtf8(absolute, path);
      if (!everything && isOfDvc(name)) throw refused(path, "belongs to dvc and may not stand inside tracked data");
      if ((!everything && isOfGit(name)) || ignores(path, item.isDirectory())) continue;
      if (item.isDirectory()) {
        yield* visit(path, `${inside}${name}/`);
        continue;
      }
      const isLink = item.isSymbolicLink();
      if (!isLink && !item.isFile()) throw refused(path, "is neither a file nor a folder");
      const stat = isLink ? targetOf(path) : lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined && isLink) onDeadLink(path);
      // Or removed since the folder was read, by a program that is at work.
      if (stat === undefined || stat.isDirectory()) continue;
      putStat(place.stats, index, stat);
      found.push(new FileOfFolder(place, { name, index, isLink }));
    }
    expectEntries(found.length);
    if (found.length === before && inside !== "") onEmptyFolder?.(absolute);
  }
  yield* visit(folder, "");
  return found;
}

function isOfDvc(name: string): boolean {
  return name === ".dvcignore" || name === ".dvc";
}

function isOfGit(name: string): boolean {
  return name === ".git" || name === ".hg";
}

const SLICE = 1024;

interface Place {
  absolute: string;
  /** Relative to where the walk began; empty, or with a `/` at its end. */
  inside: string;
  stats: Float64Array;
  /** Of each file: whether its hash is known, and the hash. */
  hashes: Buffer;
}

const HASH_BYTES = 1 + 16;

/** Of a million files are kept: their names, and numbers. */
class FileOfFolder implements WalkedFile {
  readonly #place: Place;
  readonly #name: string;
  readonly #index: number;
  readonly isLink: boolean;

  constructor(place: Place, { name, index, isLink }: { name: string; index: number; isLink: boolean }) {
    this.#place = place;
    this.#name = name;
    this.#index = index;
    this.isLink = isLink;
  }

  get relpath(): string {
    return this.#place.inside + this.#name;
  }

  get path(): string {
    return `${this.#place.absolute}/${this.#name}`;
  }

  get stat(): FileStat {
    return statAt(this.#place.stats, this.#index);
  }

  get md5(): string | undefined {
    const { hashes } = this.#place;
    const at = this.#index * HASH_BYTES;
    return hashes[at] === 1 ? hashes.toString("hex", at + 1, at + HASH_BYTES) : undefined;
  }

  set md5(md5: string) {
    const { hashes } = this.#place;
    const at = this.#index * HASH_BYTES;
    hashes[at] = hashes.write(md5, at + 1, "hex") === HASH_BYTES - 1 ? 1 : 0;
  }

  get size(): number {
    return this.#place.stats[this.#index * STAT_NUMBERS + SIZE] as number;
  }
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
  if (stat?.isDirectory() === false && !stat.isFile()) throw refused(path, "is a link to neither a file nor a folder");
  return stat;
}

function refuseDeadLink(path: string): never {
  throw refused(
    path,
    "is a link to nothing",
    "If its bytes were in the cache, bring them back: expver data pull. Else move it out of the folder, and repeat.",
  );
}

/** A name may hold the replacement character itself; only then do its bytes read back the same. */
function refuseUnlessUtf8(folder: string, path: string): void {
  const names = readdirSync(folder, { encoding: "buffer" });
  if (names.some((name) => !Buffer.from(name.toString("utf8")).equals(name))) throw refused(path, "has a name that is no UTF-8");
}

function refused(path: string, why: string, hint = "Move it out of the folder, or remove it, and repeat."): ExpverError {
  return new ExpverError("E_DATA", `${path} ${why}`, { hint, details: { path } });
}
