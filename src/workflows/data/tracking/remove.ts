/** `expver data remove FILE.dvc…`: stops tracking. The data stays where it is, unless `--outs`; the cache is not touched. */
import { existsSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { absolutePath, pathFromUser, shownPath, typedPath } from "../../../config/paths.ts";
import { findPlace, type Project } from "../../../config/project.ts";
import { ExpverError, failedWith } from "../../../errors.ts";
import { contextIn } from "../../../git/git.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { recordTrash } from "../../../journal/trash.ts";
import type { Context } from "../../../platform/context.ts";
import { copyFileAtomic, hasCode, isThere, readTextIfExists } from "../../../platform/files.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { someOf } from "../../../platform/words.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { areStored } from "../../../store/objects/layout.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { unignoreEdit } from "../../../store/settings/gitignore.ts";
import type { FileEdit, Pointer } from "../../../store/types.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";
import { isHere } from "../../../store/worktree/status.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { wordsOf } from "../../input.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { releasing, walkingOutputs } from "../cache/unprotect.ts";
import { removingStored } from "../checkout-effects.ts";
import { bringToRest } from "../databases.ts";
import { withExitCode } from "../exit-codes.ts";
import { openData, stageAddresses } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { refused } from "../refused.ts";

interface RemovePlan extends Plan {
  /** Stored paths. */
  files: string[];
  outputs: Pointer[];
  edits: FileEdit[];
  outs: boolean;
}

export interface RemoveResult {
  /** Pointer files, relative to the Git root. */
  removed: string[];
  /** Data that was deleted with them. */
  deleted: string[];
}

export const dataRemove: WriteWorkflow<Input, RemovePlan, RemoveResult> = {
  async plan(context, input) {
    const project = openData(context);
    const pointers = readPointers(project);
    const files = [...new Set(wordsOf(input.target).map((target) => pointerFileOf(project, context, { target, pointers })))];
    const outputs = pointers.filter(({ file }) => files.includes(file));
    const edits = [
      ...files.map((file): FileEdit => {
        const path = absolutePath(project, file);
        return { path, before: readTextIfExists(path), after: null };
      }),
      ...unignoreEdits(project, outputs),
    ];
    const outs = input.outs === true;
    if (!outs) for (const output of outputs) refuseGone(project, output);
    return {
      command: "data remove",
      steps: [
        ...files.map((file) => ({ verb: "delete", target: file, keeps: "the journal: expver undo" })),
        ...(outs ? outputs.map(({ path }) => ({ verb: "delete", target: path, keeps: "the cache, else the trash" })) : []),
      ],
      // dvc asks nothing here, and nothing is lost.
      destructive: false,
      fingerprint: fingerprintOf({ edits, outs }),
      files,
      outputs,
      edits,
      outs,
    };
  },

  async apply(context, { files, outputs, edits, outs }) {
    const project = openData(context);
    const start = {
      command: "data remove",
      argv: ["data", "remove", ...(outs ? ["--outs"] : []), "--", ...files],
      summary: `stop tracking ${someOf(files)}`,
    };
    return performLocked(project, context, {
      ...start,
      writes: outputs.map(({ path }) => path),
      work: async (operation) => {
        if (outs) await bringToRest(outputs.map(({ path }) => absolutePath(project, path)));
        const present = outputs.map(({ path }) => absolutePath(project, path)).filter((path) => existsSync(path));
        if (!outs) await releaseAll(project, context, present);
        applyFileEdits(project, operation, edits);
        const trash = (path: string) => recordTrash(project, operation, path);
        const going = outs ? outputs : [];
        for (const output of going)
          await paceWork(removing(project, operation, { output, trash }), context, { label: `removing ${output.path}` });
        return { removed: files, deleted: outs ? outputs.map(({ path }) => path) : [] };
      },
    });
  },
};

function pointerFileOf(project: Project, context: Context, { target, pointers }: { target: string; pointers: readonly Pointer[] }): string {
  const staged = pointers.find((pointer) => stageAddresses(project, pointer).includes(target));
  if (staged !== undefined) {
    throw new ExpverError("E_DATA", `${target} is a stage of a pipeline, which only dvc edits`, { hint: `dvc remove ${target}` });
  }
  const path = pathFromUser(project, context, target);
  if (path.endsWith(".dvc") && existsSync(absolutePath(project, path))) {
    refuseOfOther(project, context, path);
    return path;
  }
  const pointer = pointers.find((one) => one.path === path);
  throw new ExpverError("E_NOT_FOUND", pointer === undefined ? `${target} is no .dvc file` : `${target} is data, not a .dvc file`, {
    hint: pointer === undefined ? "Name a .dvc file." : `Name its pointer: expver data remove ${typedPath(project, pointer.file)}`,
    details: { target },
  });
}

/** Of another DVC repository in this Git repository: its data would stay ignored by Git, and nobody would know of it. */
function refuseOfOther(project: Project, context: Context, file: string): void {
  const root = findPlace(contextIn(context, dirname(absolutePath(project, file))))?.dvcRoot ?? null;
  if (root === project.dvcRoot) return;
  throw refused(
    `${shownPath(project, file)} belongs to ${root === null ? "no DVC repository" : `the DVC repository ${root}`}`,
    root === null ? "Name a .dvc file of this one." : `Remove it there: cd ${shellWord(root)}`,
  );
}

/** Data that is a link into a cache that has lost it cannot become the user's own. */
function refuseGone(project: Project, { path }: Pointer): void {
  const absolute = absolutePath(project, path);
  if (existsSync(absolute) || !isThere(absolute)) return;
  const target = typedPath(project, path);
  throw new ExpverError("E_NOT_STORED", `${target} is a link to data that is not there any more`, {
    hint: `Bring it first: expver data pull ${target}. Or remove the link too: --outs.`,
    details: { path, exitCode: 255 },
  });
}

/** Several outputs may stand in one ignore file. */
function unignoreEdits(project: Project, outputs: readonly Pointer[]): FileEdit[] {
  const edits = new Map<string, FileEdit>();
  for (const { path } of outputs) {
    const next = unignoreEdit(project, absolutePath(project, path), (file) => edits.get(file)?.after);
    if (next !== null) edits.set(next.path, { ...next, before: edits.get(next.path)?.before ?? next.before });
  }
  return [...edits.values()];
}

/** Throws E_DATA for a folder with links to nothing, E_DISK_FULL when not all of them have room. */
async function releaseAll(project: Project, context: Context, paths: readonly string[]): Promise<void> {
  try {
    await paceWork(release(project, paths), context, { label: "releasing data" });
  } catch (error) {
    throw failedWith(error, "E_DATA") ? withExitCode(error, 255) : error;
  }
}

/** What stays must not depend on the cache, and must look new to dvc: else its next checkout would delete what it once made. */
function* release(project: Project, paths: readonly string[]): Work<void> {
  const files = yield* walkingOutputs(project, paths);
  yield* releasing(project, files.flat());
  for (const [first] of files) if (first !== undefined) makeLookNew(first.path);
}

/** Only its owner may set a file's time; in a folder of a group's, a copy has its place. */
function makeLookNew(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if (!hasCode(error, "EPERM")) throw error;
    copyFileAtomic(path, path);
  }
}

/** What goes is in the cache, from where undo brings it back; else in the trash. */
function* removing(
  project: Project,
  operation: OpenOperation,
  { output: { path, hash }, trash }: { output: Pointer; trash: (path: string) => void },
): Work<void> {
  const absolute = absolutePath(project, path);
  if (!isHere(absolute)) return;
  const scan = yield* scanOutput(project, absolute);
  const isSaved = scan.content.hash === hash && (yield* areStored(openCache(project).dir, scan.files));
  if (!isSaved) return trash(absolute);
  yield* removingStored(project, operation, { path, scan });
}
