/** Which pointers dvc finds when none is named: `.dvcignore` may leave out their files, or a folder of them. */
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { leavingOut } from "../settings/dvcignore.ts";

/** For paths of `.dvc`, `dvc.yaml` and `dvc.lock` files, from the top. */
export function comingUpon(project: Project, isLeftOut = leavingOut(project)): (file: string) => boolean {
  // A lock is never looked for by itself.
  return (file) => !isLeftOut(absolutePath(project, file.replace(/(^|\/)dvc\.lock$/, "$1dvc.yaml")), false);
}
