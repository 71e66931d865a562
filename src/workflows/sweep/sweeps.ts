/** `expver sweep list | show | stop`: sweeps that go on, wait to be resumed, or are over. */
import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { localLauncher } from "../../launchers/local.ts";
import { lifeOf } from "../../platform/processes.ts";
import { counted } from "../../platform/words.ts";
import { readVersions } from "../../versions/registry.ts";
import type { Version } from "../../versions/types.ts";
import type { Input, Plan, ReadWorkflow, WriteWorkflow } from "../contract.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { requestStop } from "../run/program/execute.ts";
import { runFolder } from "../run/run-facts.ts";
import { refuseAnothers } from "../runs/runs.ts";
import { type FirstFailure, firstFailure } from "./ending/first-failure.ts";
import { type SettingView, type SweepRunView, settingViews, viewOf } from "./ending/views.ts";
import { standingResult } from "./standing.ts";
import { countText, finishedRuns, isEnded } from "./state.ts";
import { findSweep, listSweeps, type Sweep, sweepFolder } from "./sweep-journal.ts";
import { type BestRun, bestRun, type Ranking, rankRuns } from "./winner.ts";

export interface SweepView {
  sweep: string;
  /** "waiting": nobody works on it, and runs are missing or it was not ended: `--resume`. */
  state: "running" | "waiting" | "over";
  counts: string;
  version: string | null;
  message: string | null;
  command: string;
  since: string;
  /** The process that works on it. */
  pid: number | null;
  metric: string | null;
  best: BestRun | null;
}

export const sweepList: ReadWorkflow<Input, { sweeps: SweepView[] }> = {
  async read(context) {
    const project = openProject(context);
    const versions = versionsOf(project);
    return { sweeps: listSweeps(project).map((sweep) => summaryOf(project, sweep, versions)) };
  },
};

export type SweepDetails = SweepView & { runs: SweepRunView[]; settings: SettingView[]; failure: FirstFailure | null };

export const sweepShow: ReadWorkflow<Input, SweepDetails> = {
  async read(context, input) {
    const project = openProject(context);
    const sweep = findSweep(project, textIn(input.sweep));
    const ranking = rankingOf(project, sweep, versionsOf(project));
    return {
      ...summaryOf(project, sweep),
      runs: viewOf(sweep),
      settings: settingViews(sweep, ranking),
      failure: firstFailure(project, sweep),
    };
  },
};

export interface StopSweepPlan extends Plan {
  sweep: Sweep;
  now: boolean;
}

export const sweepStop: WriteWorkflow<Input, StopSweepPlan, SweepView> = {
  async plan(context, input) {
    const project = openProject(context);
    const sweep = findSweep(project, textIn(input.sweep));
    const running = await runningIn(project, sweep);
    const isWatched = summaryOf(project, sweep).state === "running";
    if (!isWatched && running.length === 0) {
      throw new ExpverError("E_NOT_FOUND", `${sweep.id} does not run here`, { hint: "`expver sweep list` shows those that do." });
    }
    const now = input.now === true;
    if (now && !isWatched) for (const { id, pid } of running) refuseAnothers(id, pid);
    const detail = now ? "SIGTERM now" : "they may end; nothing further is started";
    return {
      command: "sweep stop",
      steps: [{ verb: "stop", target: sweep.id, detail: `${counted(running.length, "running program")}: ${detail}` }],
      destructive: false,
      fingerprint: fingerprintOf({ sweep: sweep.id, now, running }),
      sweep,
      now,
    };
  },

  /** Leaves word for whoever conducts it; programs without one are stopped from here, and recorded by the next `--resume`. */
  async apply(context, { sweep, now }) {
    const project = openProject(context);
    requestStop(sweepFolder(project, sweep.id), now ? "now" : "soon");
    if (now && summaryOf(project, sweep).state !== "running") {
      for (const { id } of await runningIn(project, sweep)) {
        const job = { id, folder: runFolder(project, id) };
        requestStop(job.folder, "SIGTERM");
        await localLauncher().stop(job, "SIGTERM");
      }
    }
    return summaryOf(project, sweep);
  },
};

async function runningIn(project: Project, { attempts }: Sweep): Promise<{ id: string; pid: number }[]> {
  const open = attempts.filter((attempt) => !isEnded(attempt)).map(({ run }) => ({ id: run, folder: runFolder(project, run) }));
  const states = await localLauncher().states(open);
  return open.flatMap(({ id }) => {
    const status = states.get(id);
    return status?.state === "running" && status.process !== null ? [{ id, pid: status.process.pid }] : [];
  });
}

function versionsOf(project: Project): Version[] {
  return project.repository === null ? [] : readVersions(project);
}

function rankingOf(project: Project, sweep: Sweep, versions: readonly Version[]): Ranking | null {
  const { jobs, request } = sweep;
  return rankRuns(project, { runs: finishedRuns(sweep), jobs, repeat: request.repeat, metric: request.ending.metric, versions });
}

function summaryOf(project: Project, sweep: Sweep, versions: readonly Version[] = versionsOf(project)): SweepView {
  const { id, jobs, attempts, request, owner } = sweep;
  const result = project.repository === null ? sweep.result : standingResult(project, sweep, () => versions);
  const isWatched = result === null && owner !== null && lifeOf(owner) !== "dead";
  const ranking = rankingOf(project, sweep, versions);
  return {
    sweep: id,
    state: result !== null ? "over" : isWatched ? "running" : "waiting",
    counts: countText({ jobs, attempts }),
    version: result?.version ?? null,
    message: request.message,
    command: sweep.argv.join(" "),
    since: sweep.since,
    pid: isWatched ? (owner?.pid ?? null) : null,
    metric: ranking?.metric ?? null,
    best: ranking === null || ranking.isGuess ? null : bestRun(ranking, { jobs, repeat: request.repeat }),
  };
}
