/** A copy takes its place in the worktree: whole or not at all, and what stood there is in the trash until nobody can want it back. */

import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { removePath } from "../../platform/files.ts";
import { type Pacing, paceWork } from "../../platform/pace.ts";
import { makeStaging } from "../../store/objects/staging.ts";
import { dvcFolder } from "../../store/settings/dvc-config.ts";
import { placingCopies } from "../place-copies.ts";

/** `make` fills the path it is given; the folder around that one may hold what is on its way. */
export async function putCopy(
  project: Project,
  operation: OpenOperation,
  { path, make, pacing = {} }: { path: string; make: (target: string, staging: string) => Promise<void>; pacing?: Pacing },
): Promise<void> {
  const staging = makeStaging(join(dvcFolder(project), "tmp"));
  try {
    await make(join(staging, "made"), staging);
    const work = placingCopies(project, operation, { copies: [{ path, made: join(staging, "made") }] });
    await paceWork(work, pacing, { label: `placing ${path}` });
  } finally {
    removePath(staging);
  }
}
