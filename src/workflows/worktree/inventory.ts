/** What would be lost with a worktree: everything in it that is in no commit, no cache, no remote and not of our making. */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { absolutePath, isUnder, storedPath } from "../../config/paths.ts";
import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import { listRemotes } from "../../git/remotes.ts";
import { readStatus } from "../../git/status.ts";
import type { Context } from "../../platform/context.ts";
import { whoWorksIn } from "../../platform/open-files.ts";
import { counted } from "../../platform/words.ts";
import { readDvcConfig } from "../../store/dvc-config.ts";
import { readPointers } from "../../store/pointers.ts";
import { outputStatus } from "../../store/status.ts";
import { surveyPush } from "../../store/transfer.ts";
import { readVersions } from "../../versions/registry.ts";
import type { WorktreeRecord } from "./records.ts";

export const CATEGORIES = [
  "unreadable",
  "program",
  "tracked",
  "untracked",
  "ignored",
  "data",
  "commits",
  "stashes",
  "versions",
  "objects",
  "results",
] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Finding {
  category: Category;
  /** One sentence with the count. */
  what: string;
  count: number;
  bytes: number;
  examples: string[];
  /** The command that resolves it. */
  remedy: string;
}

const MOST_EXAMPLES = 5;

/** Empty: it can go. `main`: the project of the worktree that stays. One that cannot be looked through may have anything in it. */
export async function inventory(main: Project, context: Context, record: WorktreeRecord): Promise<Finding[]> {
  if (!existsSync(record.root)) return [];
  try {
    return await lookThrough(main, context, record);
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
    return [
      {
        category: "unreadable",
        what: `it cannot be looked through: ${error.message}`,
        count: 1,
        bytes: 0,
        examples: [],
        remedy: error.hint,
      },
    ];
  }
}

async function lookThrough(main: Project, context: Context, record: WorktreeRecord): Promise<Finding[]> {
  const { root, kind } = record;
  const inside = { ...context, cwd: root };
  const project = openProject(inside);
  const { repository } = project;
  if (repository === null) return [];
  return [
    ...programs(root),
    ...files(project, repository, record),
    ...commits(repository, record),
    ...(kind === "experiment"
      ? [...stashes(repository, record), ...versions(project, repository, record), ...(await objects(project, inside))]
      : []),
    ...(kind === "experiment" ? await results(main, project) : []),
  ];
}

function programs(root: string): Finding[] {
  const pids = whoWorksIn(root);
  return finding(
    "program",
    pids.map(String),
    (count) => `${count} ${count === 1 ? "process works" : "processes work"} in it`,
    "let them end, or stop them",
  );
}

function files(project: Project, repository: Repository, record: WorktreeRecord): Finding[] {
  const outputs = project.dvcRoot === null ? [] : outputStatus(project, readPointers(project));
  const places = outputs.map(({ pointer }) => pointer.path);
  const changed = outputs
    .filter(({ state, worktree }) => worktree === "modified" || state === "not in cache")
    .map(({ pointer }) => pointer.path);
  const status = readStatus(repository);
  const tracked = status.filter(({ kind }) => kind !== "untracked").map(({ path }) => path);
  const untracked = status.filter(({ kind }) => kind === "untracked").map(({ path }) => path);
  const isOurs = (path: string) =>
    record.made.includes(path) || /(?:^|\/)\.dvc\/(?:tmp|config\.local)(?:\/|$)/.test(path) || isUnder(path.replace(/\/$/, ""), places);
  const ignored = ignoredFiles(repository).filter((path) => !isOurs(path));
  const { root } = record;
  return [
    ...finding("tracked", tracked, (count) => `${counted(count, "tracked file")} with changes`, "commit them there", root),
    ...finding("untracked", untracked, (count) => `${counted(count, "untracked file")}`, "commit or move them", root),
    ...finding(
      "ignored",
      ignored,
      (count) => `${counted(count, "ignored file")} that Git would delete silently`,
      "move what is needed",
      root,
    ),
    ...finding(
      "data",
      changed,
      (count) => `${counted(count, "output")} with other bytes than the pointer says`,
      "expver data commit, there",
      root,
    ),
  ];
}

