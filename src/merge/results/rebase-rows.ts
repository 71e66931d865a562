/** Rebase: rows give way to the source's rows with the same values in the key columns. */
import { type Database, foldName, quoteName } from "../../platform/sqlite.ts";
import { WITHIN, within } from "../../results/rows.ts";
import { sameKey } from "../../results/same-key.ts";
import { RUN_TRACKS_TABLE, RUNS_TABLE } from "../../results/schema.ts";
import { cellsOf, sameVector, type TableSides } from "./cells-sql.ts";
import { findColumn, readTables } from "./tables.ts";
import type { RebaseRule, Table, TableReport } from "./types.ts";

/** Deletes the rows of `ours` that the source replaces; its own rows are merged in afterwards. */
export function removeReplaced(
  db: Database,
  { ours, theirs, rule }: { ours: Table; theirs: Table; rule: RebaseRule },
  report: TableReport,
): void {
  const pairs = rule.keyColumns.map((name) => ({ here: findColumn(ours, name), there: findColumn(theirs, name) }));
  if (pairs.some(({ there }) => there === undefined)) return;
  const values = pairs.map(({ there }, index) => `+n.${quoteName(there?.name ?? "")} COLLATE BINARY AS c${index}`);
  const columns = pairs.map((_, index) => `c${index}`);
  const known = rule.matchNullKeys ? "true" : columns.map((column) => `${column} IS NOT NULL`).join(" AND ");
  db.exec("DROP TABLE IF EXISTS temp.expver_keys");
  db.exec(
    `CREATE TEMP TABLE expver_keys AS SELECT DISTINCT * FROM (SELECT ${values.join(", ")} FROM theirs.${quoteName(theirs.name)} AS n) WHERE ${known}`,
  );
  db.exec(`CREATE INDEX temp.expver_keys_by_value ON expver_keys (${columns.join(", ")})`);
  const equal = pairs.map(({ here }, index) => `k.c${index} IS ${here === undefined ? "NULL" : `+o.${quoteName(here.name)}`}`);
  const matches = `EXISTS (SELECT 1 FROM expver_keys AS k WHERE ${equal.join(" AND ")})${unlessTheSame({ ours, theirs, base: undefined })}`;
  rememberRuns(db, ours, matches);
  report.replaced += db.run(`DELETE FROM main.${quoteName(ours.name)} AS o WHERE ${matches}`);
  db.exec("DROP TABLE temp.expver_keys");
}

/** A row that both have as it is would only be replaced by itself: it stays, and is not counted. */
function unlessTheSame(sides: TableSides): string {
  const { ours, theirs } = sides;
  if (ours.key.length === 0 || !ours.key.every((name) => findColumn(theirs, name) !== undefined)) return "";
  const cells = cellsOf(sides);
  const isSame = sameKey("n", "o", { columns: ours.key, by: "=" });
  const sameRow = sameVector(
    cells.map((cell) => cell.ours),
    cells.map((cell) => cell.theirs),
  );
  return ` AND NOT EXISTS (SELECT 1 FROM theirs.${quoteName(theirs.name)} AS n WHERE ${isSame} AND ${sameRow})`;
}

/** Marks runs of which no row is left; their records stay. Answers how many. To be called when the source's rows are in. */
export function markSuperseded(db: Database, by: string): number {
  if (db.get("SELECT 1 FROM temp.sqlite_schema WHERE name = 'expver_replaced_runs'") === undefined) return 0;
  const runs = readTables(db, "main").get(RUNS_TABLE);
  if (runs !== undefined && findColumn(runs, "superseded_by") === undefined) {
    db.exec(`ALTER TABLE main.${RUNS_TABLE} ADD COLUMN superseded_by TEXT`);
  }
  const stretches = db.arrays(
    `SELECT run_id, "table", track_id, first, last FROM main.${RUN_TRACKS_TABLE} WHERE run_id IN (SELECT run_id FROM expver_replaced_runs)`,
  );
  const tables = readTables(db, "main");
  const alive = new Set<string>();
  const gone = new Set<string>();
  for (const [run, table, track, first, last] of stretches) {
    gone.add(String(run));
    if (!tables.has(foldName(String(table)))) continue;
    const rows = within({ track_id: String(track), first: String(first), last: String(last) });
    if (db.get(`SELECT 1 FROM main.${quoteName(String(table))} WHERE ${WITHIN} LIMIT 1`, rows) !== undefined) alive.add(String(run));
  }
  const superseded = [...gone].filter((run) => !alive.has(run));
  for (const run of superseded) db.run(`UPDATE main.${RUNS_TABLE} SET superseded_by = ? WHERE run_id = ?`, [by, run]);
  db.exec("DROP TABLE temp.expver_replaced_runs");
  return superseded.length;
}

function rememberRuns(db: Database, ours: Table, matches: string): void {
  const hasRuns = readTables(db, "main").has(RUN_TRACKS_TABLE);
  if (!hasRuns || findColumn(ours, "track_id") === undefined || findColumn(ours, "timestamp") === undefined) return;
  db.exec("CREATE TEMP TABLE IF NOT EXISTS expver_replaced_runs (run_id TEXT PRIMARY KEY)");
  db.run(
    `INSERT OR IGNORE INTO expver_replaced_runs SELECT t.run_id FROM main.${RUN_TRACKS_TABLE} AS t JOIN main.${quoteName(ours.name)} AS o
     ON o.track_id = t.track_id AND o.timestamp BETWEEN t.first AND t.last WHERE t."table" = ? AND ${matches}`,
    [ours.name],
  );
}
