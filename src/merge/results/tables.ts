/** Tables as a database declares them, and making one side able to hold the other's values. */
import { type Database, foldName } from "../../platform/sqlite.ts";
import { widenForTable } from "../../results/column-types.ts";
import { addColumns } from "../../results/schema.ts";
import type { Table, TableColumn } from "./types.ts";

/** Names under which databases are attached: the source, and the ancestor of a three-way merge. */
export type Schema = "main" | "theirs" | "base";

/** Ordinary tables; views, virtual tables and SQLite's own are none of ours. */
export function readTables(db: Database, schema: Schema): Map<string, Table> {
  const rows = db.arrays(
    `SELECT t.name, c.name, c.type, c.pk FROM pragma_table_list AS t JOIN pragma_table_info(t.name, '${schema}') AS c
     WHERE t.schema = '${schema}' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid`,
  ) as [string, string, string, bigint][];
  const tables = new Map<string, Table & { keyed: [bigint, string][] }>();
  for (const [name, column, type, position] of rows) {
    const id = foldName(name);
    const table = tables.get(id) ?? { name, columns: [], key: [], keyed: [] };
    table.columns.push({ name: column, type });
    if (position > 0n) table.keyed.push([position, column]);
    tables.set(id, table);
  }
  for (const table of tables.values()) table.key = table.keyed.sort(([a], [b]) => Number(a - b)).map(([, column]) => column);
  return tables;
}

export function findColumn(table: Table | undefined, name: string): TableColumn | undefined {
  return table?.columns.find((column) => foldName(column.name) === foldName(name));
}

/** Adds the columns `ours` lacks. Answers their names. */
export function addMissingColumns(db: Database, ours: Table, theirs: Table): string[] {
  const added = addColumns(db, ours.name, theirs.columns);
  ours.columns.push(...added);
  return added.map(({ name }) => name);
}

/** Gives columns that would convert values of the source a type that keeps them. Answers their names. */
export function widenForSource(db: Database, ours: Table, theirs: Table): string[] {
  const widened = widenForTable(db, ours, { schema: "theirs", ...theirs });
  for (const { name, type } of widened) {
    const column = findColumn(ours, name);
    if (column !== undefined) column.type = type;
  }
  return widened.map(({ name }) => name);
}
