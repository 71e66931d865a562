/** `--on-conflict newest`: of two values of a cell, that of the run that ended later. */
import { type Database, quoteName } from "../../platform/sqlite.ts";
import { RUN_TRACKS_TABLE, RUNS_TABLE } from "../../results/schema.ts";
import { findColumn, readTables, type Schema } from "./tables.ts";
import type { Table } from "./types.ts";

/**
 * SQL of "the source's run ended later" for the rows `o` and `n`; NULL where a row's run, or its end, is not known, or both
 * ended in one moment.
 */
export function laterRun(db: Database, { ours, theirs }: { ours: Table; theirs: Table }): string {
  const mine = endOf(db, { schema: "main", alias: "o", table: ours });
  const other = endOf(db, { schema: "theirs", alias: "n", table: theirs });
  return mine === null || other === null ? "NULL" : `nullif(sign(julianday(${other}) - julianday(${mine})), 0) > 0`;
}

function endOf(db: Database, { schema, alias, table }: { schema: Schema; alias: string; table: Table }): string | null {
  const tables = readTables(db, schema);
  const hasRuns = findColumn(tables.get(RUNS_TABLE), "end") !== undefined && tables.has(RUN_TRACKS_TABLE);
  const [track, time] = [findColumn(table, "track_id"), findColumn(table, "timestamp")];
  if (!hasRuns || track === undefined || time === undefined) return null;
  return `(SELECT max(r."end") FROM ${schema}.${RUN_TRACKS_TABLE} AS t JOIN ${schema}.${RUNS_TABLE} AS r USING (run_id)
    WHERE t."table" = '${table.name.replaceAll("'", "''")}' AND t.track_id = ${alias}.${quoteName(track.name)}
      AND ${alias}.${quoteName(time.name)} BETWEEN t.first AND t.last)`;
}
