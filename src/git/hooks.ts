/** What Git would call at a certain moment, and calling it. */
import { accessSync, constants, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ProcessResult, runProcess } from "../platform/processes.ts";
import { git, gitResult, type Repository } from "./git.ts";
import { knownSettings } from "./settings.ts";

/** False only when there is none for certain: in another folder, or by a setting, git must look itself. */
export function mayHaveHook(repository: Repository, name: string): boolean {
  const settings = knownSettings(repository);
  const isConfigured = settings.has("core.hookspath") || [...settings.keys()].some((key) => key.startsWith("hook."));
  return isConfigured || existsSync(join(repository.commonDir, "hooks", name));
}

/** Calls a hook that takes no arguments, if there is one, and answers how it ended. */
export function runHook(repository: Repository, name: string, env: Record<string, string>): ProcessResult {
  const answer = gitResult(repository, ["hook", "run", "--ignore-missing", name], {
    env,
    allow: Array.from({ length: 255 }, (_, code) => code + 1),
  });
  return answer.code === 1 && /'hook' is not a git command/.test(answer.stderr) ? runHookFile(repository, name, env) : answer;
}

/** As Git before 2.36 does it within its commands only: a hook without a first line that says otherwise is the shell's. */
function runHookFile(repository: Repository, name: string, env: Record<string, string>): ProcessResult {
  const file = resolve(repository.root, git(repository, ["rev-parse", "--git-path", `hooks/${name}`]).trimEnd());
  if (!isExecutable(file)) return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
  return runProcess("sh", ["-c", 'exec "$0"', file], { cwd: repository.root, env: { ...repository.env, ...env } });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
