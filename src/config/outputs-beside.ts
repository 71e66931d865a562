/** What runs of another project of the repository make: it is theirs, neither read here nor committed to Git. */

import { ExpverError } from "../errors.ts";
import { matchGlobs } from "./globs.ts";
import { modelPlaces } from "./model-places.ts";
import { absolutePath, isUnder, storedGlob } from "./paths.ts";
import { type Project, readConfig } from "./project.ts";
import { projectBeside } from "./projects-beside.ts";
import { resultsPath } from "./results-place.ts";

export function isOutputBeside(project: Project): (path: string) => boolean {
  const folderOf = projectBeside(project);
  const known = new Map<string, (path: string) => boolean>();
  return (path) => {
    const folder = folderOf(path);
    if (folder === null) return false;
    const isOutput = known.get(folder) ?? outputsIn(projectOf(project, folder));
    known.set(folder, isOutput);
    return isOutput(path);
  };
}

function outputsIn(project: Project): (path: string) => boolean {
  const { track } = project.config;
  const database = resultsPath(project);
  const models = modelPlaces(project);
  const isTracked = matchGlobs(track.map((glob) => storedGlob(project, glob)));
  return (path) => path === database || path.startsWith(`${database}-`) || isUnder(path, models) || isTracked(path);
}

/** A mistake in its configuration is no matter of this run. */
function projectOf(project: Project, folder: string): Project {
  const place = { ...project, root: absolutePath(project, folder) };
  try {
    return { ...place, config: readConfig(place) };
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return place;
  }
}
