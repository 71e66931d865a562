/** Versions that carry this project's prefix and are another's: several projects of a repository may call theirs alike. */
import { isWithin } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { catFilesIfThere } from "../git/tree.ts";
import { readPointersOf } from "../store/pointers/pointers.ts";
import type { Version } from "../versions/types.ts";

/** Their names. Nothing that the tag of such a version names has a pointer in this project, and something has one in another. */
export function ofOtherProjects(project: Project, versions: readonly Version[]): Set<string> {
  const telling = versions.flatMap(({ name, commit, message: { data, models } }) => {
    const paths = [...data, ...models].map(({ path }) => path);
    return commit === "" || paths.length === 0 ? [] : [{ name, commit, paths }];
  });
  const pointers = readPointersOf(project, [...new Set(telling.map(({ commit }) => commit))], () => {});
  const isOurs = ({ commit, paths }: (typeof telling)[number]) =>
    paths.some((path) => (pointers.get(commit) ?? []).some((pointer) => isWithin(path, pointer.path)));
  const foreign = telling.filter((one) => !isOurs(one));
  const { repository } = project;
  if (repository === null || foreign.length === 0) return new Set();
  const beside = ({ commit, paths }: (typeof telling)[number]) => paths.map((path) => `${commit}:${path}.dvc`);
  const there = catFilesIfThere(repository, foreign.flatMap(beside));
  return new Set(foreign.filter((one) => beside(one).some((file) => there.has(file))).map(({ name }) => name));
}

/** What to do about them. */
export const OTHER_PREFIX = "In expver.yaml of each project, a name of its own for its versions: versions: { prefix: NAME/v }";
