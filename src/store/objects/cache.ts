/** The object cache this project uses, as DVC's configuration says. */
import { join } from "node:path";
import type { Place, Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { LinkType } from "../../platform/links.ts";
import { readDvcConfig } from "../settings/dvc-config.ts";
import type { ObjectFolder } from "./layout.ts";

export interface Cache extends ObjectFolder {
  /** In order of preference. */
  readonly linkTypes: readonly LinkType[];
}

export function openCache(project: Project): Cache {
  return readDvcConfig(project).cache;
}

/** Where `data gc` moves objects: below the cache's folder, as dvc looks into folders of two letters only. */
export function cacheTrash({ dir }: Pick<Cache, "dir">): string {
  return join(dir, "expver-trash");
}

/** The same for a place whose configuration may be unreadable or absent: null then. */
export function cacheTrashOf(place: Place): string | null {
  if (place.dvcRoot === null) return null;
  try {
    return cacheTrash(readDvcConfig(place).cache);
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}
