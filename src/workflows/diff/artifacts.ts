/** Data and models of several versions, path by path. */
import type { Project } from "../../config/project.ts";
import { cacheDir } from "../../store/dvc-config.ts";
import { readListing } from "../../store/layout.ts";
import type { ShownArtifact } from "../show/artifacts.ts";

export interface ArtifactDifference {
  path: string;
  role: ShownArtifact["role"];
  /** What each version has there; null: nothing. */
  values: ({ hash: string; size: number | null; nfiles: number | null } | null)[];
  differs: boolean;
  /** Files of a folder against the first version, where both listings are in the cache. */
  files: ({ added: number; removed: number; changed: number } | null)[];
}

export function artifactDifferences(project: Project, all: readonly (readonly ShownArtifact[])[]): ArtifactDifference[] {
  const cache = cacheDir(project);
  const known = new Map<string, ShownArtifact["role"]>();
  for (const { path, role } of all.flat()) if (!known.has(path)) known.set(path, role);
  return [...known].map(([path, role]) => {
    const found = all.map((artifacts) => artifacts.find((artifact) => artifact.path === path) ?? null);
    const hashes = found.map((artifact) => artifact?.hash ?? null);
    return {
      path,
      role,
      values: found.map((artifact) => artifact && { hash: artifact.hash, size: artifact.size, nfiles: artifact.nfiles }),
      differs: new Set(hashes).size > 1,
      files: hashes.slice(1).map((hash) => filesBetween(cache, hashes[0] ?? null, hash)),
    };
  });
}

function filesBetween(cache: string, from: string | null, to: string | null): ArtifactDifference["files"][number] {
  if (from === null || to === null || from === to || !from.endsWith(".dir") || !to.endsWith(".dir")) return null;
  const [before, after] = [membersOf(cache, from), membersOf(cache, to)];
  if (before === null || after === null) return null;
  const shared = [...after].filter(([relpath]) => before.has(relpath));
  return {
    added: after.size - shared.length,
    removed: before.size - shared.length,
    changed: shared.filter(([relpath, md5]) => before.get(relpath) !== md5).length,
  };
}

function membersOf(cache: string, hash: string): Map<string, string> | null {
  const listing = readListing(cache, { hash, hashName: "md5" });
  return listing && new Map(listing.map(({ relpath, md5 }) => [relpath, md5]));
}
