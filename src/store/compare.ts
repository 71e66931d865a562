/** Two states of tracked data, path by path. */
import { orderOf } from "./listing.ts";
import type { HashName } from "./types.ts";

/** A path of a state: an output, or a member of one. */
export interface Tracked {
  /** Relative to the root; a folder's own entry has its listing's hash. */
  path: string;
  hash: string | null;
  hashName: HashName;
  isFolder: boolean;
  /** A folder whose listing is nowhere to be had: what is in it cannot be told. */
  unlisted?: boolean;
}

export interface Changes {
  added: Tracked[];
  deleted: Tracked[];
  modified: { from: Tracked; to: Tracked }[];
  renamed: { from: Tracked; to: Tracked }[];
  unchanged: Tracked[];
  /** There now, in a folder of which the other state's listing is nowhere. */
  unknown: Tracked[];
}

/** Paths in both states are compared by hash; one that went and one that came with the same bytes are a renaming. */
export function compareTracked(before: readonly Tracked[], after: readonly Tracked[]): Changes {
  const old = new Map<string, Tracked>();
  for (const [index, one] of before.entries()) if (after[index] !== one) old.set(one.path, one);
  const changes: Changes = { added: [], deleted: [], modified: [], renamed: [], unchanged: [], unknown: [] };
  const isUnlisted = ({ unlisted }: Tracked) => unlisted === true;
  const isUnknown = insideOf(before.filter(isUnlisted).concat(after.filter(isUnlisted)));
  for (const [index, now] of after.entries()) {
    // What both states have at one place, as it mostly is, needs no table.
    const isSame = before[index] === now;
    const then = isSame ? now : old.get(now.path);
    if (!isSame) old.delete(now.path);
    if (isUnknown(now)) changes.unknown.push(now);
    else if (then === undefined) changes.added.push(now);
    else if (then.hash === now.hash && then.hashName === now.hashName) changes.unchanged.push(now);
    else changes.modified.push({ from: then, to: now });
  }
  changes.deleted = [...old.values()].filter((one) => !isUnknown(one));
  findRenamed(changes);
  return changes;
}

function insideOf(folders: readonly Tracked[]): (one: Tracked) => boolean {
  const prefixes = folders.map(({ path }) => `${path}/`);
  return (one) => prefixes.length > 0 && prefixes.some((prefix) => one.path.startsWith(prefix));
}

/** Of several with the same bytes the first that came is paired with the first that went, in the order of paths. */
function findRenamed(changes: Changes): void {
  if (changes.deleted.length === 0 || changes.added.length === 0) return;
  const keyOf = ({ hash, hashName }: Tracked) => `${hashName}:${hash}`;
  // The first of them stands last: a thousand files may be empty.
  const gone = new Map<string, Tracked[]>();
  for (const one of inOrder(changes.deleted).reverse()) {
    const others = gone.get(keyOf(one));
    if (one.hash === null) continue;
    if (others === undefined) gone.set(keyOf(one), [one]);
    else others.push(one);
  }
  const taken = new Set<Tracked>();
  for (const to of inOrder(changes.added)) {
    const from = to.hash === null ? undefined : gone.get(keyOf(to))?.pop();
    if (from === undefined) continue;
    taken.add(from).add(to);
    changes.renamed.push({ from, to });
  }
  changes.added = changes.added.filter((one) => !taken.has(one));
  changes.deleted = changes.deleted.filter((one) => !taken.has(one));
}

/** Folder by folder, as dvc orders paths: by their parts. */
function inOrder(all: readonly Tracked[]): Tracked[] {
  return orderOf(all.map(({ path }) => path.replaceAll("/", "\0"))).map((index) => all[index] as Tracked);
}
