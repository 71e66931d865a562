/** The nouns of merging results databases: what goes in, by which rules, what came of it. */

/** Which of two different values of one cell stays: the base's, the source's, or that of the run that ended later. */
export type ConflictChoice = "ours" | "theirs" | "newest";

export interface MergeSource {
  /** Absolute path of a database that is only read. */
  path: string;
  /** What a person calls it. */
  name: string;
  /** Database both sides came from, which nobody writes: the merge is then three-way. Without it, a union. */
  ancestor?: string | undefined;
  /** It is an object of the cache: nobody writes it, and nothing may appear beside it. */
  stored?: boolean;
  /** Given: new rows are written down as coming from here. */
  origin?: RowOrigin | undefined;
}

export interface RowOrigin {
  /** Commit of the source; null: a file. */
  commit: string | null;
  /** When it was merged, ISO. */
  at: string;
}

export interface MergeRules {
  /** Without it two different values are a conflict and nothing is merged. */
  onConflict?: ConflictChoice | undefined;
  /** Tells rows apart in tables that have no primary key but this column. */
  idColumn?: string | undefined;
  /** Rows whose values in these columns occur in the source are replaced by the source's. */
  rebase?: RebaseRule | undefined;
  /** Rows that nothing but their values tells apart are others than those that are there: the source is of another run. */
  append?: boolean | undefined;
  /** Only these events tables; default: all. */
  tables?: readonly string[] | undefined;
}

export interface RebaseRule {
  keyColumns: readonly string[];
  /** Rows without a value in a key column are matched with each other; by default they are never replaced. */
  matchNullKeys: boolean;
}

/** What one source did to one table. */
export interface TableReport {
  table: string;
  /** Columns that tell rows apart; empty: the whole row does. */
  identity: string[];
  /** Rows that were not there. */
  inserted: number;
  /** Rows that say the same on both sides. */
  equal: number;
  /** Empty cells that got a value, by column. */
  filled: Record<string, number>;
  /** Cells that only the source has changed since the ancestor, by column. */
  updated: Record<string, number>;
  /** Rows the source deleted since the ancestor. */
  removed: number;
  /** Rows deleted here since the ancestor, unchanged in the source: they stay gone. */
  keptGone: number;
  /** Rows that gave way to the source's: rebase. */
  replaced: number;
  /** Columns the table did not have. */
  addedColumns: string[];
  /** Columns whose declared type would have changed values of the source. */
  widenedColumns: string[];
  /** Cells (or rows) decided by the conflict choice. */
  resolved: number;
}

export interface CellConflict {
  table: string;
  source: string;
  /** The row's identity, by column, as text. */
  key: Record<string, string>;
  /** Null: one side has deleted the row, the other changed it. */
  column: string | null;
  ours: string;
  theirs: string;
}

export interface SourceReport {
  source: string;
  threeWay: boolean;
  tables: TableReport[];
  /** Things a person should know: tables that were left alone, assets without bytes. */
  notes: string[];
}

/** A table as one database declares it. */
export interface Table {
  name: string;
  columns: TableColumn[];
  /** Primary key columns in key order. */
  key: string[];
}

export interface TableColumn {
  name: string;
  type: string;
}
