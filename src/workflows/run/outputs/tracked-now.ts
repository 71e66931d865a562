/** What has pointers at the end of a run, whatever was left there meanwhile. */
import type { Project } from "../../../config/project.ts";
import { failedWith } from "../../../errors.ts";
import { type Tracked, trackedOf } from "../../../store/pointers/pointers.ts";
import type { Pointer } from "../../../store/types.ts";

/** What was tracked at the start where somebody has left a pointer meanwhile that cannot be read: after hours that is no reason to keep nothing. */
export function trackedNow(project: Project, atStart: readonly Pointer[]): Tracked {
  try {
    return trackedOf(project, null);
  } catch (error) {
    if (!failedWith(error, "E_POINTER")) throw error;
    return { pointers: [...atStart], pipelines: () => [] };
  }
}
