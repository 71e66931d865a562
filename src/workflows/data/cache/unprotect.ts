/** `expver data unprotect`: links into the cache become files of their own, which may be edited. */
import { chmodSync, lstatSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { removePath, setMode } from "../../../platform/files.ts";
import { createPlacer } from "../../../platform/links.ts";
import { finishWork, paceWork, type Work } from "../../../platform/pace.ts";
import { refuseCopiesWithoutRoom } from "../../../platform/room.ts";
import { counted } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { makeStaging } from "../../../store/objects/staging.ts";
import { dvcFolder } from "../../../store/settings/dvc-config.ts";
import { outsideOf, refuseOutside } from "../../../store/worktree/inside.ts";
import { walkingOutput } from "../../../store/worktree/scan.ts";
import { isHere } from "../../../store/worktree/status.ts";
import { takeName } from "../../../store/worktree/take-name.ts";
import type { WalkedFile } from "../../../store/worktree/walk.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { wordsOf } from "../../input.ts";
import { fingerprintOfEach } from "../../plan.ts";
import { openData } from "../open-data.ts";

interface UnprotectPlan extends Plan {
  files: WalkedFile[];
}

export interface UnprotectResult {
  /** Links that were replaced by copies. */
  copied: number;
}

export const dataUnprotect: WriteWorkflow<Input, UnprotectPlan, UnprotectResult> = {
  async plan(context, input) {
    const project = openData(context);
    const paths = wordsOf(input.target).map((target) => {
      const path = resolve(context.cwd, target);
      if (!isHere(path)) throw new ExpverError("E_NOT_FOUND", `there is no ${target} to unprotect`, { details: { path } });
      return path;
    });
    const files = (await paceWork(walkingOutputs(project, paths), context, { label: "looking at data" })).flat();
    refuseOutside(project, new Set(files.map(({ path }) => dirname(path))));
    return {
      command: "data unprotect",
      steps: files.filter(willBeCopied).map(({ path, stat }) => ({ verb: "copy", target: path, bytes: stat.size })),
      destructive: false,
      fingerprint: fingerprintOfEach(factsOf(files)),
      files,
    };
  },

  async apply(context, { files }) {
    const project = openData(context);
    return withDvcLock(project, () => paceWork(unprotecting(project, files), context, { label: "copying data", total: files.length }));
  },
};

/** The files of each of these outputs, by their absolute paths. */
export function* walkingOutputs(
  project: Project,
  paths: readonly string[],
  options: { mayLack?: boolean } = {},
): Work<(readonly WalkedFile[])[]> {
  const found: (readonly WalkedFile[])[] = [];
  for (const path of paths) found.push((yield* walkingOutput(project, path, options)).files);
  return found;
}

/** What stays when nobody tracks it any more must not depend on the cache: links become files, the others stay as they are. Throws E_DISK_FULL before the first when not all have room. */
export function* releasing(project: Project, files: readonly WalkedFile[]): Work<void> {
  const links = linksAmong(files);
  if (links.length > 0) yield* unprotecting(project, links);
}

/** Throws E_DISK_FULL when these files, should they have to become copies, have no room. */
export function needRoomToRelease(project: Project, files: readonly WalkedFile[]): void {
  needRoom(linksAmong(files), stagingFolder(project));
}

function linksAmong(files: readonly WalkedFile[]): WalkedFile[] {
  return files.filter(({ isLink, stat }) => isLink || stat.nlink > 1);
}

function stagingFolder(project: Project): string {
  return join(dvcFolder(project), "tmp");
}

/** By the bytes they have, whatever their pointers say. What a link of a folder leads out of the repository for stays as it is. */
function* unprotecting(project: Project, files: readonly WalkedFile[]): Work<UnprotectResult> {
  const placer = createPlacer(["copy"]);
  const staging = makeStaging(stagingFolder(project));
  const umask = process.umask();
  const outside = outsideOf(project);
  let copied = 0;
  try {
    needRoom(files.filter(willBeCopied), staging);
    for (const file of files) {
      if (outside(dirname(file.path)) !== null) continue;
      const mode = writableMode(file, umask);
      if (isLinked(file) || isAnothers(file, mode)) {
        const make = function* (at: string): Work<void> {
          yield* placer.duplicating(file.path, at, file.stat.size);
          setMode(at, mode);
        };
        yield* make(join(staging, "file"));
        takeName(join(staging, "file"), file.path, (beside) => finishWork(make(beside)));
        copied += 1;
        continue;
      }
      // Each change of the mode would be a change of the file to those who remember what is in it.
      if ((file.stat.mode & 0o777) !== mode) chmodSync(file.path, mode);
      yield { files: 1, bytes: file.stat.size };
    }
  } finally {
    removePath(staging);
  }
  return { copied };
}

/** Throws E_DISK_FULL. */
function needRoom(linked: readonly WalkedFile[], folder: string): void {
  const [first] = linked;
  if (first === undefined) return;
  const bytes = linked.reduce((sum, { stat }) => sum + stat.size, 0);
  refuseCopiesWithoutRoom(folder, { what: `${counted(linked.length, "copy", "copies")} of data`, bytes, example: first.path });
}

function* factsOf(files: readonly WalkedFile[]): Generator<unknown> {
  for (const { path, stat } of files) yield [path, stat.ino, stat.ctimeMs];
}

/** As it was when it was looked at. */
function willBeCopied(file: WalkedFile): boolean {
  return file.isLink || file.stat.nlink > 1 || isAnothers(file, writableMode(file, process.umask()));
}

/** Only its owner may change its mode; in a folder of a group's, a copy has its place. */
function isAnothers({ stat }: WalkedFile, mode: number): boolean {
  const me = process.getuid?.();
  return (stat.mode & 0o777) !== mode && me !== 0 && me !== stat.uid;
}

/** As it is now: another of its names may have got bytes of its own meanwhile. */
function isLinked({ path, isLink }: WalkedFile): boolean {
  return isLink || lstatSync(path).nlink > 1;
}

/** dvc drops the executable bit here; a script that could be run before can be run after. */
function writableMode({ stat }: WalkedFile, umask: number): number {
  return (0o666 | (stat.mode & 0o111)) & ~umask;
}
