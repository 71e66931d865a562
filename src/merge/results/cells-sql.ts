/** One column of a table as SQL on each side of a merge, and the three-way rule for one cell. */
import { foldName, quoteName } from "../../platform/sqlite.ts";
import { STAMP_COLUMNS } from "../../results/schema.ts";
import { findColumn } from "./tables.ts";
import type { Table } from "./types.ts";

/** Aliases: `o` is ours, `n` theirs (new), `a` the ancestor. */
export interface CellSql {
  name: string;
  ours: string;
  theirs: string;
  /** `NULL` when there is no ancestor: a two-way merge is a three-way one from nothing. */
  ancestor: string;
  /** Copies of the tag's truth: a difference is no conflict, ours stays. */
  isStamp: boolean;
  /** Ours has just got this column: none of its cells has a value. */
  isNew: boolean;
}

export interface TableSides {
  ours: Table;
  theirs: Table;
  /** The ancestor's table; undefined when it, or the ancestor, is not there. */
  base: Table | undefined;
}

/** Every column of ours, which has those of theirs already; `added`: names of those that it has got for that. */
export function cellsOf({ ours, theirs, base }: TableSides, added: readonly string[] = []): CellSql[] {
  return ours.columns.map(({ name }) => ({
    name,
    ours: `o.${quoteName(name)}`,
    theirs: columnSql("n", theirs, name),
    ancestor: columnSql("a", base, name),
    isNew: base === undefined && added.includes(name),
    isStamp: (STAMP_COLUMNS as readonly string[]).includes(foldName(name)),
  }));
}

function columnSql(alias: string, table: Table | undefined, name: string): string {
  const column = findColumn(table, name);
  return column === undefined ? "NULL" : `${alias}.${quoteName(column.name)}`;
}

/** Storage class and bits: `+` takes the declared type out of the comparison, the text '1' is not the number 1. */
function same(left: string, right: string): string {
  return `(+${left} COLLATE BINARY IS +${right})`;
}

/** Whole rows; a vector, because a chain of a thousand ORs is too deep for SQLite. */
export function sameVector(lefts: readonly string[], rights: readonly string[]): string {
  if (lefts.length === 0) return "true";
  if (lefts.length === 1) return same(lefts[0] ?? "NULL", rights[0] ?? "NULL");
  const vector = (columns: readonly string[]) => `(${columns.map((column) => `+${column} COLLATE BINARY`).join(", ")})`;
  return `(${vector(lefts)} IS ${vector(rights)})`;
}

/** The source's value goes in: only it has changed, or ours is empty. */
export function takesTheirs({ ours, theirs, ancestor, isNew }: CellSql): string {
  if (isNew) return `(${theirs} IS NOT NULL)`;
  if (ancestor === "NULL") return `(${ours} IS NULL AND ${theirs} IS NOT NULL)`;
  return `(NOT ${same(theirs, ancestor)} AND NOT ${same(theirs, ours)} AND (${ours} IS NULL OR ${same(ours, ancestor)}))`;
}

/** The same, into an empty cell. */
export function fillsOurs(cell: CellSql): string {
  return cell.ancestor === "NULL" ? takesTheirs(cell) : `(${cell.ours} IS NULL AND ${takesTheirs(cell)})`;
}

/** Both sides have a value of their own. */
export function clashes(cell: CellSql): string {
  if (cell.isStamp || cell.isNew) return "false";
  const { ours, theirs, ancestor } = cell;
  if (ancestor === "NULL") return `(${ours} IS NOT NULL AND ${theirs} IS NOT NULL AND NOT ${same(theirs, ours)})`;
  return `(${ours} IS NOT NULL AND ${theirs} IS NOT NULL AND NOT ${same(theirs, ours)} AND NOT ${same(theirs, ancestor)} AND NOT ${same(ours, ancestor)})`;
}
