/**
 * The end of a run that did well: results commit R and its tag, the branch moved by one compare-and-swap, the index and the
 * pointer files of the worktree brought along. Journaled as one step; what is not done when we die is done by recovery.
 */

import { join } from "node:path";
import { topOf } from "../../../config/project.ts";
import { ExpverError, failedWith } from "../../../errors.ts";
import { git, type Repository } from "../../../git/git.ts";
import { type IndexEntry, readIndexEntries, requireIndexFree, sameEntry, writeTreeWith } from "../../../git/index-file.ts";
import { commitTree, makeTag } from "../../../git/objects.ts";
import { type RefChange, readRef, readRefs, updateRefs } from "../../../git/refs.ts";
import { emptyTree } from "../../../git/tree.ts";
import type { Effect } from "../../../journal/types.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { formatMessage } from "../../../versions/message.ts";
import { newTagChanges, unpublishedRef } from "../../../versions/published.ts";
import { RESERVED } from "../../../versions/reserve.ts";
import type { VersionMessage } from "../../../versions/types.ts";
import { bringAlong, type FileEffect, type IndexEdit } from "../../place-commit.ts";
import type { ClosingRun } from "../open-run.ts";
import { branchStands } from "../open-run.ts";
import { titleOf } from "../prepare-run.ts";

export interface Finished {
  /** Results commit R. */
  results: string;
  /** The branch moved to R. False: it had moved by itself, or was not to move. */
  onBranch: boolean;
}

interface ResultsCommit {
  /** The commit R stands on, by default S. */
  base?: string | null;
  /** Further lines at the end of its message. */
  trailers?: string;
}

/** Throws E_VERSION_TAKEN when somebody made the tag by hand meanwhile. */
export function finishRun(run: ClosingRun, message: VersionMessage, commitment: ResultsCommit = {}): Finished {
  const { repository, operation, facts } = run;
  const { commit, staged } = facts().closing;
  const results = makeResultsCommit(run, commitment);
  const known = readKnownRefs(run, { head: commit });
  const onBranch = commit && (known.branchStands ?? branchStands(run));
  const index = onBranch ? indexEdits(run, results, new Map(staged)) : [];
  if (index.length > 0) requireIndexFree(repository);
  const files = onBranch || !commit ? worktreeEdits(run) : [];
  const refs = refChanges(run, { results, message: formatMessage(message), onBranch, known: known.refs });
  operation.record(
    ...refs.map((change): Effect => ({ kind: "ref", ...change })),
    ...(index.length > 0 ? [{ kind: "index", entries: index } as const] : []),
    ...files,
  );
  run.save({ results });
  const moved = moveRefs(run, refs, { results, message, onBranch });
  if (moved === onBranch) bringAlong(run.project, repository, { index, files });
  return { results: facts().results ?? results, onBranch: moved };
}

function makeResultsCommit({ runId, repository, facts }: ClosingRun, { base = facts().snapshot, trailers = "" }: ResultsCommit): string {
  const { outputs, version, message, command } = facts();
  const tree = writeTreeWith(
    repository,
    base,
    outputs.map(({ path, mode, object }) => ({ path, mode, object })),
  );
  return commitTree(repository, {
    tree,
    parents: base === null ? [] : [base],
    message: `${titleOf(version, message, command)}\n\nRun: ${runId}\n${trailers}`,
  });
}

/** What refs of the run are there, and whether its branch is where it was; null: HEAD must be asked that, it stood for no branch that has commits. */
function readKnownRefs(
  { runId, repository, facts }: ClosingRun,
  { head: wantsHead }: { head: boolean },
): { refs: ReadonlyMap<string, string>; branchStands: boolean | null } {
  const { head, version } = facts();
  const own = [`refs/expver/runs/${runId}`, ...(version === null ? [] : [RESERVED + version, unpublishedRef(version)])];
  const branch = wantsHead && head.commit !== null ? head.branch : null;
  const now = readRefs(repository, [...own, ...(branch === null ? [] : [branch])]);
  return { refs: now.found, branchStands: branch === null ? null : now.head === branch && now.found.get(branch) === head.commit };
}

function refChanges(
  { runId, repository, facts }: ClosingRun,
  { results, message, onBranch, known }: { results: string; message: string; onBranch: boolean; known: ReadonlyMap<string, string> },
): RefChange[] {
  const { head, version } = facts();
  const branch: RefChange[] = onBranch ? [{ ref: head.branch ?? "HEAD", before: head.commit, after: results }] : [];
  const kept = `refs/expver/runs/${runId}`;
  const before = known.get(kept) ?? null;
  if (version === null) return [...branch, { ref: kept, before, after: results }];
  return [
    ...branch,
    ...newTagChanges(version, makeTag(repository, { name: version, object: results, message }), known.get(unpublishedRef(version)) ?? null),
    { ref: RESERVED + version, before: known.get(RESERVED + version) ?? null, after: null },
    // The tag keeps S from now on.
    ...(before === null ? [] : [{ ref: kept, before, after: null }]),
  ];
}

