/** Carrying out a checkout. A file appears under its name whole; nothing goes before everything needed is known to be there. */
import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Project, topOf } from "../config/project.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import { createPlacer, type Placer } from "../platform/links.ts";
import { whoHasOpen } from "../platform/open-files.ts";
import type { Work } from "../platform/pace.ts";
import { openCache } from "./cache.ts";
import type { OutputCheckout, Placement } from "./checkout.ts";
import { isDatabase, mutablePaths } from "./databases.ts";
import { dvcFolder } from "./dvc-config.ts";
import { foldersAround, removeIfEmpty } from "./remove-files.ts";
import { openSingles, type ScannedFile } from "./scan.ts";
import { openStatCache, type StatCache } from "./stat-cache.ts";

export interface ApplyCheckout {
  /** Moves a file or folder whose bytes are saved nowhere to where they can be found again. Without it such a plan is refused. */
  discard?: (path: string) => void;
}

/** Applies plans without missing objects; the others are left as they are. Throws E_UNSAVED, E_IN_USE before any change. */
export function* applyingCheckout(project: Project, plans: readonly OutputCheckout[], { discard }: ApplyCheckout = {}): Work<void> {
  const ready = plans.filter(({ missing }) => missing.length === 0);
  if (!discard) refuseUnsaved(ready);
  refuseOpenDatabases(project, ready);
  const staging = join(dvcFolder(project), "tmp", `expver-${randomBytes(6).toString("hex")}`);
  const placing = { project, staging, placer: createPlacer(openCache(project).linkTypes), isMutable: mutablePaths(project), count: 0 };
  try {
    for (const plan of ready) yield* applyOutput(plan, placing, discard);
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

interface PlacingOne extends Placing {
  remover: Remover;
  memory: StatCache;
  /** How the memory knows the file. */
  name: string;
}

interface Placing {
  project: Project;
  /** On the worktree's file system, where Git and DVC do not look. */
  staging: string;
  placer: Placer;
  isMutable: (path: string) => boolean;
  count: number;
}

function* applyOutput(plan: OutputCheckout, placing: Placing, discard: ApplyCheckout["discard"]): Work<void> {
  const { stateDir } = placing.project;
  const { pointer, path, isFolder } = plan;
  const remover = createRemover(plan, discard);
  const memory = isFolder ? openStatCache(stateDir, path, pointer.hashName) : openSingles(placing.project, pointer.hashName);
  const folders = new Set<string>();
  if (plan.wrongKind) remover.clear(path);
  if (isFolder) makeFolder(path, folders, remover);
  for (const place of plan.places) {
    makeFolder(dirname(place.path), folders, remover);
    placeFile(place, { ...placing, remover, memory, name: isFolder ? place.path.slice(path.length + 1) : place.path });
    placing.count += 1;
    yield { files: 1, bytes: place.size };
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
  const done = new Set<string>();
  const takeAway = (file: ScannedFile, alsoSaved: boolean) => {
    if (done.has(file.path)) return;
    done.add(file.path);
    refuseChanged(file);
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
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
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
    if (!(error instanceof Error && "code" in error && (error.code === "EEXIST" || error.code === "ENOTDIR"))) throw error;
    let standing = folder;
    while (lstatSync(standing, { throwIfNoEntry: false }) === undefined) standing = dirname(standing);
    remover.clear(standing);
    mkdirSync(folder, { recursive: true });
  }
}

function placeFile(place: Placement, { project, staging, placer, isMutable, count, remover, memory, name }: PlacingOne): void {
  if (count === 0) mkdirSync(staging, { recursive: true });
  const temporary = join(staging, String(count));
  const stored = place.path.slice(topOf(project).length + 1);
  const copyOnly = isMutable(stored) || (placer.links() && isDatabase(project, place.from, place.size));
  const { type, md5 } = placer.place(place.from, temporary, { size: place.size, copyOnly });
  if (md5 !== null && place.object.hashName === "md5" && md5 !== place.object.hash) throw damaged(place, md5);
  if (place.isexec && (type === "copy" || type === "reflink")) chmodSync(temporary, (lstatSync(temporary).mode & 0o777) | 0o100);
  if (place.replaces !== null) remover.makeRoom(place.replaces);
  else {
    const newcomer = lstatSync(place.path, { throwIfNoEntry: false });
    if (newcomer?.isDirectory()) remover.clear(place.path);
    else if (newcomer?.isFile()) throw changedMeanwhile(place.path);
  }
  moveInto(temporary, place, placer);
  const placed = lstatSync(place.path);
  if (!placed.isSymbolicLink()) memory.setPlaced(name, placed, place.object.hash);
}

/** Renames; when the output is on another file system than `.dvc`, makes it there. */
function moveInto(temporary: string, { path, size }: Placement, placer: Placer): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    const beside = join(dirname(path), `.${randomBytes(6).toString("hex")}.tmp`);
    placer.place(temporary, beside, { size, copyOnly: true });
    chmodSync(beside, lstatSync(temporary).mode & 0o777);
    renameSync(beside, path);
    unlinkSync(temporary);
  }
}

function damaged({ path, from, object }: Placement, found: string): ExpverError {
  return new ExpverError("E_OBJECT", `the cached object ${object.hash} is damaged: its bytes are ${found}`, {
    hint: `Remove ${from} and fetch it again: expver data fetch.`,
    details: { path, object: from, found },
  });
}

/** What was read a moment ago must still be what stands there: else somebody has just written it. */
function refuseChanged({ path, stat, isLink }: ScannedFile): void {
  const now = lstatSync(path, { throwIfNoEntry: false });
  if (now !== undefined && !isLink && now.ctimeMs !== stat.ctimeMs) throw changedMeanwhile(path);
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
