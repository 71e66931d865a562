/** `expver data cache migrate`: objects of DVC 2's layout are stored in DVC 3's too, by the hash they have there. The old ones stay. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { type Cache, openCache } from "../../../store/cache.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { beginIngest } from "../../../store/ingest.ts";
import { trustedSize } from "../../../store/layout.ts";
import { parseListing } from "../../../store/listing.ts";
import { type CacheFile, cacheFiles } from "../../../store/unused.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { fingerprintOf } from "../../plan.ts";
import { openData } from "../open-data.ts";
import type { LinesResult } from "../root.ts";

interface MigratePlan extends Plan {
  objects: CacheFile[];
  onlySay: boolean;
}

export const dataCacheMigrate: WriteWorkflow<Input, MigratePlan, LinesResult> = {
  async plan(context, input) {
    if (input.dvcFiles === true)
      throw new ExpverError("E_DATA", "--dvc-files is not supported", {
        hint: "`expver data add PATH` writes the pointer of an output anew, in DVC 3's way; or use `dvc cache migrate --dvc-files`.",
      });
    const objects = legacyObjects(openCache(openData(context)), context);
    return {
      command: "data cache migrate",
      steps: objects.length === 0 ? [] : [{ verb: "store", target: "objects of DVC 2", count: objects.length, bytes: bytesOf(objects) }],
      destructive: false,
      fingerprint: fingerprintOf(objects.map(({ name }) => name)),
      objects,
      onlySay: input.dry === true,
    };
  },

  async apply(context, { objects, onlySay }) {
    const project = openData(context);
    if (onlySay) return { lines: [`${objects.length} files will be re-hashed and migrated to the DVC 3.0 cache location.`], exitCode: 0 };
    const pace = { label: "storing objects", total: objects.length, totalBytes: bytesOf(objects) };
    const count = await withDvcLock(project, () => paceWork(migrating(openCache(project), objects), context, pace));
    return { lines: [`Migrated ${count} files to DVC 3.0 cache location.`], exitCode: 0 };
  },
};

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
