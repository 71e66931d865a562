/** Lists of columns as SQL. */
import { foldName, quoteName } from "../../platform/sqlite.ts";
import { type DataFile, WITHOUT_VALUES } from "./data-file.ts";
import type { SettledColumn } from "./schema.ts";

export function columnNames(columns: readonly SettledColumn[]): string {
  return columns.map(({ name }) => quoteName(name)).join(", ");
}

/**
 * The columns of `file`, which the query calls `f`, under their settled names and types; those that it lacks are NULL, and with `isLenient`
 * values that are none of the type.
 */
export function settledColumns(columns: readonly SettledColumn[], file: DataFile, { isLenient = false } = {}): string {
  const cellOf = ({ name, type }: SettledColumn) => {
    const own = ownColumn(file, name);
    if (own === undefined || (own.type === WITHOUT_VALUES && own.type !== type)) return `NULL::${type}`;
    const cell = `f.${quoteName(own.name)}`;
    return own.type === type ? cell : isLenient ? `TRY_CAST(${cell} AS ${type})` : `${cell}::${type}`;
  };
  return columns.map((column) => `${cellOf(column)} AS ${quoteName(column.name)}`).join(", ");
}

/** Names of columns differ by more than their case. */
export function ownColumn<T extends { name: string }>({ columns }: { columns: readonly T[] }, name: string): T | undefined {
  return columns.find((column) => foldName(column.name) === foldName(name));
}
