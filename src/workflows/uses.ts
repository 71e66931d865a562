/** `expver uses PATH|HASH|V`: which experiments have these bytes, this path, or what came of this version. */
import { dirname, resolve } from "node:path";
import { nearestWord } from "../config/nearest.ts";
import { isWithin, pathFromUser } from "../config/paths.ts";
import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isThere } from "../platform/files.ts";
import { paceWork } from "../platform/pace.ts";
import { counted } from "../platform/words.ts";
import { inputsOf, oldestFirst, originsOf } from "../provenance/lineage.ts";
import { type Role, readUses, type Use } from "../provenance/uses-index.ts";
import { openCache } from "../store/objects/cache.ts";
import { listingOrWarning } from "../store/objects/damaged.ts";
import type { ListingEntry } from "../store/types.ts";
import { scanOutput } from "../store/worktree/scan.ts";
import { readVersions, versionMeant } from "../versions/registry.ts";
import type { Version } from "../versions/types.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";

export interface Uses {
  /** As it was understood: the version's name, the stored path, what was typed of the hash, or of a file here that no version has at its place. */
  asked: string;
  kind: "version" | "hash" | "path" | "file";
  /** Oldest version first. */
  uses: FoundUse[];
  /** Of a path: other paths that had the same bytes, before it was renamed or beside it. */
  elsewhere: FoundUse[];
  /** Folders whose listing is not in the cache, or damaged, so that nobody can tell what is in them. */
  unknown: number;
}

export interface FoundUse {
  version: string;
  /** ISO 8601. */
  date: string;
  description: string;
  /** `merged`: it merged the version that was asked about. `candidate`: one of its runs left it; the folder of the version has better ones only. */
  role: Role | "merged" | "candidate";
  /** Null for `merged`. */
  path: string | null;
  hash: string | null;
}

export const uses: ReadWorkflow<Input, Uses> = {
  async read(context, input) {
    const project = openProject(context);
    requireRepository(project);
    const what = textIn(input.what);
    if (what === undefined) {
      throw new ExpverError("E_USAGE", "uses needs a path, the beginning of a hash, or a version", { hint: "expver uses data/train.csv" });
    }
    const versions = oldestFirst(readVersions(project).filter(({ commit }) => commit !== ""));
    const known = { versions, uses: readUses(project, versions) };
    const { prefix } = project.config.versions;
    const version = versionMeant(versions, what, prefix);
    if (version !== undefined) return { asked: version.name, kind: "version", uses: cameOf(known, version), elsewhere: [], unknown: 0 };
    const listings = listingReader(project, context);
    const ofPath = byPath(project, context, { what, known, listings });
    if (ofPath !== null) return ofPath;
    if (/^[0-9a-f]{4,32}(?:\.dir)?$/.test(what)) {
      const isMeant = (hash: string) => hash.startsWith(what);
      const own = byHash(known, isMeant, listings);
      const found = own.length > 0 ? own : await gone(project, isMeant, { known, listings });
      if (found.length > 0) return { asked: what, kind: "hash", uses: found, elsewhere: [], unknown: listings.unknown() };
    }
    const ofFile = await byBytes(project, context, { what, known, listings });
    if (ofFile !== null) return ofFile;
    const paths = [...known.uses.values()].flatMap((uses) => uses.map(({ path }) => path));
    const near = nearestWord(what, [...paths, ...versions.map(({ name }) => name)]);
    throw new ExpverError("E_NOT_FOUND", `no version has ${JSON.stringify(what)}${near === undefined ? "" : `; did you mean ${near}?`}`, {
      hint: "A path of tracked data, a file that is here, the beginning of a hash (4 digits or more), or a version.",
      details: { asked: what, unknown: listings.unknown() },
    });
  },
};

interface Known {
  versions: readonly Version[];
  uses: ReadonlyMap<string, readonly Use[]>;
}

/** Versions that read what this one left, or merged it. */
function cameOf(known: Known, version: Version): FoundUse[] {
  const origins = originsOf(known);
  const isOwn = (one: { madeBy: string | null }) => one.madeBy === version.name;
  return known.versions.flatMap((other) => {
    if (other.name === version.name) return [];
    const read = inputsOf(known, other.name, origins)
      .filter(isOwn)
      .map(({ path, hash }) => foundIn(other, { role: "input", path, hash }));
    const isMerged = other.message.merged.includes(version.name);
    return isMerged ? [...read, foundIn(other, { role: "merged", path: null, hash: null })] : read;
  });
}

interface Listings {
  of(hash: string): ListingEntry[];
  unknown(): number;
}

/** Null when no version ever had something at, below or around that path. */
function byPath(
  project: Project,
  context: Context,
  { what, known, listings }: { what: string; known: Known; listings: Listings },
): Uses | null {
  for (const path of pathsMeant(project, context, what)) {
    const found = known.versions.flatMap((version) =>
      (known.uses.get(version.name) ?? []).flatMap((use): FoundUse[] => {
        if (isWithin(use.path, path)) return [foundIn(version, use)];
        if (!path.startsWith(`${use.path}/`) || !use.hash.endsWith(".dir")) return [];
        const inside = path.slice(use.path.length + 1);
        const members = listings.of(use.hash).filter(({ relpath }) => isWithin(relpath, inside));
        return members.map(({ relpath, md5 }) => foundIn(version, { role: use.role, path: `${use.path}/${relpath}`, hash: md5 }));
      }),
    );
    if (found.length === 0) continue;
    const hashes = new Set(found.map(({ hash }) => hash));
    const elsewhere = byHash(known, (hash) => hashes.has(hash), listings).filter((use) => use.path !== null && !isWithin(use.path, path));
    return { asked: path, kind: "path", uses: found, elsewhere, unknown: listings.unknown() };
  }
  return null;
}

