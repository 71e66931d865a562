/** Files: reading, and writing so that a crash leaves the old bytes or the new ones. */
import { hash, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fromSystemError } from "../errors.ts";

/** The text of a file, or null when there is none. A pipe, which nobody may ever write to, has none. */
export function readTextIfExists(path: string): string | null {
  try {
    return readFileSync(path, WITHOUT_WAITING);
  } catch (error) {
    if (isMissing(error)) return null;
    throw fromSystemError(error, `cannot read ${path}`);
  }
}

// The types know no flags that are numbers.
const WITHOUT_WAITING = { encoding: "utf8", flag: (constants.O_RDONLY | constants.O_NONBLOCK) as unknown as string } as const;

/** A descriptor to read a file, or null when there is none. */
export function openIfExists(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return null;
    throw fromSystemError(error, `cannot read ${path}`);
  }
}

/**
 * A folder, and those above it; answers the first that had to be made. Node's own goes on for ever where ENOENT is said of a folder in one
 * that is there: in /proc, and where an automounter makes the folders.
 */
export function makeFolders(path: string): string | undefined {
  return making(path, { isAgain: false });
}

function making(path: string, { isAgain }: { isAgain: boolean }): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  try {
    mkdirSync(path);
    return path;
  } catch (error) {
    // By now another process may have made it.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
    if (!hasCode(error, "ENOENT") || isAgain) throw error;
    const above = dirname(path);
    const first = isThere(above) ? undefined : makeFolders(above);
    const own = making(path, { isAgain: true });
    return first ?? own;
  }
}

/** Of a new file, as any program makes it: the umask of a group lets the group write. */
export function plainMode(): number {
  return 0o666 & ~process.umask();
}

/**
 * As far as the file system goes along: with Samba, a FUSE drive or another's file it does not, and no mode is a reason not to keep data.
 * Takes a path or a descriptor.
 */
export function setMode(file: string | number, mode: number): void {
  try {
    if (typeof file === "number") fchmodSync(file, mode);
    else chmodSync(file, mode);
  } catch (error) {
    if (!hasCode(error, "EPERM", "EROFS", "ENOTSUP", "ENOSYS")) throw error;
  }
}

/** Replaces a file in one step: temporary in the same folder, fsync, rename, fsync of the folder. Keeps the old file's mode. A long one may come in pieces. */
export function writeFileAtomic(path: string, data: string | Uint8Array | Generator<Uint8Array>, options: { mode?: number } = {}): void {
  const temporary = temporaryBeside(path);
  try {
    writeInPlaceOf(path, temporary, { data, mode: options.mode, synced: true });
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    removeFile(temporary);
    throw fromSystemError(error, `cannot write ${path}`);
  }
}

interface Content {
  data: string | Uint8Array | Iterable<Uint8Array>;
  mode?: number | undefined;
  /** It is on the disk afterwards. */
  synced: boolean;
}

/** What is to take a file's place, with its mode if it is there and no other is wanted. */
export function writeInPlaceOf(path: string, temporary: string, { data, mode = modeOf(path), synced }: Content): void {
  makeFolders(dirname(path));
  const descriptor = openSync(temporary, "wx", mode ?? 0o666);
  try {
    if (mode !== undefined) setMode(descriptor, mode);
    for (const piece of typeof data === "string" ? [Buffer.from(data)] : data instanceof Uint8Array ? [data] : data)
      writeAll(descriptor, piece);
    if (synced) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The same with a copy of another file, whose mode it keeps unless one is given. */
export function copyFileAtomic(from: string, to: string, { mode }: { mode?: number } = {}): void {
  const temporary = temporaryBeside(to);
  try {
    makeFolders(dirname(to));
    copyFileSync(from, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    if (mode !== undefined) setMode(temporary, mode);
    const descriptor = openSync(temporary, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, to);
    syncFolder(dirname(to));
  } catch (error) {
    removeFile(temporary);
    throw fromSystemError(error, `cannot copy ${from} to ${to}`);
  }
}

/**
 * Removes a file, or a folder with all in it; harmless when there is nothing. On a network file system what is open yet is kept under a name
 * of its own until it is closed, and so is its folder, which is no failure.
 */
export function removePath(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    // Also a link to a folder may be busy: what is behind it stays.
    if (!hasCode(error, "ENOTEMPTY", "EBUSY") || !lstatSync(path).isDirectory()) throw error;
    removeAllButKept(path);
  }
}

/** Of NFS, and of programs' file systems. */
const KEPT_WHILE_OPEN = /^\.(?:nfs[0-9a-f]{8,}|fuse_hidden[0-9a-f]{16,})$/;

function removeAllButKept(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeAllButKept(path);
    else if (!KEPT_WHILE_OPEN.test(entry.name)) removeFile(path);
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!hasCode(error, "ENOTEMPTY") || !holdsKept(folder)) throw error;
  }
}

function holdsKept(folder: string): boolean {
  return readdirSync(folder, { withFileTypes: true }).some(
    (entry) => KEPT_WHILE_OPEN.test(entry.name) || (entry.isDirectory() && holdsKept(join(folder, entry.name))),
  );
}

