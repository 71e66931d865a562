/** Rows an older or other copy of the database has and this one lacks: nothing that is here is changed. */
import { type Database, foldName, openDatabase, quoteName } from "../platform/sqlite.ts";
import { widenForTable } from "./column-types.ts";
import { sameKey } from "./same-key.ts";
import {
  addColumns,
  type Column,
  createLike,
  eventsTables,
  hasTable,
  PACKAGES_TABLE,
  RUN_TRACKS_TABLE,
  RUNS_TABLE,
  tableColumns,
} from "./schema.ts";
import { withCopy } from "./with-copy.ts";

/** How many rows of the copy's events tables and run tables are not here. */
export function countMissingRows(db: Database, copy: string): number {
  return withCopy(db, copy, () => countedTables(db).reduce((sum, table) => sum + db.count(`SELECT count(*) ${missing(table)}`), 0));
}

/** Adds them, with the tables, columns and wider types they need, in one transaction; answers how many. */
export function bringInRows(db: Database, copy: string): number {
  return withCopy(db, copy, () =>
    db.write(() => sharedTables(db, { create: true }).reduce((sum, table) => sum + insertMissing(db, table), 0)),
  );
}

/** The same for the run tables alone; the events tables stay as they are. */
export function bringInRuns(db: Database, copy: string): void {
  withCopy(db, copy, () =>
    db.write(() => {
      for (const table of sharedTables(db, { create: true, only: Object.keys(KEYS) })) insertMissing(db, table);
    }),
  );
}

/** How many rows the events tables of a database hold that nobody writes. */
export function countEvents(path: string): number {
  const db = openDatabase(path, { immutable: true });
  try {
    return eventsTables(db).reduce((sum, { name }) => sum + db.count(`SELECT count(*) FROM ${quoteName(name)}`), 0);
  } finally {
    db.close();
  }
}

/** Packages are nobody's rows. */
function countedTables(db: Database): Shared[] {
  return sharedTables(db).filter(({ name }) => name !== PACKAGES_TABLE);
}

interface Shared {
  name: string;
  key: readonly string[];
  columns: Column[];
  /** The table is here too. */
  exists: boolean;
}

const KEYS: Record<string, readonly string[]> = {
  [RUNS_TABLE]: ["run_id"],
  [RUN_TRACKS_TABLE]: ["run_id", "table", "track_id", "first"],
  [PACKAGES_TABLE]: ["digest"],
};

function sharedTables(db: Database, { create = false, only }: { create?: boolean; only?: readonly string[] } = {}): Shared[] {
  const events = eventsTables(db, "before").map(({ name, columns }) => ({ name, columns, key: ["track_id", "timestamp"] }));
  const runs = Object.entries(KEYS).flatMap(([name, key]) => {
    const columns = db
      .arrays("SELECT name, type FROM pragma_table_info(?, 'before')", [name])
      .map(([column, type]) => ({ name: String(column), type: String(type) }));
    return columns.length === 0 ? [] : [{ name, columns, key }];
  });
  const wanted = [...events, ...runs].filter(({ name }) => only === undefined || only.includes(name));
  return wanted.map((table) => {
    if (create && !hasTable(db, table.name)) createLike(db, table);
    if (create) addColumns(db, table.name, table.columns);
    return {
      ...table,
      exists:
        hasTable(db, table.name) &&
        table.key.every((name) => tableColumns(db, table.name).some((column) => foldName(column.name) === name)),
    };
  });
}

function missing({ name, key, exists }: Shared): string {
  const from = `FROM before.${quoteName(name)} AS o`;
  if (!exists) return from;
  const same = sameKey("n", "o", { columns: key, by: "IS" });
  return `${from} WHERE NOT EXISTS (SELECT 1 FROM main.${quoteName(name)} AS n WHERE ${same})`;
}

function insertMissing(db: Database, table: Shared): number {
  if (db.get(`SELECT 1 ${missing(table)} LIMIT 1`) === undefined) return 0;
  widenForTable(db, { name: table.name, columns: tableColumns(db, table.name) }, { schema: "before", ...table });
  const names = table.columns.map(({ name }) => quoteName(name)).join(", ");
  return db.run(`INSERT INTO main.${quoteName(table.name)} (${names}) SELECT ${names} ${missing(table)}`);
}
