/** The index: trees are built in a temporary one, and single entries of the real one are set without touching the others. */

import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, rmSync, statSync, utimesSync } from "node:fs";
import { ExpverError } from "../errors.ts";
import { pause } from "../platform/pause.ts";
import { shellWord } from "../platform/shell-word.ts";
import { git, gitPath, gitResult, type Repository } from "./git.ts";

export interface IndexEntry {
  /** `100644`, `100755`, `120000`, `160000`. */
  mode: string;
  object: string;
}

/** Null: none. */
export function sameEntry(one: IndexEntry | null, other: IndexEntry | null): boolean {
  return one === null || other === null ? one === other : one.mode === other.mode && one.object === other.object;
}

export interface IndexEdit {
  /** Relative to the worktree's top, with `/`. */
  path: string;
  /** Ignored when the entry goes away. */
  mode: string;
  /** Null: the entry goes away. */
  object: string | null;
}

/** A path in conflict; a side without the file is absent. */
export interface UnmergedPath {
  path: string;
  base?: IndexEntry;
  ours?: IndexEntry;
  theirs?: IndexEntry;
}

/**
 * A copy of this worktree's index, where there is one: it knows the state of each file, so that Git need not read them all again. Its second must be the
 * original's: Git compares whole seconds, and looks into a file only if it may have changed since the index was written.
 */
export function copyIndex(repository: Repository, to: string): void {
  const from = gitPath(repository, "index");
  const stat = statSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return;
  copyFileSync(from, to);
  const second = Math.floor(stat.mtimeMs / 1000);
  utimesSync(to, second, second);
}

/** The tree that `baseTree` (null: the empty one) becomes with these edits. Touches neither index nor worktree. */
export function writeTreeWith(repository: Repository, baseTree: string | null, edits: readonly IndexEdit[]): string {
  return withTemporaryIndex(repository, baseTree, (env) => applyEdits(repository, edits, env));
}

/** Sets entries of this worktree's index; all others stay as they are. Waits a moment for another git to let go of it. */
export function setIndexEntries(repository: Repository, edits: readonly IndexEdit[]): void {
  whenFree(repository, () => applyEdits(repository, edits, {}));
}

/** Puts paths in conflict, with what each side has; see {@link setIndexEntries}. */
export function setUnmerged(repository: Repository, paths: readonly UnmergedPath[]): void {
  const lines = paths.flatMap(({ path, base, ours, theirs }) => {
    const sides = [base, ours, theirs];
    const width = sides.find((one) => one !== undefined)?.object.length ?? 40;
    const stages = sides.flatMap((one, index) => (one === undefined ? [] : [`${one.mode} ${one.object} ${index + 1}\t${path}`]));
    return [`0 ${"0".repeat(width)}\t${path}`, ...stages];
  });
  whenFree(repository, () => gitResult(repository, ["update-index", "-z", "--index-info"], { input: nulTerminated(lines) }));
}

function whenFree(repository: Repository, change: () => void): void {
  for (let attempt = 0; ; attempt += 1) {
    try {
      change();
      return;
    } catch (error) {
      const locked = error instanceof ExpverError && /index\.lock/.test(error.message);
      if (!locked) throw error;
      if (attempt >= LOCK_ATTEMPTS) throw indexLocked(repository, error);
      pause(PAUSE_MS);
    }
  }
}

/** Throws E_BUSY when another git holds the index for longer than a moment, or died and left its lock. */
export function requireIndexFree(repository: Repository): void {
  for (let attempt = 0; existsSync(gitPath(repository, "index.lock")); attempt += 1) {
    if (attempt >= LOCK_ATTEMPTS) throw indexLocked(repository);
    pause(PAUSE_MS);
  }
}

function indexLocked(repository: Repository, cause?: unknown): ExpverError {
  const path = gitPath(repository, "index.lock");
  return new ExpverError("E_BUSY", `the Git index is locked by another process: ${path}`, {
    hint: `Wait for the other git command; if none is running, it left its lock: rm ${shellWord(path)}`,
    details: { path },
    cause,
  });
}

/** The index entries of exactly these paths; a path that is not in the index, or in conflict there, is absent. */
export function readIndexEntries(repository: Repository, paths: readonly string[]): Map<string, IndexEntry> {
  const wanted = new Set(paths);
  const found = new Map<string, IndexEntry>();
  if (wanted.size === 0) return found;
  // Many paths would not fit on a command line; then all entries are read.
  const limit = wanted.size <= 200 ? ["--", ...wanted] : [];
  const listing = git(repository, ["--literal-pathspecs", "ls-files", "--stage", "-z", ...limit]);
  for (const record of listing.split("\0")) {
    const tab = record.indexOf("\t");
    const [mode, object, stage] = record.slice(0, tab).split(" ");
    const path = record.slice(tab + 1);
    if (mode && object && stage === "0" && wanted.has(path)) found.set(path, { mode, object });
  }
  return found;
}

const LOCK_ATTEMPTS = 20;
const PAUSE_MS = 100;

// A temporary index must not leave shared-index files or start a file-system monitor; a sparse one would hide paths.
const PLAIN_INDEX = ["-c", "core.splitIndex=false", "-c", "core.fsmonitor=false", "-c", "index.sparse=false"];

function withTemporaryIndex(repository: Repository, baseTree: string | null, change: (env: Record<string, string>) => void): string {
  const file = gitPath(repository, `expver-index-${randomBytes(6).toString("hex")}`);
  const env = { GIT_INDEX_FILE: file };
  try {
    if (baseTree !== null) git(repository, [...PLAIN_INDEX, "read-tree", baseTree], { env });
    change(env);
    return git(repository, [...PLAIN_INDEX, "write-tree"], { env }).trimEnd();
  } finally {
    rmSync(file, { force: true });
    rmSync(`${file}.lock`, { force: true });
  }
}

function applyEdits(repository: Repository, edits: readonly IndexEdit[], env: Record<string, string>): void {
  if (edits.length === 0) return;
  // Removals first: a folder may take the place of a file, and the other way round.
  const ordered = [...edits.filter(({ object }) => object === null), ...edits.filter(({ object }) => object !== null)];
  const width = ordered.find(({ object }) => object !== null)?.object?.length ?? 40;
  const lines = ordered.map(({ path, mode, object }) =>
    object === null ? `0 ${"0".repeat(width)}\t${path}` : `${mode} ${object}\t${path}`,
  );
  gitResult(repository, ["update-index", "--add", "--replace", "-z", "--index-info"], { input: nulTerminated(lines), env });
}

function nulTerminated(items: readonly string[]): string {
  return items.map((item) => `${item}\0`).join("");
}
