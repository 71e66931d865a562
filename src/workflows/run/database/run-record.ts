/** The row of `expver_runs` a run begins with. */
import { hostname, userInfo } from "node:os";
import type { RunRecord } from "../../../results/types.ts";
import { seedName } from "../../../versions/seed-name.ts";
import type { ClosingRun } from "../open-run.ts";

export interface RecordExtras {
  /** Fit to be shown. */
  argv: readonly string[];
  environment: string;
  patch: string | null;
  /** Secrets hidden. */
  params: Record<string, string>;
  /** ISO 8601. */
  start: string;
}

export function recordOf(
  { runId, project, facts }: Pick<ClosingRun, "runId" | "project" | "facts">,
  { argv, environment, patch, params, start }: RecordExtras,
): RunRecord {
  const { snapshot, dvcHash, dirty, command, message } = facts();
  const { host, user } = project.config.record;
  return {
    run_id: runId,
    // A run has its version once it has earned it.
    version: null,
    status: "running",
    command,
    argv: JSON.stringify(argv),
    params: JSON.stringify(params),
    metrics: "{}",
    message,
    start,
    end: null,
    exit_code: null,
    signal: null,
    git_commit: snapshot,
    dvc_hash: dvcHash,
    dirty: dirty ? 1 : 0,
    patch,
    changed_during_run: null,
    environment,
    // Relative to our state folder: the row travels to other machines.
    log: `runs/${runId}/log`,
    seed: seedOf(params),
    host: host ? hostname() : null,
    user: user ? userName() : null,
  };
}

function seedOf(params: Readonly<Record<string, string>>): string | null {
  const name = seedName(Object.keys(params));
  return name === undefined ? null : (params[name] ?? null);
}

/** A user id without a name (containers) is no reason to fail. */
function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}
