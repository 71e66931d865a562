/** The jobs of a sweep as they are shown. */
import { type JobState, jobStates } from "../state.ts";
import type { Sweep } from "../sweep-journal.ts";
import { isNumber, type Ranking } from "../winner.ts";

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

/** One of the settings that were each to run with several seeds. */
export interface SettingView {
  settings: Record<string, string>;
  /** Of the runs that have a number. */
  mean: string | null;
  runs: number;
  asked: number;
  /** `1 failed`: it does not win while another setting lacks nothing. Null: nothing. */
  lacks: string | null;
}

/** Best first; empty where nothing was repeated, or no run has a number. */
export function settingViews(now: Pick<Sweep, "jobs" | "attempts" | "request">, ranking: Ranking | null): SettingView[] {
  if (ranking === null || now.request.repeat === 1) return [];
  const { groups, metric } = ranking;
  const states = jobStates(now);
  return groups.map(({ settings, mean, counted, asked, jobs }) => {
    const reasons = jobs.flatMap((job) => lackOf(states[job], metric) ?? []);
    const parts = ["failed", "missing", `without ${metric}`].flatMap((reason) => {
      const count = reasons.filter((one) => one === reason).length;
      return count === 0 ? [] : [`${count} ${reason}`];
    });
    return { settings, mean, runs: counted, asked, lacks: parts.length === 0 ? null : parts.join(", ") };
  });
}

function lackOf(job: JobState | undefined, metric: string): string | null {
  if (job?.state !== "finished") return job?.state ?? null;
  return isNumber(job.attempt.end.metrics[metric]) ? null : `without ${metric}`;
}
