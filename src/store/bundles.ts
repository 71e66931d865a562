/** Outputs as the objects they are made of, and objects by key. */
import { keyOf, type ObjectFolder, type ObjectName, readListing, trustedSize } from "./layout.ts";
import { parseListing } from "./listing.ts";
import type { Expected, Remote } from "./remotes/remote.ts";
import type { Pointer } from "./types.ts";

export type StoredPointer = Pointer & { hash: string };

/** One output with its members, whose listing may be known from either side. */
export interface Bundle {
  pointer: StoredPointer;
  listing: ObjectName | null;
  /** Null: the listing is nowhere. */
  members: Named[] | null;
}

/** `only`: of some outputs just these members. */
export async function bundleOf(
  pointer: StoredPointer,
  remote: Remote,
  { cache, only }: { cache: ObjectFolder; only: ReadonlyMap<string, readonly string[]> | undefined },
): Promise<Bundle> {
  const { hash, hashName, path, size: within } = pointer;
  const object = { hash, hashName };
  if (!hash.endsWith(".dir")) return { pointer, listing: null, members: [{ object: { ...object, within }, path }] };
  const bytes = trustedSize(cache.dir, object) === null ? await remote.read(object) : null;
  const entries = bytes === null ? readListing(cache.dir, object) : parseListing(bytes);
  const selected = only?.get(path);
  const isWanted = (relpath: string) => selected?.some((part) => relpath === part || relpath.startsWith(`${part}/`)) ?? true;
  const members = entries?.filter(({ relpath }) => isWanted(relpath)) ?? null;
  return {
    pointer,
    listing: object,
    members: members?.map(({ relpath, md5 }) => ({ object: { hash: md5, hashName, within }, path: `${path}/${relpath}` })) ?? null,
  };
}

export interface Named {
  object: Expected;
  path: string;
}

/** Many paths may share one object. */
export function byKey(all: readonly Named[]): Map<string, Named> {
  return new Map(all.map((one) => [keyOf(one.object), one]));
}

export function objectsOf(named: ReadonlyMap<string, Named>): Expected[] {
  return [...named.values()].map(({ object }) => object);
}

export function keysOf(objects: readonly ObjectName[]): Set<string> {
  return new Set(objects.map(keyOf));
}
