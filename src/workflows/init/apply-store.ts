/** What `init --cache` and `--remote` do beside the configuration: make the cache and fill it before it is named, try the remote after. */
import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openProject } from "../../config/project.ts";
import { fromSystemError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork, type Work } from "../../platform/pace.ts";
import { beginIngest } from "../../store/objects/ingest.ts";
import { makeFolder, type ObjectFolder } from "../../store/objects/layout.ts";
import { probeRemote, type RemoteProbes } from "../../store/remotes/probe.ts";
import type { CacheMove } from "./store-settings.ts";

export async function moveCache(context: Context, { to, from, objects }: CacheMove): Promise<void> {
  try {
    makeFolder(to, to.dir);
    if (to.shared) for (const folder of foldersOf(to.dir)) chmodSync(folder, 0o2775);
  } catch (error) {
    throw fromSystemError(error, `cannot make ${to.dir} a cache`);
  }
  const totalBytes = objects.reduce((sum, { size }) => sum + size, 0);
  await paceWork(copying(to, from, objects), context, { label: "copying objects", total: objects.length, totalBytes });
}

/** The cache's folder and those in it that are ours to change; others' members of the group have theirs right. */
function foldersOf(dir: string): string[] {
  const own = process.getuid?.();
  const below = readdirSync(dir, { withFileTypes: true, recursive: true }).filter((entry) => entry.isDirectory());
  return [dir, ...below.map((entry) => join(entry.parentPath, entry.name))].filter((path) => lstatSync(path).uid === own);
}

function* copying(to: ObjectFolder, from: string, objects: CacheMove["objects"]): Work<void> {
  const ingest = beginIngest(to);
  try {
    // Members before the listings that name them.
    const ordered = [...objects].sort((one, other) => Number(one.hash.endsWith(".dir")) - Number(other.hash.endsWith(".dir")));
    for (const { name, hash, hashName } of ordered) yield* ingest.object({ hash, hashName }, join(from, name));
    ingest.commit();
  } finally {
    ingest.abort();
  }
}

/** Failures are in the answer: the configuration stands, and says what is to be mended. */
export async function tryRemote(context: Context, root: string, name: string): Promise<RemoteProbes> {
  return probeRemote(openProject({ ...context, cwd: root }), name);
}
