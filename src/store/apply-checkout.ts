/** Carrying out a checkout. A file (or a small new folder) appears under its name whole; nothing goes before everything needed is known to be there. */
import { chmodSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Project, topOf } from "../config/project.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import { fileStat } from "../platform/file-stat.ts";
import { hasCode, isThere } from "../platform/files.ts";
import { isSmall } from "../platform/hashing.ts";
import { createPlacer, type Placer } from "../platform/links.ts";
import { whoHasOpen } from "../platform/open-files.ts";
import { batchesOf, finishWork, type Work } from "../platform/pace.ts";
import { copyingSmall } from "../platform/small-files.ts";
import { openCache } from "./cache.ts";
import type { OutputCheckout, Placement } from "./checkout.ts";
import { isDatabase, mutablePaths } from "./databases.ts";
import { dvcFolder } from "./dvc-config.ts";
import { foldersAround, hasChanged, removeIfEmpty } from "./remove-files.ts";
import { openSingles, type ScannedFile } from "./scan.ts";
import { makeStaging, sweepStagings } from "./staging.ts";
import { openStatCache, type StatCache } from "./stat-cache.ts";
import { takeName } from "./take-name.ts";

export interface ApplyCheckout {
  /** Moves a file or folder whose bytes are saved nowhere to where they can be found again. Without it such a plan is refused. */
  discard?: (path: string) => void;
  /** Takes away what SQLite has kept beside a database that is made or replaced: it belongs to other bytes and would spoil these. */
  discardJournal?: (path: string) => void;
}

