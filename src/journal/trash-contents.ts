/** What lies in the trash of this repository and in that of its cache, and which operations need it to be undone. */
import { type Dirent, lstatSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Place } from "../config/project.ts";
import { fromSystemError } from "../errors.ts";
import { hasCode, isMissing, readTextIfExists } from "../platform/files.ts";
import type { Work } from "../platform/pace.ts";
import { removingFolder } from "../platform/remove-folder.ts";
import { eachOperation } from "./operations.ts";
import type { Effect, Operation } from "./types.ts";

export interface TrashEntry {
  /** Absolute path of the folder that goes as a whole. */
  folder: string;
  /** Where it was, as far as that is known. */
  origin: string | null;
  files: number;
  bytes: number;
  /** When it was thrown away. */
  since: Date;
  /** Cannot be undone without it, newest first. */
  neededBy: Pick<Operation, "id" | "command">[];
  /** An operation that has not ended needs it. */
  inUse: boolean;
}

function trashDir(project: Place): string {
  return join(project.stateDir, "trash");
}

/**
 * Oldest first. Of a cache's trash (`cacheTrash`), which other repositories may share, only what this journal names. What no operation
 * names may be on its way into one, so it counts as in use for a day.
 */
export function trashEntries(project: Place, { cacheTrash, now }: { cacheTrash: string | null; now: Date }): TrashEntry[] {
  const operations = Array.from(eachOperation(project), withoutFiles).map((operation) => ({ operation, text: JSON.stringify(operation) }));
  // An undo under way takes out what the operation it undoes put in.
  const undoing = new Set(operations.flatMap(({ operation: { state, notes } }) => (state === "open" ? [notes.undoes] : [])));
  const namesOf = (folder: string) =>
    operations.filter(({ text }) => text.includes(JSON.stringify(folder).slice(0, -1))).map(({ operation }) => operation);
  const entries = [trashDir(project), ...(cacheTrash === null ? [] : [cacheTrash])].flatMap((trash) =>
    entriesOf(trash).flatMap(({ name }): TrashEntry[] => {
      const folder = join(trash, name);
      const isGoing = name.endsWith(GOING);
      const known = namesOf(isGoing ? folder.slice(0, -GOING.length) : folder);
      if (known.length === 0 && trash === cacheTrash) return [];
      // What a killed purge had begun to free is nobody's need any more.
      const naming = isGoing ? [] : known;
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      if (stat === undefined) return [];
      const needing = naming.filter(({ state }) => state === "done" || state === "failed").reverse();
      const isYoung = naming.length === 0 && !isGoing && now.getTime() - stat.mtimeMs < DAY_MS;
      return [
        {
          folder,
          origin: originOf(folder),
          ...amountOf(folder),
          since: new Date(naming.at(-1)?.endedAt ?? stat.mtimeMs),
          neededBy: needing.map(({ id, command }) => ({ id, command })),
          inUse: isYoung || naming.some(({ id, state }) => state === "open" || undoing.has(id)),
        },
      ];
    }),
  );
  return entries.sort((one, other) => one.since.getTime() - other.since.getTime());
}

/** Names of files say nothing about where the trash is, and may be a million. */
function withoutFiles({ effects, ...operation }: Operation): Operation {
  const short = effects.map(
    (effect): Effect =>
      effect.kind === "checkout" ? { ...effect, files: [] } : effect.kind === "objects" ? { ...effect, names: [] } : effect,
  );
  return { ...operation, effects: short };
}

/** For good. Renamed first: killed half-way, nothing that an undo would look for is half there. */
export function* freeingTrash({ folder }: Pick<TrashEntry, "folder">): Work<void> {
  const going = folder.endsWith(GOING) ? folder : `${folder}${GOING}`;
  try {
    if (going !== folder) renameSync(folder, going);
    yield* removingFolder(going);
  } catch (error) {
    // A folder of a container's image cannot be renamed.
    if (hasCode(error, "EXDEV")) yield* removingFolder(folder);
    else if (!isMissing(error)) throw fromSystemError(error, `cannot free ${folder}`);
  }
}

const DAY_MS = 24 * 60 * 60_000;
const GOING = ".going";

function originOf(folder: string): string | null {
  try {
    const { path } = JSON.parse(readTextIfExists(join(folder, "origin.json")) ?? "{}");
    return typeof path === "string" ? path : null;
  } catch {
    return null; // cut off by a crash: the bytes are there all the same
  }
}

/** Bytes that other names have too (hard links) would not be freed, and do not count. */
function amountOf(folder: string): { files: number; bytes: number } {
  const total = { files: 0, bytes: 0 };
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (!(entry.name === "origin.json" && dirname(path) === folder)) {
        const stat = lstatSync(path, { throwIfNoEntry: false });
        total.files += 1;
        total.bytes += stat === undefined || stat.nlink > 1 ? 0 : stat.size;
      }
    }
  }
  return total;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw fromSystemError(error, `cannot look into ${basename(folder) === "trash" ? "the trash" : folder}`);
  }
}