/** The same for what is known to be no folder: a third of the time. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // A read-only file system says so of what is not there too.
    if (!isMissing(error) && isThere(path)) throw error;
  }
}

/** A name for what is on its way to a path, or from it. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${hiddenStem(path)}${randomBytes(6).toString("hex")}.tmp`);
}

// Of the 255 that file systems allow, less what follows.
const MOST_BYTES = 200;

/** What hidden names beside a path, made after its own, begin with; short enough for any name. */
export function hiddenStem(path: string): string {
  const name = basename(path);
  return Buffer.byteLength(name) <= MOST_BYTES ? `.${name}.` : `.${name.slice(0, 40)}-${hash("md5", name).slice(0, 12)}.`;
}

/** Any text as the name of a file; in most scripts a letter takes six characters or nine. */
export function fileNameOf(text: string): string {
  const name = encodeURIComponent(text);
  return name.length <= MOST_BYTES ? name : `${name.slice(0, 40)}-${hash("md5", text).slice(0, 12)}`;
}

/**
 * The name of a file or folder of ours on its way to another one, beside it. Killed, it stays until the next command that writes the same, or
 * doctor: until then it is nobody's data.
 */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

const TEMPORARY =
  /^\.(?:expver-[0-9a-f]{12}|.+\.(?:[0-9a-f]{12}|\d+(?:-[0-9a-z]+-[0-9a-f]{12})?\.(?:merged|before|spill)(?:\.tmp\.\d+)?))\.tmp(?:-journal)?$/;

/** Removes what a killed process left beside these paths under such names. Each folder is read once. */
export function removeTemporaries(paths: Iterable<string>): void {
  const stems = new Map<string, Set<string>>();
  for (const path of paths) {
    const folder = dirname(path);
    stems.set(folder, (stems.get(folder) ?? new Set()).add(hiddenStem(path)));
  }
  for (const [folder, starts] of stems) {
    for (const name of isFolder(folder) ? readdirSync(folder) : []) {
      const [, start = ""] = /^(.*\.)[0-9a-f]{12}\.tmp$/s.exec(name) ?? [];
      if (starts.has(start)) removePath(join(folder, name));
    }
  }
}

// Linux makes room for a longer write in one piece, and searching for such a piece may take several times as long as the copy.
const LONGEST_WRITE = 2 ** 17;

/** Writes all bytes, however many calls the system needs. */
export function writeAll(descriptor: number, data: Uint8Array): void {
  for (let offset = 0; offset < data.length; ) offset += writeSync(descriptor, data, offset, Math.min(LONGEST_WRITE, data.length - offset));
}

/** Adds bytes of another file, up to its end or before `to`. */
export function appendBytes(descriptor: number, path: string, range: { from?: number; to?: number } = {}): void {
  for (const piece of pieces(path, range)) writeAll(descriptor, piece);
}

export function hasSameBytes(one: string, other: string): boolean {
  const theirs = pieces(other);
  try {
    for (const piece of pieces(one)) if (theirs.next().value?.equals(piece) !== true) return false;
    return theirs.next().done === true;
  } finally {
    theirs.return(undefined);
  }
}

/** The bytes of a file, each piece to be used before the next one is asked for. */
function* pieces(
  path: string,
  { from = 0, to = Number.POSITIVE_INFINITY }: { from?: number; to?: number } = {},
): Generator<Buffer, undefined> {
  const descriptor = openSync(path, "r");
  const buffer = Buffer.allocUnsafe(1 << 20);
  try {
    for (let at = from; at < to; ) {
      const count = readSync(descriptor, buffer, 0, Math.min(buffer.length, to - at), at);
      if (count === 0) return;
      yield buffer.subarray(0, count);
      at += count;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Makes renames in a folder durable; silently nothing where the file system cannot. */
export function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!hasCode(error, "EINVAL", "EPERM", "EISDIR", "EACCES")) throw error;
  }
}

/** Whether the system refused with one of these: `EEXIST`, `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

export function isMissing(error: unknown): boolean {
  return hasCode(error, "ENOENT", "ENOTDIR");
}

/** Whether anything has this name. A link counts, wherever it leads. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (hasCode(error, "ENAMETOOLONG", "ENOTDIR")) return false;
    throw error;
  }
}

/** Of what has this name; undefined where nothing has it, or where a file stands in the place of one of its folders. */
export function lstatIfThere(path: string): Stats | undefined {
  return unlessBlocked(() => lstatSync(path, { throwIfNoEntry: false }));
}

/** The same, links followed. */
export function statIfThere(path: string): Stats | undefined {
  return unlessBlocked(() => statSync(path, { throwIfNoEntry: false }));
}

function unlessBlocked(look: () => Stats | undefined): Stats | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Of what is in a folder; none where it is not there. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw fromSystemError(error, `cannot list ${folder}`);
  }
}

/** The same; none either where it may not be read. */
export function readableNamesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Links are followed; false also for what cannot be looked at. */
export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() === true;
}

/** The same. */
export function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

/** Whether two paths, which may be spelled differently, lead to one file or folder. */
export function isSamePlace(one: string, other: string): boolean {
  const [first, second] = [statOf(one), statOf(other)];
  return one === other || (first !== undefined && first.ino === second?.ino && first.dev === second.dev);
}

/** Bytes of a file, links followed; 0 where there is none. */
export function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function modeOf(path: string): number | undefined {
  const mode = statOf(path)?.mode;
  return mode === undefined ? undefined : mode & 0o7777;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
