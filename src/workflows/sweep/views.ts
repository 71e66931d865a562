/** The jobs of a sweep as they are shown. */
import { type JobState, jobStates } from "./state.ts";
import type { Sweep } from "./sweep-journal.ts";

export interface SweepRunView {
  settings: Record<string, string>;
  state: JobState["state"];
  /** Null: never started. */
  run: string | null;
  /** Of its last attempt. */
  status: string | null;
  cause: string | null;
  exitCode: number | null;
  seconds: number | null;
  metrics: Record<string, string>;
}

export function viewOf(now: Pick<Sweep, "jobs" | "attempts">): SweepRunView[] {
  return jobStates(now).map(({ state, attempt }, job) => {
    const end = attempt?.end ?? null;
    return {
      settings: now.jobs[job] ?? {},
      state,
      run: attempt?.run ?? null,
      status: end?.status ?? (attempt === null ? null : "running"),
      cause: end?.cause ?? null,
      exitCode: end?.exitCode ?? null,
      seconds: end?.seconds ?? null,
      metrics: end?.metrics ?? {},
    };
  });
}
