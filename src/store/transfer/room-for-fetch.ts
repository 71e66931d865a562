/** Whether what is to come from a server has room, asked before the first byte of it comes. */
import { readdirSync } from "node:fs";
import { fileSize, isMissing } from "../../platform/files.ts";
import type { Pacing } from "../../platform/pace.ts";
import { hasRoom, refuseWithoutRoom } from "../../platform/room.ts";
import { counted } from "../../platform/words.ts";
import { sweepCache } from "../objects/ingest.ts";
import type { ObjectFolder } from "../objects/layout.ts";
import { partialsFolder } from "../objects/partial.ts";
import type { Expected, Remote } from "../remotes/remote.ts";

/**
 * Throws E_DISK_FULL. `most`: bytes of the outputs they belong to. Only where those may not fit is the server asked how large each object is: some
 * of them are here, others are there twice. What was broken off needs room for its rest only.
 */
export async function refuseFetchWithoutRoom(
  remote: Remote,
  cache: ObjectFolder,
  { objects, most, pacing }: { objects: readonly Expected[]; most: number; pacing: Pacing },
): Promise<void> {
  // A folder of this machine looks itself: there blocks may be shared.
  if (remote.isCertain || hasRoom(cache.dir, most)) return;
  sweepCache(cache);
  const seen = await remote.present(objects, pacing, { mayGuess: true });
  const all = seen.reduce((sum, { size = 0 }) => sum + size, 0);
  const bytes = all - bytesOfPartials(cache);
  refuseWithoutRoom(cache.dir, { what: `${counted(seen.length, "object")} in ${cache.dir}`, bytes });
}

function bytesOfPartials(cache: ObjectFolder): number {
  const folder = partialsFolder(cache);
  try {
    return readdirSync(folder).reduce((sum, name) => sum + fileSize(`${folder}/${name}`), 0);
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
