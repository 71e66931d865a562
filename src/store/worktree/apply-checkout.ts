/** Carrying out a checkout. A file (or a small new folder) appears under its name whole; nothing goes before everything needed is known to be there. */
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWithin } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { ExpverError, failedWith, fromSystemError } from "../../errors.ts";
import { hasCode, isFolder, isThere, removeFile, removePath } from "../../platform/files.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import { finishWork, NOTHING_DONE, type Work } from "../../platform/pace.ts";
import { refuseCopiesWithoutRoom } from "../../platform/room.ts";
import { counted } from "../../platform/words.ts";
import { openCache } from "../objects/cache.ts";
import { damageAmong, quarantine } from "../objects/damaged.ts";
import { objectPath } from "../objects/layout.ts";
import { makeStaging, sweepStagings } from "../objects/staging.ts";
import { dvcFolder } from "../settings/dvc-config.ts";
import { type OutputCheckout, type Placement, planningProven } from "./checkout.ts";
import { isDatabase } from "./databases.ts";
import { refuseOutside, removeDeadLink } from "./inside.ts";
import { clashIn, renamedInCase } from "./one-name.ts";
import { makingFile, makingFiles, type Placing, placingIn } from "./place-files.ts";
import { foldersAround, hasChanged, removeIfEmpty } from "./remove-files.ts";
import { openSingles, type ScannedFile } from "./scan.ts";
import { openStatCache, rememberPlaced, type StatCache } from "./stat-cache.ts";
import { takeName } from "./take-name.ts";

export interface ApplyCheckout {
  /**
   * Moves a file or folder whose bytes are saved nowhere to where they can be found again; `isPlanned`: a file among those the plan
   * says so of. Without it such a plan is refused.
   */
  discard?: (path: string, isPlanned: boolean) => void;
  /** Takes away what SQLite has kept beside a database that is made or replaced: it belongs to other bytes and would spoil these. */
  discardJournal?: (path: string) => void;
  /** A link to a folder where a file belongs gives way; what is behind it stays. Without it such a link is refused. */
  replacesLinks?: boolean;
}

/** Applies plans without missing objects; the others are left as they are, and so is an unproven one that is found to miss some: it says which then. Throws E_UNSAVED, E_IN_USE, E_OUTSIDE before any change. */
export function* applyingCheckout(
  project: Project,
  plans: readonly OutputCheckout[],
  { discard, discardJournal = rmSync, replacesLinks = false }: ApplyCheckout = {},
): Work<void> {
  const ready = plans.filter(({ missing }) => missing.length === 0);
  if (!discard) refuseUnsaved(project, plans);
  refuseOpenDatabases(project, ready);
  const cache = openCache(project);
  quarantine(
    cache,
    plans.flatMap(({ damaged }) => damaged),
  );
  const tmp = join(dvcFolder(project), "tmp");
  sweepStagings(tmp);
  if (ready.every(isDone)) return;
  for (const plan of ready) if (!isDone(plan)) refuseOutside(project, foldersWrittenBy(plan));
  const staging = makeStaging(tmp);
  const applying: Applying = { placing: placingIn(project), staging, made: 0, discard, discardJournal, replacesLinks };
  try {
    needRoom(ready, applying);
    const [folders, files] = [ready.filter(({ isFolder }) => isFolder), ready.filter(({ isFolder }) => !isFolder)];
    for (const plan of folders) {
      if (plan.isUnproven) {
        if (yield* placeUnproven(plan, applying)) continue;
        const proven = yield* planningProven(project, plan);
        if (!proven.isNew) throw changedMeanwhile(plan.path);
        Object.assign(plan, proven);
        quarantine(cache, plan.damaged);
        if (plan.missing.length > 0) continue;
      }
      if (isSmallAndNew(plan) && (yield* placeWhole(plan, applying))) continue;
      yield* applyFolder(plan, applying);
    }
    yield* applyFiles(files, applying);
  } catch (error) {
    refuseOneName(ready, staging);
    if (!failedWith(error, "E_OBJECT")) throw fromSystemError(error, "cannot check out");
    const objects = ready.flatMap(({ places }) => places.map(({ object }) => object));
    throw yield* damageAmong(cache, objects, error);
  } finally {
    removePath(staging);
  }
}

