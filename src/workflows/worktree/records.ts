/** Which worktrees expver made, and what for: kept beside Git's own list, in the state folder. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { openProject, type Place, type Project, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { contextIn, findRepository, gitResult, type Repository } from "../../git/git.ts";
import { headBranch } from "../../git/refs.ts";
import { isWorktreeOf, linkedWorktrees, type Worktree } from "../../git/worktrees.ts";
import type { Context } from "../../platform/context.ts";
import { fileNameOf, isMissing, readTextIfExists, writeFileAtomic } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";

export interface WorktreeRecord {
  /** `exploration`: a version to look at, disposable; `experiment`: a branch to work on. */
  kind: "exploration" | "experiment";
  /** Version or name. */
  name: string;
  root: string;
  /** Where HEAD was when it was made. */
  commit: string;
  /** Null: detached. */
  branch: string | null;
  /** Files we put there, relative to the root. */
  made: string[];
  /** Of the project, from the root; missing when it is the root. */
  folder?: string;
}

/** Where the project is in it; the root when its commit has no such folder. */
export function insideOf({ root, folder = "" }: Pick<WorktreeRecord, "root" | "folder">): string {
  const inside = join(root, folder);
  return existsSync(inside) ? inside : root;
}

/** The folder a record has of this project; nothing to say when it is the top. */
export function folderOf(project: Place): Pick<WorktreeRecord, "folder"> {
  const folder = project.repository?.bare === false ? relative(project.repository.root, project.root) : "";
  return folder === "" ? {} : { folder };
}

export interface KnownWorktree extends Worktree {
  record: WorktreeRecord | null;
}

/** All worktrees, the main one first. */
export function knownWorktrees(project: Project, repository: Repository): KnownWorktree[] {
  const records = new Map(readRecords(project).map((record) => [record.root, record]));
  return linkedWorktrees(repository).map((worktree) => ({ ...worktree, record: records.get(worktree.root) ?? null }));
}

/** Those we made, also when Git's list or their folder has lost them. */
export function recordsOf(project: Place, kind: WorktreeRecord["kind"]): WorktreeRecord[] {
  return readRecords(project).filter((record) => record.kind === kind);
}

/** The worktree that stays: where results are merged to. Itself when it cannot be read. */
export function mainProject(project: Project, repository: Repository, context: Context): Project {
  const [main] = linkedWorktrees(repository);
  if (main === undefined || main.bare || !main.there || main.root === repository.root) return project;
  return openProject(contextIn(context, insideOf({ root: main.root, ...folderOf(project) })));
}

/**
 * `asked`, but for the worktree that goes itself: seen from in there, where the main one is bare, it would be compared with itself.
 * Then what stays is the worktree on the bare one's branch, else the bare one.
 */
export function stayingProject(asked: Project, context: Context, { root }: Pick<WorktreeRecord, "root">): Project {
  const { repository } = asked;
  if (repository === null || repository.root !== root) return asked;
  const [main, ...others] = linkedWorktrees(repository);
  if (main === undefined || !main.bare) return asked;
  const bare = findRepository(contextIn(context, main.root));
  const branch = bare === null ? null : headBranch(bare);
  const home = others.find((one) => one.there && one.root !== root && one.branch !== null && `refs/heads/${one.branch}` === branch);
  return openProject(contextIn(context, home === undefined ? main.root : insideOf({ root: home.root, ...folderOf(asked) })));
}

/** Of a repository with several projects, the one whose worktree this is, beside `main`: the same where that is not there. */
export function projectOfRecord(main: Project, context: Context, { folder = "" }: Pick<WorktreeRecord, "folder">): Project {
  const { repository } = main;
  if (repository === null || repository.bare || (folderOf(main).folder ?? "") === folder) return main;
  const inside = join(repository.root, folder);
  return existsSync(inside) ? openProject(contextIn(context, inside)) : main;
}

/** Its folder is there, and it is no other repository that has taken the place. */
export function isThere(repository: Repository, { root }: Pick<WorktreeRecord, "root">): boolean {
  return existsSync(root) && isWorktreeOf(repository, root);
}

/** The branch that goes with it; null when it has none, and when another worktree is on it too. */
export function goingBranch(repository: Repository, { root, branch }: Pick<WorktreeRecord, "root" | "branch">): string | null {
  const isElsewhere = linkedWorktrees(repository).some((one) => one.root !== root && one.branch === branch);
  return isElsewhere ? null : branch;
}

