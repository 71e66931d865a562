/**
 * What we know about publishing without asking a remote: a version made here carries a marker until `publish` or `sync`
 * has seen its tag on the remote. No marker says nothing: the tag may have come from the remote or been pushed by hand.
 */
import type { RefChange } from "../git/refs.ts";

/** The marker's ref; it points to the tag's own object, so a marker of an earlier tag of that name does not count. */
export function unpublishedRef(name: string): string {
  return `refs/expver/unpublished/${name}`;
}

/** The changes that make a version's tag: to be done, and journaled, in one step. `object`: the tag's own. */
export function newTagChanges(name: string, object: string): RefChange[] {
  return [
    { ref: `refs/tags/${name}`, before: null, after: object },
    { ref: unpublishedRef(name), before: null, after: object },
  ];
}
