/** Listings of tracked folders wherever they are: a pointer of an old commit may name one the cache never had. */
import type { Project } from "../../config/project.ts";
import { type ExpverError, throwUnlessFailure } from "../../errors.ts";
import { type Pacing, paceWork, type Work } from "../../platform/pace.ts";
import { openCache } from "../objects/cache.ts";
import { type ObjectFolder, type ObjectName, readingListing, unlessDamaged } from "../objects/layout.ts";
import { parsingListing } from "../objects/listing.ts";
import { openRemote } from "../remotes/open-remote.ts";
import { isOfRemote } from "../remotes/retry.ts";
import type { ListingEntry, Pointer, VersionedFile } from "../types.ts";

const READING = { label: "reading listings" };

/** A remote may be far away, and a listing large: so many are read at the same time. */
export const LISTINGS_AT_ONCE = 16;

export type FindListing = (pointer: Pointer) => Promise<VersionedFile[] | null>;

interface FindOptions extends Pacing {
  /** Remote to look on where a pointer names none; without it the default one. */
  remoteName?: string | undefined;
  /** Told why a remote did not answer. */
  onFailure?: (error: ExpverError) => void;
  /** Where else to look before a remote is asked. */
  also?: readonly ObjectFolder[];
}

/** Looks in the cache, then on the pointer's remote. Null when it is nowhere, or the remote does not answer. Writes nothing. */
export function listingFinder(project: Project, { remoteName, onFailure = () => {}, also = [], ...pacing }: FindOptions = {}): FindListing {
  const folders = [openCache(project), ...also];
  const found = new Map<string, ListingEntry[] | null>();
  const silent = new Map<string | undefined, ExpverError>();
  return async ({ hash, hashName, remote, isImport, files }) => {
    if (hash === null || !hash.endsWith(".dir")) return null;
    if (files !== undefined) return [...files];
    const key = `${hashName}:${hash}`;
    const looking = () => findingFirst(folders, { hash, hashName });
    const known = found.get(key) ?? (await paceWork(unlessDamaged(looking(), null), pacing, READING));
    if (known !== null || found.has(key) || isImport) return known;
    const name = remote ?? remoteName;
    const failed = (error: ExpverError) => {
      // It is not asked for every other one.
      if (isOfRemote(error)) silent.set(name, error);
      onFailure(error);
    };
    const before = silent.get(name);
    if (before !== undefined) onFailure(before);
    const entries =
      before === undefined ? await fromRemote(project, name, { object: { hash, hashName }, onFailure: failed, pacing }) : null;
    // One that is damaged here and not to be had there is an error.
    const settled = entries ?? (await paceWork(looking(), pacing, READING));
    found.set(key, settled);
    return settled;
  };
}

function* findingFirst(folders: readonly ObjectFolder[], object: ObjectName): Work<ListingEntry[] | null> {
  for (const { dir } of folders) {
    const entries = yield* readingListing(dir, object);
    if (entries !== null) return entries;
  }
  return null;
}

async function fromRemote(
  project: Project,
  name: string | undefined,
  { object, onFailure, pacing }: { object: ObjectName; onFailure: (error: ExpverError) => void; pacing: Pacing },
): Promise<ListingEntry[] | null> {
  try {
    const bytes = await openRemote(project, name).read(object, pacing);
    return bytes === null ? null : await paceWork(parsingListing(bytes, object.hash), pacing, READING);
  } catch (error) {
    throwUnlessFailure(error);
    onFailure(error);
    return null;
  }
}