/** Of a worktree on no branch, as Git's entry of it says, there or not; null: it is on one, or Git does not know it. */
export function detachedHead(repository: Repository, root: string): string | null {
  const entry = linkedWorktrees(repository).find((one) => one.root === root);
  return entry === undefined || entry.branch !== null ? null : entry.head;
}

/** By its name, its folder or its branch. Throws E_NOT_FOUND. */
export function experimentNamed(project: Project, context: Context, name: string | undefined): WorktreeRecord {
  const experiments = recordsOf(project, "experiment");
  const isMeant = ({ root, branch }: Pick<WorktreeRecord, "root" | "branch">) =>
    root === resolve(context.cwd, name ?? "") || basename(root) === name || branch === name;
  const record = experiments.find((one) => one.name === name) ?? experiments.find(isMeant);
  if (record !== undefined) return record;
  const known = experiments.map((one) => one.name).join(", ");
  // Made by hand, or by the older skill's script, under our names.
  const isNamed = ({ root, branch }: Pick<WorktreeRecord, "root" | "branch">) =>
    isMeant({ root, branch }) || basename(root) === `exp-${name}` || branch === `exp/${name}`;
  const foreign = knownWorktrees(project, requireRepository(project))
    .map((worktree) => ({ ...worktree, branch: worktree.branch?.replace(/^refs\/heads\//, "") ?? null }))
    .find((worktree) => worktree.record === null && isNamed(worktree));
  const byHand = foreign === undefined ? null : `git worktree remove ${shellWord(foreign.root)}`;
  throw new ExpverError(
    "E_NOT_FOUND",
    byHand === null
      ? `there is no experiment worktree ${name ?? ""}; ${known === "" ? "there are none" : `there are: ${known}`}`
      : `${foreign?.root} was made by git, not by expver, so git removes it`,
    {
      hint:
        byHand === null
          ? "expver worktrees lists them. Of others than expver's own, expver check FOLDER says what git worktree remove would lose."
          : `What is nowhere else: expver check ${shellWord(foreign?.root ?? "")}; its results: expver merge ${shellWord(foreign?.root ?? "")}; then ${byHand}`,
      details: { asked: name ?? null },
    },
  );
}

export function saveRecord(project: Place, record: WorktreeRecord): void {
  mkdirSync(recordsFolder(project), { recursive: true });
  writeFileAtomic(recordFile(project, record), `${JSON.stringify(record)}\n`);
}

export function dropRecord(project: Place, record: WorktreeRecord): void {
  rmSync(recordFile(project, record), { force: true });
}

/** Beside the main worktree (of a submodule: beside the superproject), or where `worktrees.dir` says. */
export function placeFor(project: Project, repository: Repository, folder: string): string {
  const { dir } = project.config.worktrees;
  const [main] = linkedWorktrees(repository);
  const top = main?.root ?? repository.root;
  if (dir !== null) return resolve(top, dir, folder);
  const around = gitResult(repository, ["rev-parse", "--show-superproject-working-tree"], { allow: [128] })
    .stdout.toString("utf8")
    .trim();
  return join(dirname(around === "" ? top : around), folder);
}

function readRecords(project: Place): WorktreeRecord[] {
  try {
    const files = readdirSync(recordsFolder(project)).sort();
    return files.flatMap((file) => {
      const text = file.endsWith(".json") ? readTextIfExists(join(recordsFolder(project), file)) : null;
      return text === null ? [] : [whereItIs(project, JSON.parse(text) as WorktreeRecord)];
    });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** `git worktree move` keeps Git's own folder for it, by which it is found again; one that is on another branch there is somebody else's. */
function whereItIs({ repository }: Place, record: WorktreeRecord): WorktreeRecord {
  if (repository === null || existsSync(record.root)) return record;
  const admin = join(repository.commonDir, "worktrees", basename(record.root));
  const link = readTextIfExists(join(admin, "gitdir"))?.trimEnd();
  const root = link === undefined ? record.root : dirname(resolve(admin, link));
  const branch = /^ref: refs\/heads\/(.*)/.exec(readTextIfExists(join(admin, "HEAD")) ?? "")?.[1] ?? null;
  const isOurs = branch === null || branch === record.branch;
  return isOurs && isThere(repository, { root }) ? { ...record, root } : record;
}

function recordsFolder(project: Place): string {
  return join(project.stateDir, "worktrees");
}

/** Where the record is; absolute. */
export function recordFile(project: Place, { kind, name }: WorktreeRecord): string {
  return join(recordsFolder(project), `${kind}-${fileNameOf(name)}.json`);
}
