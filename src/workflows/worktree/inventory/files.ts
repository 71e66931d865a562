/** Files of a worktree that are in no commit and in no cache. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { foldersAbove, isUnder } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { git, gitPath, gitResult, type Repository } from "../../../git/git.ts";
import { overlookedChanges } from "../../../git/overlooked.ts";
import { readStatus, unfinished } from "../../../git/status.ts";
import type { Context } from "../../../platform/context.ts";
import { isFolder, readTextIfExists } from "../../../platform/files.ts";
import { sameTree } from "../../../platform/tree-digest.ts";
import { counted } from "../../../platform/words.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { parseDvcConfig } from "../../../store/settings/dvc-config-file.ts";
import { dvcIgnore } from "../../../store/settings/dvcignore.ts";
import { type OutputStatus, outputStatus } from "../../../store/worktree/status.ts";
import { listFacts } from "../../run/run-facts.ts";
import type { WorktreeRecord } from "../records.ts";
import { type Finding, finding, single } from "./finding.ts";

/**
 * `settled`: outputs whose bytes are known to be safe whatever their pointer says. `twin`: top of the worktree that stays. `stays`: what else
 * in it is no file of a person's.
 */
export async function fileFindings(
  project: Project,
  { context, repository }: { context: Context; repository: Repository },
  { made, root }: Pick<WorktreeRecord, "made" | "root">,
  { settled, twin, stays }: { settled: ReadonlySet<string>; twin: string | null; stays: readonly string[] },
): Promise<Finding[]> {
  const outputs = project.dvcRoot === null ? [] : await outputStatus(project, readPointers(project), context);
  const places = outputs.map(({ pointer }) => pointer.path);
  const changed = outputs
    .filter(({ state, worktree, scan }) => worktree === "modified" || (state === "not in cache" && scan !== null))
    .map(({ pointer }) => pointer.path)
    .filter((path) => !settled.has(path));
  const status = readStatus(repository);
  const pathsOf = (isUntracked: boolean) =>
    status
      .filter(({ kind, path }) => (kind === "untracked") === isUntracked && !(isUntracked && recorded.has(path)))
      .map(({ path }) => path);
  const recorded = recordedMetrics(project, root);
  const isOurs = (path: string) =>
    (made.includes(path) && !path.endsWith(CONFIG_LOCAL)) ||
    (path.endsWith(CONFIG_LOCAL) && onlySaysWhereTheCacheIs(join(root, path))) ||
    recorded.has(path) ||
    /(?:^|\/)\.dvc\/tmp(?:\/|$)/.test(path) ||
    isUnder(path.replace(/\/$/, ""), [...places, ...stays]);
  const listed = ignoredFiles(repository, places);
  const ignored = listed.paths.filter((path) => !isOurs(path) && !isAlsoIn(twin, root, path));
  return [
    ...closedFolders([...listed.closed]),
    ...underWay(repository),
    ...finding("tracked", pathsOf(false), {
      what: (count) => `${counted(count, "tracked file")} with changes`,
      remedy: "commit them there",
      root,
    }),
    ...finding("tracked", overlookedChanges(repository), {
      what: (count) => `${counted(count, "tracked file")} with changes that Git was told to overlook`,
      remedy: "git update-index --no-assume-unchanged --no-skip-worktree -- FILE, there, and commit them",
      root,
    }),
    ...finding("untracked", pathsOf(true), {
      what: (count) => counted(count, "untracked file"),
      remedy: "commit or move them",
      root,
    }),
    ...finding("ignored", [...ignored, ...outputs.flatMap((output) => leftOutOf(project, output))], {
      what: (count) => `${counted(count, "ignored file")} that Git would delete silently`,
      remedy: "move what is needed",
      root,
    }),
    ...finding("data", changed, {
      what: (count) => `${counted(count, "output")} with other bytes than the pointer says`,
      remedy: "expver data commit, there",
      root,
    }),
    ...(hasSubmodules(repository) ? [single("commits", "submodules whose repositories go with it", "push what is new in them")] : []),
  ];
}

/** Metrics files (`--metrics`) as a finished run read them: their numbers are in its rows. One that was written later is not. */
function recordedMetrics(project: Project, root: string): Set<string> {
  const runs = listFacts(project).filter(({ worktree, status }) => worktree === root && status === "finished");
  const paths = runs.flatMap(({ closing: { metrics }, endedAt }) => {
    if (metrics === null || endedAt === null) return [];
    const stat = statSync(join(root, metrics), { throwIfNoEntry: false });
    return stat?.isFile() && stat.mtimeMs <= Date.parse(endedAt) ? [metrics] : [];
  });
  return new Set(paths);
}

