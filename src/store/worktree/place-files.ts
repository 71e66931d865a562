/** Making the files of placements out of the cache, under any names: what can be linked is linked, the others are copied together. */
import { lstatSync } from "node:fs";
import { type Project, topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { FileIdentity } from "../../platform/file-stat.ts";
import { setMode } from "../../platform/files.ts";
import { isSmall } from "../../platform/hashing.ts";
import { createPlacer, type Placer } from "../../platform/links.ts";
import { batchesOf, type Work } from "../../platform/pace.ts";
import { type CopyAnswers, copyingMany } from "../../platform/threads/many-files.ts";
import { openCache } from "../objects/cache.ts";
import { isJustChecked } from "../objects/just-checked.ts";
import { objectPath, shardsFolder } from "../objects/layout.ts";
import type { Placement } from "./checkout.ts";
import { isDatabase, mutablePaths } from "./databases.ts";

/** How files are made in this project. */
export interface Placing {
  project: Project;
  placer: Placer;
  isMutable: (path: string) => boolean;
}

export function placingIn(project: Project): Placing {
  return { project, placer: createPlacer(openCache(project).linkTypes), isMutable: mutablePaths(project) };
}

/** A file to be made. */
export type FileFromCache = Omit<Placement, "replaces" | "relpath">;

interface MakeFiles<M extends FileFromCache> {
  /** Where a file is made: an absolute path, or one in `into`, that nothing has. */
  at: (place: M) => string;
  into?: string;
  /** A file is there. Its status where it is known. */
  made?: (place: M, stat: FileIdentity | null) => void;
}

/** Checks the bytes where they pass through our hands. Throws E_OBJECT for a damaged object. */
export function* makingFiles<M extends FileFromCache>(
  placing: Placing,
  places: readonly M[],
  { at, into, made = () => undefined }: MakeFiles<M>,
): Work<void> {
  const pathOf = into === undefined ? at : (place: M) => `${into}/${at(place)}`;
  for (const batch of batchesOf(places)) {
    const together = new Map<string, M[]>();
    const left: M[] = [];
    for (const place of batch) {
      if (!placing.placer.copies() && linkFile(placing, place, pathOf(place))) {
        made(place, null);
        yield { files: 1, bytes: place.size };
      } else if (place.object.hashName !== "md5") left.push(place);
      else {
        const kind = isKnownWhole(place) ? `known ${place.dir}` : place.dir;
        const beside = together.get(kind);
        if (beside === undefined) together.set(kind, [place]);
        else beside.push(place);
      }
    }
    for (const copies of together.values()) {
      const answers = yield* copyingTogether(copies, { at, ...(into !== undefined && { into }) });
      for (const [index, place] of copies.entries()) {
        if (answers.state(index) !== "done") {
          left.push(place);
          continue;
        }
        if (place.isexec) makeExecutable(pathOf(place));
        made(place, place.isexec ? null : answers.stat(index));
      }
    }
    for (const place of left) {
      const told = yield* copyingFile(placing, place, pathOf(place));
      made(place, null);
      yield { files: 1, bytes: place.size - told };
    }
  }
}

/** Of one folder of objects; the bytes of all of them are known, or of none. */
function* copyingTogether<M extends FileFromCache>(
  copies: readonly M[],
  { at, ...folder }: Pick<MakeFiles<M>, "at" | "into">,
): Work<CopyAnswers> {
  const copyAt = (index: number) => copies[index] as M;
  const { dir } = copyAt(0);
  const files = { count: copies.length, to: (index: number) => at(copyAt(index)) };
  if (isKnownWhole(copyAt(0))) {
    const path = (index: number) => objectPath(dir, copyAt(index).object);
    return yield* copyingMany({ ...files, size: (index) => copyAt(index).size, path }, { ...folder, unhashed: true });
  }
  const size = (index: number) => (copyAt(index).isGuess === true ? -copyAt(index).size : copyAt(index).size);
  const md5 = (index: number) => copyAt(index).object.hash;
  return yield* copyingMany({ ...files, size, md5 }, { ...folder, shards: shardsFolder(dir, "md5") });
}

/** Its bytes were hashed a moment ago. */
function isKnownWhole({ dir, object, size }: FileFromCache): boolean {
  return !isSmall(size) && isJustChecked(objectPath(dir, object));
}

/** One file. Answers the bytes it has yielded. */
export function* makingFile(placing: Placing, place: FileFromCache, temporary: string): Work<number> {
  return linkFile(placing, place, temporary) ? 0 : yield* copyingFile(placing, place, temporary);
}

/** False when it is to be a copy. */
function linkFile(placing: Placing, file: FileFromCache, temporary: string): boolean {
  const from = objectPath(file.dir, file.object);
  if (placing.placer.link(from, temporary, { size: file.size, copyOnly: isCopyOnly(placing, file) }) === null) return false;
  if (file.isexec) makeExecutable(temporary);
  return true;
}

/** True for what must be a file of its own. A link has the mode of its object, which must stay 0444: so what is to be executable is none. */
export function isCopyOnly({ project, placer, isMutable }: Placing, { path, object, dir, size, isexec }: FileFromCache): boolean {
  if (isexec || isMutable(path.slice(topOf(project).length + 1))) return true;
  return placer.links() && isDatabase(project, objectPath(dir, object), size);
}

/** By this thread alone, which says what is wrong. */
function* copyingFile({ placer }: Placing, file: FileFromCache, temporary: string): Work<number> {
  const { object, size, isexec } = file;
  const { md5, told } = yield* placer.copying(objectPath(file.dir, object), temporary, size);
  if (object.hashName === "md5" && md5 !== object.hash) throw damaged(file, md5);
  if (isexec) makeExecutable(temporary);
  return told;
}

function makeExecutable(file: string): void {
  setMode(file, (lstatSync(file).mode & 0o777) | 0o100);
}

function damaged({ path, dir, object }: FileFromCache, found: string): ExpverError {
  const from = objectPath(dir, object);
  return new ExpverError("E_OBJECT", `the cached object ${object.hash} is damaged: its bytes are ${found}`, {
    hint: "Take it out of the cache and fetch it again: expver data verify --repair.",
    details: { path, object: from, found },
  });
}
