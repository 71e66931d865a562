/** Which tracked data an experiment read, and the one digest that stands for all of it. */
import { matchGlobs } from "../../config/globs.ts";
import { modelPlaces } from "../../config/model-places.ts";
import { isOutputBeside } from "../../config/outputs-beside.ts";
import { isUnder, storedGlob } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { listingHash, renderListing } from "../objects/listing.ts";
import type { Pointer } from "../types.ts";

/**
 * Inputs: `data:` of expver.yaml; by default every pointer that is no model or result, of other projects of the repository either, or output of a stage the command runs (`runsStages`: it
 * is `dvc repro` or the like), nor what a stage leaves for Git (`cache: false`), which is in the commit: its metrics file, which this very run
 * may write. Never the results database or a `track` path.
 */
export function inputPointers(project: Project, pointers: readonly Pointer[], { runsStages = false } = {}): Pointer[] {
  const { data, track } = project.config;
  const [named, tracked] = [namesOutput(project, data), namesOutput(project, track)];
  const database = resultsPath(project);
  const models = modelPlaces(project);
  const isOthers = isOutputBeside(project);
  const isRead = (pointer: Pointer) => {
    const { path, stage, cache } = pointer;
    return data.length > 0 ? named(pointer) : !isUnder(path, models) && (stage === undefined || (cache && !runsStages)) && !isOthers(path);
  };
  return pointers.filter((pointer) => pointer.path !== database && !tracked(pointer) && isRead(pointer));
}

/** What names all that is in a folder names the folder, where it is tracked as a whole: `data/**` and `data.dvc`. */
function namesOutput(project: Project, globs: readonly string[]): (pointer: Pointer) => boolean {
  const fits = matchGlobs(globs.map((glob) => storedGlob(project, glob)));
  return ({ path, hash }) => fits(path) || (hash?.endsWith(".dir") === true && fits(`${path}/${ANY_NAME}`));
}

// Meant by no pattern but those that mean every name.
const ANY_NAME = "\0any\0";

/** `dvc_hash`: null without inputs, the hash itself of one, for several the hash of a listing over (path, hash). Neither their order matters, nor that two pointers name one. */
export function dataHash(pointers: readonly Pick<Pointer, "path" | "hash">[]): string | null {
  const stored = new Map(pointers.flatMap(({ path, hash }) => (hash === null ? [] : [[path, hash] as const])));
  if (stored.size <= 1) return [...stored.values()][0] ?? null;
  return listingHash(renderListing([...stored].map(([relpath, md5]) => ({ relpath, md5 }))));
}
