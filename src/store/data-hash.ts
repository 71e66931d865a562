/** Which tracked data an experiment read, and the one digest that stands for all of it. */
import { matchGlobs } from "../config/globs.ts";
import { storedPath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { compareCodePoints, listingHash, renderListing } from "./listing.ts";
import type { Pointer } from "./types.ts";

/**
 * Inputs: `data:` of expver.yaml; by default every pointer that is no result, model, `track` path or output of a stage the
 * command runs (`runsStages`: it is `dvc repro` or the like).
 */
export function inputPointers(project: Project, pointers: readonly Pointer[], { runsStages = false } = {}): Pointer[] {
  const { data, track, results, models } = project.config;
  if (data.length > 0) {
    const wanted = matchGlobs(data.map((glob) => storedPath(project, glob)));
    return pointers.filter(({ path }) => wanted(path));
  }
  const tracked = matchGlobs(track.map((glob) => storedPath(project, glob)));
  const database = storedPath(project, results.database);
  const outputs = [models.output, models.production, models.candidates].map((path) => storedPath(project, path));
  return pointers.filter(({ path, stage }) => {
    if (path === database || tracked(path) || (runsStages && stage !== undefined)) return false;
    return !outputs.some((output) => path === output || path.startsWith(`${output}/`));
  });
}

/** `dvc_hash`: null without inputs, the hash itself of one, for several the hash of a listing over (path, hash). Path order does not matter. */
export function dataHash(pointers: readonly Pointer[]): string | null {
  const stored = pointers.flatMap(({ path, hash }) => (hash === null ? [] : [{ relpath: path, md5: hash }]));
  if (stored.length <= 1) return stored[0]?.md5 ?? null;
  return listingHash(renderListing(stored.sort((a, b) => compareCodePoints(a.relpath, b.relpath))));
}
