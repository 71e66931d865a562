/** `expver data move FROM TO`: tracked data gets another name, with its pointer and its line in the ignore file. */

import { existsSync } from "node:fs";
import { basename, join, posix, resolve } from "node:path";
import { absolutePath, isWithin, pathFromUser } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { moveToTrash, moveWhole, recordTrash, trashPlace } from "../../../journal/trash.ts";
import type { Context } from "../../../platform/context.ts";
import { isFolder, isThere, readTextIfExists } from "../../../platform/files.ts";
import { moveSource, readImport } from "../../../store/pointers/import-file.ts";
import { readMapping, text as textOf } from "../../../store/pointers/pointer-fields.ts";
import { renameEntry } from "../../../store/pointers/pointer-file.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { withStageMd5 } from "../../../store/pointers/stage-md5.ts";
import { ignoreEdits, unignoreEdit } from "../../../store/settings/gitignore.ts";
import type { FileEdit, Pointer } from "../../../store/types.ts";
import { entryName } from "../../../store/worktree/contents.ts";
import { takingAlong } from "../../../store/worktree/moved.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { bringToRest, journalsOfGone } from "../databases.ts";
import { openData } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { refused } from "../refused.ts";
import { autostage } from "./autostage.ts";
import { refuseUntrackable, refuseWithoutFolder } from "./trackable.ts";

interface MovePlan extends Plan {
  pointer: Pointer;
  /** Stored path. */
  to: string;
  /** Stored path of the pointer file afterwards. */
  file: string;
}

export interface MoveResult {
  /** Stored paths. */
  from: string;
  to: string;
  file: string;
}

export const dataMove: WriteWorkflow<Input, MovePlan, MoveResult> = {
  async plan(context, input) {
    const project = openData(context);
    const [src, dst] = [String(input.src), String(input.dst)];
    const pointers = readPointers(project);
    const pointer = sourceOf(project, context, { src, pointers });
    const typed = resolve(context.cwd, dst);
    // What ends with a slash means a folder, also one that is not there.
    const isInto = isFolder(typed) || dst.endsWith("/");
    const to = pathFromUser(project, context, isInto ? join(typed, basename(pointer.path)) : typed);
    // The file of other outputs too stays theirs.
    const isAlone = pointers.every((one) => one === pointer || one.file !== pointer.file);
    const isNamed = posix.basename(pointer.file) === `${posix.basename(pointer.path)}.dvc`;
    const file = isAlone && isNamed ? `${to}.dvc` : pointer.file;
    refuseUnusable(project, { pointer, pointers, to, file });
    return {
      command: "data move",
      steps: [
        { verb: "move", target: pointer.path, detail: `→ ${to}` },
        { verb: file === pointer.file ? "write" : "move", target: pointer.file, ...(file === pointer.file ? {} : { detail: `→ ${file}` }) },
      ],
      destructive: false,
      fingerprint: fingerprintOf({ pointer, to, file }),
      pointer,
      to,
      file,
    };
  },

  async apply(context, { pointer, to, file }) {
    const project = openData(context);
    const start = { command: "data move", argv: ["data", "move", pointer.path, to], summary: `move ${pointer.path} to ${to}` };
    return performLocked(project, context, {
      ...start,
      writes: [pointer.path, to],
      work: async (operation) => {
        await bringToRest([pointer.path, to].map((path) => absolutePath(project, path)));
        return moveAll(project, context, { pointer, to, file, operation });
      },
    });
  },
};

interface Moving {
  pointer: Pointer;
  to: string;
  file: string;
  operation: OpenOperation;
}

/** Bytes are neither read nor stored: changed data stays changed data, as with dvc. */
function moveAll(project: Project, context: Context, { pointer, to, file, operation }: Moving): MoveResult {
  const [from, target] = [absolutePath(project, pointer.path), absolutePath(project, to)];
  moveData(project, context, { pointer, to, operation });
  const unignored = unignoreEdit(project, from);
  const edits = [...(unignored === null ? [] : [unignored]), ...pointerEdits(project, { pointer, to, file })];
  applyFileEdits(project, operation, edits);
  const ignored = pointer.cache ? ignoreEdits(project, [target]) : [];
  applyFileEdits(project, operation, ignored);
  autostage(project, [...edits, ...ignored]);
  return { from: pointer.path, to, file };
}

