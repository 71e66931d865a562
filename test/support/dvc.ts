/** Real dvc as the referee. */
import { join } from "node:path";
import { peer } from "./peers.ts";
import type { CommandResult, TestRepository } from "./repository.ts";

export const HAS_DVC = peer("dvc") !== null;

const SCRIPT = join(import.meta.dirname, "dvc-calls.py");

export interface DvcCall {
  args: string[];
  /** Where; default: the repository the calls are made for. */
  in?: TestRepository;
}

/** Runs dvc command lines one after another, all in one process because dvc is slow to start. Throws when one fails. */
export function dvcCalls(repository: TestRepository, calls: readonly (string[] | DvcCall)[]): CommandResult[] {
  const asked = calls.map((call) => (Array.isArray(call) ? { args: call } : call));
  const input = JSON.stringify(asked.map(({ args, in: other = repository }) => ({ cwd: other.root, args })));
  const env = { DVC_SITE_CACHE_DIR: join(repository.root, "../site") };
  const { code, stdout, stderr } = repository.run(peer("python") ?? "", [SCRIPT], { input, env });
  if (code !== 0) throw new Error(`dvc (exit ${code}): ${stderr}`);
  const results = JSON.parse(stdout) as CommandResult[];
  for (const [index, result] of results.entries()) {
    if (result.code !== 0) throw new Error(`dvc ${asked[index]?.args.join(" ")} (exit ${result.code}): ${result.stderr}`);
  }
  return results;
}

/** What `--json` printed; nothing printed means nothing to say. */
export function jsonOf(result: CommandResult | undefined): unknown {
  return JSON.parse(result?.stdout.trim() || "{}");
}
