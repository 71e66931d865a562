/** What `.dvcignore` leaves out of a source: as it stands there, or as a commit has it. */
import { dirname, posix, relative } from "node:path";
import { type Project, topOf } from "../../config/project.ts";
import { catFilesIfThere } from "../../git/tree.ts";
import { type IgnoreTest, leavingOut } from "../settings/dvcignore.ts";

/** `folders`: of the commit, from its top, all that may have such a file. */
export function leavingOutAt(project: Project, commit: string | null, folders: () => Iterable<string>): IgnoreTest {
  const { repository } = project;
  if (commit === null || repository === null) return leavingOut(project);
  const nameOf = (folder: string) => `${commit}:${posix.join(folder, ".dvcignore")}`;
  const texts = catFilesIfThere(repository, [...folders()].map(nameOf));
  const top = topOf(project);
  return leavingOut(project, (folder) => texts.get(nameOf(relative(top, folder)))?.toString("utf8") ?? null);
}

/** Those that a path lies in, the top with them. */
export function foldersAround(path: string): string[] {
  const folders = [""];
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.push(folder);
  return folders;
}