/** Says so where a checkout has failed because two names are one here. Throws E_DATA. */
function refuseOneName(plans: readonly OutputCheckout[], staging: string): void {
  for (const { path, places } of plans) {
    const clash = clashIn(staging, places);
    if (clash === null) continue;
    const [one, other] = clash;
    throw new ExpverError("E_DATA", `${path} has a ${one} and a ${other}: this file system takes them for one`, {
      hint: "On a disk that tells them apart, rename one of them, then `expver data add` and `expver publish`; or work there.",
      details: { path, names: clash },
    });
  }
}

/** Throws E_DISK_FULL when copies are certain not to fit, even with the room of every file that gives way. */
function needRoom(plans: readonly OutputCheckout[], { placing: { placer }, staging }: Applying): void {
  let [bytes, files] = [0, 0];
  let example: Placement | null = null;
  for (const { places, removes } of plans) {
    for (const place of places) {
      bytes += place.size - (place.replaces?.size ?? 0);
      files += 1;
      if (place.size > (example?.size ?? 0)) example = place;
    }
    for (const { size } of removes) bytes -= size;
  }
  if (example === null || placer.links()) return;
  const what = `${counted(files, "file")} of data`;
  refuseCopiesWithoutRoom(staging, { what, bytes, example: objectPath(example.dir, example.object) });
}

/** Paths of the files that would be lost: also where an object is damaged, to which one of them may be a link. */
export function pathsToLose(plans: readonly OutputCheckout[]): string[] {
  const changing = plans.filter(({ missing, damaged }) => missing.length === 0 || damaged.length > 0);
  return changing.flatMap(({ unsaved }) => unsaved.map(({ path }) => path));
}

/** Throws E_UNSAVED naming every file that would be lost. */
export function refuseUnsaved(project: Project, plans: readonly OutputCheckout[]): void {
  const paths = pathsToLose(plans);
  if (paths.length === 0) return;
  const shown = paths.slice(0, 10).join("\n  ");
  const more = paths.length > 10 ? `\n  and ${paths.length - 10} more` : "";
  throw new ExpverError(
    "E_UNSAVED",
    `${paths.length === 1 ? "the bytes of 1 file" : `bytes of ${paths.length} files`} are stored nowhere and would be overwritten or removed:\n  ${shown}${more}`,
    {
      // Stored as it is, it would take the place of the one with others' rows.
      ...(project.repository !== null && paths.includes(resultsDatabase(project))
        ? { hint: "To have its rows and HEAD's together: expver merge HEAD; or give its rows up with --force." }
        : {}),
      details: { paths },
    },
  );
}

interface Applying {
  placing: Placing;
  /** On the worktree's file system, where Git and DVC do not look. */
  staging: string;
  /** Files so far that were made in it one by one. */
  made: number;
  discard: ApplyCheckout["discard"];
  discardJournal: (path: string) => void;
  replacesLinks: boolean;
}

function isDone({ places, removes, isNew, isFolder, emptyFolders }: OutputCheckout): boolean {
  return places.length + removes.length + emptyFolders.length === 0 && !(isNew && isFolder);
}

/** Existing ones, and some that are not yet. */
function* foldersWrittenBy({ path, isNew, isFolder, wrongKind, places, removes }: OutputCheckout): Generator<string> {
  yield dirname(path);
  if (isNew || (wrongKind && isFolder)) return;
  if (isFolder) for (const folder of foldersIn(places)) yield folder === "" ? path : `${path}/${folder}`;
  for (const file of removes) yield dirname(file.path);
}

// More than this grows in place, so that an interrupted checkout has not been for nothing.
const WHOLE_BYTES = 256 * 1024 * 1024;

function isSmallAndNew({ isNew, places }: OutputCheckout): boolean {
  return isNew && places.reduce((sum, { size }) => sum + size, 0) <= WHOLE_BYTES;
}

// Threads, each at one large file.
const HANDFUL = 4;
const MOST_IN_HANDFUL = 5000;

/** What is made at once, and then gets its names. */
function* handfulsOf(places: readonly Placement[]): Generator<Placement[]> {
  let handful: Placement[] = [];
  let bytes = 0;
  for (const place of places) {
    handful.push(place);
    bytes += place.size;
    if (handful.length < MOST_IN_HANDFUL && (handful.length < HANDFUL || bytes < WHOLE_BYTES)) continue;
    yield handful;
    [handful, bytes] = [[], 0];
  }
  if (handful.length > 0) yield handful;
}

