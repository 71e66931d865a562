/** `expver data unprotect`: links into the cache become files of their own, which may be edited. */
import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ExpverError } from "../../../errors.ts";
import { createPlacer } from "../../../platform/links.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { walkOutput } from "../../../store/scan.ts";
import { isHere } from "../../../store/status.ts";
import type { WalkedFile } from "../../../store/walk.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { wordsOf } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
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
    const files = wordsOf(input.target).flatMap((target) => {
      const path = resolve(context.cwd, target);
      if (!isHere(path)) throw new ExpverError("E_NOT_FOUND", `there is no ${target} to unprotect`, { details: { path } });
      return walkOutput(project, path).files;
    });
    return {
      command: "data unprotect",
      steps: files.filter(isLinked).map(({ path, stat }) => ({ verb: "copy", target: path, bytes: stat.size })),
      destructive: false,
      fingerprint: fingerprintOf(files.map(({ path, stat }) => [path, stat.ino, stat.ctimeMs])),
      files,
    };
  },

  async apply(context, { files }) {
    const project = openData(context);
    return withDvcLock(project, () => paceWork(unprotecting(files), context, { label: "copying data", total: files.length }));
  },
};

function* unprotecting(files: readonly WalkedFile[]): Work<UnprotectResult> {
  const placer = createPlacer(["copy"]);
  let copied = 0;
  for (const file of files) {
    if (isLinked(file)) {
      copyOver(file, placer);
      copied += 1;
    } else chmodSync(file.path, writableMode(file));
    yield { files: 1, bytes: file.stat.size };
  }
  return { copied };
}

/** Whoever opens the file meanwhile finds the old bytes or the new ones, never half a file. */
function copyOver(file: WalkedFile, placer: ReturnType<typeof createPlacer>): void {
  const temporary = join(dirname(file.path), `.${basename(file.path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    placer.place(file.path, temporary, { size: file.stat.size, copyOnly: true });
    chmodSync(temporary, writableMode(file));
    renameSync(temporary, file.path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function isLinked({ path, isLink }: WalkedFile): boolean {
  return isLink || lstatSync(path).nlink > 1;
}

/** dvc drops the executable bit here; a script that could be run before can be run after. */
function writableMode({ stat }: WalkedFile): number {
  return (0o666 | (stat.mode & 0o111)) & ~process.umask();
}
