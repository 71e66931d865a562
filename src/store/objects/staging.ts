/**
 * Where files wait until they get their names: one folder per piece of work, that goes as a whole. It lies beside the shards of a cache
 * (its name is none that DVC takes for one) or in `.dvc/tmp`. Its name says whose it is: what a killed process left is removed by the
 * next one that works there.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode, removePath } from "../../platform/files.ts";
import { earlierSpaceOfPids, identityOf, isSinceBoot, lifeOf, spaceOfPids } from "../../platform/processes.ts";

const NAME = /^\.?expver-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{8}\.tmp$/;

const ABANDONED_MS = 7 * 24 * 3600 * 1000;

/** A new one; what killed processes left beside it goes. */
export function makeStaging(folder: string, make: (path: string) => void = (path) => mkdirSync(path, { recursive: true })): string {
  sweepStagings(folder);
  const path = `${folder}/.${newOwnName()}`;
  make(path);
  return path;
}

/** A name nobody else takes, which says whose it is. */
export function newOwnName(): string {
  const { boot, pid, start } = identityOf(process.pid);
  return `expver-${digest(spaceOfPids())}-${digest(boot)}-${pid}-${start}-${randomBytes(4).toString("hex")}.tmp`;
}

/** One that only its user sees, in the folder for temporary files that all users share. */
export function makeTemporary(): string {
  const folder = tmpdir();
  const user = process.getuid?.();
  sweepStagings(folder, { isMeant: (path) => lstatSync(path, { throwIfNoEntry: false })?.uid === user });
  const path = join(folder, newOwnName());
  mkdirSync(path, { mode: 0o700 });
  return path;
}

interface Sweeping {
  /** Sees each before it goes. */
  save?: (staging: string) => void;
  isMeant?: (staging: string) => boolean;
}

/** Removes what killed processes left in such folders. */
export function sweepStagings(folder: string, { save = () => {}, isMeant = () => true }: Sweeping = {}): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (!NAME.test(name) || !isMeant(`${folder}/${name}`)) continue;
    const owner = ownerOf(name, statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.mtimeMs);
    if (owner !== "dead" && !(owner === "elsewhere" && isAbandoned(`${folder}/${name}`))) continue;
    try {
      save(`${folder}/${name}`);
      removePath(`${folder}/${name}`);
    } catch (error) {
      // Of another user, who has let nobody in: it goes with that user's next command.
      if (!hasCode(error, "EACCES", "EPERM")) throw error;
    }
  }
}

/** Nobody has made anything there, or in a folder of it, for long. */
function isAbandoned(staging: string): boolean {
  const isOld = (path: string) => Date.now() - statSync(path).mtimeMs > ABANDONED_MS;
  try {
    return isOld(staging) && readdirSync(staging).every((name) => isOld(`${staging}/${name}`));
  } catch (error) {
    // It goes at this moment, or is for the eyes of another user.
    if (hasCode(error, "ENOENT", "EACCES")) return false;
    throw error;
  }
}

/**
 * Null: the name is none of ours. It may be another machine's or another container's, of which nothing is known; `writtenAt`: when there
 * was last something new.
 */
export function ownerOf(name: string, writtenAt?: number): "alive" | "dead" | "elsewhere" | null {
  const [, host, boot, pid, start = ""] = NAME.exec(name) ?? [];
  if (host === undefined) return null;
  const here = identityOf(process.pid);
  // A name by an earlier version may be that of another machine called the same: only a number of this boot is one of here.
  if (host !== digest(spaceOfPids()) && !(host === digest(earlierSpaceOfPids()) && boot === digest(here.boot))) return "elsewhere";
  if (boot !== digest(here.boot)) return writtenAt !== undefined && isSinceBoot(writtenAt) ? "elsewhere" : "dead";
  return lifeOf({ ...here, pid: Number(pid), start }) === "dead" ? "dead" : "alive";
}

function digest(text: string): string {
  return createHash("md5").update(text).digest("hex").slice(0, 8);
}
