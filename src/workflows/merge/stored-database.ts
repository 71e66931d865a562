/** Results databases that only a commit's pointer names: out of the cache, else fetched. */
import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { openDatabase, quoteName } from "../../platform/sqlite.ts";
import { eventsTables } from "../../results/schema.ts";
import { withCopy } from "../../results/with-copy.ts";
import { openCache } from "../../store/cache.ts";
import { objectPath } from "../../store/layout.ts";
import { readPointersAt } from "../../store/pointers.ts";
import { fetchObjects } from "../../store/transfer.ts";

/** Absolute path of the object; null when that commit tracks no such file. Throws E_NOT_STORED when its bytes are nowhere. */
export async function storedDatabase(
  context: Context,
  project: Project,
  { commit, path }: { commit: string; path: string },
): Promise<string | null> {
  const pointer = readPointersAt(project, commit).find((one) => one.path === path);
  if (pointer === undefined || pointer.hash === null) return null;
  const object = objectPath(openCache(project).dir, { hash: pointer.hash, hashName: pointer.hashName });
  if (!existsSync(object)) await fetchObjects(project, [pointer], context);
  if (existsSync(object)) return object;
  throw new ExpverError("E_NOT_STORED", `${path} of ${commit.slice(0, 7)} (${pointer.hash}) is neither in the cache nor on the remote`, {
    hint: "Push it from where it was stored: expver data push.",
    details: { path, commit, hash: pointer.hash },
  });
}

/** Whether a database has any row of its ancestor: one that was begun anew has deleted nothing. */
export function sharesRows(path: string, ancestor: string): boolean {
  const db = openDatabase(path, { readonly: true });
  try {
    return withCopy(db, ancestor, () => {
      const before = new Map(eventsTables(db, "before").map((table) => [table.name.toLowerCase(), table.name]));
      const hasNone = [...before.values()].every((name) => db.get(`SELECT 1 FROM before.${quoteName(name)} LIMIT 1`) === undefined);
      return (
        hasNone ||
        eventsTables(db).some(({ name }) => {
          const old = before.get(name.toLowerCase());
          const same = "o.track_id IS n.track_id AND o.timestamp IS n.timestamp";
          const shared = `SELECT 1 FROM before.${quoteName(old ?? "")} AS o JOIN main.${quoteName(name)} AS n ON ${same} LIMIT 1`;
          return old !== undefined && db.get(shared) !== undefined;
        })
      );
    });
  } finally {
    db.close();
  }
}
