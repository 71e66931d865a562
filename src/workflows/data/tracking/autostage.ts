/** `core.autostage`: the files a command wrote are staged, as dvc does it. */
import type { Project } from "../../../config/project.ts";
import { git } from "../../../git/git.ts";
import { readDvcConfig } from "../../../store/dvc-config.ts";
import type { FileEdit } from "../../../store/types.ts";

export function autostage(project: Project, edits: readonly FileEdit[]): void {
  const paths = edits.filter(({ before, after }) => before !== after).map(({ path }) => path);
  if (project.repository === null || paths.length === 0 || !readDvcConfig(project).autostage) return;
  git(project.repository, ["add", "--all", "--", ...paths]);
}
