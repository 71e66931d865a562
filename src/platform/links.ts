/** Making one file appear as another: reflink, hard link, symbolic link or copy, whatever the file system can do. */
import { closeSync, constants, copyFileSync, linkSync, openSync, symlinkSync, unlinkSync } from "node:fs";
import { fromSystemError } from "../errors.ts";
import { hasCode, plainMode, setMode, writeAll } from "./files.ts";
import { copyingAll, hashingFile, md5Of, readSmall } from "./hashing.ts";
import type { Work } from "./pace.ts";

export type LinkType = "reflink" | "hardlink" | "symlink" | "copy";

/** Places files one after another and remembers which link types this file system has refused. `to` must not exist. */
export interface Placer {
  /** A file of its own: a reflink, else a copy. */
  duplicating(from: string, to: string, size: number): Work<void>;
  /** Null, and nothing made, when it is to be a copy. A reflink's mode is 0666 minus the umask; a link has the mode of its source. */
  link(from: string, to: string, options: PlaceOptions): LinkType | null;
  /** Yields the bytes of a large file as they are written. */
  copying(from: string, to: string, size: number): Work<Copied>;
  /** False when it makes only copies and reflinks. */
  links(): boolean;
  /** True once it is known to make only copies. */
  copies(): boolean;
}

interface PlaceOptions {
  size: number;
  copyOnly?: boolean;
}

interface Copied {
  md5: string;
  /** Bytes that were yielded. */
  told: number;
}

// "This file system cannot do that" in its many spellings; everything else is a real failure.
const UNSUPPORTED = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "EXDEV", "ENOTTY", "ENOSYS", "EINVAL", "EAGAIN", "EMLINK", "EIO"];

/** `types` in order of preference. A reflink is tried before every copy, and a copy is always the last resort. */
export function createPlacer(types: readonly LinkType[]): Placer {
  const wanted = types.includes("copy") ? types.slice(0, types.indexOf("copy")) : [...types];
  const usable = new Set<Exclude<LinkType, "copy">>([...wanted.filter((type) => type !== "copy"), "reflink"]);
  const mode = plainMode();
  const link: Placer["link"] = (from, to, { size, copyOnly }) => {
    // An empty object is never linked: all empty files of the machine would become one, which any of them could fill.
    if (size === 0) return null;
    for (const type of usable) {
      if (copyOnly && type !== "reflink") continue;
      try {
        makeLink(type, from, to, mode);
        return type;
      } catch (error) {
        if (!isUnsupported(error)) throw fromSystemError(error, `cannot make a ${type} of ${from}`);
        // A file may have too many hard links while others may still be linked.
        if (!hasCode(error, "EMLINK")) usable.delete(type);
      }
    }
    return null;
  };
  return {
    links: () => usable.has("hardlink") || usable.has("symlink"),
    copies: () => usable.size === 0,
    link,
    copying: (from, to, size) => makingCopy(from, to, size, hashed),
    *duplicating(from, to, size) {
      const isCloned = link(from, to, { size, copyOnly: true }) !== null;
      const told = isCloned ? 0 : yield* makingCopy(from, to, size, plainly);
      yield { files: 1, bytes: size - told };
    },
  };
}

/** Whether this process may write to files that nobody is to write to. */
export function writesReadOnlyFiles(): boolean {
  return process.getuid?.() === 0;
}

/** Clones a file's blocks; throws where the file system cannot. */
function reflink(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
  } catch (error) {
    // Some systems leave the empty file they were about to clone into.
    if (!hasCode(error, "EEXIST")) removeQuietly(to);
    throw error;
  }
}

/** False where the file system cannot. */
export function tryReflink(from: string, to: string): boolean {
  try {
    reflink(from, to);
    return true;
  } catch (error) {
    if (isUnsupported(error)) return false;
    throw error;
  }
}

function isUnsupported(error: unknown): boolean {
  return hasCode(error, ...UNSUPPORTED);
}

function makeLink(type: Exclude<LinkType, "copy">, from: string, to: string, mode: number): void {
  switch (type) {
    case "hardlink":
      linkSync(from, to);
      return;
    case "symlink":
      symlinkSync(from, to);
      return;
    case "reflink": {
      reflink(from, to);
      const descriptor = openSync(to, "r");
      try {
        setMode(descriptor, mode);
      } finally {
        closeSync(descriptor);
      }
    }
  }
}

/** How the bytes get into a copy: of a small file all at once, of another from its path. */
interface Way<T> {
  small(bytes: Buffer): T;
  large(from: string, descriptor: number): Work<T>;
}

const hashed: Way<Copied> = {
  small: (bytes) => ({ md5: md5Of(bytes), told: 0 }),
  *large(from, descriptor) {
    const { md5, size: told } = yield* hashingFile(from, { copyTo: descriptor });
    return { md5, told };
  },
};

const plainly: Way<number> = { small: () => 0, large: copyingAll };

function* makingCopy<T>(from: string, to: string, size: number, { small, large }: Way<T>): Work<T> {
  try {
    const bytes = readSmall(from, size);
    const descriptor = openSync(to, "wx", 0o666);
    try {
      if (bytes === null) return yield* large(from, descriptor);
      writeAll(descriptor, bytes);
      return small(bytes);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!hasCode(error, "EEXIST")) removeQuietly(to);
    throw fromSystemError(error, `cannot copy ${from}`);
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}
