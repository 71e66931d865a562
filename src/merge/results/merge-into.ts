/** One results database merged into another: all tables, one transaction, all or nothing. */

import { ExpverError } from "../../errors.ts";
import { type Database, foldName, quoteName, readOnlyUri } from "../../platform/sqlite.ts";
import { needsItsFolder, withCopyElsewhere } from "../../platform/sqlite-elsewhere.ts";
import { brokenRule } from "../../platform/sqlite-errors.ts";
import { counted } from "../../platform/words.ts";
import { createLike, PACKAGES_TABLE, RUN_TRACKS_TABLE, RUNS_TABLE } from "../../results/schema.ts";
import { ASSET_TABLES, hasAssets, mergeAssets } from "./assets.ts";
import { type Clashes, mergeKeyedRows } from "./keyed-rows.ts";
import { markSuperseded, removeReplaced } from "./rebase-rows.ts";
import { mergePackages, mergeRuns, mergeRunTracks } from "./run-tables.ts";
import { addMissingColumns, findColumn, readTables, widenForSource } from "./tables.ts";
import type { CellConflict, MergeRules, MergeSource, SourceReport, Table, TableReport } from "./types.ts";
import { mergeUnkeyedRows } from "./unkeyed-rows.ts";

/** Of what nobody writes: nothing may appear beside it, and it may lie where nothing can. */
const IMMUTABLE = "&immutable=1";

const OWN_TABLES: readonly string[] = [RUNS_TABLE, RUN_TRACKS_TABLE, PACKAGES_TABLE];

/**
 * Merges every table of the source into `db`. With an ancestor three-way: what one side deleted and the other left alone
 * stays deleted. Repeating it adds nothing.
 *
 * Throws E_CONFLICT, nothing written, when two different values of one cell meet and the rules do not say which stays, or a
 * row breaks a rule of its table here;
 * E_USAGE for an identity or key column that is not there; E_DATABASE when the source is none.
 */
export function mergeInto(db: Database, source: MergeSource, rules: MergeRules = {}): SourceReport {
  try {
    return mergeAttached(db, source, rules);
  } catch (error) {
    if (source.stored === true || !needsItsFolder(error, source.path)) throw error;
    return withCopyElsewhere(source.path, (path, remove) => {
      const report = mergeAttached(db, { ...source, path }, rules);
      remove();
      return report;
    });
  }
}

function mergeAttached(db: Database, source: MergeSource, rules: MergeRules): SourceReport {
  try {
    attach(db, readOnlyUri(source.path) + (source.stored === true ? IMMUTABLE : ""), "theirs");
    if (source.ancestor !== undefined) attach(db, readOnlyUri(source.ancestor) + IMMUTABLE, "base");
    return db.write(() => mergeTables(db, source, rules));
  } finally {
    for (const schema of ["theirs", "base"]) {
      if (isAttached(db, schema)) db.exec(`DETACH ${schema}`);
    }
  }
}

function mergeTables(db: Database, source: MergeSource, rules: MergeRules): SourceReport {
  const theirs = readTables(db, "theirs");
  const ours = readTables(db, "main");
  const base = source.ancestor === undefined ? undefined : readTables(db, "base");
  const assets = hasAssets(theirs, ours);
  const reports = new Map<string, TableReport>();
  const reportOf = (table: string) => {
    const report = reports.get(table) ?? emptyReport(table);
    reports.set(table, report);
    return report;
  };
  const wanted = [...theirs.values()].filter(({ name }) => isWanted(name, { rules, assets }));
  checkRebase(wanted, source, rules);
  const left: Clashes = { count: 0, first: [] };
  for (const table of wanted) {
    const sides = { ours: ours.get(foldName(table.name)), theirs: table, base: base?.get(foldName(table.name)) };
    const clashes = withinRules(table, source, () => mergeTable(db, sides, { source, rules, report: reportOf(table.name) }));
    left.count += clashes.count;
    left.first.push(...clashes.first);
  }
  if (left.count > 0) throw conflict(source, left);
  if (theirs.has(RUNS_TABLE)) mergeRuns(db, reportOf(RUNS_TABLE));
  if (theirs.has(RUN_TRACKS_TABLE)) mergeRunTracks(db, reportOf(RUN_TRACKS_TABLE));
  if (theirs.has(PACKAGES_TABLE)) mergePackages(db);
  const superseded = markSuperseded(db, source.name);
  if (superseded > 0) reportOf(RUNS_TABLE).replaced += superseded;
  if (assets) mergeAssets(db, eventsOf(db), reportOf);
  return { source: source.name, threeWay: source.ancestor !== undefined, tables: [...reports.values()], notes: notesOf(db) };
}

/** A rule of the table here may be broken by rows that are whole and well where they come from. Throws E_CONFLICT then. */
function withinRules<T>({ name }: Table, source: MergeSource, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const broken = brokenRule(error);
    if (broken === null) throw error;
    throw new ExpverError("E_CONFLICT", `a row of ${source.name} does not fit into the table ${name} that is here: ${broken}`, {
      hint: "That is a rule of the table here: change the row, or make the table without that rule.",
      details: { source: source.name, table: name, rule: broken },
      cause: error,
    });
  }
}

