/** A candidate that is no longer in the folder, or not in this worktree: in the pointers of the folder's history. */
import { storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { git } from "../git/git.ts";
import { catFilesIfThere } from "../git/tree.ts";
import { listingFinder } from "../store/listings.ts";
import { parsePointerFile } from "../store/pointer-file.ts";
import type { Pointer } from "../store/types.ts";
import type { KnownModel } from "./types.ts";

/** The latest one, of any branch or tag. `name`: of the file without `RUN_`, or its whole path. */
export async function historicCandidate(
  project: Project,
  run: string,
  name?: string,
): Promise<Pick<KnownModel, "commit" | "path" | "hash" | "size"> | null> {
  const folder = storedPath(project, project.config.models.candidates);
  const file = `${folder}.dvc`;
  const repository = requireRepository(project);
  const args = ["log", "--all", "--format=%H", "--diff-filter=AM", "--", `:(top,literal)${file}`];
  const commits = git(repository, args).split("\n").filter(Boolean);
  const texts = catFilesIfThere(
    repository,
    commits.map((commit) => `${commit}:${file}`),
  );
  const find = listingFinder(project);
  for (const commit of commits) {
    const pointer = pointerIn(texts.get(`${commit}:${file}`)?.toString("utf8") ?? "", { file, folder });
    const entries = pointer === undefined ? null : await find(pointer);
    const own = entries?.filter(({ relpath }) => relpath.startsWith(`${run}_`) && !relpath.includes("/")) ?? [];
    const entry = own.find(
      ({ relpath }) => name === undefined || [relpath, relpath.slice(run.length + 1), `${folder}/${relpath}`].includes(name),
    );
    if (entry !== undefined) return { commit, path: `${folder}/${entry.relpath}`, hash: entry.md5, size: null };
  }
  return null;
}

/** Undefined also for a text that is no pointer: a merge's conflict may have been committed. */
function pointerIn(text: string, { file, folder }: { file: string; folder: string }): Pointer | undefined {
  try {
    return parsePointerFile(text, file).find(({ path }) => path === folder);
  } catch (error) {
    if (error instanceof ExpverError && error.code === "E_POINTER") return undefined;
    throw error;
  }
}
