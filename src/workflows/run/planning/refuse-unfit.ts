/** What would stop a run after hours is found before it begins. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { absolutePath, isWithin, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { editorOf } from "../../../git/editor.ts";
import { git, type Repository } from "../../../git/git.ts";
import { committer } from "../../../git/identity.ts";
import { readIndexEntries, requireIndexFree } from "../../../git/index-file.ts";
import { unfinished } from "../../../git/status.ts";
import type { Context } from "../../../platform/context.ts";
import { whyReadOnly } from "../../../platform/file-system.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import { matchingPattern } from "../../../store/settings/dvcignore.ts";
import type { Pointer } from "../../../store/types.ts";
import { sparseHint } from "../../without-dvc.ts";
import { linkOnTheWay } from "../outputs/marks.ts";
import type { Places } from "../places.ts";
import type { RunRequest } from "./request.ts";

export function refuseUnfit(repository: Repository, { commit, edit }: Pick<RunRequest, "commit" | "edit">): void {
  if (repository.bare)
    throw new ExpverError("E_GIT", `${repository.root} is a bare repository: nothing can run in it`, { hint: "Run in a clone of it." });
  const state = unfinished(repository);
  if (state !== null) {
    throw new ExpverError("E_GIT_STATE", `git ${state} is not finished here; a run would commit into the middle of it`, {
      hint: `git ${state} --continue, or git ${state} --abort; then repeat.`,
      details: { state },
    });
  }
  committer(repository);
  if (edit) editorOf(repository);
  // Left over by a git that died, it would stop us when the results are to be committed.
  if (commit) requireIndexFree(repository);
}

/**
 * Without DVC's ignore file the cache would be made where Git sees it, and the next snapshot would commit every model; where it is made
 * elsewhere, the version would have pointers in a repository that dvc does not take for one of its own.
 */
export function refuseWithoutDvc(project: Project, repository: Repository): void {
  if (project.dvcRoot !== null) return;
  const sparse = sparseHint(project);
  const [below] = sparse !== null ? [] : git(repository, ["ls-files", "-z", "--", ":(glob)**/.dvc/config"]).split("\0");
  const elsewhere = below ? `; or run where there is one: cd ${shellWord(join(repository.root, below, "../.."))}` : "";
  throw new ExpverError("E_NO_PROJECT", `no .dvc folder at or above ${project.root}: models and results have no place yet`, {
    hint: sparse ?? `expver init${elsewhere}`,
    details: { path: project.root },
  });
}

/** What the program makes could be stored nowhere. */
export function refuseReadOnlyCache(project: Project): void {
  const dir = cacheDir(project);
  for (const path of [dir, join(dir, "files"), join(dir, "files/md5")]) {
    const why = existsSync(path) ? whyReadOnly(path) : null;
    if (why === null) continue;
    throw new ExpverError("E_IO", `the cache ${path} cannot be written (${why}): nothing that the run makes could be stored`, {
      hint: "Ask whoever owns it, or store in another: expver data cache dir --local FOLDER",
      details: { path },
    });
  }
}

/**
 * Its versions are objects of the store: what Git tracks itself no pointer may name, no pointer stands behind a link, and none in a folder
 * that another one tracks.
 */
export function refuseStrangeDatabase(
  project: Project,
  repository: Repository,
  { places: { database }, pointers }: { places: Pick<Places, "database">; pointers: readonly Pointer[] },
): void {
  const link = linkOnTheWay(project, database);
  if (link !== null) {
    throw new ExpverError("E_DATA", `${link} is a symbolic link: Git tracks nothing behind it, so ${database} could have no version`, {
      hint: `Make ${link} a folder, or name another place in expver.yaml: results: { database: PATH }`,
      details: { path: database, link },
    });
  }
  const around = pointers.find(({ path, cache }) => cache && path !== database && isWithin(database, path));
  if (around !== undefined) {
    const { file, path, stage } = around;
    const typed = (stored: string) => typedPath(project, stored);
    const apart = stage === undefined ? `expver data remove ${typed(file)}, then expver data add what is to stay tracked. Or n` : "N";
    const whose = stage === undefined ? `${file} tracks` : `stage ${stage} makes`;
    throw new ExpverError("E_DATA", `${database} lies in ${path}, which ${whose} as a whole: it could have no version of its own`, {
      hint: `${apart}ame another place in expver.yaml: results: { database: PATH }`,
      details: { path: database, file },
    });
  }
  if (readIndexEntries(repository, [database]).size === 0) return;
  throw new ExpverError("E_DATA", `${database} is tracked by Git: every version would put all of it into the history`, {
    hint: `Take it out of Git, where the file stays: git rm --cached -- ${typedPath(project, database)} && git commit -m "results are versioned by expver"`,
    details: { path: database },
  });
}

/** Such outputs are not lost, but they are in no version, or where only expver finds them. */
export function reportHiddenPlaces(
  project: Project,
  context: Context,
  { database, models, modelOutput, track }: Pick<Places, "database" | "models" | "modelOutput" | "track">,
): void {
  const unseen = [database, modelOutput].map((path) => `${path}.dvc`).filter((file) => leavesOut(project, file));
  if (unseen.length > 0) {
    context.report({
      kind: "warning",
      text: `.dvcignore leaves out ${unseen.join(", ")}: dvc does not find what such a pointer names, in clones neither`,
      hint: `Change the line of .dvcignore: expver data check-ignore -d ${unseen.map((file) => typedPath(project, file)).join(" ")}`,
    });
  }
  const links = [...models, ...track].flatMap((place) => linkOnTheWay(project, place) ?? []);
  for (const link of new Set(links)) {
    context.report({
      kind: "warning",
      text: `${link} is a symbolic link: what the run writes behind it will be in no version`,
      hint: `Make ${link} a folder; for a larger disk move the cache instead: expver data cache dir PATH`,
    });
  }
}

function leavesOut(project: Project, file: string): boolean {
  const pattern = matchingPattern(project, absolutePath(project, file));
  return pattern?.ignores === true && pattern.shown.includes(".dvcignore:");
}
