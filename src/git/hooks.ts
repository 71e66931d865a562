/** Whether Git would call anything at a certain moment. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "./git.ts";
import { knownSettings } from "./settings.ts";

/** False only when there is none for certain: in another folder, or by a setting, git must look itself. */
export function mayHaveHook(repository: Repository, name: string): boolean {
  const settings = knownSettings(repository);
  const isConfigured = settings.has("core.hookspath") || [...settings.keys()].some((key) => key.startsWith("hook."));
  return isConfigured || existsSync(join(repository.commonDir, "hooks", name));
}
