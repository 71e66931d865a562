/** States of tracked data, ready to be compared: what pointers say, and what the worktree holds. */
import type { Tracked } from "../../../store/compare.ts";
import type { FindListing } from "../../../store/listings.ts";
import type { OutputStatus } from "../../../store/status.ts";
import type { Pointer } from "../../../store/types.ts";

/** What a pointer says. `members`: the files of a folder too. */
export async function trackedBy(pointer: Pointer, members: FindListing | null): Promise<Tracked[]> {
  const { path, hash, hashName } = pointer;
  const isFolder = hash?.endsWith(".dir") === true;
  if (!isFolder || members === null) return [{ path, hash, hashName, isFolder }];
  const entries = await members(pointer);
  if (entries === null) return [{ path, hash, hashName, isFolder, unlisted: true }];
  return [
    { path, hash, hashName, isFolder },
    ...entries.map(({ relpath, md5 }) => ({ path: `${path}/${relpath}`, hash: md5, hashName, isFolder: false })),
  ];
}

/** What the worktree holds. */
export function trackedHere({ pointer, scan }: OutputStatus, members: boolean): Tracked[] {
  if (scan === null) return [];
  const { path, hashName } = pointer;
  return [
    { path, hash: scan.content.hash, hashName, isFolder: scan.isFolder },
    ...(scan.isFolder && members ? scan.files : []).map(({ relpath, md5 }) => ({
      path: `${path}/${relpath}`,
      hash: md5,
      hashName,
      isFolder: false,
    })),
  ];
}