function mergeTable(
  db: Database,
  tables: { ours: Table | undefined; theirs: Table; base: Table | undefined },
  { source, rules, report }: { source: MergeSource; rules: MergeRules; report: TableReport },
): Clashes {
  const { theirs, base } = tables;
  if (tables.ours === undefined) createLike(db, theirs);
  const ours = tables.ours ?? { name: theirs.name, columns: [...theirs.columns], key: [...theirs.key] };
  report.addedColumns.push(...addMissingColumns(db, ours, theirs));
  report.widenedColumns.push(...widenForSource(db, ours, theirs));
  if (rules.rebase !== undefined) removeReplaced(db, { ours, theirs, rule: rules.rebase }, report);
  const key = identityOf(db, { ours, theirs, base }, rules.idColumn);
  report.identity = [...key];
  if (key.length === 0) {
    mergeUnkeyedRows(db, { ours, theirs, base, key, append: rules.append }, report);
    return { count: 0, first: [] };
  }
  const clashes = mergeKeyedRows(db, { ours, theirs, base, key, onConflict: rules.onConflict, source: source.name }, report);
  const withoutKey = key.map((column) => `${quoteName(column)} IS NULL`).join(" OR ");
  // Without an ancestor, rows that only ours has stay as they are.
  const sides = [`theirs.${quoteName(theirs.name)}`, ...(base === undefined ? [] : [`main.${quoteName(ours.name)}`])];
  if (sides.some((side) => db.get(`SELECT 1 FROM ${side} WHERE ${withoutKey} LIMIT 1`) !== undefined)) {
    mergeUnkeyedRows(db, { ours, theirs, base, key, append: rules.append }, report);
  }
  return clashes;
}

/** The primary key both sides have; else the identity column when it is unique on both; else the whole row. */
function identityOf(
  db: Database,
  { ours, theirs, base }: { ours: Table; theirs: Table; base: Table | undefined },
  idColumn: string | undefined,
): readonly string[] {
  const all = base === undefined ? [ours, theirs] : [ours, theirs, base];
  const hasKey = ours.key.length > 0 && ours.key.every((column) => all.every((table) => findColumn(table, column) !== undefined));
  if (hasKey) return ours.key;
  if (idColumn === undefined || !all.every((table) => findColumn(table, idColumn) !== undefined)) return [];
  const column = quoteName(idColumn);
  for (const [schema, { name }] of [["main", ours] as const, ["theirs", theirs] as const]) {
    const twice = db.get(
      `SELECT ${column} AS id FROM ${schema}.${quoteName(name)} WHERE ${column} IS NOT NULL GROUP BY ${column} COLLATE BINARY HAVING count(*) > 1 LIMIT 1`,
    );
    if (twice !== undefined) return [];
  }
  return [findColumn(ours, idColumn)?.name ?? idColumn];
}

function isWanted(name: string, { rules, assets }: { rules: MergeRules; assets: boolean }): boolean {
  if (OWN_TABLES.includes(name)) return false;
  if (assets && (ASSET_TABLES as readonly string[]).includes(name)) return false;
  return rules.tables === undefined || rules.tables.some((table) => foldName(table) === foldName(name));
}

/** Our own tables, and those of the tracker's assets: merged with the rest, never by name. */
export function isBookkeeping(table: string): boolean {
  return OWN_TABLES.includes(table) || (ASSET_TABLES as readonly string[]).includes(table);
}

/** A key column that no table has would replace nothing, silently. */
function checkRebase(tables: readonly Table[], source: MergeSource, { rebase }: MergeRules): void {
  if (rebase === undefined) return;
  const fitting = tables.filter((table) => rebase.keyColumns.every((column) => findColumn(table, column) !== undefined));
  if (fitting.length > 0 || tables.length === 0) return;
  const columns = tables.map(({ name, columns }) => `${name} (${columns.map((column) => column.name).join(", ")})`);
  throw new ExpverError(
    "E_USAGE",
    `no table of ${source.name} has the key columns ${rebase.keyColumns.join(", ")}; there are ${columns.join("; ")}`,
    {
      hint: "Name columns that say what a row is about, such as --key-columns version model.",
      details: { source: source.name, keyColumns: rebase.keyColumns },
    },
  );
}

function eventsOf(db: Database): Table[] {
  return [...readTables(db, "main").values()].filter(({ name }) => !isBookkeeping(name));
}

/** What was not carried over. */
function notesOf(db: Database): string[] {
  const others = db.arrays(
    "SELECT name, type FROM pragma_table_list WHERE schema = 'theirs' AND type <> 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  );
  return others.map(([name, type]) => `${type} ${name} was left alone`);
}

function conflict(source: MergeSource, { count, first }: Clashes): ExpverError {
  const lines = first.slice(0, 5).map((one) => `  ${describe(one)}`);
  const more = count > lines.length ? [`  … and ${count - lines.length} more`] : [];
  return new ExpverError(
    "E_CONFLICT",
    [
      `${counted(count, "cell")} of ${source.name} ${count === 1 ? "differs" : "differ"} from those that are there:`,
      ...lines,
      ...more,
    ].join("\n"),
    {
      details: { source: source.name, count, conflicts: first },
    },
  );
}

function describe({ table, key, column, ours, theirs }: CellConflict): string {
  const row = Object.values(key).join(" ");
  return column === null ? `${table} ${row}: ${ours} here, ${theirs} there` : `${table} ${row} ${column}: ${ours} here, ${theirs} there`;
}

function emptyReport(table: string): TableReport {
  return {
    table,
    identity: [],
    inserted: 0,
    equal: 0,
    filled: {},
    updated: {},
    removed: 0,
    keptGone: 0,
    replaced: 0,
    addedColumns: [],
    widenedColumns: [],
    resolved: 0,
  };
}

function attach(db: Database, uri: string, schema: "theirs" | "base"): void {
  db.run(`ATTACH ? AS ${schema}`, [uri]);
  db.get(`SELECT count(*) FROM ${schema}.sqlite_schema`);
}

function isAttached(db: Database, schema: string): boolean {
  return db.get("SELECT 1 FROM pragma_database_list WHERE name = ?", [schema]) !== undefined;
}
