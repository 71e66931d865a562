/** Which part of a commit a sparse worktree has: the folders that were named, and what expver itself needs everywhere. */
import { dirname } from "node:path/posix";
import { isUnder, isWithin, pathFromUser, storedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { readTree } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import type { Pointer } from "../../store/types.ts";

export interface Cone {
  /** As they were named; from the top. */
  named: string[];
  /** What Git is told: folders only. */
  folders: string[];
}

/** Null: nothing was named, so all of it. Throws E_NOT_FOUND for what is neither a folder nor data of the commit. */
export function coneOf(
  project: Project,
  repository: Repository,
  context: Context,
  { words, commit, pointers }: { words: readonly string[]; commit: string; pointers: readonly Pointer[] },
): Cone | null {
  const named = words.map((word) => pathFromUser(project, context, word)).filter((path) => path !== "");
  if (named.length === 0) return null;
  const files = readTree(repository, commit).map(({ path }) => path);
  const outputs = pointers.map(({ path }) => path);
  const folders = named.map((path) => {
    if (files.some((file) => file.startsWith(`${path}/`)) || outputs.some((output) => output.startsWith(`${path}/`))) return path;
    // Of a file, or of data that is one pointer for Git: the folder it is in.
    if (files.includes(path) || outputs.some((output) => isWithin(path, output))) return dirname(path);
    throw new ExpverError("E_NOT_FOUND", `${path} is neither a folder nor data in ${commit.slice(0, 12)}`, {
      hint: "--sparse takes folders and tracked data, from where you are.",
      details: { path, commit },
    });
  });
  const { results, models } = project.config;
  // Without its pointers a run there would begin its results and candidates from nothing.
  const ours = [results.database, models.output, models.production, models.candidates].map((path) => dirname(storedPath(project, path)));
  const settings = files.filter((path) => /(?:^|\/)\.dvc\/config$/.test(path)).map((path) => dirname(path));
  const wanted = [...folders, ...settings, ...ours, storedPath(project, ".")].filter((path) => path !== "." && path !== "");
  return { named, folders: [...new Set(wanted)].sort() };
}

/** Data that a sparse worktree has: what was named, what is in it, what it is in, and the results database. */
export function inCone(project: Project, { named }: Cone, { path }: Pick<Pointer, "path">): boolean {
  return isUnder(path, [...named, resultsPath(project)]) || named.some((one) => isWithin(one, path));
}
