/** Outputs as the objects they are made of, and objects by key. */
import { underAny } from "../../config/paths.ts";
import { finishWork, NOTHING_DONE, type Pacing, paceWork, type Work } from "../../platform/pace.ts";
import { keyOf, type ObjectFolder, type ObjectName, readingListing, trustedSize } from "../objects/layout.ts";
import { parsingListing } from "../objects/listing.ts";
import type { Expected, Remote, VersionAt } from "../remotes/remote.ts";
import type { HashName, Pointer, VersionedFile } from "../types.ts";

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
  readonly #version: string | undefined;
  readonly #pointer: StoredPointer;

  constructor(pointer: StoredPointer, { relpath, md5, version }: VersionedFile) {
    this.hash = md5;
    this.#relpath = relpath;
    this.#version = version;
    this.#pointer = pointer;
  }

  get object(): Expected {
    return this;
  }

  get hashName(): HashName {
    return this.#pointer.hashName;
  }

  get at(): VersionAt | null {
    return this.#version === undefined ? null : { path: this.path, version: this.#version };
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
  { cache, only, context }: { cache: ObjectFolder; only: ReadonlyMap<string, readonly string[]> | undefined; context: Pacing },
): Promise<Bundle> {
  const { hash, hashName, path, files } = pointer;
  const object = { hash, hashName };
  if (!hash.endsWith(".dir"))
    return { pointer, listing: null, members: [new Member(pointer, files?.[0] ?? { relpath: "", md5: hash })], isPart: false };
  const bytes = files === undefined && trustedSize(cache.dir, object) === null ? await remote.read(object, context) : null;
  const reading = bytes === null ? readingListing(cache.dir, object) : parsingListing(bytes, hash);
  const entries: readonly VersionedFile[] | null = files ?? (await paceWork(reading, context, { label: "reading what there is" }));
  const selected = only?.get(path);
  const isSelected = selected && underAny(selected);
  const wanted = isSelected && entries?.filter(({ relpath }) => isSelected(relpath));
  const members = (wanted ?? entries)?.map((entry) => new Member(pointer, entry)) ?? null;
  return { pointer, listing: object, members, isPart: members?.length !== entries?.length };
}

/** Many paths may share one object. */
export function byKey(all: Iterable<Named>): Map<string, Named> {
  return finishWork(namingByKey(all));
}

export function* namingByKey(all: Iterable<Named>): Work<Map<string, Named>> {
  const named = new Map<string, Named>();
  let count = 0;
  for (const one of all) {
    count += 1;
    if (count % OFTEN === 0) yield NOTHING_DONE;
    const key = keyOf(one.object);
    // A version that is known is where the bytes are.
    if (one.object.at || !named.has(key)) named.set(key, one);
  }
  return named;
}

const OFTEN = 5000;

export function objectsOf(named: ReadonlyMap<string, Named>): Expected[] {
  return Array.from(named.values(), ({ object }) => object);
}

export function keysOf(objects: readonly ObjectName[]): Set<string> {
  const keys = new Set<string>();
  for (const object of objects) keys.add(keyOf(object));
  return keys;
}