/** A file or folder that lies elsewhere or is called otherwise now: what has its bytes. Null when there is none. Throws E_NOT_FOUND when no version has them. */
async function byBytes(
  project: Project,
  context: Context,
  { what, known, listings }: { what: string; known: Known; listings: Listings },
): Promise<Uses | null> {
  const path = resolve(context.cwd, what);
  // All of a repository is nobody's data.
  if (!isThere(path) || isWithin(project.root, path) || dirname(path) === path) return null;
  const hashes: string[] = [];
  // Repositories of DVC 2 have the other hash of a text.
  for (const hashName of ["md5", "md5-dos2unix"] as const) {
    const { hash } = (await paceWork(scanOutput(project, path, { hashName }), context, { label: `reading ${what}` })).content;
    const isMeant = (other: string) => other === hash;
    const own = byHash(known, isMeant, listings);
    const uses = own.length > 0 ? own : await gone(project, isMeant, { known, listings });
    if (uses.length > 0) return { asked: what, kind: "file", uses, elsewhere: [], unknown: listings.unknown() };
    hashes.push(hash);
  }
  throw new ExpverError("E_NOT_FOUND", `no version has the bytes of ${what} (${hashes[0]})`, {
    hint:
      listings.unknown() > 0
        ? `${counted(listings.unknown(), "folder")} of versions could not be looked into, for their listings are not in the cache: expver sync, then repeat.`
        : "It was changed since, or no run has kept it; `expver runs` lists also those without a version.",
    details: { asked: what, hash: hashes[0], unknown: listings.unknown() },
  });
}

/** Relative to where one is, as everywhere; else to the top. One outside of the repository is no path of it. */
function pathsMeant(project: Project, context: Context, what: string): string[] {
  const fromTop = what.replace(/^\.?\/+|\/+$/g, "").replace(/\.dvc$/, "");
  try {
    return [...new Set([pathFromUser(project, context, what).replace(/\.dvc$/, ""), fromTop])].filter(Boolean);
  } catch (error) {
    if (error instanceof ExpverError) return [];
    throw error;
  }
}

function byHash({ versions, uses: all }: Known, isMeant: (hash: string) => boolean, listings: Listings): FoundUse[] {
  return versions.flatMap((version) =>
    (all.get(version.name) ?? []).flatMap((use): FoundUse[] => {
      const own = isMeant(use.hash) ? [foundIn(version, use)] : [];
      if (!use.hash.endsWith(".dir")) return own;
      const members = listings.of(use.hash).filter(({ md5 }) => isMeant(md5));
      return [
        ...own,
        ...members.map(({ relpath, md5 }) => foundIn(version, { role: use.role, path: `${use.path}/${relpath}`, hash: md5 })),
      ];
    }),
  );
}

/** Candidates that no version has any more: the commit before a sweep's own has those of all its runs. */
async function gone(
  project: Project,
  isMeant: (hash: string) => boolean,
  { known: { versions }, listings }: { known: Known; listings: Listings },
): Promise<FoundUse[]> {
  const { candidatesHistory } = await import("../models/historic-candidate.ts");
  const { itemsOf, ownerOf } = await import("../models/candidates.ts");
  const byRun = new Map(versions.toReversed().flatMap((version) => version.message.runs.map(({ run }) => [run, version] as const)));
  const found = new Map<string, FoundUse>();
  for (const { pointer } of candidatesHistory(project)) {
    const members = listings.of(pointer.hash);
    const items = Array.from(itemsOf(members), ([relpath, { hash }]) => ({ relpath, md5: hash }));
    for (const { relpath, md5 } of [...items, ...members]) {
      const run = isMeant(md5) ? ownerOf(relpath.split("/")[0] ?? "", (id) => byRun.has(id)) : null;
      const version = byRun.get(run ?? "");
      if (version === undefined) continue;
      const path = `${pointer.path}/${relpath}`;
      found.set(`${version.name} ${path} ${md5}`, foundIn(version, { role: "candidate", path, hash: md5 }));
    }
  }
  return [...found.values()];
}

function foundIn({ name, date, message }: Version, { role, path, hash }: Pick<FoundUse, "role" | "path" | "hash">): FoundUse {
  return { version: name, date, description: message.description, role, path, hash };
}

/** Each listing is read once; those the cache lacks, or has damaged, are counted. */
function listingReader(project: Project, context: Context): Listings {
  const { dir } = openCache(project);
  const read = new Map<string, ListingEntry[]>();
  let unknown = 0;
  return {
    unknown: () => unknown,
    of(hash) {
      const known = read.get(hash);
      if (known !== undefined) return known;
      const entries = listingOrWarning(dir, { hash, hashName: "md5" }, context);
      if (entries === null) unknown += 1;
      read.set(hash, entries ?? []);
      return entries ?? [];
    },
  };
}
