/** How worktrees stand: commits, changes, data, rows, versions and what runs in them. Few git processes, however many worktrees. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Project, projectIn, topOf } from "../../config/project.ts";
import { resultsDatabase, resultsPath } from "../../config/results-place.ts";
import { ExpverError, throwUnlessFailure } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { howParted, type Parted } from "../../git/parted.ts";
import { readStatuses, type StatusEntry } from "../../git/status.ts";
import { repositoryIn, worktreeState } from "../../git/worktrees.ts";
import { whoWorksInEach } from "../../platform/open-files.ts";
import { readPointers, readPointersAt } from "../../store/pointers/pointers.ts";
import { outputStatus } from "../../store/worktree/status.ts";
import { readVersions } from "../../versions/registry.ts";
import type { Version } from "../../versions/types.ts";
import { runAtWork } from "../second-run.ts";
import { folderOf, insideOf, type KnownWorktree } from "./records.ts";

/** Null: there is nothing to compare with, or it cannot be read. */
export interface Standing {
  /** Commits of its own, and those of the main worktree that it has not. */
  ahead: number | null;
  behind: number | null;
  /** Files. */
  changed: number | null;
  untracked: number | null;
  /** Outputs with other bytes than their pointer says, and those that are not there; null also for very many files. */
  data: { changed: number; missing: number } | null;
  /** Result rows that are not, or not so, in the main worktree's database. */
  rows: number | null;
  /** Versions of its own commits, not published; of the main worktree all others. */
  unpublished: string[];
  /** The run that goes on in it. */
  run: string | null;
  /** Programs whose working directory it is. */
  processes: number[];
  /** Why somebody locked it. */
  locked: string | null;
  /** Why it cannot be read. */
  problem: string | null;
}

/** Folders with more files than this, all worktrees together, are not compared: `expver data status`, there. */
const MOST_FILES = 50_000;

interface Main {
  head: string | null;
  /** Null: bare. */
  project: Project | null;
  /** Hash of the results database its HEAD names. */
  stored: string | null;
}

export async function standingOf(project: Project, repository: Repository, known: readonly KnownWorktree[]): Promise<Standing[]> {
  const there = known.filter((one) => one.there && !one.bare);
  const repositories = new Map(there.map(({ root }) => [root, repositoryIn(repository, root)]));
  const readable = [...repositories.values()].filter((one) => one !== null);
  const statuses = await readStatuses(readable, { atOnce: availableParallelism() });
  const changes = new Map(readable.map(({ root }, index) => [root, statuses[index] ?? null]));
  const parted = howParted(
    repository,
    known.flatMap(({ head }) => head ?? []),
  );
  const programs = whoWorksInEach(there.map(({ root }) => root));
  const versions = readVersions(project).filter(({ unpublished }) => unpublished);
  const main = mainOf(project, known, repositories);
  const budget = { files: MOST_FILES };
  const found: Standing[] = [];
  for (const worktree of known) {
    const { root } = worktree;
    const standing = {
      ...historyOf(worktree, { parted, main, versions }),
      ...filesOf(changes.get(root) ?? null),
      ...NOTHING_READ,
      processes: programs.get(root) ?? [],
      locked: worktreeState(repository, root).locked,
      problem: worktree.there ? null : "its folder is gone",
    };
    const inside = repositories.get(root) ?? null;
    found.push(inside === null ? standing : { ...standing, ...(await contentsOf(project, inside, worktree, { main, budget })) });
  }
  // What is no other worktree's is the main one's, on its branch or on none.
  const others = new Set(found.flatMap(({ unpublished }) => unpublished));
  const [first] = found;
  if (first !== undefined) first.unpublished = versions.map(({ name }) => name).filter((name) => !others.has(name));
  return found;
}

const NOTHING_READ = { data: null, rows: null, run: null };

