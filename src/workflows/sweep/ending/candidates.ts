/** Models of a sweep's runs on their way into the candidates folder: all of them in one commit, the best in the folder afterwards. */
import { basename } from "node:path/posix";
import { isInProduction } from "../../../config/model-places.ts";
import { absolutePath, isUnder, isWithin, storedPath } from "../../../config/paths.ts";
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

/** Of one run: what it wrote to models places. What it put into production is a copy, or its model where no other file has those bytes. */
export function modelsOf(project: Project, { run, end }: Ended): SweepModel[] {
  const { models } = placesOf(project, null);
  const candidates = storedPath(project, project.config.models.candidates);
  const written = end.artifacts.filter(({ path }) => isUnder(path, models) && !isWithin(path, candidates));
  const own = written.filter(
    (one) => !isInProduction(project, one.path) || !written.some(({ path, hash }) => hash === one.hash && !isInProduction(project, path)),
  );
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
