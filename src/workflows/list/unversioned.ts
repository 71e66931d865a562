/** How many runs of the working database are no version. Loaded only when there is a database: it loads SQLite. */
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { openResults } from "../../results/database.ts";
import { hasTable, RUNS_TABLE } from "../../results/schema.ts";

export function countUnversioned(file: string, context: Context): { status: string; runs: number }[] | null {
  try {
    const db = openResults(file, { readonly: true });
    try {
      if (!hasTable(db, RUNS_TABLE)) return [];
      const sql = `SELECT status, count(*) FROM ${RUNS_TABLE} WHERE version IS NULL GROUP BY status ORDER BY status`;
      return db.arrays(sql).map(([status, runs]) => ({ status: String(status), runs: Number(runs) }));
    } finally {
      db.close();
    }
  } catch (error) {
    const why = error instanceof ExpverError ? error.message : String(error);
    context.report({ kind: "warning", text: `runs without a version are not counted: ${why}` });
    return null;
  }
}
