/** A repository may have several projects, each in its folder. */
import { join } from "node:path";
import { isFile, isFolder } from "../platform/files.ts";
import { absolutePath, foldersOf, storedPath } from "./paths.ts";
import { CONFIG_FILE, type Place } from "./project.ts";

/** Whether a stored path lies in the folder of a project that this one is not in; what is above them is for all. */
export function inProjectsBeside(project: Place): (path: string) => boolean {
  const folderOf = projectBeside(project);
  return (path) => folderOf(path) !== null;
}

/** The folder of that project, in stored form. */
export function projectBeside(project: Place): (path: string) => string | null {
  const own = new Set(foldersOf(storedPath(project, ".")));
  const known = new Map<string, boolean>();
  const isProject = (folder: string) => isFile(join(folder, CONFIG_FILE)) || isFolder(join(folder, ".dvc"));
  const isBeside = (folder: string): boolean => {
    const found = known.get(folder) ?? (!own.has(folder) && isProject(absolutePath(project, folder)));
    known.set(folder, found);
    return found;
  };
  return (path) => foldersOf(path).slice(1).find(isBeside) ?? null;
}
