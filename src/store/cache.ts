/** The object cache this project uses, as DVC's configuration says. */
import type { Project } from "../config/project.ts";
import type { LinkType } from "../platform/links.ts";
import { readDvcConfig } from "./dvc-config.ts";
import { type ObjectFolder, type ObjectName, objectPath } from "./layout.ts";

export interface Cache extends ObjectFolder {
  /** In order of preference. */
  readonly linkTypes: readonly LinkType[];
}

export function openCache(project: Project): Cache {
  return readDvcConfig(project).cache;
}

/** Absolute path of an object, there or not. */
export function cachedFile(cache: Cache, object: ObjectName): string {
  return objectPath(cache.dir, object);
}
