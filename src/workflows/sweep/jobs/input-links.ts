/**
 * Whether runs of a sweep get copies of their inputs or links to the cache. A program can spoil what a link leads to, so links are
 * for what is too large to be copied for every run at once, and for whoever has asked for them.
 */
import { isUnder, storedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { writesReadOnlyFiles } from "../../../platform/links.ts";
import { linkSetting } from "../../../store/settings/dvc-config.ts";
import type { Pointer } from "../../../store/types.ts";
import { LINKED_ABOVE, LINKS_FIRST } from "../../../store/worktree/link-rule.ts";
import type { Step } from "../../contract.ts";

export interface InputLinks {
  /** `cache.type` of a workspace; null: DVC's default, which copies where the file system cannot share blocks. */
  setting: string | null;
  /** For the plan: what is out of the ordinary. */
  steps: Step[];
}

/** `mayLink`: as asked by --link, also for somebody who writes to what is read-only. */
export function inputLinks(
  project: Project,
  pointers: readonly Pointer[],
  { mayLink, isRoot = writesReadOnlyFiles() }: { mayLink: boolean; isRoot?: boolean },
): InputLinks {
  const set = linkSetting(project);
  if (set !== null) return { setting: set, steps: [] };
  const bytes = dataOf(project, pointers).reduce((sum, { size = 0 }) => sum + size, 0);
  if (bytes <= LINKED_ABOVE) return { setting: null, steps: [] };
  const step = (detail: string): Step[] => [{ verb: "place", target: "inputs above 1 GiB", detail }];
  if (isRoot && !mayLink) {
    const detail = "copied for each of the runs at once, as you are root and could write through a link to the cache; --link makes links";
    return { setting: null, steps: step(detail) };
  }
  return { setting: LINKS_FIRST.join(","), steps: step("read-only links to the cache, where the file system cannot share blocks") };
}

/** All but results and candidates: a job has a shard of its own, and leaves its model to be made one. */
export function dataOf(project: Project, pointers: readonly Pointer[]): Pointer[] {
  const { results, models } = project.config;
  const own = [results.database, models.candidates].map((path) => storedPath(project, path));
  return pointers.filter(({ path, cache }) => cache && !isUnder(path, own));
}
