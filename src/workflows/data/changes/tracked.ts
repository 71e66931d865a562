/** States of tracked data, ready to be compared: what pointers say, and what the worktree holds. */
import type { Work } from "../../../platform/pace.ts";
import { eachOf } from "../../../platform/together.ts";
import { type ObjectName, trustedSizes } from "../../../store/objects/layout.ts";
import { type FindListing, LISTINGS_AT_ONCE } from "../../../store/transfer/listings.ts";
import type { HashName, ListingEntry, Pointer } from "../../../store/types.ts";
import type { Tracked } from "../../../store/worktree/compare.ts";
import type { OutputStatus } from "../../../store/worktree/status.ts";

export interface States {
  /** What these pointers say. */
  said(pointers: readonly Pointer[]): Promise<Tracked[]>;
  /** What the worktree holds. */
  here(outputs: readonly OutputStatus[]): Promise<Tracked[]>;
}

/** An output that several states have alike is read once, and its entries are the same objects in all of them. `members`: the files of a folder too. */
export function trackedStates(members: FindListing | null): States {
  const known = new Map<string, Tracked[]>();
  const saidBy = async (pointer: Pointer): Promise<Tracked[]> => {
    const key = [pointer.path, pointer.hashName, pointer.hash, pointer.remote, pointer.isImport].join("\0");
    const entries = known.get(key) ?? (await trackedBy(pointer, members));
    known.set(key, entries);
    return entries;
  };
  const ofAll = async <One>(all: readonly One[], entriesOf: (one: One) => Promise<Tracked[]>) =>
    (await eachOf(all, LISTINGS_AT_ONCE, entriesOf)).flat();
  return {
    said: (pointers) => ofAll(pointers, saidBy),
    here: (outputs) =>
      ofAll(outputs, async (output) => {
        const entries = output.worktree === "same" ? await saidBy(output.pointer) : null;
        return entries === null || entries[0]?.unlisted === true ? trackedHere(output, members !== null) : entries;
      }),
  };
}

async function trackedBy(pointer: Pointer, members: FindListing | null): Promise<Tracked[]> {
  const { path, hash, hashName } = pointer;
  const isFolder = hash?.endsWith(".dir") === true;
  if (!isFolder || members === null) return [{ path, hash, hashName, isFolder }];
  const entries = await members(pointer);
  if (entries === null) return [{ path, hash, hashName, isFolder, unlisted: true }];
  const found: Tracked[] = [{ path, hash, hashName, isFolder }];
  for (const entry of entries) found.push(new TrackedMember(pointer, entry));
  return found;
}

function trackedHere({ pointer, scan }: OutputStatus, members: boolean): Tracked[] {
  if (scan === null) return [];
  const { path, hashName } = pointer;
  const found: Tracked[] = [{ path, hash: scan.content.hash, hashName, isFolder: scan.isFolder }];
  if (scan.isFolder && members) for (const file of scan.files) found.push(new TrackedMember(pointer, file));
  return found;
}

/** Those whose bytes are not in the cache. */
export function* notCached(dir: string, some: readonly Tracked[]): Work<Tracked[]> {
  const stored = some.filter((one): one is Tracked & ObjectName => one.hash !== null);
  const sizes = yield* trustedSizes(dir, stored);
  return stored.filter((_, index) => sizes[index] === null);
}

/** There may be a million: paths are made when they are asked for. */
class TrackedMember implements Tracked {
  readonly #output: Pointer;
  readonly #entry: ListingEntry;

  constructor(output: Pointer, entry: ListingEntry) {
    this.#output = output;
    this.#entry = entry;
  }

  get isFolder(): boolean {
    return false;
  }

  get path(): string {
    return `${this.#output.path}/${this.#entry.relpath}`;
  }

  get hash(): string {
    return this.#entry.md5;
  }

  get hashName(): HashName {
    return this.#output.hashName;
  }
}
