/** Rows of the version in HEAD that the working database lacks: a pull moved the pointer, not the file. */

import { existsSync } from "node:fs";
import { typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import type { Pointer } from "../../../store/types.ts";
import { objectFile } from "../../../store/worktree/contents.ts";
import { outputStatus } from "../../../store/worktree/status.ts";
import type { Places } from "../places.ts";

export interface LackingRows {
  /** The object in the cache that has them. */
  object: string;
  rows: number;
  /** There is no working file at all: it becomes a copy. */
  wholeFile: boolean;
}

/** Null when the file lacks nothing. Throws E_DATABASE_BEHIND when the object is not in the cache, so that nobody can tell. */
export async function lackingRows(
  project: Project,
  { database, databaseFile }: Pick<Places, "database" | "databaseFile">,
  pointers: readonly Pointer[],
): Promise<LackingRows | null> {
  const pointer = pointers.find(({ path }) => path === database);
  if (pointer === undefined || pointer.hash === null) return null;
  const exists = existsSync(databaseFile);
  // Equal bytes lack nothing, whether the cache has them or not.
  if (exists && (await outputStatus(project, [pointer], {}))[0]?.state !== "modified") return null;
  const object = objectFile(cacheDir(project), pointer.hash);
  if (!existsSync(object)) {
    throw new ExpverError("E_DATABASE_BEHIND", `${database} is not what its pointer says, and the version in HEAD is not in the cache`, {
      hint: `Fetch it, then repeat: expver data fetch ${typedPath(project, database)}`,
      details: { path: database, hash: pointer.hash },
    });
  }
  const { openResults } = await import("../../../results/database.ts");
  const { countMissingRows } = await import("../../../results/bring-in.ts");
  const db = openResults(exists ? databaseFile : object, exists ? { readonly: true } : { immutable: true });
  try {
    const rows = exists ? countMissingRows(db, object) : 0;
    return exists && rows === 0 ? null : { object, rows, wholeFile: !exists };
  } finally {
    db.close();
  }
}
