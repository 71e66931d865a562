/** The project a pointer belongs to, which may lie below the folder Git works in. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { openProject, type Project } from "../../config/project.ts";
import { findRepository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";

/** `file`: relative to the worktree's top. Its folder may be gone in a branch that has no such file. */
export function projectOf(context: Context, file: string): Project {
  const repository = findRepository(context);
  if (repository === null) return openProject(context);
  let folder = dirname(join(repository.root, file));
  while (!existsSync(folder) && folder !== repository.root) folder = dirname(folder);
  // A GIT_DIR that a hook was given would be looked for from there.
  const env = { ...context.env, GIT_DIR: repository.gitDir, GIT_WORK_TREE: repository.root };
  return openProject({ ...context, cwd: folder, env });
}
