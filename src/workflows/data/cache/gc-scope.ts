/** What `gc` keeps: the worktrees, and the commits that were named. */
import { dirname, join, resolve } from "node:path";
import { fromTop } from "../../../config/paths.ts";
import { findProject, type Project, topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { contextIn, git, gitResult } from "../../../git/git.ts";
import { commitsAmong } from "../../../git/history.ts";
import { resolveCommit } from "../../../git/refs.ts";
import { linkedWorktrees } from "../../../git/worktrees.ts";
import type { Context } from "../../../platform/context.ts";
import { isFolder, isSamePlace } from "../../../platform/files.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { readPointers, readPointersOf, readStagedPointers, refuseUnreadable } from "../../../store/pointers/pointers.ts";
import type { Pointer } from "../../../store/types.ts";
import type { Input } from "../../contract.ts";
import { ageOf, wordsOf } from "../../input.ts";
import { withExitCode } from "../exit-codes.ts";
import { pointersUnderWay } from "./gc-under-way.ts";

const SCOPES = ["workspace", "allBranches", "allTags", "allCommits", "reflog", "allExperiments", "date", "rev"];

/** Without one nothing is judged: `--purge` alone only frees the trash. */
export function hasScope(input: Input): boolean {
  return SCOPES.some((name) => input[name] !== undefined && input[name] !== false);
}

export function refuseWithoutScope(input: Input): void {
  const refuse = (message: string, hint: string) =>
    new ExpverError("E_USAGE", message, { hint, details: { dialect: "dvc", exitCode: 255 } });
  if (input.num !== undefined && !/^-?[0-9]+$/.test(String(input.num)))
    throw new ExpverError("E_USAGE", `--num is ${String(input.num)}; expected a number`, { details: { dialect: "dvc" } });
  if (!hasScope(input) && input.purge !== true)
    throw refuse(
      "say what to keep",
      "-w keeps the worktrees, -a branches, -T tags, -A every commit; `-a -T -A --reflog` together is the careful choice.",
    );
  if (input.notInRemote === true && input.cloud === true) throw refuse("--not-in-remote and --cloud exclude each other", "Choose one.");
  if (input.num !== undefined && input.rev === undefined && input.allBranches !== true)
    throw refuse("--num goes with --rev or --all-branches", "Name where to count from.");
  if (input.num !== undefined && Number(input.num) < 1) throw refuse(`--num is ${String(input.num)}`, "Give a number from 1.");
}

/** Milliseconds for which what goes has not been touched. */
export function ageIn(input: Input): number {
  if (input.olderThan !== undefined && input.cloud === true)
    throw new ExpverError("E_USAGE", "--older-than and --cloud exclude each other: remotes do not say since when they have an object", {
      hint: "Collect in the cache by age, then on the remote by scope.",
      details: { dialect: "dvc", exitCode: 255 },
    });
  return ageOf(input);
}

/** Where Git's folder is, for all worktrees; without Git the project's own. */
export function homeOf(project: Project): string {
  const { repository } = project;
  return repository === null ? topOf(project) : repository.bare ? repository.commonDir : dirname(repository.commonDir);
}

/** Folders of other repositories: those named with -p, and those of which Git's configuration says that they share cache or remote. */
export function namedProjects(project: Project, context: Context, input: Input): string[] {
  const { repository } = project;
  const siblings =
    repository === null
      ? ""
      : gitResult(repository, ["config", "--path", "-z", "--get-all", SIBLING], { allow: [1] }).stdout.toString("utf8");
  return [
    ...wordsOf(input.projects).map((path) => resolve(context.cwd, path)),
    ...siblings
      .split("\0")
      .filter(Boolean)
      .map((path) => resolve(homeOf(project), path)),
  ];
}

const SIBLING = "expver.sibling";

/**
 * This repository, {@link namedProjects}, each seen from its other worktrees, and the DVC projects beside it in the same Git repository that
 * have what is collected too; this one first. Throws E_DATA when one cannot be read.
 */
export function projectsToKeep(project: Project, context: Context, input: Input): Project[] {
  const named = namedProjects(project, context, input).map((folder) => {
    const found = isFolder(folder) ? findProject(contextIn(context, folder)) : null;
    const hint = `Name the folder of a DVC repository, with -p or in git config ${SIBLING}.`;
    if (!found?.dvcRoot) throw withExitCode(unreadable(folder, hint), 253);
    return found;
  });
  const { dir } = openCache(project);
  const shares = (one: Project) => input.cloud === true || isSamePlace(openCache(one).dir, dir);
  const all = [project, ...named]
    .flatMap((one) => [one, ...elsewhere(one, context)])
    .flatMap((one) => [one, ...besides(one, context).filter(shares)]);
  // Each once, however it was named: its lock can be had once.
  return [...new Map(all.toReversed().map((one) => [one.dvcRoot, one])).values()].toReversed();
}

/** The same project in the other worktrees of its repository. */
function elsewhere(project: Project, context: Context): Project[] {
  const inside = fromTop(project, project.dvcRoot ?? project.root);
  const others =
    project.repository === null ? [] : linkedWorktrees(project.repository).filter(({ bare, root }) => !bare && root !== topOf(project));
  return others.flatMap(({ root, there }) => {
    if (!there) throw unreadable(root, "If it is gone for good: git worktree prune.");
    const found = findProject(contextIn(context, root));
    const nested = found === null ? null : findProject(contextIn(context, join(root, inside)));
    return nested?.dvcRoot ? [nested] : [];
  });
}

/** Other DVC projects of a worktree, by what Git has of them. */
function besides({ repository, dvcRoot }: Project, context: Context): Project[] {
  if (repository === null || repository.bare) return [];
  const configs = git(repository, ["ls-files", "-z", "--", ":(top,glob)**/.dvc/config"]).split("\0").filter(Boolean);
  return configs.flatMap((config) => {
    const folder = join(repository.root, dirname(dirname(config)));
    const found = folder === dvcRoot || !isFolder(folder) ? null : findProject(contextIn(context, folder));
    return found?.dvcRoot === folder ? [found] : [];
  });
}

/** Pointers of the worktree, of what is under way, and of every commit in scope. Throws E_POINTER; with --skip-failed only for the worktree's. */
export function pointersToKeep(project: Project, context: Context, input: Input): Pointer[] {
  const found = new Map<string, Pointer>();
  const keep = (pointers: readonly Pointer[]) => {
    for (const pointer of pointers) found.set(`${pointer.path}\0${pointer.hash}\0${pointer.hashName}`, pointer);
  };
  const passOver = (error: ExpverError, rev: string, file: string) =>
    context.report({ kind: "warning", text: `${file} of ${rev.slice(0, 7)} is passed over: ${error.message}` });
  keep(readPointers(project));
  keep(pointersUnderWay(project));
  if (input.reflog === true) keep(readStagedPointers(project));
  const refuse = (error: ExpverError, rev: string, file: string) =>
    refuseUnreadable(error, rev, file, "To go on, and keep nothing for what it names: --skip-failed.");
  const commits = readPointersOf(project, commitsInScope(project, input), input.skipFailed === true ? passOver : refuse);
  for (const pointers of commits.values()) keep(pointers);
  return [...found.values()].filter(({ cache, hash }) => cache && hash !== null);
}

function commitsInScope({ repository }: Project, input: Input): string[] {
  const since = typeof input.date === "string" ? midnight(input.date) / 1000 : null;
  if (repository === null && typeof input.rev === "string")
    throw new ExpverError("E_USAGE", "--rev names a commit, and this is no Git repository", {
      hint: "Keep what the worktree needs: -w",
      details: { dialect: "dvc", exitCode: 255 },
    });
  if (repository === null) return [];
  const num = input.num === undefined ? "1" : String(input.num);
  // By default the commit itself: of a thousand branches Git is asked nothing.
  const last = (ref: string) =>
    num === "1" ? [ref] : lines(git(repository, ["rev-list", "--first-parent", `--max-count=${num}`, ref, "--"]));
  const refs = (place: string) => lines(git(repository, ["for-each-ref", "--format=%(objectname)", place]));
  const commits = new Set<string>();
  const add = (some: readonly string[]) => {
    for (const one of some) commits.add(one);
  };
  if (input.allCommits === true) add(lines(git(repository, ["rev-list", "--all"])));
  // The first of several stashes is a ref; the others are in its reflog only.
  if (input.reflog === true) add(lines(git(repository, ["rev-list", "--all", "--reflog"])));
  if (input.allBranches === true) for (const ref of refs("refs/heads")) add(last(ref));
  if (input.allTags === true) add(commitsAmong(repository, refs("refs/tags")));
  if (input.allExperiments === true) add(commitsAmong(repository, refs("refs/exps")));
  if (since !== null) {
    const dated = lines(git(repository, ["log", "--no-show-signature", "--all", "--format=%H %ct"])).map((line) => line.split(" "));
    add(dated.flatMap(([commit = "", time]) => (Number(time) >= since ? [commit] : [])));
  }
  if (typeof input.rev === "string") {
    const commit = resolveCommit(repository, input.rev);
    if (commit === null) throw new ExpverError("E_NOT_FOUND", `${input.rev} names no commit`, { details: { exitCode: 255 } });
    add(last(commit));
  }
  return [...commits];
}

/** Local time, as dvc takes it. Throws E_USAGE, also for a day that its month has not: it would be one of the next. */
function midnight(date: string): number {
  const [, year, month = "", day = ""] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(date) ?? [];
  const time = new Date(`${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}T00:00:00`);
  if (time.getDate() === Number(day)) return time.getTime();
  throw new ExpverError("E_USAGE", `--date is ${JSON.stringify(date)}; expected YYYY-MM-DD`, {
    details: { dialect: "dvc", exitCode: 255 },
  });
}

function lines(text: string): string[] {
  return text.split("\n").filter(Boolean);
}

function unreadable(path: string, hint: string): ExpverError {
  return new ExpverError("E_DATA", `${path} cannot be read, so what it needs is not known; nothing was removed`, {
    hint,
    details: { path, exitCode: 255 },
  });
}
