/** `core.autostage`: the files a command wrote are staged as dvc does it: those of `add`, `import` and `move`, but for an ignore file that went. */
import { basename } from "node:path";
import type { Project } from "../../../config/project.ts";
import { git } from "../../../git/git.ts";
import { stageFiles } from "../../../git/stage.ts";
import { readDvcConfig } from "../../../store/settings/dvc-config.ts";
import type { FileEdit } from "../../../store/types.ts";

export function autostage(project: Project, edits: readonly FileEdit[]): void {
  // A pointer also when it is as it was: it may have been changed, or taken out of the index, since.
  const isStaged = ({ path, before, after }: FileEdit) =>
    path.endsWith(".dvc") || (before !== after && !(after === null && basename(path) === ".gitignore"));
  const staged = edits.filter(isStaged);
  const { repository } = project;
  if (repository === null || staged.length === 0 || !readDvcConfig(project).autostage) return;
  const pathsOf = (some: readonly FileEdit[]) => some.map(({ path }) => path);
  stageFiles(repository, pathsOf(staged.filter(({ after }) => after !== null)));
  const gone = pathsOf(staged.filter(({ after }) => after === null));
  // What Git never had is no fault.
  if (gone.length > 0) git(repository, ["--literal-pathspecs", "rm", "--cached", "--quiet", "--ignore-unmatch", "--", ...gone]);
}
