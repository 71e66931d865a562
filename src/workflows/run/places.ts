/** Where a run reads and writes, in stored form (relative to the Git root, with `/`). */
import { isGlob, matchGlobs } from "../../config/globs.ts";
import { modelPlaces } from "../../config/model-places.ts";
import { absolutePath, pathFromUser, storedGlob, storedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder } from "../../platform/files.ts";

export interface Places {
  /** The results database. */
  database: string;
  /** Its absolute path. */
  databaseFile: string;
  /** Folders in which every new file or folder is an output, and single files outside of them. */
  models: string[];
  modelOutput: string;
  /** Globs of `track`, stored form. */
  track: string[];
  isTracked: (path: string) => boolean;
  /** The file of `--metrics` (or a glob that names it wherever a tool writes it this time), or else the one of a stage. */
  metrics: string | null;
  isMetrics: (path: string) => boolean;
}

/** The stored path, or glob, of a metrics file as typed. Throws E_OUTSIDE when it is not in the repository. */
export function metricsPlace(project: Project, context: Context, typed: string | null): string | null {
  if (typed === null) return null;
  const stored = pathFromUser(project, context, typed);
  if (!isFolder(absolutePath(project, stored))) return stored;
  throw new ExpverError("E_USAGE", `--metrics ${typed} is a folder`, { hint: "Name the JSON, YAML or CSV file that the program writes." });
}

/** `metrics`: a stored path or glob. */
export function placesOf(project: Project, metrics: string | null): Places {
  const { results, track } = project.config;
  const database = storedPath(project, results.database);
  return {
    database,
    databaseFile: absolutePath(project, database),
    models: modelPlaces(project),
    modelOutput: storedPath(project, project.config.models.output),
    track: track.map((glob) => storedPath(project, glob)),
    isTracked: matchGlobs(track.map((glob) => storedGlob(project, glob))),
    metrics,
    isMetrics: metrics === null ? () => false : isNamedBy(metrics),
  };
}

/** A name with a bracket in it names itself too. */
function isNamedBy(metrics: string): (path: string) => boolean {
  const isMatch = isGlob(metrics) ? matchGlobs([metrics]) : () => false;
  return (path) => path === metrics || isMatch(path);
}
