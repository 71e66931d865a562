/** What data, models and other tracked outputs a version has, by its tag and by the pointers of its commit. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { roles } from "../../provenance/uses-index.ts";
import { objectPath } from "../../store/objects/layout.ts";
import { parseListing } from "../../store/objects/listing.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import type { Pointer } from "../../store/types.ts";
import type { ArtifactEntry, Version } from "../../versions/types.ts";

export interface ShownArtifact {
  /** Relative to the Git root, with `/`. */
  path: string;
  role: "data" | "model" | "results" | "output";
  hash: string;
  /** Bytes; null when nobody says. */
  size: number | null;
  /** Files of a folder; null for a file. */
  nfiles: number | null;
  /** In the cache of this machine: all of it, some of a folder's files, or nothing. */
  cache: "complete" | "partial" | "absent";
  /** Names of DVC remotes in folders of this machine that have all of it. Other remotes are not asked. */
  remotes: string[];
}

/** The tag says what was used; the commit's pointers add what it does not say. Where the two differ, that is a problem. */
export function artifactsOf(
  project: Project,
  { message }: Pick<Version, "message">,
  pointers: readonly Pointer[],
): { artifacts: ShownArtifact[]; problems: string[] } {
  const cache = cacheDir(project);
  const roleOf = roles(project, message, pointers);
  const stored = pointers.filter((pointer) => pointer.hash !== null);
  const told = [
    ...message.data.map((entry) => ({ ...entry, role: "data" as const })),
    ...message.models.map((entry) => ({ ...entry, role: "model" as const })),
  ];
  const byPath = new Map(stored.map((pointer) => [pointer.path, pointer]));
  const artifacts: ShownArtifact[] = told.map((entry) => {
    const pointer = byPath.get(entry.path);
    return shown(cache, entry, entry.role, pointer?.hash === entry.hash ? pointer : undefined);
  });
  const isTold = new Set(told.map(({ path }) => path));
  for (const pointer of stored) {
    const { path, hash, size } = pointer;
    if (hash === null || isTold.has(path)) continue;
    const role = roleOf(path);
    artifacts.push(shown(cache, { path, hash, size: size ?? null }, role === "input" ? "data" : role, pointer));
  }
  const problems = told.flatMap((entry) => {
    const pointer = byPath.get(entry.path);
    return pointer === undefined || pointer.hash === entry.hash
      ? []
      : [`${entry.path}: the tag says ${entry.hash}, its commit ${pointer.hash}`];
  });
  return { artifacts, problems };
}

function shown(
  cache: string,
  { path, hash, size }: ArtifactEntry,
  role: ShownArtifact["role"],
  pointer: Pointer | undefined,
): ShownArtifact {
  const file = objectPath(cache, { hash, hashName: pointer?.hashName ?? "md5" });
  return {
    path,
    role,
    hash,
    size: size ?? pointer?.size ?? null,
    nfiles: pointer?.nfiles ?? null,
    cache: inCache(hash, file),
    remotes: [],
  };
}

function inCache(hash: string, file: string): ShownArtifact["cache"] {
  if (!existsSync(file)) return "absent";
  if (!hash.endsWith(".dir")) return "complete";
  try {
    const members = parseListing(readFileSync(file), hash);
    const beside = (md5: string) => join(file, "..", "..", md5.slice(0, 2), md5.slice(2));
    return members.every(({ md5 }) => existsSync(beside(md5))) ? "complete" : "partial";
  } catch {
    return "partial"; // A listing that cannot be read names no files.
  }
}