/** An `.env` or an environment that was taken along, as it still is there. */
function isAlsoIn(twin: string | null, root: string, path: string): boolean {
  if (twin === null || twin === root) return false;
  try {
    return sameTree(join(root, path), join(twin, path));
  } catch {
    return false; // not ours to read
  }
}

/**
 * Files, and folders that are ignored as a whole; one that has an output in it is listed file by file. `closed`: folders that may not be
 * read, of which Git only warns.
 */
function ignoredFiles(repository: Repository, places: readonly string[]): { paths: string[]; closed: Set<string> } {
  const closed = new Set<string>();
  const list = (...more: string[]) => {
    const args = ["--literal-pathspecs", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", ...more];
    const { stdout, stderr } = gitResult(repository, args);
    for (const [, folder = ""] of stderr.matchAll(/^warning: could not open directory '(.*)': /gm)) closed.add(folder);
    return stdout.toString("utf8").split("\0").filter(Boolean);
  };
  const found = list("--directory").flatMap((path) =>
    path.endsWith("/") && places.some((place) => place.startsWith(path)) ? list("--", path) : [path],
  );
  // Git lists an untracked folder in which everything is ignored, and what is in it.
  const folders = new Set(found.filter((path) => path.endsWith("/")));
  const isInside = (path: string) => foldersAbove(path.replace(/\/$/, "")).some((folder) => folders.has(`${folder}/`));
  return { paths: found.filter((path) => !isInside(path)), closed };
}

function closedFolders(folders: readonly string[]): Finding[] {
  return finding("unreadable", folders, {
    what: (count) => `${counted(count, "folder")} that may not be read`,
    remedy: "look as somebody who may read them",
  });
}

/** What Git is in the middle of, there. */
function underWay(repository: Repository): Finding[] {
  const state = unfinished(repository);
  const lock = gitPath(repository, "index.lock");
  return [
    ...(state === null ? [] : [single("tracked", `a git ${state} that is not finished`, `git ${state} --continue or --abort, there`)]),
    ...(existsSync(gitPath(repository, "BISECT_LOG"))
      ? [single("tracked", "a bisect that is not finished", "git bisect log says what is known; git bisect reset, there")]
      : []),
    ...(existsSync(lock)
      ? [single("program", `the Git index is locked: ${lock}`, `if no git command goes on, one that died left it: rm ${lock}`)]
      : []),
  ];
}

/** Their repositories are in Git's own folder for the worktree, or, as of old, in the submodule's folder. */
function hasSubmodules(repository: Repository): boolean {
  if (existsSync(gitPath(repository, "modules"))) return true;
  return git(repository, ["ls-files", "-s", "-z"])
    .split("\0")
    .some((line) => line.startsWith("160000 ") && isFolder(join(repository.root, line.slice(line.indexOf("\t") + 1), ".git")));
}

const CONFIG_LOCAL = ".dvc/config.local";

/** As we write it, or dvc when it is told; a remote's password is somebody's own. */
function onlySaysWhereTheCacheIs(file: string): boolean {
  const sections = parseDvcConfig(readTextIfExists(file) ?? "", file);
  return [...sections.keys()].every((name) => name === "cache");
}

/** A repository in a tracked folder is no part of it. */
const ALWAYS_LEFT_OUT = new Set([".git", ".hg", ".dvc"]);

/** Files in a tracked folder that `.dvcignore` keeps out of it: neither Git nor the pointer knows them. */
function leftOutOf(project: Project, { pointer, scan }: OutputStatus): string[] {
  if (scan === null || !scan.isFolder || project.repository === null) return [];
  const top = project.repository.root;
  const isIgnored = dvcIgnore(project, join(top, pointer.path));
  const walk = (path: string): string[] =>
    readdirSync(join(top, path), { withFileTypes: true }).flatMap((entry) => {
      const inside = `${path}/${entry.name}`;
      if (ALWAYS_LEFT_OUT.has(entry.name) || isIgnored(join(top, inside), entry.isDirectory())) return [inside];
      return entry.isDirectory() ? walk(inside) : [];
    });
  return walk(pointer.path);
}
