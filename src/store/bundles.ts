/** Outputs as the objects they are made of, and objects by key. */
import { keyOf, type ObjectFolder, type ObjectName, readListing, trustedSize } from "./layout.ts";
import { parseListing } from "./listing.ts";
import type { Expected, Remote } from "./remotes/remote.ts";
import type { HashName, ListingEntry, Pointer } from "./types.ts";

export type StoredPointer = Pointer & { hash: string };

/** One output with its members, whose listing may be known from either side. */
export interface Bundle {
  pointer: StoredPointer;
  listing: ObjectName | null;
  /** Null: the listing is nowhere. */
  members: Member[] | null;
  /** Others are members of the listing too. */
  isPart: boolean;
}

/** An object, and the path of the file that it is. */
export interface Named {
  object: Expected;
  path: string;
}

/** A file of an output, and its object: a million of them are most of what a push or fetch keeps. */
export class Member implements Named, Expected {
  readonly hash: string;
  readonly #relpath: string;
  readonly #pointer: StoredPointer;

  constructor(pointer: StoredPointer, { relpath, md5 }: ListingEntry) {
    this.hash = md5;
    this.#relpath = relpath;
    this.#pointer = pointer;
  }

  get object(): Expected {
    return this;
  }

  get hashName(): HashName {
    return this.#pointer.hashName;
  }

  get within(): number | undefined {
    return this.#pointer.size;
  }

  get path(): string {
    return this.#relpath === "" ? this.#pointer.path : `${this.#pointer.path}/${this.#relpath}`;
  }
}

/** `only`: of some outputs just these members. */
export async function bundleOf(
  pointer: StoredPointer,
  remote: Remote,
  { cache, only }: { cache: ObjectFolder; only: ReadonlyMap<string, readonly string[]> | undefined },
): Promise<Bundle> {
  const { hash, hashName, path } = pointer;
  const object = { hash, hashName };
  if (!hash.endsWith(".dir")) return { pointer, listing: null, members: [new Member(pointer, { relpath: "", md5: hash })], isPart: false };
  const bytes = trustedSize(cache.dir, object) === null ? await remote.read(object) : null;
  const entries = bytes === null ? readListing(cache.dir, object) : parseListing(bytes);
  const selected = only?.get(path);
  const wanted = selected && entries?.filter(({ relpath }) => selected.some((part) => relpath === part || relpath.startsWith(`${part}/`)));
  const members = (wanted ?? entries)?.map((entry) => new Member(pointer, entry)) ?? null;
  return { pointer, listing: object, members, isPart: members?.length !== entries?.length };
}

/** Many paths may share one object. */
export function byKey(all: Iterable<Named>): Map<string, Named> {
  const named = new Map<string, Named>();
  for (const one of all) named.set(keyOf(one.object), one);
  return named;
}

export function objectsOf(named: ReadonlyMap<string, Named>): Expected[] {
  return Array.from(named.values(), ({ object }) => object);
}

export function keysOf(objects: readonly ObjectName[]): Set<string> {
  const keys = new Set<string>();
  for (const object of objects) keys.add(keyOf(object));
  return keys;
}
