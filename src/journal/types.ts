/** The nouns of the journal. */
import type { ProcessIdentity } from "../platform/processes.ts";

/** One change an operation makes, recorded before it is made, with enough to take it back. */
export type Effect =
  /** A ref moved; null = did not / does not exist. Object names are full. */
  | { kind: "ref"; ref: string; before: string | null; after: string | null }
  /** A small file (pointer, ignore file, configuration) rewritten; the texts themselves. Path relative to the worktree. */
  | { kind: "file"; path: string; before: string | null; after: string | null }
  /** Index entries set; blob id and mode, null = not in the index. */
  | { kind: "index"; entries: { path: string; before: IndexEntry | null; after: IndexEntry | null }[] }
  /**
   * Paths a merge of Git had left in conflict, staged; what each side had. Taken back only while Git goes on with that merge: `head` is
   * where it began.
   */
  | { kind: "unmerged"; head: string | null; paths: { path: string; before: Sides; after: IndexEntry | null }[] }
  /**
   * Rows of a run added to or stamped in the results database (path relative to the worktree). Recorded again with the
   * digest of its rows (`results/run-rows.ts`) once they are final: undo removes them only while it holds.
   */
  | { kind: "rows"; database: string; run: string; digest?: string }
  /** The version a run's rows and its record carry in the results database (path relative to the worktree); null = none. */
  | { kind: "stamp"; database: string; run: string; before: string | null; after: string | null }
  /**
   * Rows of a whole database changed (path relative to the worktree): copies of what it was (null: not there) and became, absolute paths
   * of files that nobody writes. Recorded again when what it became lies in its final place.
   */
  | { kind: "database"; path: string; before: string | null; after: string }
  /**
   * Bytes moved to the trash: `path` relative to the worktree, `trash` absolute (see `trashPlace`). `placed`: MD5 of the file that is
   * kept elsewhere too and took its place; undo takes it away only while it is that.
   */
  | { kind: "trash"; path: string; trash: string; placed?: string }
  /**
   * Files of an output that a checkout replaced, removed or made; `path` is the output's, relative to the worktree. Each file: its path
   * below the output ("" for the output itself) and its hash before and after, null for not there. What was before is kept in the cache:
   * `shards`, absolute.
   */
  | {
      kind: "checkout";
      path: string;
      shards: string;
      hashName: "md5" | "md5-dos2unix";
      files: [below: string, before: string | null, after: string | null][];
    }
  /**
   * A file or folder renamed. Paths relative to the worktree; `replaced`: where in the trash is what stood at `to` (absolute); `digest`
   * (`platform/tree-digest.ts`): what was put there, which undo takes away only while it is that. `isCopy`: of what lies elsewhere, and
   * waited in the trash (`from`): of an operation that failed or was killed it does not stay there, as each further try would leave one more.
   * `removed`: files that stood at `to`, by path below it, with their MD5s; they are kept in the cache (`shards`, absolute) and made again.
   * Recorded again once it is known what else stood there.
   */
  | {
      kind: "move";
      from: string;
      to: string;
      replaced?: string;
      digest?: string;
      isCopy?: true;
      removed?: { shards: string; files: [below: string, md5: string][] };
    }
  /**
   * Objects moved out of a cache (absolute folder) to a trash beside it; `names` are relative to both. One that came back meanwhile is
   * the same bytes.
   */
  | { kind: "objects"; folder: string; trash: string; names: string[] }
  /** A folder made; taken back only while it is empty. Path relative to the worktree. */
  | { kind: "folder"; path: string }
  /** Done somewhere we cannot reach back to; `ref`: what was pushed there, in full. */
  | { kind: "remote"; remote: string; detail: string; ref?: string };

export interface IndexEntry {
  mode: string;
  object: string;
}

/** What a conflict has in the index; absent where that side has no such file. */
interface Sides {
  base?: IndexEntry;
  ours?: IndexEntry;
  theirs?: IndexEntry;
}

/** `open`: its owner lives, or died without ending it. `undone`, `recovered`: taken back afterwards. */
export type OperationState = "open" | "done" | "failed" | "recovered" | "undone";

/** What tells where an operation ran, wherever the repository and its worktrees are by now. */
export interface Home {
  /** Git's own folder for the worktree, seen from the common one: `.`, `worktrees/NAME`. */
  worktree: string;
  /** Our state folder at that time. */
  stateDir: string;
}

export interface Operation {
  /** Sortable: `20261124T193018-4f2a`. */
  id: string;
  command: string;
  argv: string[];
  /** Top of the worktree it ran in. */
  worktree: string;
  /** Absent in those written before it was, as is `home`: the project's folder in that worktree. */
  folder?: string;
  home?: Home;
  /** Set when it is not where it was: `outside`, absolute, is what it touched beside its worktree. */
  moved?: { from: string; outside: string[] };
  owner: ProcessIdentity;
  startedAt: string;
  endedAt: string | null;
  state: OperationState;
  /** One line for `expver ops`. */
  summary: string;
  /** Why it failed, or what recovery or undo did. */
  outcome: string | null;
  effects: Effect[];
  /** Free facts the workflow needs to recover: run id, version, phase. The last note of a key wins. */
  notes: Record<string, unknown>;
}
