/** A commit made beside takes its place: refs, index entries and files of the worktree, journaled together. */
import { join } from "node:path";
import { fromTop } from "../config/paths.ts";
import { type Project, topOf } from "../config/project.ts";
import type { Repository } from "../git/git.ts";
import { readIndexEntries, requireIndexFree, sameEntry, setIndexEntries } from "../git/index-file.ts";
import { type RefChange, updateRefs } from "../git/refs.ts";
import { readTree } from "../git/tree.ts";
import { setText } from "../journal/file-edits.ts";
import type { OpenOperation } from "../journal/operations.ts";
import type { Effect } from "../journal/types.ts";
import { readTextIfExists } from "../platform/files.ts";
import type { FileEdit } from "../store/types.ts";

export type IndexEdit = Extract<Effect, { kind: "index" }>["entries"][number];
export type FileEffect = Extract<Effect, { kind: "file" }>;

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

/** What recovery does, too: only where the old state still stands. */
export function bringAlong(project: Project, repository: Repository, { index, files }: { index: IndexEdit[]; files: FileEffect[] }): void {
  const now = readIndexEntries(
    repository,
    index.map(({ path }) => path),
  );
  const due = index.filter(({ path, before }) => sameEntry(now.get(path) ?? null, before));
  setIndexEntries(
    repository,
    due.map(({ path, after }) => ({ path, mode: after?.mode ?? "", object: after?.object ?? null })),
  );
  for (const { path, before, after } of files) {
    const file = join(topOf(project), path);
    if (readTextIfExists(file) === before) setText(file, after);
  }
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
    .filter(({ before, after }) => !sameEntry(before, after));
}

export function fileEffects(project: Project, edits: readonly FileEdit[]): FileEffect[] {
  return edits.flatMap(({ path, before, after }): FileEffect[] =>
    before === after ? [] : [{ kind: "file", path: fromTop(project, path), before, after }],
  );
}
