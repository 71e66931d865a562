/** Listings of tracked folders wherever they are: a pointer of an old commit may name one the cache never had. */
import type { Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { openCache } from "./cache.ts";
import { type ObjectFolder, type ObjectName, readListing } from "./layout.ts";
import { parseListing } from "./listing.ts";
import { openRemote } from "./remotes/open-remote.ts";
import type { ListingEntry, Pointer, VersionedFile } from "./types.ts";

export type FindListing = (pointer: Pointer) => Promise<VersionedFile[] | null>;

/**
 * Looks in the cache and in `also`, then on the pointer's remote or the default one. Null when it is nowhere, or the remote does not answer, which
 * `onFailure` is told. Writes nothing.
 */
export function listingFinder(
  project: Project,
  remoteName?: string,
  onFailure: (error: ExpverError) => void = () => {},
  also: readonly ObjectFolder[] = [],
): FindListing {
  const folders = [openCache(project), ...also];
  const found = new Map<string, ListingEntry[] | null>();
  return async ({ hash, hashName, remote, isImport, files }) => {
    if (hash === null || !hash.endsWith(".dir")) return null;
    if (files !== undefined) return [...files];
    const key = `${hashName}:${hash}`;
    const known = found.get(key) ?? firstListing(folders, { hash, hashName });
    if (known !== null || found.has(key) || isImport) return known;
    const entries = await fromRemote(project, remote ?? remoteName, { object: { hash, hashName }, onFailure });
    found.set(key, entries);
    return entries;
  };
}

function firstListing(folders: readonly ObjectFolder[], object: ObjectName): ListingEntry[] | null {
  for (const { dir } of folders) {
    const entries = readListing(dir, object);
    if (entries !== null) return entries;
  }
  return null;
}

async function fromRemote(
  project: Project,
  name: string | undefined,
  { object, onFailure }: { object: { hash: string; hashName: Pointer["hashName"] }; onFailure: (error: ExpverError) => void },
): Promise<ListingEntry[] | null> {
  try {
    const bytes = await openRemote(project, name).read(object);
    return bytes === null ? null : parseListing(bytes, object.hash);
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
    onFailure(error);
    return null;
  }
}
