/** A copy takes its place in the worktree: whole or not at all, and what stood there is in the trash until nobody can want it back. */
import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { type Project, topOf } from "../../config/project.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { moveToTrash, moveWhole, trashPlace } from "../../journal/trash.ts";
import { treeDigest } from "../../platform/tree-digest.ts";
import { dvcFolder } from "../../store/dvc-config.ts";
import { makeStaging, sweepStagings } from "../../store/staging.ts";

/** `make` fills the path it is given; the folder around that one may hold what is on its way. */
export async function putCopy(
  project: Project,
  operation: OpenOperation,
  { path, make }: { path: string; make: (target: string, staging: string) => Promise<void> },
): Promise<void> {
  const target = absolutePath(project, path);
  // Undo puts the copy back where it waited.
  const waiting = trashPlace(project, target);
  const tmp = join(dvcFolder(project), "tmp");
  sweepStagings(tmp);
  const staging = makeStaging(tmp);
  try {
    await make(join(staging, "made"), staging);
    mkdirSync(dirname(waiting), { recursive: true });
    moveWhole(join(staging, "made"), waiting);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  // A link goes to the trash as the link it is: nothing is ever written through it.
  const replaced = lstatSync(target, { throwIfNoEntry: false }) === undefined ? null : trashPlace(project, target);
  const inside = (absolute: string) => relative(topOf(project), absolute).split(sep).join("/");
  operation.record(...missingFolders(dirname(target)).map((folder) => ({ kind: "folder" as const, path: inside(folder) })), {
    kind: "move",
    from: inside(waiting),
    to: path,
    digest: treeDigest(waiting),
    ...(replaced === null ? {} : { replaced }),
  });
  mkdirSync(dirname(target), { recursive: true });
  if (replaced !== null) moveToTrash(project, target, replaced);
  moveWhole(waiting, target);
}

/** Outermost first. */
function missingFolders(folder: string): string[] {
  return lstatSync(folder, { throwIfNoEntry: false }) === undefined ? [...missingFolders(dirname(folder)), folder] : [];
}
