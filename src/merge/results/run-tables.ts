/** expver's own tables: a run has a life cycle, so two records of one run are never a conflict. */
import { type Database, quoteName } from "../../platform/sqlite.ts";
import { createLike, ensureRunTables, PACKAGES_TABLE, RUN_TRACKS_TABLE, RUNS_TABLE } from "../../results/schema.ts";
import { addMissingColumns, findColumn, readTables } from "./tables.ts";
import type { Table, TableReport } from "./types.ts";

/** How the record of the source compares with ours: an ended run beats a running one, then the later end. Of an older expver it may not say them. */
function isLater(theirs: Table): string {
  const [status, end] = ["status", "end"].map((name) => (findColumn(theirs, name) === undefined ? "NULL" : `n.${quoteName(name)}`));
  return `CASE WHEN (o.status = 'running') <> (${status} = 'running') THEN o.status = 'running'
    ELSE coalesce(julianday(${end}) > julianday(o."end"), o."end" IS NULL AND ${end} IS NOT NULL) END`;
}

/** Merges `expver_runs`; the caller has seen that the source has it. */
export function mergeRuns(db: Database, report: TableReport): void {
  ensureRunTables(db);
  const ours = readTables(db, "main").get(RUNS_TABLE);
  const theirs = readTables(db, "theirs").get(RUNS_TABLE);
  if (ours === undefined || theirs === undefined) return;
  report.addedColumns.push(...addMissingColumns(db, ours, theirs));
  const ancestor = ancestorOf(db, { name: RUNS_TABLE, ours, theirs, identity: ['"run_id"'] });
  report.removed += ancestor.remove();
  const names = theirs.columns.map(({ name }) => quoteName(name));
  const values = names.filter((name) => name !== '"run_id"');
  const isEqual = values.map((name) => `o.${name} IS n.${name}`).join(" AND ") || "true";
  const [equal = 0] = (
    db.arrays(`SELECT count(*) FROM theirs.${RUNS_TABLE} AS n JOIN main.${RUNS_TABLE} AS o USING (run_id) WHERE ${isEqual}`)[0] ?? []
  ).map(Number);
  report.equal += equal;
  const later = isLater(theirs);
  const sets = values.map(
    (name) => `${name} = CASE WHEN ${later} THEN coalesce(n.${name}, o.${name}) ELSE coalesce(o.${name}, n.${name}) END`,
  );
  report.resolved += db.run(
    `UPDATE main.${RUNS_TABLE} AS o SET ${sets.join(", ")} FROM theirs.${RUNS_TABLE} AS n WHERE n.run_id = o.run_id AND NOT (${isEqual})`,
  );
  report.inserted += db.run(
    `INSERT INTO main.${RUNS_TABLE} (${names.join(", ")}) SELECT ${names.join(", ")} FROM theirs.${RUNS_TABLE} AS n
     WHERE NOT EXISTS (SELECT 1 FROM main.${RUNS_TABLE} AS o WHERE o.run_id = n.run_id) AND NOT ${ancestor.knows}`,
  );
}

/** Merges `expver_packages`: a digest means the same everywhere. */
export function mergePackages(db: Database): void {
  const [ours, theirs] = (["main", "theirs"] as const).map((schema) => readTables(db, schema).get(PACKAGES_TABLE));
  const columns = ["digest", "versions"];
  if (theirs === undefined || [theirs, ours ?? theirs].some((table) => columns.some((name) => findColumn(table, name) === undefined)))
    return;
  if (ours === undefined) createLike(db, theirs);
  db.run(`INSERT OR IGNORE INTO main.${PACKAGES_TABLE} (digest, versions) SELECT digest, versions FROM theirs.${PACKAGES_TABLE}`);
}

/** Merges `expver_run_tracks`: a stretch of rows that has grown is the longer one. */
export function mergeRunTracks(db: Database, report: TableReport): void {
  ensureRunTables(db);
  const [ours, theirs] = (["main", "theirs"] as const).map((schema) => readTables(db, schema).get(RUN_TRACKS_TABLE));
  if (ours === undefined || theirs === undefined) return;
  const identity = ["run_id", "table", "track_id", "first"].map(quoteName);
  const ancestor = ancestorOf(db, { name: RUN_TRACKS_TABLE, ours, theirs, identity });
  report.removed += ancestor.remove();
  const sameStretch = `o.run_id = n.run_id AND o."table" = n."table" AND o.track_id = n.track_id AND o.first = n.first`;
  const grown = `${sameStretch} AND (n.last > o.last OR n.rows > o.rows)`;
  const [shared = 0] = (
    db.arrays(`SELECT count(*) FROM theirs.${RUN_TRACKS_TABLE} AS n JOIN main.${RUN_TRACKS_TABLE} AS o ON ${sameStretch}`)[0] ?? []
  ).map(Number);
  const changed = db.run(
    `UPDATE main.${RUN_TRACKS_TABLE} AS o SET last = max(o.last, n.last), rows = max(o.rows, n.rows)
     FROM theirs.${RUN_TRACKS_TABLE} AS n WHERE ${grown}`,
  );
  report.resolved += changed;
  report.equal += shared - changed;
  report.inserted += db.run(
    `INSERT INTO main.${RUN_TRACKS_TABLE} (run_id, "table", track_id, first, last, rows)
     SELECT run_id, "table", track_id, first, last, rows FROM theirs.${RUN_TRACKS_TABLE} AS n
     WHERE NOT EXISTS (SELECT 1 FROM main.${RUN_TRACKS_TABLE} AS o WHERE ${sameStretch}) AND NOT ${ancestor.knows}`,
  );
}

interface OwnTable {
  name: string;
  ours: Table;
  theirs: Table;
  /** Quoted names of the columns that tell records apart. */
  identity: readonly string[];
}

/** What one side has deleted since the ancestor stays deleted, unless the other has changed it. */
function ancestorOf(db: Database, { name, ours, theirs, identity }: OwnTable): { knows: string; remove: () => number } {
  const isThere = db.get("SELECT 1 FROM pragma_database_list WHERE name = 'base'") !== undefined;
  const base = isThere ? readTables(db, "base").get(name) : undefined;
  if (base === undefined) return { knows: "false", remove: () => 0 };
  const sameAs = (alias: string, { columns }: Table) =>
    columns
      .filter((column) => findColumn(base, column.name) !== undefined)
      .map((column) => `${alias}.${quoteName(column.name)} IS a.${quoteName(column.name)}`)
      .join(" AND ");
  const known = (alias: string, table: Table) => `EXISTS (SELECT 1 FROM base.${quoteName(name)} AS a WHERE ${sameAs(alias, table)})`;
  const isGone = `NOT EXISTS (SELECT 1 FROM theirs.${quoteName(name)} AS n WHERE ${identity.map((column) => `n.${column} IS o.${column}`).join(" AND ")})`;
  return {
    knows: known("n", theirs),
    remove: () => db.run(`DELETE FROM main.${quoteName(name)} AS o WHERE ${isGone} AND ${known("o", ours)}`),
  };
}
