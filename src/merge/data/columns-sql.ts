/** Lists of columns as SQL. */
import { foldName, quoteName } from "../../platform/sqlite.ts";
import type { DataFile } from "./data-file.ts";
import type { SettledColumn } from "./schema.ts";

export function columnNames(columns: readonly SettledColumn[]): string {
  return columns.map(({ name }) => quoteName(name)).join(", ");
}

/** The columns of `file`, which the query calls `f`, under their settled names and types; those that it lacks are NULL. */
export function settledColumns(columns: readonly SettledColumn[], file: DataFile): string {
  return columns
    .map(({ name, type }) => {
      const own = ownColumn(file, name);
      if (own === undefined) return `NULL::${type} AS ${quoteName(name)}`;
      return `f.${quoteName(own.name)}${own.type === type ? "" : `::${type}`} AS ${quoteName(name)}`;
    })
    .join(", ");
}

/** Names of columns differ by more than their case. */
export function ownColumn<T extends { name: string }>({ columns }: { columns: readonly T[] }, name: string): T | undefined {
  return columns.find((column) => foldName(column.name) === foldName(name));
}
