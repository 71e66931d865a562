/** Data and models of several versions, path by path. */
import type { Project } from "../../config/project.ts";
import { cacheDir } from "../../store/dvc-config.ts";
import { readListing, sizeThere } from "../../store/layout.ts";
import { compareCodePoints } from "../../store/listing.ts";
import type { ShownArtifact } from "../show/artifacts.ts";

export interface ArtifactDifference {
  path: string;
  role: ShownArtifact["role"];
  /** What each version has there; null: nothing. */
  values: ({ hash: string; size: number | null; nfiles: number | null } | null)[];
  differs: boolean;
  /** Files of a folder against the first version, where both listings are in the cache. */
  files: (FileChanges | null)[];
}

interface FileChanges {
  added: number;
  removed: number;
  changed: number;
  /** The first of them by path; the counts are of all. */
  named: FileChange[];
}

export interface FileChange {
  /** Inside the folder. */
  path: string;
  change: "added" | "removed" | "changed";
  /** Bytes before and after; null where there is no such file, or its bytes are not in the cache. */
  sizes: [before: number | null, after: number | null];
}

/** So many files are named: their sizes are asked of the cache one by one. */
const MOST_NAMED = 100;

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

function filesBetween(cache: string, from: string | null, to: string | null): FileChanges | null {
  if (from === null || to === null || from === to || !from.endsWith(".dir") || !to.endsWith(".dir")) return null;
  const [before, after] = [membersOf(cache, from), membersOf(cache, to)];
  if (before === null || after === null) return null;
  const changes = [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => ({ path, change: changeOf(before.has(path), after.has(path)) }));
  const count = (kind: FileChange["change"]) => changes.filter(({ change }) => change === kind).length;
  const sizeOf = (md5: string | undefined) => (md5 === undefined ? null : sizeThere(cache, { hash: md5, hashName: "md5" }));
  return {
    added: count("added"),
    removed: count("removed"),
    changed: count("changed"),
    named: changes
      .sort((one, other) => compareCodePoints(one.path, other.path))
      .slice(0, MOST_NAMED)
      .map(({ path, change }) => ({ path, change, sizes: [sizeOf(before.get(path)), sizeOf(after.get(path))] })),
  };
}

function changeOf(was: boolean, is: boolean): FileChange["change"] {
  return was && is ? "changed" : is ? "added" : "removed";
}

function membersOf(cache: string, hash: string): Map<string, string> | null {
  const listing = readListing(cache, { hash, hashName: "md5" });
  return listing && new Map(listing.map(({ relpath, md5 }) => [relpath, md5]));
}
