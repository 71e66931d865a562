/** Two states of tracked data, path by path. */
import { orderOf } from "../objects/listing.ts";
import type { HashName } from "../types.ts";

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
  const numberOf = numberFinder(before);
  const met = new Uint8Array(before.length);
  const changes: Changes = { added: [], deleted: [], modified: [], renamed: [], unchanged: [], unknown: [] };
  const isUnlisted = ({ unlisted }: Tracked) => unlisted === true;
  const isUnknown = insideOf(before.filter(isUnlisted).concat(after.filter(isUnlisted)));
  for (const now of after) {
    const number = numberOf(now);
    const then = number === undefined || met[number] === 1 ? undefined : before[number];
    if (number !== undefined) met[number] = 1;
    if (isUnknown(now)) changes.unknown.push(now);
    else if (then === undefined) changes.added.push(now);
    else if (then.hash === now.hash && then.hashName === now.hashName) changes.unchanged.push(now);
    else changes.modified.push({ from: then, to: now });
  }
  changes.deleted = before.filter((one, number) => met[number] === 0 && !isUnknown(one));
  findRenamed(changes);
  return changes;
}

/** Both states mostly have the same paths in the same order: then no table of a million of them is needed. */
function numberFinder(before: readonly Tracked[]): (one: Tracked) => number | undefined {
  let next = 0;
  let numbers: Map<string, number> | null = null;
  return (one) => {
    const expected = before[next];
    if (expected !== undefined && (expected === one || expected.path === one.path)) {
      next += 1;
      return next - 1;
    }
    numbers ??= new Map(before.map(({ path }, number) => [path, number]));
    const number = numbers.get(one.path);
    if (number !== undefined) next = number + 1;
    return number;
  };
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
