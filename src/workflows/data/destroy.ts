/** `expver data destroy`: DVC's files go, the data stays. `.dvc` with the cache in it goes to the trash, and undo brings it back. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { type Project, topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { linkedWorktrees } from "../../git/worktrees.ts";
import { moveToTrash, trashPlace } from "../../journal/trash.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { paceWork } from "../../platform/pace.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { dvcFolder, readDvcConfig } from "../../store/settings/dvc-config.ts";
import type { FileEdit } from "../../store/types.ts";
import { isHere } from "../../store/worktree/status.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { applyFileEdits, fingerprintOf } from "../plan.ts";
import { releasing, walkingOutputs } from "./cache/unprotect.ts";
import { openData } from "./open-data.ts";
import { performLocked } from "./perform-locked.ts";

interface DestroyPlan extends Plan {
  edits: FileEdit[];
  /** Stored paths of the data that stays. */
  outputs: string[];
}

export interface DestroyResult {
  /** Files and folders that went, relative to the Git root. */
  removed: string[];
}

export const dataDestroy: WriteWorkflow<Input, DestroyPlan, DestroyResult> = {
  async plan(context) {
    const project = openData(context);
    refuseNeeded(project);
    const pointers = readPointers(project);
    const files = [...new Set(pointers.map(({ file }) => absolutePath(project, file)))];
    const pipelines = files.filter((file) => file.endsWith("/dvc.lock")).map((file) => file.replace(/lock$/, "yaml"));
    const all = [...files, ...pipelines, join(project.dvcRoot ?? project.root, ".dvcignore")];
    const edits = all.flatMap((path): FileEdit[] => (existsSync(path) ? [{ path, before: readTextIfExists(path), after: null }] : []));
    const outputs = pointers.map(({ path }) => path);
    return {
      command: "data destroy",
      steps: [
        ...edits.map(({ path }) => ({ verb: "delete", target: path, keeps: "the journal: expver undo" })),
        { verb: "delete", target: dvcFolder(project), keeps: "the trash: expver undo" },
      ],
      destructive: true,
      fingerprint: fingerprintOf({ edits, outputs }),
      edits,
      outputs,
    };
  },

  async apply(context, { edits, outputs }) {
    const project = openData(context);
    const start = { command: "data destroy", argv: ["data", "destroy", "--force"], summary: `remove DVC from ${project.dvcRoot}` };
    const dvc = dvcFolder(project);
    return performLocked(project, context, {
      ...start,
      writes: outputs,
      work: async (operation) => {
        // Links into the cache would lead nowhere.
        const paths = outputs.map((one) => absolutePath(project, one)).filter(isHere);
        const files = await paceWork(walkingOutputs(project, paths), context, { label: "looking at data" });
        await paceWork(releasing(project, files.flat()), context, { label: "copying data" });
        applyFileEdits(project, operation, edits);
        const trash = trashPlace(project, dvc);
        const within = (path: string) => path.slice(topOf(project).length + 1);
        operation.record({ kind: "trash", path: within(dvc), trash });
        moveToTrash(project, dvc, trash);
        return { removed: [...edits.map(({ path }) => within(path)), within(dvc)] };
      },
    });
  },
};

function refuseNeeded(project: Project): void {
  const { repository } = project;
  const dvc = dvcFolder(project);
  if (repository === null)
    throw new ExpverError("E_DATA", `without Git the trash lies in ${dvc} itself, so it cannot go there`, {
      hint: `Move it away yourself: mv ${shellWord(dvc)} ${shellWord(`${dvc}.old`)}`,
    });
  const others = linkedWorktrees(repository).filter(({ root }) => root !== repository.root);
  if (others.length === 0 || repository.gitDir !== repository.commonDir) return;
  if (!readDvcConfig(project).cache.dir.startsWith(`${dvc}/`)) return;
  throw new ExpverError("E_DATA", `the cache in ${dvc} is that of ${others.map(({ root }) => root).join(", ")} too`, {
    hint: "Remove those worktrees first; expver check FOLDER says what would be lost with one.",
    details: { worktrees: others.map(({ root }) => root) },
  });
}
