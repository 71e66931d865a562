/** Nothing is written through a link that leads out of the repository, whoever put it there. */
import { realpathSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { isWithin } from "../../config/paths.ts";
import { type Place, topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { isMissing, isThere } from "../../platform/files.ts";

/** Answers for a folder where it really lies, if that is outside. Each is looked at once. */
export function outsideOf(place: Place): (folder: string) => string | null {
  const top = topOf(place);
  const real = realpathSync.native(top);
  const known = new Map<string, string | null>([[top, null]]);
  return (folder) => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const there = realOf(folder);
    const outside = isWithin(there, real) ? null : there;
    known.set(folder, outside);
    return outside;
  };
}

/** Throws E_OUTSIDE. */
export function refuseOutside(place: Place, folders: Iterable<string>): void {
  const outside = outsideOf(place);
  for (const folder of folders) {
    if (outside(folder) === null) continue;
    let link = folder;
    while (link !== dirname(link) && outside(dirname(link)) !== null) link = dirname(link);
    throw new ExpverError("E_OUTSIDE", `${link} leads to ${outside(link)}, outside of ${topOf(place)}: nothing is written there`, {
      hint: "Remove the link and repeat the command: a folder of its own takes its place.",
      details: { path: link, root: topOf(place) },
    });
  }
}

/** A link to nothing, where a folder belongs, goes. */
export function removeDeadLink(path: string): void {
  if (isThere(path) && realOrNull(path) === null) rmSync(path);
}

/** Of what is not there, or a link to nothing: of the folder around it. */
function realOf(path: string): string {
  return realOrNull(path) ?? realOf(dirname(path));
}

function realOrNull(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
