/** Two listings of one folder and the one both came from, merged entry by entry. */
import { compareCodePoints } from "../../store/listing.ts";
import type { ListingEntry } from "../../store/types.ts";

export interface ListingSides {
  /** Null: not known. What both sides have is then equal or a clash, and nothing counts as removed. */
  base: readonly ListingEntry[] | null;
  ours: readonly ListingEntry[];
  theirs: readonly ListingEntry[];
}

/** One member that both sides changed, and not in the same way. Null: it is not there. */
export interface EntryClash {
  relpath: string;
  base: string | null;
  ours: string | null;
  theirs: string | null;
}

export interface MergedListing {
  /** By the code points of their paths. Where there is a clash that nobody decided: ours. */
  entries: ListingEntry[];
  /** Members that ours did not have, and that it had otherwise, or had no more. */
  added: number;
  changed: number;
  removed: number;
  /** Clashes that were decided. */
  decided: number;
  clashes: EntryClash[];
}

/** The member's hash; null: it goes; undefined: it stays a clash. */
export type Decide = (clash: EntryClash) => string | null | undefined;

export function mergeListings(sides: ListingSides, decide: Decide = () => undefined): MergedListing {
  const [base, ours, theirs] = [sides.base ?? [], sides.ours, sides.theirs].map(
    (entries) => new Map(entries.map(({ relpath, md5 }) => [relpath, md5])),
  ) as [Members, Members, Members];
  const paths = [...new Set([...ours.keys(), ...theirs.keys()])].sort(compareCodePoints);
  const clashOf = (relpath: string): EntryClash => ({
    relpath,
    base: base.get(relpath) ?? null,
    ours: ours.get(relpath) ?? null,
    theirs: theirs.get(relpath) ?? null,
  });
  const result: MergedListing = { entries: [], added: 0, changed: 0, removed: 0, decided: 0, clashes: [] };
  const merged: Members = new Map();
  const settled = new Map<string, string | null>();
  const settle = (clash: EntryClash) => {
    const known = settled.get(clash.relpath);
    if (known !== undefined) return known;
    const decided = decide(clash);
    if (decided === undefined) result.clashes.push(clash);
    else result.decided += 1;
    const md5 = decided === undefined ? clash.ours : decided;
    settled.set(clash.relpath, md5);
    return md5;
  };
  for (const relpath of paths) {
    const clash = clashOf(relpath);
    const isClash = clash.ours !== clash.theirs && clash.ours !== clash.base && clash.theirs !== clash.base;
    const md5 = isClash ? settle(clash) : clash.ours === clash.base ? clash.theirs : clash.ours;
    if (md5 !== null) merged.set(relpath, md5);
  }
  // Those that clash count as well: which of their sides stays must not matter for what else is one.
  for (const relpath of filesThatAreFolders(new Set([...merged.keys(), ...settled.keys()]))) {
    const md5 = settle(clashOf(relpath));
    if (md5 === null) merged.delete(relpath);
    else for (const inside of [...merged.keys()]) if (inside.startsWith(`${relpath}/`)) merged.delete(inside);
  }
  result.clashes.sort((one, other) => compareCodePoints(one.relpath, other.relpath));
  for (const [relpath, md5] of merged) {
    const before = ours.get(relpath);
    if (before === undefined) result.added += 1;
    else if (before !== md5) result.changed += 1;
  }
  result.removed = [...ours.keys()].filter((relpath) => !merged.has(relpath)).length;
  result.entries = [...merged]
    .map(([relpath, md5]) => ({ relpath, md5 }))
    .sort((one, other) => compareCodePoints(one.relpath, other.relpath));
  return result;
}

type Members = Map<string, string>;

/** One side has a file where the other has a folder: both cannot be. */
function filesThatAreFolders(members: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  for (const relpath of members) {
    for (let end = relpath.indexOf("/"); end >= 0; end = relpath.indexOf("/", end + 1)) {
      if (members.has(relpath.slice(0, end))) found.add(relpath.slice(0, end));
    }
  }
  return [...found];
}
