/** A merge of data files: what is asked for, and what was done. */
import type { SettledColumn } from "./schema.ts";
import type { StandingRows } from "./standing-rows.ts";

export interface DataMerge {
  base: { path: string; name: string };
  sources: readonly { path: string; name: string }[];
  /** What base and source came from: rows that one of them has deleted or changed stay so. For a merge without a key, of one source. */
  ancestor?: { path: string; name: string } | undefined;
  output: string;
  strategy: "merge" | "rebase";
  /** Merge: tells rows apart (none: all their values do). Rebase: says which rows replace which. */
  keyColumns: readonly string[];
  matchNullKeys: boolean;
  /** Of two values of one cell under one key; newest is not known of files. */
  onConflict: "ours" | "theirs" | undefined;
  allowWiden: boolean;
  /** Such as `1GB`. */
  memory?: string;
}

export interface DataReport {
  output: string;
  strategy: DataMerge["strategy"];
  columns: SettledColumn[];
  /** Rows of the base, and of the result. */
  before: number;
  after: number;
  sources: { source: string; rows: number; inserted: number; replaced: number; removed: number; filled: number; resolved: number }[];
}

/** One source's part of a merge. */
export interface MergeStep {
  merge: DataMerge;
  standing: StandingRows;
  /** The key columns by their settled names. */
  keys: readonly string[];
  /** How many rows the source has. */
  rows: number;
}
