/** A remote behind a server that keeps every version of what it has: files under their own names, of which pointers say the version. */
import { ExpverError } from "../../errors.ts";
import type { Pacing } from "../../platform/pace.ts";
import { keyOf as objectKeyOf } from "../objects/layout.ts";
import type { Pointer } from "../types.ts";
import { lookForVersions } from "./look-for-versions.ts";
import { forMany } from "./many.ts";
import { once } from "./once.ts";
import type { FileAt, Remote, VersionAt, Wanted } from "./remote.ts";
import { receiveAll, type ServedOptions, sourceOf } from "./served.ts";
import type { Found, Key } from "./server.ts";

/** What a remote of files must know of the repository. */
export interface Tracked {
  /** Where a file lies there, from its path here. */
  keyOf(path: string): Key;
  /** By object: where that has its bytes, for those who only ask for an object. */
  places(): ReadonlyMap<string, VersionAt>;
}

export function placesIn(pointers: readonly Pointer[]): Map<string, VersionAt> {
  const places = new Map<string, VersionAt>();
  for (const { path, hashName, files = [] } of pointers) {
    for (const { relpath, md5, version } of files)
      if (version !== undefined) places.set(objectKeyOf({ hash: md5, hashName }), { path: joined(path, relpath), version });
  }
  return places;
}

/** Path of a member; a single file is its own, with an empty relpath. */
export function joined(path: string, relpath: string): string {
  return relpath === "" ? path : `${path}/${relpath}`;
}

export function versionedRemote({ name, location, jobs, connect, keyOf, places }: ServedOptions & Tracked): Remote {
  const server = once(connect);
  const many = (pacing: Pacing, doing: string) => ({ pacing, jobs, label: `${doing} ${name}` });
  const located = (objects: readonly Wanted[]): Wanted[] => {
    const known = objects.some(({ at }) => at === undefined) ? places() : new Map<string, VersionAt>();
    return objects.map((object) => (object.at === undefined ? { ...object, at: known.get(objectKeyOf(object)) ?? null } : object));
  };
  const look = async (files: readonly (FileAt & { version?: string | undefined })[], pacing: Pacing) =>
    lookForVersions(
      await server(),
      files.map(({ path, version }) => ({ key: keyOf(path), version })),
      many(pacing, "looking at"),
    );

  return {
    name,
    location,
    isCertain: true,
    versions: {
      look,
      async send(parcels, pacing) {
        const to = await server();
        const totalBytes = parcels.reduce((sum, { size }) => sum + size, 0);
        const kept: (Found | null)[] = parcels.map(() => null);
        const items = parcels.map((parcel, index) => ({ parcel, index, object: parcel.object }));
        const failures = await forMany(items, { ...many(pacing, "pushing to"), totalBytes }, async (item, { signal, tell }) => {
          const found = await to.putVersion?.(keyOf(item.parcel.path), sourceOf(item.parcel, tell), signal);
          if (found?.version === undefined) throw keepsNone(name, location);
          kept[item.index] = found;
        });
        return { kept, failures };
      },
    },
    async present(objects, pacing) {
      const placed = located(objects).flatMap(({ hash, hashName, size, at }) => (at ? [{ ...at, size, object: { hash, hashName } }] : []));
      const answers = await look(placed, pacing);
      return placed.flatMap(({ size, object }, index) => {
        const found = answers[index];
        const isThere = found != null && (size === undefined || found.size === undefined || found.size === size);
        return isThere ? [{ ...object, size: found.size }] : [];
      });
    },
    async send(parcels) {
      if (parcels.length === 0) return [];
      throw notAnObjectStore(name, "objects by themselves cannot be sent there");
    },
    async receive(objects, cache, pacing) {
      const from = await server();
      return receiveAll(located(objects), cache, (wanted, work) => forMany(wanted, many(pacing, "fetching from"), work), {
        get: async ({ at }, options) => (at ? from.get(keyOf(at.path), { ...options, version: at.version }) : null),
        placeOf: ({ at, hash }) => (at ? `${location}/${keyOf(at.path)} (${at.version})` : `${location} (${hash})`),
      });
    },
    // Pointers say themselves what is in their folders.
    read: async () => null,
    async list() {
      // As dvc ends.
      throw notAnObjectStore(name, "which versions no commit needs is not told by listing it", { exitCode: 251 });
    },
    async remove(objects) {
      if (objects.length === 0) return [];
      throw notAnObjectStore(name, "versions are not deleted from it");
    },
  };
}

export function keepsNone(name: string, location: string): ExpverError {
  return new ExpverError(
    "E_CONFIG",
    `remote ${name} is version_aware, but ${location} keeps no versions: what was written there has none`,
    {
      hint: `Turn versioning on for the bucket, or: expver data remote modify ${name} version_aware false`,
      details: { remote: name },
    },
  );
}

export function notAnObjectStore(name: string, what: string, details: Record<string, unknown> = {}): ExpverError {
  return new ExpverError("E_REMOTE", `remote ${name} keeps versions of files: ${what}`, {
    hint: "Use a remote without version_aware and worktree.",
    details: { ...details, remote: name },
  });
}
