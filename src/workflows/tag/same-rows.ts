/** Are two databases equal row by row, whatever their bytes? Loads SQLite. */
import { countMissingRows } from "../../results/bring-in.ts";
import { openResults } from "../../results/database.ts";
import { rowsSince } from "../../results/rows.ts";

/** True when the working file has exactly the rows of the object: none more, none less, none with other values. */
export function sameRows(working: string, object: string): boolean {
  const db = openResults(working, { readonly: true });
  try {
    if (countMissingRows(db, object) > 0) return false;
    const { added, vanished, changed } = rowsSince(db, object);
    return added.length === 0 && vanished === 0 && changed === 0;
  } finally {
    db.close();
  }
}
