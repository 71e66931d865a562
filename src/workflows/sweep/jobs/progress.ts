/** What a person sees of a sweep that goes on: a line for each run that has ended, and on a terminal how it stands now. */

import { shellWord } from "../../../platform/shell-word.ts";
import { readFacts } from "../../run/run-facts.ts";
import type { OpenSweep } from "../open-sweep.ts";
import type { Pace } from "../request.ts";
import { countText, type Ended, finishedRuns, isEnded, isSettled, jobStates } from "../state.ts";
import type { Sweep } from "../sweep-journal.ts";
import { bestRun, rankRuns } from "../winner.ts";

const DRAW_MS = 500;
const MOST_LINES = 12;

export function watchProgress(sweep: OpenSweep, pace: Pace): { ended(run: Ended): void; end(): void } {
  const { context, id, state } = sweep;
  const done = new Set(jobStates(state()).flatMap(({ state: one }, job) => (one === "missing" ? [] : [job])));
  context.report({ kind: "step", text: `sweep   ${id}: ${countText(state())}, ${pace.jobs} at once` });
  const draw = () => context.report({ kind: "board", lines: boardOf(sweep, pace) });
  const timer = setInterval(draw, DRAW_MS);
  let isOver = false;
  return {
    ended(run) {
      if (run.end.status === "finished" || isSettled(run.end)) done.add(run.job);
      context.report({ kind: "step", text: endLine(sweep, run, done.size) });
    },
    end() {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      context.report({ kind: "board", lines: [] });
    },
  };
}

/** `3/64    quiet-otter-0412  lr=0.1 l2=0  accuracy=0.9333 (12.4 s)`. */
function endLine({ project, state }: OpenSweep, { run, job, end }: Ended, done: number): string {
  const now = state();
  const metric = now.request.ending.metric ?? Object.keys(project.config.metrics)[0] ?? Object.keys(end.metrics)[0];
  const number = metric === undefined || end.metrics[metric] === undefined ? "" : `${metric}=${end.metrics[metric]}`;
  const how =
    end.status === "finished"
      ? number
      : `${end.status}${end.cause === null ? "" : ` (${end.cause})`}${end.exitCode ? ` (exit code ${end.exitCode})` : ""}`;
  const settings = settingsText(now.jobs[job] ?? {});
  return [`${done}/${now.jobs.length}`.padEnd(7), `${run} `, settings, how, `(${end.seconds.toFixed(1)} s)`].filter(Boolean).join(" ");
}

function boardOf({ project, context, state }: OpenSweep, pace: Pace): string[] {
  const now = state();
  const running = now.attempts.filter((attempt) => !isEnded(attempt));
  const at = context.clock().getTime();
  const lines = running.slice(0, MOST_LINES).map(({ run, job }) => {
    const started = Date.parse(readFacts(project, run)?.startedAt ?? "");
    const seconds = Number.isNaN(started) ? "" : `${Math.round((at - started) / 1000)} s`;
    return `  running ${run}  ${settingsText(now.jobs[job] ?? {})}  ${seconds}`;
  });
  const more = running.length > MOST_LINES ? [`  … and ${running.length - MOST_LINES} more`] : [];
  return [...lines, ...more, `  ${[countText(now), bestText(project, now), leftText(now, pace)].filter(Boolean).join(" · ")}`];
}

function bestText(project: OpenSweep["project"], { jobs, attempts, request }: Sweep): string {
  const runs = finishedRuns({ jobs, attempts });
  const { repeat } = request;
  const ranking = rankRuns(project, { runs, jobs, repeat, metric: request.ending.metric, versions: [] });
  const best = ranking === null ? null : bestRun(ranking, { jobs, repeat });
  if (ranking === null || best === null) return "";
  const { settings, value, mean, runs: n, asked } = best;
  const number = mean === null ? value : `${mean} (mean of ${n} of ${asked})`;
  const named = mean === null ? settings : (ranking.groups[0]?.settings ?? {});
  return `best so far ${ranking.metric}=${number} (${settingsText(named)})`;
}

/** By the mean of what has ended. */
function leftText(now: Sweep, { jobs }: Pace): string {
  const ended = now.attempts.filter(isEnded);
  const missing = jobStates(now).filter(({ state }) => state === "missing").length;
  if (ended.length === 0 || missing === 0) return "";
  const mean = ended.reduce((sum, { end }) => sum + end.seconds, 0) / ended.length;
  const seconds = Math.ceil((mean * missing) / jobs);
  return `about ${seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
}

function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => shellWord(`${name}=${value}`))
    .join(" ");
}