function mainOf(project: Project, [first]: readonly KnownWorktree[], repositories: ReadonlyMap<string, Repository | null>): Main {
  const head = first?.head ?? null;
  const repository = repositories.get(first?.root ?? "") ?? null;
  const path = resultsPath(project);
  const stored = head === null ? undefined : readPointersAt(project, head).find((one) => one.path === path);
  const opened = repository === null ? null : openInside(project, repository, repository.root);
  return { head, project: opened instanceof ExpverError ? null : opened, stored: stored?.hash ?? null };
}

function historyOf(
  { head }: KnownWorktree,
  { parted, main, versions }: { parted: Parted; main: Main; versions: readonly Version[] },
): Pick<Standing, "ahead" | "behind" | "unpublished"> {
  if (head === null || main.head === null) return { ahead: null, behind: null, unpublished: [] };
  const own = parted.own(head, main.head);
  const unpublished = versions.filter(({ commit }) => own.has(commit)).map(({ name }) => name);
  return { ahead: own.size, behind: parted.own(main.head, head).size, unpublished };
}

function filesOf(status: readonly StatusEntry[] | null): Pick<Standing, "changed" | "untracked"> {
  if (status === null) return { changed: null, untracked: null };
  const untracked = status.filter(({ kind }) => kind === "untracked").length;
  return { changed: status.length - untracked, untracked };
}

async function contentsOf(
  project: Project,
  repository: Repository,
  worktree: KnownWorktree,
  { main, budget }: { main: Main; budget: { files: number } },
): Promise<Partial<Standing>> {
  try {
    const inside = openInside(project, repository, worktree.record === null ? repository.root : insideOf(worktree.record));
    if (inside instanceof ExpverError) throw inside;
    const data = await dataOf(inside, budget);
    return {
      data: data?.state ?? null,
      rows: await unmergedRows(inside, main, data?.database ?? null),
      run: (await runAtWork(inside))?.run ?? null,
    };
  } catch (error) {
    throwUnlessFailure(error);
    return { problem: error.message };
  }
}

/** The error of one whose `expver.yaml` is broken. */
function openInside(project: Project, repository: Repository, folder: string): Project | ExpverError {
  try {
    return projectIn(repository, folder === repository.root ? insideOf({ root: folder, ...folderOf(project) }) : folder);
  } catch (error) {
    if (error instanceof ExpverError) return error;
    throw error;
  }
}

async function dataOf(inside: Project, budget: { files: number }): Promise<{ state: Standing["data"]; database: string | null } | null> {
  if (inside.dvcRoot === null) return null;
  const pointers = readPointers(inside).filter(({ hash, cache }) => hash !== null && cache);
  budget.files -= pointers.reduce((sum, { nfiles }) => sum + (nfiles ?? 1), 0);
  if (budget.files < 0) return null;
  const found = await outputStatus(inside, pointers, {});
  const count = (wanted: string) => found.filter(({ worktree }) => worktree === wanted).length;
  const path = resultsPath(inside);
  const database = found.find(({ pointer, worktree }) => pointer.path === path && worktree === "same");
  return { state: { changed: count("modified"), missing: count("deleted") }, database: database?.pointer.hash ?? null };
}

/** `database`: the hash its bytes have, where that is known: those main has stored need no comparison. */
async function unmergedRows(inside: Project, main: Main, database: string | null): Promise<number | null> {
  const theirs = resultsDatabase(inside);
  if (main.project === null || !existsSync(theirs)) return null;
  // Of another project of the repository: at the same place in the main worktree.
  const isSame = folderOf(inside).folder === folderOf(main.project).folder;
  const ours = isSame ? resultsDatabase(main.project) : join(topOf(main.project), resultsPath(inside));
  if (ours === theirs || (database !== null && database === main.stored)) return 0;
  const [{ openResults }, { rowsSince }] = await Promise.all([import("../../results/database.ts"), import("../../results/rows.ts")]);
  const db = openResults(theirs, { readonly: true });
  try {
    // Where main has none all of its rows are its own.
    const { added, changed } = rowsSince(db, existsSync(ours) ? ours : null);
    return added.reduce((sum, { rows }) => sum + rows, changed);
  } finally {
    db.close();
  }
}
