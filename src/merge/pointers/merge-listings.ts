/** Two listings of one folder and the one both came from, merged entry by entry. */
import { compareCodePoints } from "../../store/objects/listing.ts";
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
  /** Nothing was changed by both sides, whether alike or not: what one did comes to what the other did. */
  apart: boolean;
}

/** The member's hash; null: it goes; undefined: it stays a clash. */
export type Decide = (clash: EntryClash) => string | null | undefined;

export function mergeListings(sides: ListingSides, decide: Decide = () => undefined): MergedListing {
  const { steady, disputed, apart } = compared(sides);
  const result: MergedListing = { entries: [], added: 0, changed: 0, removed: 0, decided: 0, clashes: [], apart };
  const merged = new Map<string, string | null>();
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
  for (const [relpath, clash] of disputed) {
    const isClash = clash.ours !== clash.base && clash.theirs !== clash.base;
    result.apart &&= !isClash;
    merged.set(relpath, isClash ? settle(clash) : clash.ours === clash.base ? clash.theirs : clash.ours);
  }
  // Those that clash count as well: which of their sides stays must not matter for what else is one.
  const isThere = (relpath: string) => (merged.get(relpath) ?? null) !== null;
  const members = new Set([...merged.keys()].filter((relpath) => isThere(relpath) || settled.has(relpath)));
  for (const relpath of filesThatAreFolders(members)) {
    result.apart = false;
    const md5 = settle(disputed.get(relpath) as EntryClash);
    if (md5 === null) merged.set(relpath, null);
    else for (const inside of merged.keys()) if (inside.startsWith(`${relpath}/`)) merged.set(inside, null);
  }
  result.clashes.sort((one, other) => compareCodePoints(one.relpath, other.relpath));
  const settledEntries: ListingEntry[] = [];
  for (const [relpath, md5] of merged) {
    const before = disputed.get(relpath)?.ours ?? null;
    if (md5 !== null) settledEntries.push({ relpath, md5 });
    if (md5 === null) result.removed += before === null ? 0 : 1;
    else if (before === null) result.added += 1;
    else if (before !== md5) result.changed += 1;
  }
  result.entries = interleaved(steady, settledEntries);
  return result;
}

/**
 * The same entries as in `known` are the same objects then: of a million, listings of two versions mostly have 99 of 100 in common. Both
 * in the order of their paths, else little is gained.
 */
export function sharing(entries: readonly ListingEntry[], known: readonly ListingEntry[]): ListingEntry[] {
  let next = 0;
  return entries.map((entry) => {
    while (next < known.length && compareCodePoints((known[next] as ListingEntry).relpath, entry.relpath) < 0) next += 1;
    const same = known[next];
    return same !== undefined && same.relpath === entry.relpath && same.md5 === entry.md5 ? same : entry;
  });
}

/** What both sides have alike, and all else by its path, both in order. Two sides alike in something cannot disagree with it. */
function compared(sides: ListingSides): { steady: ListingEntry[]; disputed: Map<string, EntryClash>; apart: boolean } {
  const [base, ours, theirs] = [sides.base ?? [], sides.ours, sides.theirs].map(walkerOf) as [Walker, Walker, Walker];
  const steady: ListingEntry[] = [];
  const disputed = new Map<string, EntryClash>();
  // Of what both removed there is nothing on either side: then some of the base are not met.
  let left = sides.base?.length ?? 0;
  let bothMade = false;
  for (;;) {
    const [first, ...others] = [ours.path(), theirs.path()].filter((path) => path !== null);
    if (first === undefined) return { steady, disputed, apart: sides.base !== null && left === 0 && !bothMade };
    const relpath = others[0] !== undefined && compareCodePoints(others[0], first) < 0 ? others[0] : first;
    const [before, mine, other] = [base.take(relpath), ours.take(relpath), theirs.take(relpath)];
    if (before !== null) left -= 1;
    if (mine !== null && mine.md5 === other?.md5) {
      steady.push(mine);
      bothMade ||= mine.md5 !== before?.md5;
    } else disputed.set(relpath, { relpath, base: before?.md5 ?? null, ours: mine?.md5 ?? null, theirs: other?.md5 ?? null });
  }
}

interface Walker {
  /** Of the next entry; null: there is none. */
  path(): string | null;
  /** The entry with this path, if there is one. Whatever comes before it is passed over. */
  take(relpath: string): ListingEntry | null;
}

function walkerOf(entries: readonly ListingEntry[]): Walker {
  const all = inOrder(entries);
  let next = 0;
  return {
    path: () => all[next]?.relpath ?? null,
    take(relpath) {
      let found: ListingEntry | null = null;
      for (let entry = all[next]; entry !== undefined; entry = all[next]) {
        const order = compareCodePoints(entry.relpath, relpath);
        if (order > 0) break;
        if (order === 0) found = entry;
        next += 1;
      }
      return found;
    },
  };
}

function inOrder(entries: readonly ListingEntry[]): readonly ListingEntry[] {
  const isBehind = ({ relpath }: ListingEntry, index: number) =>
    index === 0 || compareCodePoints((entries[index - 1] as ListingEntry).relpath, relpath) <= 0;
  return entries.every(isBehind) ? entries : [...entries].sort((one, other) => compareCodePoints(one.relpath, other.relpath));
}

/** Two lists in order as one. */
function interleaved(some: readonly ListingEntry[], others: readonly ListingEntry[]): ListingEntry[] {
  const entries: ListingEntry[] = [];
  let next = 0;
  for (const entry of some) {
    for (let other = others[next]; other !== undefined && compareCodePoints(other.relpath, entry.relpath) < 0; other = others[next]) {
      entries.push(other);
      next += 1;
    }
    entries.push(entry);
  }
  return entries.concat(others.slice(next));
}

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
