/** Bytes that are in the cache, or in Git, come into the worktree; what stood there goes to the trash. */
import { constants, copyFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Repository } from "../../../git/git.ts";
import { catFiles } from "../../../git/tree.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { makeFolders, plainMode, setMode } from "../../../platform/files.ts";
import { readListing } from "../../../store/objects/layout.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import { hashOutput, objectFile } from "../../../store/worktree/contents.ts";
import { isHere } from "../../../store/worktree/status.ts";
import { putCopy } from "../../models/put-copy.ts";
import type { OutputFile } from "../../run/run-facts.ts";

/** Leaves what is the same already. */
export async function placeStored(
  project: Project,
  operation: OpenOperation,
  { path, hash }: { path: string; hash: string },
): Promise<void> {
  if (isHere(absolutePath(project, path)) && hashOutput(project, path).hash === hash) return;
  const dir = cacheDir(project);
  await putCopy(project, operation, {
    path,
    make: async (target) => {
      if (!hash.endsWith(".dir")) return copyObject(dir, hash, target);
      const members = readListing(dir, { hash, hashName: "md5" });
      if (members === null)
        throw new ExpverError("E_NOT_STORED", `the listing of ${path} (${hash}) is not in the cache`, { details: { path, hash } });
      makeFolders(target);
      for (const { relpath, md5 } of members) copyObject(dir, md5, join(target, relpath));
    },
  });
}

/** An output that Git tracks itself, as a run has left it. */
export async function placeBlob(
  project: Project,
  repository: Repository,
  operation: OpenOperation,
  { path, mode, object }: OutputFile,
): Promise<void> {
  const bytes = catFiles(repository, [object]).get(object);
  if (bytes === undefined) return;
  await putCopy(project, operation, {
    path,
    make: async (target) => writeFileSync(target, bytes, { mode: mode === "100755" ? 0o777 : 0o666 }),
  });
}

function copyObject(dir: string, hash: string, target: string): void {
  makeFolders(dirname(target));
  copyFileSync(objectFile(dir, hash), target, constants.COPYFILE_FICLONE);
  setMode(target, plainMode());
}
