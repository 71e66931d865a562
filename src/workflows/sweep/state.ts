/** Which jobs of a sweep are done, which are settled, which are missing. */
import { counted } from "../../platform/words.ts";
import type { Attempt, RunEnd, Sweep } from "./sweep-journal.ts";

/** An attempt that has been closed. */
export type Ended = Attempt & { end: RunEnd };

export type JobState =
  /** Its program ended well. */
  | { state: "finished"; attempt: Ended }
  /** Its program failed, or took longer than it may. */
  | { state: "failed"; attempt: Ended }
  /** Never started, or killed. */
  | { state: "missing"; attempt: Attempt | null };

export function jobStates({ jobs, attempts }: Pick<Sweep, "jobs" | "attempts">): JobState[] {
  const ofJob = new Map<number, Attempt[]>();
  for (const attempt of attempts) {
    const own = ofJob.get(attempt.job);
    if (own === undefined) ofJob.set(attempt.job, [attempt]);
    else own.push(attempt);
  }
  return jobs.map((_settings, job): JobState => {
    const own = ofJob.get(job) ?? [];
    const ended = own.filter((attempt): attempt is Ended => attempt.end !== null);
    const finished = ended.find(({ end }) => end.status === "finished");
    if (finished !== undefined) return { state: "finished", attempt: finished };
    const last = own.at(-1);
    if (last === undefined) return { state: "missing", attempt: null };
    return isEnded(last) && isSettled(last.end) ? { state: "failed", attempt: last } : { state: "missing", attempt: last };
  });
}

export function isEnded(attempt: Attempt): attempt is Ended {
  return attempt.end !== null;
}

/** The same again would most likely come to the same. */
export function isSettled({ status, cause }: RunEnd): boolean {
  return status === "failed" || cause === "time limit";
}

export function finishedRuns(sweep: Pick<Sweep, "jobs" | "attempts">): Ended[] {
  return jobStates(sweep).flatMap((job) => (job.state === "finished" ? [job.attempt] : []));
}

/** `6 runs · 4 finished · 1 failed · 1 missing`. */
export function countText(sweep: Pick<Sweep, "jobs" | "attempts">): string {
  const states = jobStates(sweep);
  const count = (wanted: JobState["state"]) => states.filter(({ state }) => state === wanted).length;
  const parts = (["finished", "failed", "missing"] as const).flatMap((state) => (count(state) === 0 ? [] : [`${count(state)} ${state}`]));
  return [counted(states.length, "run"), ...parts].join(" · ");
}