function moveData(project: Project, context: Context, { pointer, to, operation }: Omit<Moving, "file">): void {
  const [from, target] = [absolutePath(project, pointer.path), absolutePath(project, to)];
  if (!isThere(from)) {
    context.report({ kind: "warning", text: `${pointer.path} is not there: only its pointer moves` });
    return;
  }
  const stands = isThere(target);
  const replaced = trashPlace(project, target);
  // Without a digest: undo brings the data back as it is then, so nothing of it is read, and nothing can be lost.
  operation.record({ kind: "move", from: pointer.path, to, ...(stands ? { replaced } : {}) });
  if (stands) moveToTrash(project, target, replaced);
  else for (const journal of journalsOfGone(target, from)) recordTrash(project, operation, journal);
  const remember = takingAlong(project, { from, to: target, hashName: pointer.hashName });
  moveWhole(from, target);
  remember();
}

function pointerEdits(project: Project, { pointer, to, file }: Omit<Moving, "operation">): FileEdit[] {
  const [path, next] = [absolutePath(project, pointer.file), absolutePath(project, file)];
  const before = readTextIfExists(path);
  const old = before ?? "";
  const isSame = path === next;
  const spelled = entryName(before, pointer, pointer.path);
  const folder = isSame ? posix.join(posix.dirname(file), textOf(readMapping(old, file).wdir) ?? ".") : posix.dirname(to);
  const moved = isSame ? old : withoutWdir(relocateDeps(old, { file: pointer.file, to: posix.dirname(file) }));
  // One that was only noted (`--no-exec`) has no digest yet.
  const after = withStageMd5(renameEntry(moved, spelled, posix.relative(folder, to)), file, {
    always: readImport(old, pointer.file) !== null,
  });
  return isSame
    ? [{ path, before, after }]
    : [
        { path: next, before: null, after },
        { path, before, after: null },
      ];
}

/** The new file stands beside its data. */
function withoutWdir(text: string): string {
  return text.replace(/^wdir:.*\n/m, "");
}

/** What was imported from a path relative to the file still lies where it lay. */
function relocateDeps(text: string, { file, to }: { file: string; to: string }): string {
  const origin = readImport(text, file);
  // Of another repository the path is one in there.
  if (origin?.kind !== "url" || /^(?:\w+:\/)?\//.test(origin.path)) return text;
  return moveSource(text, origin.path, posix.relative(to, posix.join(origin.folder, origin.path)));
}

function sourceOf(project: Project, context: Context, { src, pointers }: { src: string; pointers: readonly Pointer[] }): Pointer {
  const path = pathFromUser(project, context, src);
  const pointer = pointers.find((one) => one.path === path);
  if (pointer === undefined)
    throw new ExpverError("E_NOT_FOUND", `no .dvc file has the output ${src}`, {
      hint: "Name a tracked file or folder; a file inside a tracked folder is moved with `mv`, then `expver data add FOLDER`.",
      details: { path },
    });
  if (pointer.stage !== undefined)
    throw refused(`${src} is an output of stage ${pointer.stage}`, `Change its path in ${pointer.file.replace(/lock$/, "yaml")}.`);
  return pointer;
}

function refuseUnusable(
  project: Project,
  { pointer, pointers, to, file }: { pointer: Pointer; pointers: readonly Pointer[]; to: string; file: string },
): void {
  refuseWithoutFolder(project, to);
  if (to === pointer.path || (file !== pointer.file && existsSync(absolutePath(project, file))))
    throw refused(`${file} exists already`, "Choose another name, or stop tracking what has that one: expver data remove.");
  if (isWithin(to, pointer.path)) throw refused(`${to} lies in ${pointer.path} itself`, "Choose a place outside.");
  refuseUntrackable(
    project,
    [to],
    pointers.filter((one) => one !== pointer),
  );
}
