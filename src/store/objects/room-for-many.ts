/** Whether files that are to become objects have room, asked before the first of them is stored. */

import { NOTHING_DONE, type Work } from "../../platform/pace.ts";
import { hasRoom, refuseCopiesWithoutRoom } from "../../platform/room.ts";
import { copyingMany, type ManyFiles } from "../../platform/threads/many-files.ts";
import { counted } from "../../platform/words.ts";
import type { WaitingObjects } from "./waiting-objects.ts";

/**
 * Throws E_DISK_FULL. What is there already, or twice among them, takes no room: only where it may be short are files read to know that,
 * before they are read to be stored.
 */
export function* refusingManyWithoutRoom(waiting: WaitingObjects, files: ManyFiles, leave: string | undefined): Work<void> {
  const { dir } = waiting.folder;
  let all = 0;
  let largest = 0;
  for (let index = 0; index < files.count; index += 1) {
    all += sizeOf(files, index);
    if (sizeOf(files, index) > sizeOf(files, largest)) largest = index;
  }
  if (hasRoom(dir, all)) return;
  const md5Of = files.md5 ?? (yield* reading(files, leave));
  const lacking = new Map<string, number>();
  for (let index = 0; index < files.count; index += 1) {
    const hash = md5Of(index);
    const size = sizeOf(files, index);
    if (hash !== null && !waiting.isThere({ hash, hashName: "md5" }, size)) lacking.set(hash, size);
  }
  let bytes = 0;
  for (const size of lacking.values()) bytes += size;
  const what = `${counted(lacking.size, "file")} in ${dir}`;
  refuseCopiesWithoutRoom(dir, { what, bytes, example: files.path?.(largest) ?? dir });
}

function sizeOf(files: ManyFiles, index: number): number {
  return Math.abs(files.size(index));
}

/** It counts as no progress. */
function* reading(files: ManyFiles, leave: string | undefined): Work<(index: number) => string | null> {
  const work = copyingMany(files, { leave });
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return (index) => (value.state(index) === "left" ? null : value.md5(index));
    yield NOTHING_DONE;
  }
}