/** Applies plans without missing objects; the others are left as they are. Throws E_UNSAVED, E_IN_USE before any change. */
export function* applyingCheckout(
  project: Project,
  plans: readonly OutputCheckout[],
  { discard, discardJournal = rmSync }: ApplyCheckout = {},
): Work<void> {
  const ready = plans.filter(({ missing }) => missing.length === 0);
  if (!discard) refuseUnsaved(ready);
  refuseOpenDatabases(project, ready);
  const tmp = join(dvcFolder(project), "tmp");
  sweepStagings(tmp);
  if (ready.every(isDone)) return;
  const staging = makeStaging(tmp);
  const placing = {
    project,
    staging,
    made: 0,
    placer: createPlacer(openCache(project).linkTypes),
    isMutable: mutablePaths(project),
    discardJournal,
  };
  try {
    for (const plan of ready) {
      if (isSmallNewFolder(plan) && (yield* placeWhole(plan, placing))) continue;
      yield* applyOutput(plan, placing, discard);
    }
  } catch (error) {
    throw fromSystemError(error, "cannot check out");
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Throws E_UNSAVED naming every file that would be lost. */
export function refuseUnsaved(plans: readonly OutputCheckout[]): void {
  const paths = plans.flatMap(({ unsaved }) => unsaved.map(({ path }) => path));
  if (paths.length === 0) return;
  const shown = paths.slice(0, 10).join("\n  ");
  const more = paths.length > 10 ? `\n  and ${paths.length - 10} more` : "";
  throw new ExpverError(
    "E_UNSAVED",
    `${paths.length === 1 ? "the bytes of 1 file" : `bytes of ${paths.length} files`} are stored nowhere and would be overwritten or removed:\n  ${shown}${more}`,
    {
      details: { paths },
    },
  );
}

interface Placing {
  project: Project;
  /** On the worktree's file system, where Git and DVC do not look. */
  staging: string;
  /** Files so far that were made one by one. */
  made: number;
  placer: Placer;
  isMutable: (path: string) => boolean;
  discardJournal: (path: string) => void;
}

function isDone({ places, removes, isNew, isFolder, emptyFolders }: OutputCheckout): boolean {
  return places.length + removes.length + emptyFolders.length === 0 && !(isNew && isFolder);
}

// More than this grows in place, so that an interrupted checkout has not been for nothing.
const WHOLE_BYTES = 256 * 1024 * 1024;

function isSmallNewFolder({ isNew, isFolder, places }: OutputCheckout): boolean {
  return isNew && isFolder && places.reduce((sum, { size }) => sum + size, 0) <= WHOLE_BYTES;
}

/** Makes a new folder beside and gives it its name at once. False when something stands there by now, or on another file system. */
function* placeWhole(plan: OutputCheckout, placing: Placing): Work<boolean> {
  const tree = `${placing.staging}/tree`;
  const memory = memoryOf(plan, placing.project);
  const temporaryOf = ({ path }: Placement) => tree + path.slice(plan.path.length);
  const folders = new Set(plan.places.map(({ path }) => path.slice(plan.path.length, path.lastIndexOf("/"))));
  for (const folder of folders) mkdirSync(tree + folder, { recursive: true });
  yield* makeFiles(plan.places, { nameOf: ({ path }) => path.slice(plan.path.length + 1), temporaryOf, memory, placing });
  mkdirSync(tree, { recursive: true });
  try {
    mkdirSync(dirname(plan.path), { recursive: true });
    renameSync(tree, plan.path);
  } catch {
    rmSync(tree, { recursive: true });
    return false;
  }
  memory.save({ keepOthers: true });
  return true;
}

interface Making {
  /** How the memory knows a file. */
  nameOf: (place: Placement) => string;
  temporaryOf: (place: Placement) => string;
  memory: StatCache;
  placing: Placing;
}

/** One by one until it is known that all are copies; then the small ones together. */
function* makeFiles(places: readonly Placement[], { nameOf, temporaryOf, memory, placing }: Making): Work<void> {
  let made = 0;
  for (; made < places.length && !placing.placer.copies(); made += 1) yield* makeOne(places[made] as Placement);
  for (const batch of batchesOf(places.slice(made))) {
    const small = batch.filter(({ object, size }) => object.hashName === "md5" && isSmall(size));
    const copies = yield* copyingSmall(
      small.map((place) => ({ path: place.from, size: place.size, md5: place.object.hash, to: temporaryOf(place) })),
      {},
    );
    const done = new Set(small.filter((_, index) => copies.state(index) === "done"));
    for (const [index, place] of small.entries()) {
      if (done.has(place)) memory.setPlaced(nameOf(place), copies.stat(index), place.object.hash);
    }
    for (const place of batch) if (!done.has(place)) yield* makeOne(place);
  }

  function* makeOne(place: Placement): Work<void> {
    const temporary = temporaryOf(place);
    const told = yield* makeFile(place, temporary, placing);
    remember(memory, { name: nameOf(place), path: temporary, place });
    yield { files: 1, bytes: place.size - told };
  }
}

function* applyOutput(plan: OutputCheckout, placing: Placing, discard: ApplyCheckout["discard"]): Work<void> {
  const { path, isFolder } = plan;
  const remover = createRemover(plan, discard);
  const memory = memoryOf(plan, placing.project);
  const folders = new Set<string>();
  if (plan.wrongKind) remover.clear(path);
  if (isFolder) makeFolder(path, folders, remover);
  for (const place of plan.places) {
    makeFolder(dirname(place.path), folders, remover);
    const told = yield* placeFile(place, placing, remover);
    remember(memory, { name: isFolder ? place.path.slice(path.length + 1) : place.path, path: place.path, place });
    yield { files: 1, bytes: place.size - told };
  }
  for (const file of plan.removes) {
    remover.remove(file);
    yield { files: 1, bytes: 0 };
  }
  if (isFolder) for (const folder of foldersAround({ ...plan, files: plan.removes })) removeIfEmpty(folder);
  memory.save({ keepOthers: true });
}

/** Takes files out of the way: those saved in the cache are deleted, others discarded; what changed a moment ago stays. */
interface Remover {
  remove(file: ScannedFile): void;
  /** Makes room for a file that replaces this one. */
  makeRoom(file: ScannedFile): void;
  /** Everything at or below a path that the plan removes, then the empty folders. */
  clear(path: string): void;
}

function createRemover(plan: OutputCheckout, discard: ApplyCheckout["discard"]): Remover {
  const unsaved = new Set(plan.unsaved.map(({ path }) => path));
  const done = new Set<ScannedFile>();
  const takeAway = (file: ScannedFile, alsoSaved: boolean) => {
    if (done.has(file)) return;
    done.add(file);
    if (hasChanged(file)) throw changedMeanwhile(file.path);
    if (!unsaved.has(file.path)) {
      if (alsoSaved) rmSync(file.path, { force: true });
    } else if (discard) discard(file.path);
    else throw changedMeanwhile(file.path);
  };
  return {
    remove: (file) => takeAway(file, true),
    makeRoom: (file) => takeAway(file, false),
    clear(path) {
      for (const file of plan.removes) if (file.path === path || file.path.startsWith(`${path}/`)) takeAway(file, true);
      for (const folder of foldersAround({ path: dirname(path), files: plan.removes, emptyFolders: plan.emptyFolders })) {
        if (folder === path || folder.startsWith(`${path}/`)) removeIfEmpty(folder);
      }
      if (!isThere(path)) return;
      if (!discard) throw changedMeanwhile(path);
      discard(path);
    },
  };
}

function makeFolder(folder: string, made: Set<string>, remover: Remover): void {
  if (made.has(folder)) return;
  made.add(folder);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    if (!hasCode(error, "EEXIST", "ENOTDIR")) throw error;
    let standing = folder;
    while (!isThere(standing)) standing = dirname(standing);
    remover.clear(standing);
    mkdirSync(folder, { recursive: true });
  }
}

function memoryOf({ pointer: { hashName }, path, isFolder, isNew }: OutputCheckout, project: Project): StatCache {
  return isFolder ? openStatCache(project.stateDir, path, { kind: hashName, isNew }) : openSingles(project, hashName);
}

/** `name`: how the memory knows the file that was just made at `path`. */
function remember(memory: StatCache, { name, path, place }: { name: string; path: string; place: Placement }): void {
  const placed = lstatSync(path);
  if (!placed.isSymbolicLink()) memory.setPlaced(name, fileStat(placed), place.object.hash);
}

/** Answers the bytes it has yielded. */
function* placeFile(place: Placement, placing: Placing, remover: Remover): Work<number> {
  // A new name each time: renaming one link of a file to another does nothing, and the first one stays.
  placing.made += 1;
  const temporary = `${placing.staging}/file-${placing.made}`;
  const told = yield* makeFile(place, temporary, placing);
  if (place.replaces !== null) remover.makeRoom(place.replaces);
  else {
    const newcomer = lstatSync(place.path, { throwIfNoEntry: false });
    if (newcomer?.isDirectory()) remover.clear(place.path);
    else if (newcomer?.isFile()) throw changedMeanwhile(place.path);
  }
  for (const journal of journalsBeside(place, placing.project)) placing.discardJournal(journal);
  takeName(temporary, place.path, (beside) => finishWork(makeFile(place, beside, placing)));
  return told;
}

function journalsBeside({ path, from, size }: Placement, project: Project): string[] {
  if (!isDatabase(project, from, size)) return [];
  return ["-wal", "-shm", "-journal"].map((end) => path + end).filter((file) => existsSync(file));
}

/** The file under a temporary name, its bytes checked where they passed through our hands. Answers the bytes it has yielded. */
export function* makeFile(
  { path, from, size, object, isexec }: Placement,
  temporary: string,
  { project, placer, isMutable }: Pick<Placing, "project" | "placer" | "isMutable">,
): Work<number> {
  // A link has the mode of its object, which must stay 0444: what is to be executable is a file of its own.
  const copyOnly = isexec || isMutable(path.slice(topOf(project).length + 1)) || (placer.links() && isDatabase(project, from, size));
  const { md5, told } = yield* placer.placing(from, temporary, { size, copyOnly });
  if (md5 !== null && object.hashName === "md5" && md5 !== object.hash) throw damaged({ path, from, object }, md5);
  if (isexec) chmodSync(temporary, (lstatSync(temporary).mode & 0o777) | 0o100);
  return told;
}

function damaged({ path, from, object }: Pick<Placement, "path" | "from" | "object">, found: string): ExpverError {
  return new ExpverError("E_OBJECT", `the cached object ${object.hash} is damaged: its bytes are ${found}`, {
    hint: `Remove ${from} and fetch it again: expver data fetch.`,
    details: { path, object: from, found },
  });
}

function changedMeanwhile(path: string): ExpverError {
  return new ExpverError("E_UNSAVED", `${path} was changed while it was being checked out; it is left as it is`, {
    hint: "Repeat the command.",
    details: { paths: [path] },
  });
}

function refuseOpenDatabases(project: Project, plans: readonly OutputCheckout[]): void {
  for (const { places, removes } of plans) {
    for (const { path, stat } of [...places.flatMap(({ replaces }) => replaces ?? []), ...removes]) {
      if (!isDatabase(project, path, stat.size)) continue;
      const pids = whoHasOpen(path) ?? [];
      if (pids.length === 0) continue;
      throw new ExpverError("E_IN_USE", `${path} is open in process ${pids.join(", ")} and cannot be replaced`, {
        details: { path, pids, exitCode: 4 },
      });
    }
  }
}
