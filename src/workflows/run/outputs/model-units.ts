/** A model that is a folder is one output: files a run wrote into models places, as what they are parts of. */
import { dirname } from "node:path/posix";
import { absolutePath, isWithin, storedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { readTree } from "../../../git/tree.ts";
import { isFolder } from "../../../platform/files.ts";
import type { Places } from "../places.ts";
import type { SnapshotPlace } from "./results-files.ts";

/**
 * Each file, or the folder it is a part of. File by file stays a folder with something of Git's in it, or something of `apart`, which has
 * a pointer of its own: neither can be in a tracked folder.
 */
export function modelUnits(
  place: SnapshotPlace,
  paths: readonly string[],
  { places, apart }: { places: Places; apart: readonly string[] },
): string[] {
  const { project, repository, snapshot } = place;
  const named = namedUnits(project);
  const unitOf = unitFinder(project, places, named);
  const units = [...new Set(paths.map(unitOf))].filter((unit) => isFolder(absolutePath(project, unit)));
  const ofGit = snapshot === null || units.length === 0 ? [] : readTree(repository, snapshot, units).map(({ path }) => path);
  const parts = [...ofGit, ...apart, ...named];
  const whole = new Set(units.filter((unit) => !parts.some((path) => path !== unit && isWithin(path, unit))));
  return [...new Set(paths.map((path) => (whole.has(unitOf(path)) ? unitOf(path) : path)))];
}

/** The output, the production model and the candidates are one each. */
function namedUnits(project: Project): string[] {
  const { output, production, candidates } = project.config.models;
  return [output, production, candidates].map((path) => storedPath(project, path));
}

/** Of a file: what is named, else what lies directly in a models folder. */
function unitFinder(project: Project, { models }: Places, named: readonly string[]): (path: string) => string {
  const { production } = project.config.models;
  const around = [
    ...models.filter((place) => !named.includes(place)),
    ...(dirname(production) === "." ? [] : [dirname(storedPath(project, production))]),
  ];
  return (path) => {
    const own = named.find((unit) => isWithin(path, unit));
    if (own !== undefined) return own;
    const [inner] = around.filter((folder) => isWithin(path, folder)).toSorted((one, other) => other.length - one.length);
    // The folder itself, where a pointer tracks it as a whole.
    if (inner === undefined || inner === path) return path;
    const [child = ""] = path.slice(inner.length + 1).split("/");
    return `${inner}/${child}`;
  };
}
