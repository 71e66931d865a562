/** What objects are to people: paths and versions, as far as tags and recent commits tell. */
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { git } from "../../../git/git.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { keyOf, readListing } from "../../../store/objects/layout.ts";
import type { CacheFile } from "../../../store/objects/unused.ts";
import { readPointers, readPointersAt } from "../../../store/pointers/pointers.ts";
import type { Pointer } from "../../../store/types.ts";

export interface NamedObjects {
  target: string;
  detail: string;
  count: number;
  bytes: number;
}

const MOST_TAGS = 50;
const MOST_COMMITS = 20;

/**
 * Grouped by path and the newest place that names it, the worktree first; the rest is told in one line. Reads only a bounded number of
 * commits. `told`: which pointer it was that named an object.
 */
export function namesOf(project: Project, unused: readonly CacheFile[], told?: (key: string, pointer: Pointer) => void): NamedObjects[] {
  if (unused.length === 0) return [];
  const left = new Map(unused.map((file) => [keyOf(file), file]));
  const cache = openCache(project);
  const groups = new Map<string, NamedObjects>();
  const take = (key: string, pointer: Pointer, detail: string) => {
    const file = left.get(key);
    if (file === undefined) return;
    left.delete(key);
    told?.(key, pointer);
    const target = pointer.path;
    const group = groups.get(`${target}\0${detail}`) ?? { target, detail, count: 0, bytes: 0 };
    groups.set(`${target}\0${detail}`, { ...group, count: group.count + 1, bytes: group.bytes + file.size });
  };
  for (const { pointersOf, label } of places(project)) {
    if (left.size === 0) break;
    for (const pointer of unlessUnreadable(pointersOf) ?? []) {
      const { hash, hashName } = pointer;
      if (hash === null) continue;
      if (hash.endsWith(".dir"))
        for (const { md5 } of unlessUnreadable(() => readListing(cache.dir, { hash, hashName })) ?? [])
          take(keyOf({ hash: md5, hashName }), pointer, label);
      take(keyOf({ hash, hashName }), pointer, label);
    }
  }
  const rest = [...left.values()];
  if (rest.length > 0)
    groups.set("", {
      target: cache.dir,
      detail: "named by no tag or recent commit",
      count: rest.length,
      bytes: rest.reduce((sum, { size }) => sum + size, 0),
    });
  return [...groups.values()];
}

interface NamingPlace {
  pointersOf: () => Pointer[];
  label: string;
}

function places(project: Project): NamingPlace[] {
  const { repository } = project;
  const here = { pointersOf: () => readPointers(project), label: "here" };
  const at = (rev: string, label: string) => ({ pointersOf: () => readPointersAt(project, rev), label });
  if (repository === null) return [here];
  const list = (args: string[]) => git(repository, args).split("\n").filter(Boolean);
  const tags = list(["for-each-ref", `--count=${MOST_TAGS}`, "--sort=-creatordate", "--format=%(refname)", "refs/tags"]);
  const commits = list(["log", "--no-show-signature", "--all", `--max-count=${MOST_COMMITS}`, "--format=%H"]);
  return [here, ...tags.map((rev) => at(rev, rev.replace("refs/tags/", ""))), ...commits.map((rev) => at(rev, rev.slice(0, 7)))];
}

/** Only names are wanted: a commit or a listing that cannot be read gives none. */
function unlessUnreadable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}