/** Of a branch that would be deleted, or of a detached HEAD that went on. */
function commits(repository: Repository, { branch }: WorktreeRecord): Finding[] {
  const rest = [
    "--exclude=refs/expver/*",
    "--tags",
    "--remotes",
    ...(branch === null ? ["--branches"] : [`--exclude=${branch}`, "--branches"]),
  ];
  const lost = git(repository, ["rev-list", "--format=%h %s", "--no-commit-header", "HEAD", "--not", ...rest])
    .split("\n")
    .filter(Boolean);
  return finding(
    "commits",
    lost,
    (count) => `${counted(count, "commit")} on no other branch, tag or remote`,
    branch === null ? "git branch KEEP HEAD, there" : `git merge ${branch}, or push it`,
  );
}

function stashes(repository: Repository, { branch }: WorktreeRecord): Finding[] {
  const own = git(repository, ["stash", "list", "--format=%gd %s"])
    .split("\n")
    .filter((line) => branch !== null && (line.includes(` on ${branch}:`) || line.includes(` On ${branch}:`)));
  return finding("stashes", own, (count) => `${counted(count, "stash", "stashes")} of its branch`, "git stash pop, or drop them");
}

/** Versions made on it that nobody else has yet. */
function versions(project: Project, repository: Repository, { branch }: WorktreeRecord): Finding[] {
  if (branch === null || listRemotes(repository).length === 0) return [];
  const own = new Set(
    git(repository, ["rev-list", "HEAD", "--not", `--exclude=${branch}`, "--branches", "--remotes"])
      .split("\n")
      .filter(Boolean),
  );
  const unpublished = readVersions(project).filter(({ commit, unpublished: isLocal }) => isLocal && own.has(commit));
  return finding(
    "versions",
    unpublished.map(({ name }) => name),
    (count) => `${counted(count, "version")} that is not published`,
    `expver publish ${unpublished.map(({ name }) => name).join(" ")}`,
  );
}

/** Where there is a data remote: bytes that only this machine has. Without one the cache, which stays, is the place. */
async function objects(project: Project, context: Context): Promise<Finding[]> {
  if (project.dvcRoot === null || readDvcConfig(project).defaultRemote === null) return [];
  try {
    const { lacking, bytes } = await surveyPush(project, readPointers(project), context);
    if (lacking === 0) return [];
    return [
      {
        category: "objects",
        what: `${counted(lacking, "object")} that the data remote does not have`,
        count: lacking,
        bytes,
        examples: [],
        remedy: "expver data push, there",
      },
    ];
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return [
      {
        category: "objects",
        what: `the data remote cannot be asked: ${error.message}`,
        count: 1,
        bytes: 0,
        examples: [],
        remedy: error.hint,
      },
    ];
  }
}

/** Rows of its results database that the main one lacks. */
async function results(main: Project, project: Project): Promise<Finding[]> {
  const fileOf = (one: Project) => absolutePath(one, storedPath(one, one.config.results.database));
  const [ours, theirs] = [fileOf(main), fileOf(project)];
  if (!existsSync(theirs)) return [];
  const remedy = `expver merge --base-db ${ours} ${theirs}`;
  const { discardMerge, prepareMerge } = await import("../../merge/results/merge-files.ts");
  try {
    const base = existsSync(ours) ? ours : null;
    if (base === null)
      return [
        {
          category: "results",
          what: "results, and the main worktree has no results database",
          count: 1,
          bytes: 0,
          examples: [theirs],
          remedy: `cp ${theirs} ${ours}`,
        },
      ];
    const prepared = prepareMerge({ base, sources: [{ path: theirs, name: theirs }], output: ours, rules: {}, inPlace: false });
    discardMerge(prepared);
    const rows = prepared.reports.flatMap(({ tables }) => tables).reduce((sum, { inserted }) => sum + inserted, 0);
    if (rows === 0) return [];
    return [
      {
        category: "results",
        what: `${counted(rows, "result row")} that the main worktree's database lacks`,
        count: rows,
        bytes: 0,
        examples: [],
        remedy,
      },
    ];
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return [{ category: "results", what: `its results cannot be compared: ${error.message}`, count: 1, bytes: 0, examples: [], remedy }];
  }
}

function finding(category: Category, found: readonly string[], what: (count: number) => string, remedy: string, root?: string): Finding[] {
  if (found.length === 0) return [];
  const bytes = root === undefined ? 0 : found.reduce((sum, path) => sum + sizeOf(join(root, path)), 0);
  return [{ category, what: what(found.length), count: found.length, bytes, examples: found.slice(0, MOST_EXAMPLES), remedy }];
}

/** Files, and folders that are ignored as a whole. */
function ignoredFiles(repository: Repository): string[] {
  const { stdout } = gitResult(repository, ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]);
  return stdout.toString("utf8").split("\0").filter(Boolean);
}

function sizeOf(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stat.size;
}
