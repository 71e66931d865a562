/** Models of a sweep's runs on their way into the candidates folder: all of them in one commit, the best in the folder afterwards. */
import { basename } from "node:path/posix";
import { absolutePath, isUnder, storedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { beginIngest } from "../../../store/objects/ingest.ts";
import { readListing, trustedSize } from "../../../store/objects/layout.ts";
import { renderListing } from "../../../store/objects/listing.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { FileEdit, ListingEntry } from "../../../store/types.ts";
import { pointerEdit } from "../../../store/worktree/contents.ts";
import { placesOf } from "../../run/places.ts";
import type { Ended } from "../state.ts";

export interface SweepModel {
  run: string;
  /** `RUN_NAME`, relative to the candidates folder. */
  item: string;
  hash: string;
}

/** Of one run: what it wrote to models places, without copies that are elsewhere. */
export function modelsOf(project: Project, { run, end }: Ended): SweepModel[] {
  const { models } = placesOf(project, null);
  const { candidates, production } = project.config.models;
  const copies = [candidates, production].map((path) => storedPath(project, path));
  const own = end.artifacts.filter(({ path }) => isUnder(path, models) && !isUnder(path, copies));
  const names = own.map(({ path }) => basename(path));
  return own.map(({ path, hash }, index) => {
    const name = names[index] ?? "";
    const isOnly = names.filter((one) => one === name).length === 1;
    return { run, item: `${run}_${isOnly ? name : path.replaceAll("/", "_")}`, hash };
  });
}

/** The folder's pointer with these models beside what it has; their bytes are in the cache. Nothing is written but the listing. */
export function pointerWithAll(project: Project, models: readonly SweepModel[], kept: readonly ListingEntry[]): FileEdit[] {
  const path = storedPath(project, project.config.models.candidates);
  const pointer = readPointers(project).find((one) => one.path === path);
  const cache = openCache(project);
  const fresh = models.flatMap(({ item, hash }) => membersOf(cache.dir, item, hash));
  const names = new Set(fresh.map(({ relpath }) => relpath));
  const entries = [...kept.filter(({ relpath }) => !names.has(relpath)), ...fresh];
  const ingest = beginIngest(cache);
  try {
    const hash = ingest.listing(renderListing(entries));
    ingest.commit();
    const size = entries.reduce((sum, { md5 }) => sum + (trustedSize(cache.dir, { hash: md5, hashName: "md5" }) ?? 0), 0);
    return [
      pointerEdit(project, path, { hash, size, nfiles: entries.length }, pointer),
      ...ignoreEdits(project, [absolutePath(project, path)]),
    ];
  } finally {
    ingest.abort();
  }
}

function membersOf(cacheDir: string, item: string, hash: string): ListingEntry[] {
  if (!hash.endsWith(".dir")) return [{ relpath: item, md5: hash }];
  return (readListing(cacheDir, { hash, hashName: "md5" }) ?? []).map(({ relpath, md5 }) => ({ relpath: `${item}/${relpath}`, md5 }));
}
