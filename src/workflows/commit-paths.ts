/** One commit with exactly its own paths, on the branch one is on: branch, index entries and files in one journaled step. */
import { fromTop } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import type { Repository } from "../git/git.ts";
import { committer } from "../git/identity.ts";
import { readIndexEntries, writeTreeWith } from "../git/index-file.ts";
import { commitTree } from "../git/objects.ts";
import { headBranch, readRef, resolveCommit } from "../git/refs.ts";
import { unfinished } from "../git/status.ts";
import { readTree } from "../git/tree.ts";
import type { OpenOperation } from "../journal/operations.ts";
import type { FileEdit } from "../store/types.ts";
import type { IndexEdit } from "./place-commit.ts";
import { fileEffects, placeCommit } from "./place-commit.ts";
import { editedFiles } from "./run/outputs/results-files.ts";
import { refuseSecondRun } from "./second-run.ts";

/**
 * Throws E_GIT, E_GIT_STATE, E_GIT_IDENTITY where no commit can be made; E_BUSY while a run goes on here, which would take what appears in the
 * models folders for its own.
 */
export async function requireCommittable({ project, repository }: { project: Project; repository: Repository }): Promise<void> {
  if (repository.bare) {
    throw new ExpverError("E_GIT", `${repository.root} is a bare repository: nobody works in it`, { hint: "Repeat it in a clone." });
  }
  const state = unfinished(repository);
  if (state !== null) throw new ExpverError("E_GIT_STATE", `git ${state} is in progress`, { details: { state } });
  committer(repository);
  await refuseSecondRun(project);
}

interface PathsCommit {
  repository: Repository;
  operation: OpenOperation;
  /** Pointers and ignore files, unwritten. */
  edits: readonly FileEdit[];
  message: string;
  /** For the reflog. */
  reason: string;
}

/** Answers the commit; null when HEAD has it all already: then only the files are written. */
export function commitPaths(project: Project, { repository, operation, edits, message, reason }: PathsCommit): string | null {
  const head = resolveCommit(repository, "HEAD");
  const gone = edits.filter(({ after }) => after === null).map(({ path }) => ({ path: fromTop(project, path), mode: "", object: null }));
  const files = [...editedFiles({ project, repository, snapshot: head }, edits), ...gone];
  const paths = files.map(({ path }) => path);
  const atHead = new Map((head === null ? [] : readTree(repository, head, paths)).map((entry) => [entry.path, entry]));
  const changed = files.filter(({ path, object }) => (atHead.get(path)?.object ?? null) !== object);
  const now = readIndexEntries(repository, paths);
  const index = changed.flatMap(({ path, mode, object }): IndexEdit[] => {
    const [before, committed] = [now.get(path) ?? null, atHead.get(path)?.object];
    // What somebody has staged of an ignore file stays staged; a pointer is ours.
    const isOurs = path.endsWith(".dvc") || before?.object === committed;
    if (!isOurs || (before?.object ?? null) === object) return [];
    return [{ path, before, after: object === null ? null : { mode, object } }];
  });
  const commit =
    changed.length === 0
      ? null
      : commitTree(repository, { tree: writeTreeWith(repository, head, changed), parents: head === null ? [] : [head], message });
  const refs = commit === null ? [] : [{ ref: headBranch(repository) ?? "HEAD", before: head, after: commit }];
  placeCommit(project, repository, { operation, refs, index, files: fileEffects(project, edits), reason });
  return commit;
}

/** HEAD as a plan has seen it still stands. Throws E_PLAN_STALE. */
export function requireHead(repository: Repository, head: string | null): void {
  if (readRef(repository, "HEAD") === head) return;
  throw new ExpverError("E_PLAN_STALE", `HEAD has moved since the plan was made (it was ${head?.slice(0, 12) ?? "no commit yet"})`, {
    hint: "Repeat the command.",
  });
}
