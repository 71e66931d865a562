/** The git binary: where a repository is, and how a command is run in it. Nothing else starts git. */
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isFull } from "../platform/file-system.ts";
import { type ProcessResult, runProcess } from "../platform/processes.ts";
import { findOrdinary } from "./ordinary.ts";

/** A repository as seen from one worktree. All paths absolute. */
export interface Repository {
  /** Top of the worktree; for a bare repository its own folder, or the one around it when it is called `.git`. */
  readonly root: string;
  /** `.git` of this worktree (`.git/worktrees/NAME` when linked). */
  readonly gitDir: string;
  /** `.git` shared by all worktrees: home of refs, objects and our own state. */
  readonly commonDir: string;
  readonly bare: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A clone without file contents: git asks its remote for one object at a time, so many are brought first. */
  readonly partial?: true;
}

export interface GitOptions {
  input?: string | Uint8Array;
  /** Added to the repository's environment: GIT_INDEX_FILE and the like. */
  env?: Record<string, string>;
  /** Exit codes that are an answer rather than a failure; 0 always is. */
  allow?: readonly number[];
  /** Ends git, and what it has started, after this many milliseconds, with code 128. */
  timeoutMs?: number;
}

/** How git ends that does not know a command's option. */
export const NOT_KNOWN = 129;

// Variables that would send our commands to another repository, index or object store than the one we resolved.
const REDIRECTING = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_PREFIX"];
// And those that give our patterns another meaning: editors call Git, and so its hooks, with --literal-pathspecs.
const REINTERPRETING = ["GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"];

/** Finds the repository of `context.cwd` (honouring GIT_DIR), or null. At most one git process. */
export function findRepository(context: Context): Repository | null {
  const ordinary = findOrdinary(context);
  if (ordinary !== null) return repositoryAt(context, { ...ordinary, commonDir: ordinary.gitDir, bare: false });
  return askForRepository(context);
}

/**
 * What Git says of it.
 *
 * @internal
 */
export function askForRepository(context: Context): Repository | null {
  const env = { ...context.env, LC_ALL: "C" };
  const asked = ["rev-parse", "--is-bare-repository", "--absolute-git-dir", "--git-common-dir", "--show-toplevel"];
  const answer = runProcess("git", asked, { cwd: context.cwd, env });
  const lines = answer.stdout.toString("utf8").split("\n");
  const bare = lines[0] === "true";
  if (answer.code !== 0 && !bare) {
    if (/not a git repository/i.test(answer.stderr)) return null;
    throw gitError(asked, answer, context.cwd);
  }
  const gitDir = lines[1] ?? "";
  const common = lines[2] ?? "";
  const root = bare ? bareRoot(gitDir) : (lines[3] ?? "");
  return repositoryAt(context, { root, gitDir, commonDir: isAbsolute(common) ? common : resolve(context.cwd, common), bare });
}

/** One called `.git` has its worktrees beside it, and what they share. */
function bareRoot(gitDir: string): string {
  return basename(gitDir) === ".git" ? dirname(gitDir) : gitDir;
}

function repositoryAt(context: Context, place: Pick<Repository, "root" | "gitDir" | "commonDir" | "bare">): Repository {
  const { root, gitDir, bare } = place;
  return { ...place, env: { ...environmentOf(context), GIT_DIR: gitDir, ...(bare ? {} : { GIT_WORK_TREE: root }) } };
}

/** The caller's environment without what would redirect our commands to another repository, or make their patterns find other files. */
export function environmentOf(context: Context): Record<string, string | undefined> {
  const clean: Record<string, string | undefined> = { ...context.env, LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" };
  for (const name of [...REDIRECTING, ...REINTERPRETING]) delete clean[name];
  return clean;
}

/** The same world seen from another folder, such as a linked worktree: GIT_DIR would lead back to the repository one came from. */
export function contextIn(context: Context, folder: string): Context {
  return { ...context, cwd: folder, env: environmentOf(context) };
}

/**
 * Runs git in the repository; throws E_GIT with git's own words on any exit code that is not allowed.
 *
 * @internal
 */
export function gitResult(repository: Repository, args: readonly string[], options: GitOptions = {}): ProcessResult {
  const result = runProcess("git", [...asWeRead(args), ...args], {
    cwd: repository.root,
    env: { ...repository.env, ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs, withChildren: true }),
  });
  if (result.code !== 0 && !options.allow?.includes(result.code)) throw gitError(args, result, repository.root);
  return result;
}

/** Texts of commits come in another encoding, and those of a file also under its earlier names, to who has set that for reading with eyes. */
function asWeRead([command = ""]: readonly string[]): string[] {
  const isReading = ["log", "rev-list", "stash"].includes(command);
  return isReading ? ["-c", "i18n.logOutputEncoding=UTF-8", "-c", "log.follow=false"] : [];
}

/** Standard output of a git command as text. Use {@link gitResult} for bytes or exit codes. */
export function git(repository: Repository, args: readonly string[], options: GitOptions = {}): string {
  return gitResult(repository, args, options).stdout.toString("utf8");
}

/** A path of this worktree's git directory: `gitPath(repository, "MERGE_HEAD")`. */
export function gitPath(repository: Repository, name: string): string {
  return join(repository.gitDir, name);
}

function gitError(args: readonly string[], result: ProcessResult, folder: string): ExpverError {
  // What Git says to type in such a case is the hint.
  const told = result.code === NOT_KNOWN ? (result.stderr.split("\n", 1)[0] ?? "") : result.stderr;
  const said = told.replace(/\nTo add an exception for this directory, call:\s+git config .*/, "").trim() || `exit code ${result.code}`;
  // Git often says only that a file could not be written.
  const isAboutRoom =
    /No space left on device|Disk quota exceeded|Out of diskspace/.test(said) ||
    (/unable to (?:write|create)|write error/.test(said) && isFull(folder));
  const code = isAboutRoom
    ? "E_DISK_FULL"
    : /Read-only file system|Permission denied|insufficient permission/i.test(said)
      ? "E_IO"
      : "E_GIT";
  const hint = result.code === NOT_KNOWN ? "expver needs Git 2.34 or later: see git --version." : hintOf(result.stderr);
  return new ExpverError(code, `git ${commandOf(args)}: ${said}`, {
    ...(hint === null ? {} : { hint }),
    details: { args: [...args], code: result.code },
  });
}

function hintOf(said: string): string | null {
  const ownership = /git config --global --add safe\.directory .*/.exec(said)?.[0];
  if (ownership !== undefined) return `If you trust whoever owns it: ${ownership}`;
  // As sh and bash say it of a filter or a hook.
  const missing = /: (?:line )?\d+: ([^\s:]+): (?:command )?not found/.exec(said)?.[1];
  if (missing !== undefined) return `Git calls ${missing} here, a filter or a hook: install it, or take it out of Git's configuration.`;
  if (/(?:clean|smudge) filter '.*' failed/.test(said))
    return "See `git config --get-regexp '^filter'`: that program must work in this shell.";
  if (!/failed to sign|gpg/i.test(said)) return null;
  return "Signing must work in this shell (git commit --allow-empty -S -m test); or sign nothing: git config commit.gpgSign false";
}

/** The word behind `-c NAME=VALUE` and the like. */
function commandOf(args: readonly string[]): string {
  return args.find((word, index) => !word.startsWith("-") && args[index - 1] !== "-c") ?? "";
}
