/** Bytes of imports: they are on no remote of ours, so they come from where they were imported. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork } from "../../../platform/pace.ts";
import { openCache } from "../../../store/cache.ts";
import { dvcFolder } from "../../../store/dvc-config.ts";
import { beginIngest } from "../../../store/ingest.ts";
import { scanOutput } from "../../../store/scan.ts";
import { makeStaging, sweepStagings } from "../../../store/staging.ts";
import { isComplete } from "../../../store/status.ts";
import type { Pointer } from "../../../store/types.ts";
import { copyOfRepository, importUrl } from "../sources/bring.ts";

/** Brings what the cache lacks, each import as of the commit its file names; answers how many came, and reports those that did not. */
export async function fetchImports(project: Project, context: Context, pointers: readonly Pointer[]): Promise<number> {
  const cache = openCache(project);
  // Also when nothing is to be brought: a fetch that was killed may have brought everything.
  sweepStagings(join(dvcFolder(project), "tmp"));
  let count = 0;
  for (const pointer of pointers.filter((one) => one.isImport && one.hash !== null && !isComplete(cache, one))) {
    try {
      count += await fetchOne(project, context, pointer);
    } catch (error) {
      if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
      context.report({
        kind: "warning",
        text: `${pointer.path} could not be fetched from where it was imported: ${error.message}`,
        hint: error.hint,
      });
    }
  }
  return count;
}

async function fetchOne(project: Project, context: Context, pointer: Pointer): Promise<number> {
  const from = pointer.source;
  if (from === undefined || from.lock === null) return 0;
  const url = importUrl(project, context, { url: from.url, file: pointer.file });
  const staging = makeStaging(join(dvcFolder(project), "tmp"));
  const cache = openCache(project);
  const ingest = beginIngest(cache);
  try {
    const target = join(staging, "made");
    const make = copyOfRepository(context, { url, path: from.path, rev: from.lock, remote: from.remote ?? undefined });
    await make(target, staging);
    const work = scanOutput(project, target, { store: { ingest, into: cache } });
    const { content } = await paceWork(work, context, { label: `storing ${pointer.path}` });
    if (content.hash !== pointer.hash)
      throw new ExpverError("E_OBJECT", `${from.path} of ${from.url} is ${content.hash} at ${from.lock.slice(0, 7)}, not ${pointer.hash}`, {
        hint: `Take what is there: expver data update ${typedPath(project, pointer.file)}`,
      });
    return ingest.commit().objects;
  } finally {
    ingest.abort();
    rmSync(staging, { recursive: true, force: true });
  }
}