/** One transaction. When the branch moved in this very moment, the same without it. Answers whether the branch moved to R. */
function moveRefs(
  run: ClosingRun,
  refs: RefChange[],
  { results, message, onBranch }: { results: string; message: VersionMessage; onBranch: boolean },
): boolean {
  const { runId, repository, facts, operation } = run;
  const reason = { reason: `expver: run ${runId}` };
  try {
    updateRefs(repository, refs, reason);
    return onBranch;
  } catch (error) {
    if (!failedWith(error, "E_REF_MOVED")) throw error;
    const { version } = facts();
    if (version !== null && readRef(repository, `refs/tags/${version}`) !== null) {
      throw new ExpverError("E_VERSION_TAKEN", `a tag ${version} was made while the run went on`, {
        hint: runId.startsWith("sweep-")
          ? `All of its runs are recorded; end it under another number: expver sweep --resume ${runId}`
          : `The run is recorded; give it another number: expver tag VERSION --run ${runId}`,
        cause: error,
      });
    }
    if (!onBranch) throw error;
    const without = refChanges(run, {
      results,
      message: formatMessage(message),
      onBranch: false,
      known: readKnownRefs(run, { head: false }).refs,
    });
    operation.record(...without.map((change): Effect => ({ kind: "ref", ...change })));
    updateRefs(repository, without, reason);
    return false;
  }
}

/** Entries of exactly the paths in which R differs from the old HEAD; one that was staged anew during the run stays. */
function indexEdits({ repository, facts }: ClosingRun, results: string, staged: ReadonlyMap<string, IndexEntry>): IndexEdit[] {
  const [changes = [], inSnapshot = []] = treeChanges(repository, facts().head.commit, [results, facts().snapshot ?? results]);
  const ofSnapshot = new Map(inSnapshot.map(({ path, after }) => [path, after]));
  const now = readIndexEntries(
    repository,
    changes.map(({ path }) => path),
  );
  return changes.flatMap(({ path, before, after }) => {
    const current = now.get(path) ?? null;
    const known = [before, staged.get(path) ?? null, ofSnapshot.get(path) ?? null];
    if (sameEntry(current, after) || !known.some((entry) => sameEntry(entry, current))) return [];
    return [{ path, before: current, after }];
  });
}

/** Pointer and ignore files, where they still are what they were when their new text was made. */
function worktreeEdits({ project, facts }: ClosingRun): FileEffect[] {
  const { outputs, inputEdits } = facts();
  const ofOutputs = outputs.flatMap(({ path, edit }) => (edit === undefined ? [] : [{ path, ...edit }]));
  // Of a pointer that the snapshot changed R may have one that names versions.
  const edits = new Map([...inputEdits, ...ofOutputs].map((edit) => [edit.path, edit]));
  return [...edits.values()].flatMap(({ path, before, after }): FileEffect[] => {
    if (before === after || readTextIfExists(join(topOf(project), path)) !== before) return [];
    return [{ kind: "file", path, before, after }];
  });
}

interface TreeChange {
  path: string;
  before: IndexEntry | null;
  after: IndexEntry | null;
}

/** What each of the commits has that `from` (null: no commit yet) has not, in one process. */
function treeChanges(repository: Repository, from: string | null, commits: readonly string[]): TreeChange[][] {
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"];
  const found = new Map<string, TreeChange[]>(commits.map((commit) => [commit, []]));
  const others = [...found.keys()].filter((commit) => commit !== from);
  // Compared with a parent it need not have; the empty tree can be none.
  const output =
    from === null
      ? others.map((commit) => `${commit}\0${git(repository, [...args, emptyTree(repository), commit])}`).join("")
      : git(repository, [...args, "--stdin"], { input: others.map((commit) => `${commit} ${from}\n`).join("") });
  const fields = output.split("\0");
  let changes: TreeChange[] = [];
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? "";
    if (!field.startsWith(":")) {
      changes = found.get(field) ?? [];
      continue;
    }
    const [oldMode = "", newMode = "", oldObject = "", newObject = ""] = field.slice(1).split(" ");
    at += 1;
    changes.push({ path: fields[at] ?? "", before: entryOf(oldMode, oldObject), after: entryOf(newMode, newObject) });
  }
  return commits.map((commit) => found.get(commit) ?? []);
}

function entryOf(mode: string, object: string): IndexEntry | null {
  return mode === "000000" ? null : { mode, object };
}
