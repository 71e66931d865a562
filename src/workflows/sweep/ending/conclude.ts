/** What is done once no run goes on any more: the end of the sweep, or only the rows of what there is. */
import { ExpverError } from "../../../errors.ts";
import { perform } from "../../../journal/perform.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { readVersions } from "../../../versions/registry.ts";
import { noDescription } from "../../describe/edit.ts";
import { warnNumberless } from "../../run/closing/number-warnings.ts";
import { publishMade } from "../../run/closing/publish-made.ts";
import { lackingRows } from "../../run/database/lacking-rows.ts";
import { placesOf } from "../../run/places.ts";
import type { PoolOutcome } from "../jobs/pool.ts";
import type { OpenSweep } from "../open-sweep.ts";
import { gatherRows } from "../rows/gather.ts";
import { countText, finishedRuns, jobStates } from "../state.ts";
import { type BestRun, bestRun, type Ranking, rankRuns } from "../winner.ts";
import { describeSweep, endSweep, type SweepEnd } from "./ending.ts";
import { type FirstFailure, failureText, firstFailure } from "./first-failure.ts";
import type { Promotion } from "./promote-winner.ts";
import { warnUnread } from "./unread.ts";
import { type SettingView, type SweepRunView, settingViews, viewOf } from "./views.ts";

export interface SweepOutcome {
  sweep: string;
  /** `6 runs · 5 finished · 1 failed`. */
  counts: string;
  runs: SweepRunView[];
  /** With repetitions: what they say together, best first. */
  settings: SettingView[];
  metric: string | null;
  direction: "max" | "min" | null;
  best: BestRun | null;
  version: string | null;
  tagLine: string | null;
  results: string | null;
  onBranch: boolean;
  candidates: number;
  kept: number;
  promotion: Promotion | null;
  published: boolean;
  /** Null: every run that was begun has finished. */
  failure: FirstFailure | null;
  next: string[];
  /** 1 when not every run has finished. */
  exitCode: number;
}

export async function concludeSweep(
  sweep: OpenSweep,
  { outcome, partial, edit }: { outcome: PoolOutcome; partial: boolean; edit: boolean },
): Promise<SweepOutcome> {
  const { context, project, id, state, facts } = sweep;
  if (outcome.halted === "error") throw notRecorded(sweep, outcome.error);
  const now = state();
  const runs = finishedRuns(now);
  const places = placesOf(project, facts().closing.metrics);
  const lacking = await lackingRows(project, places, readPointers(project));
  const { jobs, request } = now;
  const versions = readVersions(project);
  const ranking = rankRuns(project, { runs, jobs, repeat: request.repeat, metric: request.ending.metric, versions });
  const isComplete = jobStates(now).every(({ state: one }) => one !== "missing");
  const gather = () =>
    perform(project, context, {
      command: "sweep",
      argv: ["sweep", "--resume", id],
      summary: `${id}: rows of ${countText(now)}`,
      work: (operation) => gatherRows(sweep, { operation, places, lacking, version: null }),
    });
  if (runs.length === 0 || !(isComplete || partial)) {
    await gather();
    throw incomplete(sweep, { outcome, data: outcomeOf(sweep, { ranking, end: null }) });
  }
  if (ranking === null && (facts().closing.metrics === null || facts().closing.metricsOfStage)) warnNumberless(context, `sweep ${id}`);
  warnUnread(sweep, runs);
  if (ranking?.isGuess === true && runs.length > 1) {
    context.report({
      kind: "warning",
      text: `whether a high or a low ${ranking.metric} is better stands nowhere: all ${runs.length} candidates stay, and no run is the best`,
      hint: `Say it in expver.yaml: metrics: { ${ranking.metric}: ${ranking.direction} }`,
    });
  }
  if (edit && !(await describeSweep(sweep, { ranking }))) {
    await gather();
    throw undescribed(sweep, outcomeOf(sweep, { ranking, end: null }), isComplete);
  }
  context.report({
    kind: "step",
    text: `end     ${countText(now)}: merge rows, store candidates, commit${facts().version === null ? "" : `, tag ${facts().version}`}`,
  });
  const end = await endSweep(sweep, { places, lacking, ranking });
  const done = outcomeOf(sweep, { ranking, end });
  return publishMade(context, project, { outcome: done, asked: request.ending.publish });
}

function outcomeOf(sweep: OpenSweep, { ranking, end }: { ranking: Ranking | null; end: SweepEnd | null }): SweepOutcome {
  const now = sweep.state();
  const { jobs, request } = now;
  const finished = finishedRuns(now);
  return {
    sweep: sweep.id,
    counts: countText(now),
    runs: viewOf(now),
    settings: settingViews(now, ranking),
    metric: ranking?.metric ?? null,
    direction: ranking === null || ranking.isGuess ? null : ranking.direction,
    best: ranking === null || ranking.isGuess ? null : bestRun(ranking, { jobs, repeat: request.repeat }),
    version: end?.version ?? null,
    tagLine: end?.tagLine ?? null,
    results: end?.results ?? null,
    onBranch: end?.onBranch ?? false,
    candidates: end?.candidates ?? 0,
    kept: end?.kept ?? 0,
    promotion: end?.promotion ?? null,
    published: false,
    failure: firstFailure(sweep.project, now),
    next: end === null ? [`expver sweep --resume ${sweep.id}`] : end.version === null ? [] : [`expver publish ${end.version}`],
    exitCode: finished.length === jobs.length ? 0 : 1,
  };
}

function undescribed({ id }: OpenSweep, data: SweepOutcome, isComplete: boolean): ExpverError {
  const again = `expver sweep --resume ${id}${isComplete ? "" : " --partial"}`;
  return noDescription(`no version was made; the rows of ${id} are in the results database`, `${again} -m TEXT`, { sweep: id, data });
}

function incomplete(sweep: OpenSweep, { outcome, data }: { outcome: PoolOutcome; data: SweepOutcome }): ExpverError {
  const why =
    outcome.halted === "interrupted"
      ? "was interrupted"
      : outcome.halted === "fail-fast"
        ? "stopped at the first failure"
        : "is not complete";
  const code = outcome.halted === "interrupted" ? "E_INTERRUPTED" : "E_SWEEP";
  const { failure } = data;
  const failed = failure === null ? "" : `; ${failureText(failure)}`;
  const read = failure === null ? "" : `Read its output: ${failure.read}. `;
  const partial = data.runs.some(({ state }) => state === "finished")
    ? ` A version of what has finished: expver sweep --resume ${sweep.id} --partial`
    : "";
  return new ExpverError(code, `${sweep.id} ${why}: ${data.counts}; the rows of what there is are in the results database${failed}`, {
    hint: `${read}Go on: expver sweep --resume ${sweep.id}${data.runs.some(({ state }) => state === "failed") ? " (--retry-failed: the failed ones too)" : ""}.${partial}`,
    details: { sweep: sweep.id, data },
  });
}

function notRecorded(sweep: OpenSweep, error: unknown): unknown {
  if (!(error instanceof ExpverError)) return error;
  return new ExpverError(error.code, `${sweep.id} stopped (${countText(sweep.state())}): ${error.message}`, {
    hint: `${error.hint} Then go on, nothing that has finished is lost: expver sweep --resume ${sweep.id}`,
    details: { ...error.details, sweep: sweep.id },
    cause: error,
  });
}
