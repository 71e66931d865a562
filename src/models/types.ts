/** The nouns of models. */

/** A model that a version or a run left, or that lies in the candidates folder. */
export interface KnownModel {
  version: string | null;
  /** Null: the version does not say, or has several runs and no best one. */
  run: string | null;
  /** `32 hex` or `32 hex.dir`. */
  hash: string;
  /** Bytes; null when nobody says. */
  size: number | null;
  /** From the top, with `/`. */
  path: string;
  /** Whose pointers name it; null: it lies in the candidates folder, and that is all that is known. */
  commit: string | null;
  /** ISO 8601: when it was stored, whenever its version was tagged; empty when unknown. */
  date: string;
  /** Exact texts by name: those of the run as a whole, never of one of its rows. */
  metrics: Record<string, string>;
}

/** What the results database knows of a run. */
export interface RunFacts {
  run: string;
  /** ISO 8601. */
  start: string;
  /** Snapshot commit S. */
  snapshot: string | null;
  metrics: Record<string, string>;
}

/** A file or folder of the candidates folder that belongs to a run. */
export interface Candidate {
  run: string;
  /** Without `RUN_`. */
  name: string;
  /** From the top, with `/`. */
  path: string;
  hash: string;
  /** Bytes. */
  size: number;
  /** Of every file it consists of. */
  md5s: string[];
}

/** What a commit of HEAD's line put into production, or took out of it. */
export interface Tenure {
  commit: string;
  /** ISO 8601 with zone. */
  date: string;
  by: string;
  /** Null: nothing is in production from here on. */
  hash: string | null;
  size: number | null;
  /** As the commit says; null when it says nothing, as one that no promotion made. */
  version: string | null;
  run: string | null;
  /** What the commit says it did. */
  how: "promoted" | "demoted" | "unsaid";
}
