/**
 * What we know about publishing without asking a remote: a version made here carries a marker until `publish` or `sync`
 * has seen its tag on the remote. No marker says nothing: the tag may have come from the remote or been pushed by hand.
 */
import { git, type Repository } from "../git/git.ts";
import { type RefChange, readRef } from "../git/refs.ts";

/** The marker's ref; it points to the tag's own object, so a marker of an earlier tag of that name does not count. */
export function unpublishedRef(name: string): string {
  return `refs/expver/unpublished/${name}`;
}

/**
 * The changes that make a version's tag: to be done, and journaled, in one step. `object`: the tag's own; `marker`: of an earlier tag of that
 * name, which whoever deleted that by hand has left.
 */
export function newTagChanges(name: string, object: string, marker: string | null): RefChange[] {
  return [
    { ref: `refs/tags/${name}`, before: null, after: object },
    { ref: unpublishedRef(name), before: marker, after: object },
  ];
}

/** Null: there is none. */
export function markerOf(repository: Repository, name: string): string | null {
  return readRef(repository, unpublishedRef(name));
}

/** The changes that take the markers of tags away that were seen on a remote, `object` being the tag's own. One git process. */
export function seenChanges(repository: Repository, seen: readonly { name: string; object: string }[]): RefChange[] {
  if (seen.length === 0) return [];
  const markers = new Set(git(repository, ["for-each-ref", "--format=%(objectname) %(refname)", unpublishedRef("")]).split("\n"));
  return seen.flatMap(({ name, object }) => {
    const ref = unpublishedRef(name);
    return markers.has(`${object} ${ref}`) ? [{ ref, before: object, after: null }] : [];
  });
}
