/** Whether two results databases have anything in common. */
import { foldName, openDatabase, quoteName } from "../../platform/sqlite.ts";
import { sameKey } from "../../results/same-key.ts";
import { eventsTables } from "../../results/schema.ts";
import { withCopy } from "../../results/with-copy.ts";

/** Whether a database has any row of its ancestor: one that was begun anew has deleted nothing. */
export function sharesRows(path: string, ancestor: string, { stored = false } = {}): boolean {
  const db = openDatabase(path, stored ? { immutable: true } : { readonly: true });
  try {
    return withCopy(db, ancestor, () => {
      const before = new Map(eventsTables(db, "before").map((table) => [foldName(table.name), table.name]));
      const hasNone = [...before.values()].every((name) => db.get(`SELECT 1 FROM before.${quoteName(name)} LIMIT 1`) === undefined);
      return (
        hasNone ||
        eventsTables(db).some(({ name }) => {
          const old = before.get(foldName(name));
          const same = sameKey("o", "n", { columns: ["track_id", "timestamp"], by: "IS" });
          const shared = `SELECT 1 FROM before.${quoteName(old ?? "")} AS o JOIN main.${quoteName(name)} AS n ON ${same} LIMIT 1`;
          return old !== undefined && db.get(shared) !== undefined;
        })
      );
    });
  } finally {
    db.close();
  }
}
