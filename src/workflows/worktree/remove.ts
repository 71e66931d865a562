/** Removing a worktree expver made: only when its inventory is empty, or each thing that would go has been named. */

import { renameSync } from "node:fs";
import { dirname } from "node:path";
import { fromTop } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { type RefChange, readRef, updateRefs } from "../../git/refs.ts";
import { ownObjects, repositoryIn, worktreeState } from "../../git/worktrees.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { perform } from "../../journal/perform.ts";
import { moveToTrash, trashPlace } from "../../journal/trash.ts";
import type { Effect } from "../../journal/types.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists, removePath } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
import type { Input, Step } from "../contract.ts";
import { listOf } from "../input.ts";
import { CATEGORIES, type Category, type Finding } from "./inventory/finding.ts";
import { detachedHead, dropRecord, goingBranch, isThere, recordFile, type WorktreeRecord } from "./records.ts";

export interface Removal {
  record: WorktreeRecord;
  /** What goes to the trash because it was named; nothing else is there. */
  forced: Finding[];
}

export interface Removed {
  name: string;
  root: string;
  branch: string | null;
  /** Where the folder is now; null when it was an exploration in which nothing was other than what was checked out. */
  trash: string | null;
}

/** Throws E_WOULD_LOSE with every finding that was not named. `given`: those of `forced` that a person named. */
export function requireNothingLost(
  { name, root, kind }: WorktreeRecord,
  findings: readonly Finding[],
  {
    forced,
    given = forced,
    again = kind === "exploration" ? `expver cleanup ${name}` : `expver worktree remove ${name}`,
  }: { forced: ReadonlySet<Category>; given?: ReadonlySet<Category>; again?: string },
): void {
  const left = findings.filter(({ category }) => !forced.has(category));
  if (left.length === 0) return;
  const lines = left.map(
    ({ category, what, examples, remedy }) => `  ${category}: ${what}${examples.length > 0 ? ` (${examples.join(", ")})` : ""}; ${remedy}`,
  );
  throw new ExpverError("E_WOULD_LOSE", [`${root} has what is nowhere else:`, ...lines].join("\n"), {
    hint: `Give it up by name: ${again} --force ${[...new Set([...given, ...left.map(({ category }) => category)])].join(" ")}`,
    details: { worktree: root, findings: left },
  });
}

export function forcedCategories(input: Input): Set<Category> {
  const words = listOf(input.force);
  for (const word of words) {
    if (!(CATEGORIES as readonly string[]).includes(word)) {
      throw new ExpverError("E_USAGE", `--force names what may be lost: ${CATEGORIES.join(", ")}; not ${JSON.stringify(word)}`, {
        details: { received: word },
      });
    }
  }
  return new Set(words as Category[]);
}

/** Throws E_BUSY for one that somebody has locked. */
export function requireUnlocked(repository: Repository, { root }: WorktreeRecord): void {
  const { locked } = worktreeState(repository, root);
  if (locked === null) return;
  throw new ExpverError("E_BUSY", `${root} is locked${locked === "" ? "" : `: ${locked}`}`, {
    hint: `git worktree unlock ${shellWord(root)}`,
    details: { path: root, reason: locked },
  });
}

/** `lost`: what was given up by name. */
export function removalSteps(repository: Repository, record: WorktreeRecord, lost: readonly Finding[]): Step[] {
  const { root, branch } = record;
  const going = goingBranch(repository, record);
  const detail = lost.map(({ what }) => what).join("; ");
  return [
    isThere(repository, record)
      ? { verb: "remove", target: root, ...(detail === "" ? {} : { detail }), keeps: "trash" }
      : { verb: "forget", target: root, detail: ["no worktree of ours is there", detail].filter(Boolean).join("; ") },
    ...(going === null ? [] : [{ verb: "delete", target: `branch ${going}`, keeps: "refs/expver/backup" }]),
    ...(branch === going ? [] : [{ verb: "leave", target: `branch ${branch}`, detail: "another worktree is on it" }]),
  ];
}

/** Folder, Git's own record of it, branch and our record, in one operation that undo takes back whole. */
export async function removeWorktree(
  project: Project,
  repository: Repository,
  context: Context,
  { record, forced }: Removal,
): Promise<Removed> {
  const { root, kind, name } = record;
  const command = kind === "exploration" ? "cleanup" : "worktree remove";
  const isKept = kind === "experiment" || forced.length > 0;
  let spare: string[] = [];
  const removed = await perform(project, context, {
    command,
    argv: [...command.split(" "), name],
    summary: `remove ${root}`,
    ...(isKept ? {} : { notes: { undoneBy: `expver checkout ${name}` } }),
    work(operation) {
      const { admin } = worktreeState(repository, root);
      const branch = goingBranch(repository, record);
      const folders = [...(isThere(repository, record) ? [root] : []), ...(admin === null ? [] : [admin])];
      const gone = folders.map((path) => ({ path, trash: trashPlace(project, path) }));
      const refs = refChanges(repository, operation, { record: { ...record, branch }, forced });
      const text = readTextIfExists(recordFile(project, record));
      operation.record(
        ...gone.map(({ path, trash }): Effect => ({ kind: "trash", path: fromTop(project, path), trash })),
        ...refs.map((change): Effect => ({ kind: "ref", ...change })),
        { kind: "file", path: fromTop(project, recordFile(project, record)), before: text, after: null },
      );
      for (const { path, trash } of gone) moveToTrash(project, path, trash);
      updateRefs(repository, refs, { reason: `expver: ${command}` });
      dropRecord(project, record);
      if (!isKept) spare = gone.map(({ trash }) => dirname(dirname(trash)));
      return { name, root, branch, trash: isKept ? (gone.find(({ path }) => path === root)?.trash ?? null) : null };
    },
  });
  // Not before the operation has ended, and out of undo's sight at once: half of a folder is never brought back.
  for (const folder of spare) {
    renameSync(folder, `${folder}.spare`);
    removePath(`${folder}.spare`);
  }
  return removed;
}

/** The branch goes. What only it, the worktree's HEAD, its own refs or its index leads to stays reachable: the trash is nothing `git gc` knows. */
function refChanges(repository: Repository, { id }: OpenOperation, { record, forced }: Removal): RefChange[] {
  const { branch } = record;
  const ref = `refs/heads/${branch}`;
  const tip = branch === null ? null : readRef(repository, ref);
  const own = forced.length > 0 ? objectsOf(repository, record) : [];
  const kept = [
    ...(tip === null ? [] : [[`heads/${branch}`, tip] as const]),
    ...own.map(({ name, object }) => [`worktree/${name}`, object] as const),
  ].filter(([name, object]) => name.startsWith("heads/") || object !== tip);
  return [
    ...(tip === null ? [] : [{ ref, before: tip, after: null }]),
    ...kept.map(([name, object]) => ({ ref: `refs/expver/backup/${id}/${name}`, before: null, after: object })),
  ];
}

function objectsOf(repository: Repository, record: WorktreeRecord): { name: string; object: string }[] {
  const there = isThere(repository, record) ? repositoryIn(repository, record.root) : null;
  if (there !== null) return ownObjects(there);
  const head = detachedHead(repository, record.root);
  return head === null ? [] : [{ name: "HEAD", object: head }];
}
