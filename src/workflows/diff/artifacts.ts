/** Data and models of several versions, path by path. */
import type { Project } from "../../config/project.ts";
import { readListing, sizeThere } from "../../store/objects/layout.ts";
import { compareCodePoints } from "../../store/objects/listing.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import type { ShownArtifact } from "../show/artifacts.ts";

export interface ArtifactDifference {
  /** Its last name, where it is renamed between the versions. */
  path: string;
  role: ShownArtifact["role"];
  /** What each version has of it, and under which name; null: nothing. */
  values: ({ path: string; hash: string; size: number | null; nfiles: number | null } | null)[];
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
  return joinRenamed(rowsOf(all)).map(({ path, role, found }) => {
    const hashes = found.map((artifact) => artifact?.hash ?? null);
    return {
      path,
      role,
      values: found.map(
        (artifact) => artifact && { path: artifact.path, hash: artifact.hash, size: artifact.size, nfiles: artifact.nfiles },
      ),
      differs: new Set(hashes).size > 1 || found.some((artifact) => artifact?.path !== path),
      files: hashes.slice(1).map((hash) => filesBetween(cache, hashes[0] ?? null, hash)),
    };
  });
}

interface Row {
  path: string;
  role: ShownArtifact["role"];
  /** Of each version. */
  found: (ShownArtifact | null)[];
}

function rowsOf(all: readonly (readonly ShownArtifact[])[]): Row[] {
  const rows = new Map<string, Row>();
  for (const [side, artifacts] of all.entries()) {
    for (const artifact of artifacts) {
      const row = rows.get(artifact.path) ?? { path: artifact.path, role: artifact.role, found: all.map(() => null) };
      row.found[side] ??= artifact;
      rows.set(artifact.path, row);
    }
  }
  return [...rows.values()];
}

/** What went and what came with the same bytes, in the next version, is one thing: the first that went is paired with the first that came. */
function joinRenamed(rows: readonly Row[]): Row[] {
  const keyOf = (row: Row, side: number) => `${side} ${row.role} ${row.found[side]?.hash}`;
  const first = ({ found }: Row) => found.findIndex((artifact) => artifact !== null);
  const came = new Map<string, Row[]>();
  for (const row of rows) {
    if (first(row) > 0) came.set(keyOf(row, first(row)), [...(came.get(keyOf(row, first(row))) ?? []), row]);
  }
  const joined = new Set<Row>();
  const grown = (row: Row): Row => {
    const last = row.found.findLastIndex((artifact) => artifact !== null);
    const next = came.get(`${last + 1} ${row.role} ${row.found[last]?.hash}`)?.shift();
    if (next === undefined) return row;
    joined.add(next);
    return grown({ ...next, found: row.found.map((artifact, side) => artifact ?? next.found[side] ?? null) });
  };
  // Those of the first version come first: what a row grows by stands behind it.
  return rows.map((row) => (joined.has(row) ? row : grown(row))).filter((row) => !joined.has(row));
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