/** Makes a new folder beside and gives it its name at once. False when something stands there by now, or on another file system. */
function* placeWhole(plan: OutputCheckout, { placing, staging }: Applying): Work<boolean> {
  const tree = `${staging}/tree`;
  const memory = memoryOf(plan, placing.project);
  for (const folder of foldersIn(plan.places)) mkdirSync(`${tree}/${folder}`, { recursive: true });
  yield* makingFiles(placing, plan.places, {
    into: tree,
    at: ({ relpath }) => relpath,
    made(place, stat) {
      const name = place.relpath;
      if (stat === null) rememberPlaced(memory, { name, path: `${tree}/${name}`, md5: place.object.hash });
      else memory.setPlaced(name, stat, place.object.hash);
    },
  });
  refuseOutside(placing.project, [dirname(plan.path)]);
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

/** Folders that these files are in, and the output's own, which is "". */
function foldersIn(places: readonly Placement[]): Set<string> {
  const folders = new Set([""]);
  let last = "";
  for (const { relpath } of places) {
    const length = Math.max(0, relpath.lastIndexOf("/"));
    // Mostly they stand side by side.
    if (length === last.length && relpath.startsWith(last)) continue;
    last = relpath.slice(0, length);
    folders.add(last);
  }
  return folders;
}

/** False when that does not go well: whoever looks at each object says why. */
function* placeUnproven(plan: OutputCheckout, applying: Applying): Work<boolean> {
  const { placer } = applying.placing;
  try {
    // Where files can be cloned, no bytes are read on the way.
    const probe = plan.places[0] as Placement;
    if (!placer.copies()) placer.link(objectPath(probe.dir, probe.object), `${applying.staging}/probe`, probe);
    return placer.copies() && isSmallAndNew(plan) && (yield* placeWhole(plan, applying));
  } catch (error) {
    if (failedWith(error, "E_INTERRUPTED")) throw error;
    removePath(`${applying.staging}/tree`);
    return false;
  }
}

function* applyFolder(plan: OutputCheckout, applying: Applying): Work<void> {
  const { path } = plan;
  const { project } = applying.placing;
  const remover = createRemover(plan, applying.discard);
  const memory = memoryOf(plan, project);
  const folders = new Set<string>();
  if (plan.wrongKind) remover.clear(path);
  else removeFirst(plan, remover);
  makeFolder(path, { made: folders, remover, project });
  for (const handful of handfulsOf(plan.places)) {
    for (const [place, temporary] of yield* makeAside(handful, applying)) {
      makeFolder(dirname(place.path), { made: folders, remover, project });
      putInPlace(place, { temporary, applying, remover });
      rememberPlaced(memory, { name: place.relpath, path: place.path, md5: place.object.hash });
      yield NOTHING_DONE;
    }
  }
  for (const file of plan.removes) {
    remover.remove(file);
    yield { files: 1, bytes: 0 };
  }
  for (const folder of foldersAround({ ...plan, files: plan.removes })) removeIfEmpty(folder);
  memory.save({ keepOthers: true });
}

/** What would stand in the way of its own new name goes before anything comes, and so do empty folders. */
function removeFirst({ path, places, removes, emptyFolders }: OutputCheckout, remover: Remover): void {
  const files = renamedInCase(removes, places);
  for (const file of files) remover.remove(file);
  for (const folder of foldersAround({ path, files, emptyFolders })) removeIfEmpty(folder);
}

/** Outputs that are single files. */
function* applyFiles(plans: readonly OutputCheckout[], applying: Applying): Work<void> {
  const kinds = new Set(plans.map(({ pointer }) => pointer.hashName));
  const memories = new Map(Array.from(kinds, (kind) => [kind, openSingles(applying.placing.project, kind)]));
  const planOf = new Map(plans.flatMap((plan) => plan.places.map((place) => [place, plan])));
  for (const handful of handfulsOf([...planOf.keys()])) {
    for (const [place, temporary] of yield* makeAside(handful, applying)) {
      const plan = planOf.get(place) as OutputCheckout;
      const remover = createRemover(plan, applying.discard);
      if (plan.wrongKind) remover.clear(plan.path);
      makeFolder(dirname(plan.path), { made: new Set(), remover, project: applying.placing.project });
      putInPlace(place, { temporary, applying, remover });
      rememberPlaced(memories.get(plan.pointer.hashName) as StatCache, { name: plan.path, path: plan.path, md5: place.object.hash });
      yield NOTHING_DONE;
    }
  }
  for (const memory of memories.values()) memory.save({ keepOthers: true });
}

/** Answers where each was made. */
function* makeAside(places: readonly Placement[], applying: Applying): Work<ReadonlyMap<Placement, string>> {
  // A new name each time: renaming one link of a file to another does nothing, and the first one stays.
  const temporaries = new Map(places.map((place) => [place, `${applying.staging}/file-${++applying.made}`]));
  yield* makingFiles(applying.placing, places, { at: (place) => temporaries.get(place) as string });
  return temporaries;
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
  const unsaved = new Set(plan.unsaved);
  const cleared = new Set<ScannedFile>();
  const takeAway = (file: ScannedFile, alsoSaved: boolean) => {
    if (cleared.has(file)) return;
    if (hasChanged(file)) throw changedMeanwhile(file.path);
    if (!unsaved.has(file)) {
      if (alsoSaved) removeFile(file.path);
    } else if (discard) discard(file.path, true);
    else throw changedMeanwhile(file.path);
  };
  const remove = (file: ScannedFile) => {
    takeAway(file, true);
    cleared.add(file);
  };
  return {
    remove,
    makeRoom: (file) => takeAway(file, false),
    clear(path) {
      for (const file of plan.removes) {
        if (isWithin(file.path, path)) remove(file);
      }
      for (const folder of foldersAround({ path: dirname(path), files: plan.removes, emptyFolders: plan.emptyFolders })) {
        if (isWithin(folder, path)) removeIfEmpty(folder);
      }
      if (!isThere(path)) return;
      if (!discard) throw isWithin(path, plan.path) ? changedMeanwhile(path) : standsFile(path);
      discard(path, false);
    },
  };
}

function makeFolder(folder: string, { made, remover, project }: { made: Set<string>; remover: Remover; project: Project }): void {
  if (made.has(folder)) return;
  made.add(folder);
  removeDeadLink(folder);
  // Once more: the plan may have been made when no link was there.
  refuseOutside(project, [folder]);
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

function memoryOf({ pointer: { hashName }, path, isNew }: OutputCheckout, project: Project): StatCache {
  return openStatCache(project.stateDir, path, { kind: hashName, isNew });
}

function putInPlace(place: Placement, { temporary, applying, remover }: { temporary: string; applying: Applying; remover: Remover }): void {
  const { placing } = applying;
  if (place.replaces !== null) remover.makeRoom(place.replaces);
  else {
    const newcomer = lstatSync(place.path, { throwIfNoEntry: false });
    if (newcomer?.isDirectory()) remover.clear(place.path);
    else if (newcomer?.isSymbolicLink() && isFolder(place.path)) {
      // No walk follows it, so that no plan knows of it: it is somebody's own.
      if (applying.discard) applying.discard(place.path, false);
      else if (!applying.replacesLinks) throw standsLink(place.path);
    } else if (newcomer?.isFile()) throw changedMeanwhile(place.path);
  }
  for (const journal of journalsBeside(place, placing.project)) applying.discardJournal(journal);
  takeName(temporary, place.path, (beside) => finishWork(makingFile(placing, place, beside)));
}

function journalsBeside({ path, dir, object, size }: Placement, project: Project): string[] {
  if (!isDatabase(project, objectPath(dir, object), size)) return [];
  return ["-wal", "-shm", "-journal"].map((end) => path + end).filter((file) => existsSync(file));
}

/** Of nothing that is checked out. */
function standsFile(path: string): ExpverError {
  return new ExpverError("E_UNSAVED", `${path} stands where a folder of what is checked out belongs`, {
    hint: "Look what it is, move it elsewhere, and repeat.",
    details: { path },
  });
}

function changedMeanwhile(path: string): ExpverError {
  return new ExpverError("E_UNSAVED", `${path} was changed while it was being checked out; it is left as it is`, {
    hint: "Repeat the command.",
    details: { paths: [path] },
  });
}

function standsLink(path: string): ExpverError {
  return new ExpverError("E_UNSAVED", `${path} is a link to a folder, and a file of tracked data belongs there`, {
    hint: "Move the link away and repeat the command, or give it up: expver data checkout --force. The folder behind it stays.",
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
