/** A candidate that is no longer in the folder, or not in this worktree: in the pointers of the folder's history. */
import { storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { git } from "../git/git.ts";
import { catFilesIfThere } from "../git/tree.ts";
import { listingFinder } from "../store/transfer/listings.ts";
import { pointerIn } from "./pointer-in.ts";
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
    const pointer = pointerIn(texts.get(`${commit}:${file}`)?.toString("utf8") ?? "", { file, path: folder });
    const entries = pointer === undefined ? null : await find(pointer);
    const own = entries?.filter(({ relpath }) => relpath.startsWith(`${run}_`) && !relpath.includes("/")) ?? [];
    const entry = own.find(
      ({ relpath }) => name === undefined || [relpath, relpath.slice(run.length + 1), `${folder}/${relpath}`].includes(name),
    );
    if (entry !== undefined) return { commit, path: `${folder}/${entry.relpath}`, hash: entry.md5, size: null };
  }
  return null;
}
