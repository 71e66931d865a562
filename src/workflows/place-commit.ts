/** A commit made beside takes its place: refs, index entries and files of the worktree, journaled together. */
import { fromTop } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import type { Repository } from "../git/git.ts";
import { readIndexEntries, requireIndexFree } from "../git/index-file.ts";
import { type RefChange, updateRefs } from "../git/refs.ts";
import { readTree } from "../git/tree.ts";
import type { OpenOperation } from "../journal/operations.ts";
import type { Effect } from "../journal/types.ts";
import type { FileEdit } from "../store/types.ts";
import { bringAlong, type FileEffect, type IndexEdit } from "./run/closing/finish.ts";

export interface CommitPlaces {
  operation: OpenOperation;
  refs: readonly RefChange[];
  index: IndexEdit[];
  files: FileEffect[];
  /** Rows that the caller changes afterwards. */
  rows?: readonly Effect[];
  /** For the reflog. */
  reason: string;
}

/** Throws E_BUSY while another git holds the index, E_REF_MOVED. */
export function placeCommit(
  project: Project,
  repository: Repository,
  { operation, refs, index, files, rows = [], reason }: CommitPlaces,
): void {
  if (index.length > 0) requireIndexFree(repository);
  operation.record(
    ...refs.map((change): Effect => ({ kind: "ref", ...change })),
    ...rows,
    ...(index.length > 0 ? [{ kind: "index", entries: index } as const] : []),
    ...files,
  );
  if (refs.length > 0) updateRefs(repository, refs, { reason });
  bringAlong(project, repository, { index, files });
}

/** What makes the index have of these paths what the commit has. */
export function indexEditsTo(repository: Repository, commit: string, paths: readonly string[]): IndexEdit[] {
  const wanted = new Set(paths);
  if (wanted.size === 0) return [];
  const now = readIndexEntries(repository, [...wanted]);
  const entries = readTree(repository, commit).filter(({ path }) => wanted.has(path));
  const then = new Map(entries.map(({ path, mode, object }) => [path, { mode, object }]));
  return [...wanted]
    .map((path) => ({ path, before: now.get(path) ?? null, after: then.get(path) ?? null }))
    .filter(({ before, after }) => before?.object !== after?.object || before?.mode !== after?.mode);
}

export function fileEffects(project: Project, edits: readonly FileEdit[]): FileEffect[] {
  return edits.flatMap(({ path, before, after }): FileEffect[] =>
    before === after ? [] : [{ kind: "file", path: fromTop(project, path), before, after }],
  );
}
