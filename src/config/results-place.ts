/** Where the results database is. */
import { absolutePath, storedPath } from "./paths.ts";
import type { Project } from "./project.ts";

/** In stored form. */
export function resultsPath(project: Project): string {
  return storedPath(project, project.config.results.database);
}

const absolute = new WeakMap<Project, string>();

/** Absolute. Asked for every file. */
export function resultsDatabase(project: Project): string {
  const known = absolute.get(project) ?? absolutePath(project, resultsPath(project));
  absolute.set(project, known);
  return known;
}
