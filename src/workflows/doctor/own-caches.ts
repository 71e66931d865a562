/** Caches of linked worktrees, as dvc makes them in a worktree that was added by hand: their objects go with it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findPlace } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { contextIn } from "../../git/git.ts";
import { isSamePlace } from "../../platform/files.ts";
import { paceWork } from "../../platform/pace.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import { trustedSizes } from "../../store/objects/layout.ts";
import { folderRemote } from "../../store/remotes/folder.ts";
import { cacheSeenByDvc, readDvcConfig } from "../../store/settings/dvc-config.ts";
import type { Check, Finding, Scene } from "./check.ts";

export const ownCaches: Check = {
  id: "own-caches",
  title: "a cache that all worktrees share",
  async find(scene) {
    const [main, ...linked] = scene.looked.worktrees();
    const shared = main === undefined ? null : cacheOf(scene, main.root);
    const findings: Finding[] = [];
    for (const { root, there } of linked) {
      const own = join(root, ".dvc", "cache");
      if (there && shared !== null && !isSamePlace(shared, own) && existsSync(join(own, "files")))
        findings.push(await judge(scene, { root, own, shared }));
    }
    return findings;
  },
};

/** Of every version that was stored there, not only of what lies in the worktree now. */
async function judge({ context }: Scene, { root, own, shared }: { root: string; own: string; shared: string }): Promise<Finding> {
  const objects = await folderRemote("its cache", { dir: own, shared: false }).list(context);
  const sizes = await paceWork(trustedSizes(shared, objects), context, { label: "looking into the cache" });
  const lacking = sizes.filter((size) => size === null).length;
  const place = findPlace(contextIn(context, root));
  const isUsed = place?.dvcRoot != null && cacheSeenByDvc(place) === own;
  const [at, from, to] = [root, own, shared].map(shellWord);
  if (lacking === 0 && !isUsed)
    return { level: "note", what: `${own} is used no more: all that is in it is in ${shared} too`, remedy: `rm -rf ${from}` };
  const what =
    lacking === 0
      ? "what is stored there exists twice, and goes with it"
      : `${counted(lacking, "object")} in it ${lacking === 1 ? "is" : "are"} in no other, and ${lacking === 1 ? "goes" : "go"} with it`;
  return {
    level: "warning",
    what: `${root} has a cache of its own: ${what}`,
    // Some versions of cp call it a failure when there is something already; what was not copied, the next look finds.
    remedy: `mkdir -p ${to}; cp -pRn ${from}/files ${to}/; expver -C ${at} data cache dir --local ${to} && expver -C ${at} data checkout --relink; expver doctor then says when ${from} can go`,
  };
}

/** Null: there is none, or its settings cannot be read. */
function cacheOf({ context, place }: Scene, root: string): string | null {
  try {
    const main = findPlace(contextIn(context, root));
    return readDvcConfig(main?.dvcRoot ? main : place).cache.dir;
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}
