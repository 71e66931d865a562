/** A candidate that is no longer in the folder, or not in this worktree: in the pointers of the folder's history. */
import { storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { git } from "../git/git.ts";
import { catFilesIfThere } from "../git/tree.ts";
import { listingFinder } from "../store/transfer/listings.ts";
import type { Pointer } from "../store/types.ts";
import { itemsOf } from "./candidates.ts";
import { pointerIn } from "./pointer-in.ts";
import type { KnownModel } from "./types.ts";

/** The latest one, of any branch or tag: a file or a folder. `name`: without `RUN_`, with it, or the whole path. */
export async function historicCandidate(
  project: Project,
  run: string,
  name?: string,
): Promise<Pick<KnownModel, "commit" | "path" | "hash" | "size"> | null> {
  const find = listingFinder(project);
  for (const { commit, pointer } of candidatesHistory(project)) {
    const folder = pointer.path;
    const entries = await find(pointer);
    const items = [...itemsOf(entries ?? [])];
    const found = items.find(([item]) => item.startsWith(`${run}_`) && isCalled(item, { folder, run, name }));
    if (found !== undefined) return { commit, path: `${folder}/${found[0]}`, hash: found[1].hash, size: null };
  }
  return null;
}

/** What pointers to the folder there were in any branch or tag, the latest first. */
export function candidatesHistory(project: Project): { commit: string; pointer: Pointer & { hash: string } }[] {
  const path = storedPath(project, project.config.models.candidates);
  const file = `${path}.dvc`;
  const repository = requireRepository(project);
  const args = ["log", "--no-show-signature", "--all", "--format=%H", "--diff-filter=AM", "--", `:(top,literal)${file}`];
  const commits = git(repository, args).split("\n").filter(Boolean);
  const texts = catFilesIfThere(
    repository,
    commits.map((commit) => `${commit}:${file}`),
  );
  return commits.flatMap((commit) => {
    const pointer = pointerIn(texts.get(`${commit}:${file}`)?.toString("utf8") ?? "", { file, path });
    return pointer?.hash ? [{ commit, pointer: { ...pointer, hash: pointer.hash } }] : [];
  });
}

function isCalled(item: string, { folder, run, name }: { folder: string; run: string; name: string | undefined }): boolean {
  return name === undefined || [item, item.slice(run.length + 1), `${folder}/${item}`].includes(name);
}
