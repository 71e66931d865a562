/** Which processes have a file open: before a file is replaced that a program may be writing. */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";

/**
 * Pids of other processes that have the file (or another name of it) open; null where the system does not tell. Processes of
 * other users are seen only by root, those on other hosts never.
 */
export function whoHasOpen(path: string): number[] | null {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return [];
  const real = realpathSync(path);
  const pids = namesIn("/proc")?.filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid);
  if (pids === undefined || process.platform !== "linux") return null;
  return pids.filter((pid) => (namesIn(`/proc/${pid}/fd`) ?? []).some((fd) => isSame(`/proc/${pid}/fd/${fd}`, real, file))).map(Number);
}

/**
 * Pids of processes whose working directory is the folder or in it, or that have a file in it open for writing; empty where the system
 * does not tell. This one and those that started it are left out: the shell in which somebody types waits for us. So is a pager that
 * reads what we say.
 */
export function whoWorksIn(folder: string): number[] {
  return whoWorksInEach([folder]).get(folder) ?? [];
}

/** The same for many folders in one look at all processes; of folders in one another the inner one. */
export function whoWorksInEach(folders: readonly string[]): Map<string, number[]> {
  const own = ownLine();
  const found = new Map<string, string>();
  const innerFirst = folders.toSorted((one, other) => other.length - one.length);
  for (const pid of (namesIn("/proc") ?? []).filter((name) => /^[0-9]+$/.test(name) && !own.has(name))) {
    const isIn = (link: string) => innerFirst.find((one) => isWithin(link, one));
    const folder = isIn(`/proc/${pid}/cwd`) ?? writtenBy(pid).map(isIn).find(Boolean);
    if (folder !== undefined) found.set(pid, folder);
  }
  for (const reader of ourReaders([...found.keys()])) found.delete(reader);
  const byFolder = new Map<string, number[]>();
  for (const [pid, folder] of found) byFolder.set(folder, [...(byFolder.get(folder) ?? []), Number(pid)]);
  return byFolder;
}

/** Descriptors of a process that were opened for writing. */
function writtenBy(pid: string): string[] {
  return (namesIn(`/proc/${pid}/fd`) ?? []).filter((fd) => isForWriting(`/proc/${pid}/fdinfo/${fd}`)).map((fd) => `/proc/${pid}/fd/${fd}`);
}

// The access mode is in the last two bits of the octal flags: 0 is reading only.
function isForWriting(info: string): boolean {
  try {
    return /^flags:\t[0-7]*[1-3567]$/m.test(readFileSync(info, "utf8"));
  } catch {
    return false; // closed meanwhile, or not ours to see
  }
}

/** Those whose standard input is our output, by one pipe or over others: `expver list | tee FILE | less`. */
function ourReaders(pids: readonly string[]): string[] {
  const pipesOf = (pid: string) => [1, 2].map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)).filter((link) => link.startsWith("pipe:"));
  const ours = new Set(pipesOf("self"));
  const readers: string[] = [];
  for (let left = pids; ; ) {
    const next = left.filter((pid) => ours.has(linkOf(`/proc/${pid}/fd/0`)));
    if (next.length === 0) return readers;
    readers.push(...next);
    for (const pipe of next.flatMap(pipesOf)) ours.add(pipe);
    left = left.filter((pid) => !next.includes(pid));
  }
}

/** This process, its parent, and so on. */
function ownLine(): Set<string> {
  const line = new Set<string>();
  for (let pid = String(process.pid); pid !== "0" && pid !== "" && !line.has(pid); pid = parentOf(pid)) line.add(pid);
  return line;
}

function parentOf(pid: string): string {
  try {
    return /^PPid:\t([0-9]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

function isWithin(link: string, folder: string): boolean {
  return `${linkOf(link)}/`.startsWith(`${folder}/`);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // gone meanwhile, or not ours to see
  }
}

function isSame(descriptor: string, real: string, file: { dev: number; ino: number }): boolean {
  try {
    const target = readlinkSync(descriptor);
    if (!target.startsWith("/")) return false;
    if (target === real) return true;
    const opened = statSync(descriptor);
    return opened.ino === file.ino && opened.dev === file.dev;
  } catch {
    return false; // closed meanwhile
  }
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}
