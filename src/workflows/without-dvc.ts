/** What to type where there is no `.dvc`. */
import type { Place } from "../config/project.ts";
import { dvcFoldersLeftOut, isUnfilled, textLeftOut } from "../git/sparse.ts";
import { shellWord } from "../platform/shell-word.ts";

/** Null: Git has none either. A second one in its place would be committed over it. */
export function sparseHint(place: Place): string | null {
  const remedy = sparseRemedy(place);
  if (remedy === null) return null;
  return place.repository !== null && isUnfilled(place.repository)
    ? `Nothing is checked out here yet: ${remedy}`
    : `A sparse checkout leaves it out: ${remedy}`;
}

/** The command alone. */
export function sparseRemedy({ repository }: Place): string | null {
  if (repository !== null && isUnfilled(repository) && textLeftOut(repository, ".dvc/config") !== null)
    return `git -C ${shellWord(repository.root)} checkout`;
  const [folder] = repository === null ? [] : dvcFoldersLeftOut(repository);
  if (repository === null || folder === undefined) return null;
  return `git -C ${shellWord(repository.root)} sparse-checkout add ${shellWord(folder)}`;
}
