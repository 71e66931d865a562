/** `expver.yaml` as a value: every field present, defaults filled in. Paths are relative to the project's root, with `/`. */

export type Direction = "max" | "min";
export type Aggregation = "last" | "best" | "mean" | "min" | "max" | "sum";

export interface Config {
  results: {
    /** The results database. */
    database: string;
    /** Tables named by the user; empty = found by their columns. The first is where expver writes rows of its own. */
    tables: string[];
  };
  /** In the order written; the first is the primary metric. */
  metrics: Record<string, Direction>;
  aggregate: Record<string, Aggregation>;
  /** File parameters are read from, which need not be there; null: none is to be read. */
  params: string | null;
  /** Globs of input pointers; empty = the default rule. */
  data: string[];
  /** Globs of further outputs a run picks up. */
  track: string[];
  models: {
    output: string;
    production: string;
    /** Whether somebody says so: `expver.yaml`, or what is tracked there. */
    namesProduction: boolean;
    candidates: string;
    keep: number;
  };
  /** Machine-local paths symlinked into private workspaces. */
  link: string[];
  publish: "ask" | "auto";
  versions: { prefix: string };
  record: { host: boolean; user: boolean };
  worktrees: { dir: string | null };
}

/** What a repository without `expver.yaml` gets, and what each absent key means. */
export const DEFAULTS: Config = {
  results: { database: "results/experiments.db", tables: [] },
  metrics: {},
  aggregate: {},
  params: "params.yaml",
  data: [],
  track: [],
  models: {
    output: "models/model.bin",
    production: "models/production/model.bin",
    namesProduction: false,
    candidates: "models/candidates",
    keep: 5,
  },
  link: [".venv", "node_modules", ".env"],
  publish: "ask",
  versions: { prefix: "e" },
  record: { host: true, user: true },
  worktrees: { dir: null },
};
