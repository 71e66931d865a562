/** What may be tracked as data, checked before anything is written. */

import { lstatSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { absolutePath, isWithin, overlapAmong, storedPath, typedPath } from "../../../config/paths.ts";
import { type Project, topOf } from "../../../config/project.ts";
import { git, type Repository } from "../../../git/git.ts";
import { ignoredByGit, ignoringRule } from "../../../git/ignored.ts";
import { isFolder } from "../../../platform/files.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { contestedAmong, contestedError } from "../../../store/pointers/contested.ts";
import { fileBeside } from "../../../store/pointers/pointers.ts";
import { dvcIgnore } from "../../../store/settings/dvcignore.ts";
import type { Pointer } from "../../../store/types.ts";
import { refused } from "../refused.ts";

/**
 * Throws E_DATA for links to folders, paths Git has, pointers themselves, what `.dvcignore` leaves out, and paths that overlap another output. Answers those
 * of the paths, absolute, that Git ignores.
 */
export function refuseUntrackable(project: Project, paths: readonly string[], pointers: readonly Pointer[]): Set<string> {
  const contested = contestedAmong(pointers).find(({ path }) => paths.includes(path));
  if (contested !== undefined) throw contestedError(project, contested);
  const refuseOverlap = overlapRefuser(project, pointers, paths);
  for (const path of paths) {
    if (path === "" || path.endsWith(".dvc") || /(?:^|\/)dvc\.(?:yaml|lock)$/.test(path)) {
      throw refused(`${path || "the root"} cannot be tracked as data`, "Name a data file or a folder below the root.");
    }
    if (!`${join(topOf(project), path)}/`.startsWith(`${project.dvcRoot}/`)) {
      throw refused(`${path} is outside the DVC repository ${project.dvcRoot}`, "Run the command where its .dvc folder is.");
    }
    const absolute = absolutePath(project, path);
    refuseLinkedFolder(absolute);
    if (dvcIgnore(project, absolute)(absolute, false) || dvcIgnore(project, absolute)(absolute, true)) {
      throw refused(`${path} is left out by .dvcignore`, "Change .dvcignore, or choose another path.");
    }
    refuseOverlap(path);
  }
  const ignored = refuseIgnoredPointers(project, paths);
  const inGit = new Set(pointers.flatMap(({ path, cache }) => (cache ? [] : [path])));
  refuseTrackedByGit(
    project,
    paths.filter((path) => !inGit.has(path)),
  );
  return ignored;
}

/** Throws E_DATA. Of a file that is a link the bytes are taken; a folder's would stay where they are, and be written there. */
export function refuseLinkedFolder(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true || !isFolder(path)) return;
  throw refused(`${path} is a link to the folder ${realpathSync(path)}`, "Name the folder itself, or move it here.");
}

function overlapRefuser(project: Project, pointers: readonly Pointer[], asked: readonly string[]): (path: string) => void {
  const { candidates, production } = project.config.models;
  const isOfModels = (path: string) => [candidates, production].some((one) => storedPath(project, one) === path);
  const pointerAt = new Map(pointers.map((pointer) => [pointer.path, pointer]));
  const staged = new Map(pointers.flatMap((pointer) => (pointer.stage === undefined ? [] : [[pointer.path, pointer]])));
  const trackedBeside = overlapAmong(pointerAt.keys());
  const askedBeside = overlapAmong(asked);
  return (path) => {
    const overlap = staged.get(path) ?? pointerAt.get(trackedBeside(path) ?? "");
    if (overlap?.stage !== undefined) {
      const elsewhere = `Choose a place that is not in ${overlap.path}, which the stage makes anew; for models: production and candidates of \`models:\` in expver.yaml.`;
      throw refused(
        `${path} belongs to stage ${overlap.stage} of ${overlap.file}`,
        overlap.path === path ? "Run the stage: `dvc repro`, or `dvc commit` it." : elsewhere,
      );
    }
    if (overlap !== undefined) {
      throw refused(
        `${path} overlaps ${overlap.path}, which ${overlap.file} tracks`,
        isOfModels(path)
          ? "Name other places in expver.yaml, such as models: { candidates: candidates, production: production/model.bin }"
          : `Name ${overlap.path} itself, or a place that does not overlap it.`,
      );
    }
    const twice = askedBeside(path);
    if (twice !== undefined) throw refused(`${path} and ${twice} overlap`, "Add only the outer one.");
  };
}

/** A pointer that Git ignores would never be committed, and nobody would find it. */
function refuseIgnoredPointers(project: Project, paths: readonly string[]): Set<string> {
  if (project.repository === null) return new Set();
  const files = paths.map((path) => absolutePath(project, fileBeside(path)));
  const outputs = paths.map((path) => absolutePath(project, path));
  const ignored = new Set(ignoredByGit(project.repository, [...files, ...outputs]));
  const file = files.find((one) => ignored.has(one));
  if (file !== undefined) throw refused(`Git ignores the pointer ${file}`, ignoredHint(project.repository, file));
  return ignored;
}

/** The line to change, and what to write there: below a folder that is ignored Git finds nothing again, and dropping the line would show it all other data. */
function ignoredHint(repository: Repository, pointer: string): string {
  const rule = ignoringRule(repository, pointer);
  if (rule === null) return "Choose another path.";
  const above = pathsAbove(repository, pointer);
  const ignored = new Set(ignoredByGit(repository, above));
  const folder = above.find((one) => ignored.has(one));
  const from = basename(rule.file) === ".gitignore" ? dirname(resolve(repository.root, rule.file)) : repository.root;
  const lines =
    folder === undefined ? ["!*.dvc"] : [`/${relative(from, folder)}/**`, `!/${relative(from, folder)}/**/`, "!.gitignore", "!*.dvc"];
  const where = `Line ${rule.line} of ${rule.file} says ${rule.pattern}`;
  return folder === undefined
    ? `${where}: write ${lines[0]} below it.`
    : `${where}: write these lines instead, so that Git finds pointers there and nothing else: ${lines.join("  ")}`;
}

/** From the outermost on. */
function pathsAbove(repository: Repository, path: string): string[] {
  const parts = relative(repository.root, dirname(path)).split("/").filter(Boolean);
  return parts.map((_, index) => join(repository.root, ...parts.slice(0, index + 1)));
}

/** Throws E_DATA. */
export function refuseTrackedByGit(project: Project, paths: readonly string[]): void {
  if (project.repository === null || paths.length === 0) return;
  const known = git(project.repository, ["ls-files", "-z", "--", ...paths.map((path) => `:(top,literal)${path}`)]).split("\0");
  const path = paths.find((one) => known.some((file) => isWithin(file, one)));
  if (path === undefined) return;
  throw refused(
    `${path} is tracked by Git`,
    `Take it out of Git first: git rm -r --cached -- ${typedPath(project, path)} && git commit -m ${shellWord(`stop tracking ${path}`)}`,
  );
}

/** A pointer is written beside its output, in a folder that somebody has made. Throws E_DATA. */
export function refuseWithoutFolder(project: Project, path: string): void {
  const folder = dirname(absolutePath(project, path));
  if (!isFolder(folder)) throw refused(`there is no folder ${folder}`, `Make it first: mkdir -p ${shellWord(folder)}`);
}
