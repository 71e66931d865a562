/** What would be lost with a worktree or a branch: everything in it that is in no commit, no cache, no remote and not of our making. */

import { existsSync } from "node:fs";
import { relative } from "node:path";
import { openProject, type Project, topOf } from "../../config/project.ts";
import { resultsDatabase, resultsPath } from "../../config/results-place.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { contextIn } from "../../git/git.ts";
import { readRef, resolveCommit } from "../../git/refs.ts";
import type { Context } from "../../platform/context.ts";
import { whoWorksIn } from "../../platform/open-files.ts";
import { openCache } from "../../store/objects/cache.ts";
import { objectPath, trustedSize } from "../../store/objects/layout.ts";
import { readPointers, readPointersAt } from "../../store/pointers/pointers.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { refuseSecondRun } from "../second-run.ts";
import { fileFindings } from "./inventory/files.ts";
import { type Finding, finding, single } from "./inventory/finding.ts";
import { commitsOnlyAt, historyFindings, lineOf } from "./inventory/history.ts";
import { modelFinding } from "./inventory/model.ts";
import { objectFindings } from "./inventory/objects.ts";
import { resultsFindings } from "./inventory/results.ts";
import { detachedHead, goingBranch, insideOf, isThere, projectOfRecord, stayingProject, type WorktreeRecord } from "./records.ts";

/** Empty: it can go. `asked`: a project of the worktree that stays. One that cannot be looked through may have anything in it. */
export async function inventory(asked: Project, context: Context, record: WorktreeRecord): Promise<Finding[]> {
  const main = projectOfRecord(stayingProject(asked, context, record), context, record);
  const { repository } = main;
  if (repository === null) return [];
  const branch = goingBranch(repository, record);
  // A folder that is gone, or is another repository by now, had its branch.
  if (!isThere(repository, record))
    return [...(branch === null ? [] : await branchInventory(main, context, branch)), ...lostWithEntry(repository, record.root)];
  return orUnreadable(() => lookThrough(main, context, { ...record, branch }));
}

/** Commits of a worktree whose folder is gone that only Git's entry of it leads to. */
export function lostWithEntry(repository: Repository, root: string): Finding[] {
  const head = detachedHead(repository, root);
  return head === null ? [] : commitsOnlyAt(repository, head);
}

/** What would be lost with a branch that is checked out nowhere. */
export async function branchInventory(main: Project, context: Context, branch: string): Promise<Finding[]> {
  const { repository } = main;
  if (repository === null) return [];
  return orUnreadable(async () => {
    const line = lineOf(repository, branch, { head: false });
    const [tip] = line.tips;
    if (tip === undefined) return [];
    return [
      ...historyFindings(main, repository, line),
      ...(await objectFindings(main, context, {
        pointers: () => readPointersAt(main, tip),
        remedy: `expver publish, or git switch ${branch} and expver data push`,
      })),
      ...(await branchResults(main, tip, branch)),
      ...modelFinding(main, repository, line),
    ];
  });
}

async function lookThrough(main: Project, context: Context, record: WorktreeRecord): Promise<Finding[]> {
  const { root, kind, branch } = record;
  const inside = contextIn(context, insideOf(record));
  const project = openProject(inside);
  const { repository } = project;
  if (repository === null) return [];
  const isExperiment = kind === "experiment";
  // The one that stays, asked about itself: what it has is nowhere else because it is here.
  const isMain = main.repository?.root === root;
  const results = isExperiment && !isMain ? await worktreeResults(main, project, record) : [];
  // Rows that are all in the main database are safe, whatever the bytes around them.
  const settled = isExperiment && !isMain && results.length === 0 ? [resultsPath(project)] : [];
  const line = lineOf(repository, branch);
  return [
    ...(await programs(project, root)),
    ...(await fileFindings(project, { context: inside, repository }, record, {
      settled: new Set(settled),
      twin: main.repository?.bare === false && !isMain ? topOf(main) : null,
      stays: isMain && project.dvcRoot !== null ? [relative(root, cacheDir(project))] : [],
    })),
    ...historyFindings(project, repository, line, { disposable: !isExperiment }),
    ...(isExperiment
      ? await objectFindings(project, inside, { pointers: () => readPointers(project), remedy: "expver data push, there" })
      : []),
    ...results,
    ...(isExperiment ? modelFinding(main, main.repository as Repository, line) : []),
  ];
}

async function programs(project: Project, root: string): Promise<Finding[]> {
  const pids = whoWorksIn(root).map(String);
  const found = finding("program", pids, {
    what: (count) => `${count} ${count === 1 ? "process works" : "processes work"} in it`,
    remedy: "let them end, or stop them",
  });
  if (found.length > 0) return found;
  try {
    await refuseSecondRun(project);
    return [];
  } catch (error) {
    if (failedWith(error, "E_BUSY")) return [single("program", error.message, error.hint)];
    throw error;
  }
}

/** Of a database that is not there (any more): what its commit has stored. */
async function worktreeResults(main: Project, project: Project, { name, branch }: WorktreeRecord): Promise<Finding[]> {
  const tip = readRef(project.repository as Repository, "HEAD");
  const database = resultsDatabase(project);
  if (tip !== null && !existsSync(database)) return branchResults(main, tip, branch ?? name);
  return resultsFindings(main, database, { tip, name });
}

async function branchResults(main: Project, tip: string, branch: string): Promise<Finding[]> {
  const path = resultsPath(main);
  const pointer = readPointersAt(main, tip).find((one) => one.path === path);
  if (pointer === undefined || pointer.hash === null) return [];
  const head = main.repository === null ? null : resolveCommit(main.repository, "HEAD");
  const isMains = head !== null && readPointersAt(main, head).some((one) => one.path === path && one.hash === pointer.hash);
  if (isMains) return [];
  const object = { hash: pointer.hash, hashName: pointer.hashName };
  const { dir } = openCache(main);
  if (trustedSize(dir, object) === null) {
    return [
      single("results", `its results cannot be compared: ${path} of ${branch} is not in the cache`, `expver data fetch --all-branches`),
    ];
  }
  return resultsFindings(main, objectPath(dir, object), { tip, name: branch });
}

async function orUnreadable(look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED" || error.code === "E_DISK_FULL") throw error;
    return [single("unreadable", `it cannot be looked through: ${error.message}`, error.hint)];
  }
}
