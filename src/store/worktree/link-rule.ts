/** When data is linked to the cache by itself: what a worktree and the workspaces of a sweep have in common. */
import type { LinkType } from "../../platform/links.ts";

/** Up to so many bytes are copied where blocks cannot be shared; more are links into the cache that cannot be written to. */
export const LINKED_ABOVE = 1024 ** 3;

export const LINKS_FIRST: readonly LinkType[] = ["reflink", "hardlink", "symlink"];
