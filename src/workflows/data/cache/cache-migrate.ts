/**
 * `expver data cache migrate`: objects of DVC 2's layout are stored in DVC 3's too, by the hash they have there. The old ones stay. With
 * `--dvc-files` pointers say the new hashes, too.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { absolutePath, shownPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { perform } from "../../../journal/perform.ts";
import type { Context, ProgressEvent } from "../../../platform/context.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { counted } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { type Cache, openCache } from "../../../store/objects/cache.ts";
import { beginIngest } from "../../../store/objects/ingest.ts";
import { trustedSize } from "../../../store/objects/layout.ts";
import { parseListing } from "../../../store/objects/listing.ts";
import { type CacheFile, cacheFiles } from "../../../store/objects/unused.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import type { Pointer } from "../../../store/types.ts";
import { pointerEdits, storingOutputs } from "../../../store/worktree/contents.ts";
import { relinkOutputs } from "../../../store/worktree/relink.ts";
import type { Scan } from "../../../store/worktree/scan.ts";
import { readingStatus } from "../../../store/worktree/status.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { databaseCopier } from "../databases.ts";
import { openData } from "../open-data.ts";
import type { LinesResult } from "../root.ts";
import { autostage } from "../tracking/autostage.ts";

interface MigratePlan extends Plan {
  objects: CacheFile[];
  /** Outputs whose pointers are to say DVC 3's hashes; null: pointers are left alone. */
  legacy: Pointer[] | null;
  onlySay: boolean;
}

export const dataCacheMigrate: WriteWorkflow<Input, MigratePlan, LinesResult> = {
  async plan(context, input) {
    const project = openData(context);
    const objects = legacyObjects(openCache(project), context);
    const legacy =
      input.dvcFiles === true ? readPointers(project).filter(({ hash, hashName }) => hash !== null && hashName !== "md5") : null;
    return {
      command: "data cache migrate",
      steps: [
        ...(objects.length === 0 ? [] : [{ verb: "store", target: "objects of DVC 2", count: objects.length, bytes: bytesOf(objects) }]),
        ...(legacy ?? []).map(({ file, path }) => ({ verb: "rewrite", target: file, detail: `${path} by its hash of DVC 3` })),
      ],
      destructive: false,
      fingerprint: fingerprintOf([objects.map(({ name }) => name), legacy?.map(({ path, hash }) => [path, hash])]),
      objects,
      legacy,
      onlySay: input.dry === true,
    };
  },

  async apply(context, { objects, legacy, onlySay }) {
    const project = openData(context);
    if (onlySay) {
      const files = [...new Set(legacy?.map(({ file }) => shownPath(project, file)))].sort();
      const said = files.length === 0 ? [NO_FILES] : [FILES, ...files.map((file) => `\t${file}`)];
      return {
        lines: [`${objects.length} files will be re-hashed and migrated to the DVC 3.0 cache location.`, ...(legacy === null ? [] : said)],
        exitCode: 0,
      };
    }
    await prepareWriting(project, context);
    const pace = { label: "storing objects", total: objects.length, totalBytes: bytesOf(objects) };
    const writes = (legacy ?? []).map(({ path }) => path);
    return withDvcLock(
      project,
      async () => {
        const count = await paceWork(migrating(openCache(project), objects), context, pace);
        const files = legacy === null ? [] : await rewritePointers(project, context, legacy);
        return {
          lines: [
            `Migrated ${count} files to DVC 3.0 cache location.`,
            ...(legacy?.length === 0 ? [NO_FILES] : files.map((file) => `Updating DVC file '${shownPath(project, file)}'`)),
          ],
          exitCode: 0,
        };
      },
      { writes },
    );
  },
};

const NO_FILES = "No DVC files in the repo to migrate to the 3.0 format.";
const FILES = "Entries in following DVC files will be migrated to the 3.0 format:";

/** Only where the data is here as its pointer says: what has changed or is not here would be told of by its new hash, which nobody has seen. */
async function rewritePointers(project: Project, context: Context, legacy: readonly Pointer[]): Promise<string[]> {
  const ours = legacy.filter(({ stage, cache }) => stage === undefined && cache);
  const states = await paceWork(readingStatus(project, ours), context, { label: "hashing data" });
  const same = states.filter(({ worktree }) => worktree === "same").map(({ pointer }) => pointer);
  for (const pointer of legacy) if (!same.includes(pointer)) context.report(leftWarning(project, pointer));
  if (same.length === 0) return [];
  const paths = same.map(({ path }) => path);
  const since = Date.now();
  const scans = await paceWork(storingOutputs(project, paths, { copyDatabase: await databaseCopier() }), context, {
    label: "storing data",
  });
  const { edits } = pointerEdits(
    project,
    same.map((pointer, index) => ({ path: pointer.path, content: (scans[index] as Scan).content, pointer })),
  );
  await perform(project, context, {
    command: "data cache migrate",
    argv: ["data", "cache", "migrate", "--dvc-files"],
    summary: `hashes of DVC 3 in the pointers of ${counted(same.length, "output")}`,
    work: async (operation) => applyFileEdits(project, operation, edits),
  });
  const stored = paths.map((path, index) => ({ path: absolutePath(project, path), scan: scans[index] as Scan }));
  await paceWork(relinkOutputs(project, stored, { since }), context, { label: "linking data" });
  autostage(project, edits);
  return [...new Set(same.map(({ file }) => file))].sort();
}

function leftWarning(project: Project, { path, file, stage, cache }: Pointer): ProgressEvent & { kind: "warning" } {
  const isOthers = stage !== undefined || !cache;
  return {
    kind: "warning",
    text: `${shownPath(project, path)} keeps its hash of DVC 2 in ${shownPath(project, file)}: ${isOthers ? "expver does not write this entry" : "it has changed, or is not here"}`,
    hint: isOthers ? "Use: dvc cache migrate --dvc-files" : `Bring it here, or store it: expver data checkout ${typedPath(project, path)}`,
  };
}

function legacyObjects(cache: Cache, context: Context): CacheFile[] {
  return cacheFiles(cache.dir, context.clock()).filter(
    ({ hashName, hash }) => hashName === "md5-dos2unix" && /^[0-9a-f]{32}(\.dir)?$/.test(hash),
  );
}

function bytesOf(objects: readonly CacheFile[]): number {
  return objects.reduce((sum, { size }) => sum + size, 0);
}

/** Files first; a listing whose members have other hashes now names nothing and is left out. */
function* migrating(cache: Cache, objects: readonly CacheFile[]): Work<number> {
  let count = 0;
  const [listings, files] = [objects.filter(({ hash }) => hash.endsWith(".dir")), objects.filter(({ hash }) => !hash.endsWith(".dir"))];
  const ingest = beginIngest(cache);
  try {
    for (const { name } of files) yield* ingest.file(join(cache.dir, name));
    count += ingest.commit().objects;
  } finally {
    ingest.abort();
  }
  const second = beginIngest(cache);
  try {
    for (const { name, hash } of listings) {
      const bytes = readFileSync(join(cache.dir, name));
      const isWhole = parseListing(bytes, hash).every(({ md5 }) => trustedSize(cache.dir, { hash: md5, hashName: "md5" }) !== null);
      if (isWhole) second.listing(bytes);
      yield { files: 1, bytes: bytes.length };
    }
    count += second.commit().objects;
  } finally {
    second.abort();
  }
  return count;
}
