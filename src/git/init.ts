/** Making a repository. */
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { runProcess } from "../platform/processes.ts";
import { environmentOf } from "./git.ts";

/** `git init` in a folder that is in no repository, with the user's own template and default branch. */
export function initRepository(context: Context, folder: string): void {
  const answer = runProcess("git", ["init", "--quiet", "--", folder], { cwd: folder, env: environmentOf(context) });
  if (answer.code !== 0) throw new ExpverError("E_GIT", `git init: ${answer.stderr.trim()}`, { details: { folder, code: answer.code } });
}
