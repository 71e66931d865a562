/** Two states of tracked data, path by path. */
import type { HashName } from "./types.ts";

/** A path of a state: an output, or a member of one. */
export interface Tracked {
  /** Relative to the root; a folder's own entry has its listing's hash. */
  path: string;
  hash: string | null;
  hashName: HashName;
  isFolder: boolean;
}

export interface Changes {
  added: Tracked[];
  deleted: Tracked[];
  modified: Tracked[];
  renamed: { from: Tracked; to: Tracked }[];
  unchanged: Tracked[];
}

/** Paths in both states are compared by hash; one that went and one that came with the same bytes are a renaming. */
export function compareTracked(before: readonly Tracked[], after: readonly Tracked[]): Changes {
  const old = new Map(before.map((one) => [one.path, one]));
  const changes: Changes = { added: [], deleted: [], modified: [], renamed: [], unchanged: [] };
  for (const now of after) {
    const then = old.get(now.path);
    old.delete(now.path);
    if (then === undefined) changes.added.push(now);
    else if (then.hash === now.hash && then.hashName === now.hashName) changes.unchanged.push(now);
    else changes.modified.push(now);
  }
  changes.deleted = [...old.values()];
  findRenamed(changes);
  return changes;
}

function findRenamed(changes: Changes): void {
  const keyOf = ({ hash, hashName }: Tracked) => `${hashName}:${hash}`;
  const gone = new Map<string, Tracked[]>();
  for (const one of changes.deleted) if (one.hash !== null) gone.set(keyOf(one), [...(gone.get(keyOf(one)) ?? []), one]);
  const taken = new Set<Tracked>();
  changes.added = changes.added.filter((to) => {
    const from = gone.get(keyOf(to))?.shift();
    if (to.hash === null || from === undefined) return true;
    taken.add(from);
    changes.renamed.push({ from, to });
    return false;
  });
  changes.deleted = changes.deleted.filter((one) => !taken.has(one));
}
