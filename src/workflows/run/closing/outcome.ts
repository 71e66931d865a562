/** What a run answers: to a person as three lines, to a program as data. */
import { join } from "node:path";
import { ExpverError } from "../../../errors.ts";
import { orderMetrics } from "../../../versions/suggest.ts";
import type { ArtifactEntry } from "../../../versions/types.ts";
import type { Collected } from "../database/collect.ts";
import type { ClosingRun } from "../open-run.ts";
import type { Outputs } from "../outputs/outputs.ts";
import type { LeftFiles, RunFacts } from "../run-facts.ts";
import type { HeldBack } from "../snapshot/snapshot-selection.ts";

export interface RunOutcome {
  run_id: string;
  status: RunFacts["status"];
  /** Tag name; null: the run has no version. */
  version: string | null;
  /** First line of the tag. */
  tagLine: string | null;
  /** What it tries, as its version says; null: the run has no version and nobody said it. */
  description: string | null;
  /** Nobody said it: it is what was found to differ from the version before. */
  proposed: boolean;
  /** False: the tag's commit is on no branch (the branch moved meanwhile, or `--no-commit`). */
  onBranch: boolean;
  /** Snapshot commit S and results commit R. */
  snapshot: string | null;
  results: string | null;
  dvc_hash: string | null;
  dirty: boolean;
  /** Exact text; secrets are `***`. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** Name of the metric that decides, when the run has one. */
  primaryMetric: string | null;
  rows: number;
  outputs: ArtifactEntry[];
  heldBack: HeldBack[];
  changed_during_run: string[];
  /** What it wrote that is in no version; null: nothing. */
  left: LeftFiles | null;
  /** The program's own. */
  exit_code: number | null;
  signal: string | null;
  /** Why the run has failed though its program ended well; null: it has not. */
  problem: string | null;
  seconds: number;
  /** Absolute path. */
  log: string;
  published: boolean;
  /** The run goes on behind this answer. */
  detached: boolean;
  /** Commands to type next. */
  next: string[];
}

export interface OutcomeParts {
  collected: Collected;
  outputs: Outputs;
  onBranch: boolean;
  /** First line of the tag. */
  line: string | null;
}

/** Of a run whose facts are final. */
export function outcomeOf({ runId, folder, project, facts }: ClosingRun, { collected, outputs, onBranch, line }: OutcomeParts): RunOutcome {
  const now = facts();
  const ended = now.endedAt === null ? Number.NaN : Date.parse(now.endedAt);
  return {
    run_id: runId,
    status: now.status,
    version: now.version,
    tagLine: line,
    description: now.message,
    proposed: now.closing.proposed === true,
    onBranch: onBranch,
    snapshot: now.snapshot,
    results: now.results,
    dvc_hash: now.dvcHash,
    dirty: now.dirty,
    params: collected.params,
    metrics: collected.metrics,
    primaryMetric: orderMetrics(project.config.metrics, collected.metrics)[0]?.name ?? null,
    rows: collected.rows,
    outputs: outputs.artifacts,
    heldBack: now.closing.heldBack,
    changed_during_run: now.changedDuringRun,
    left: now.left ?? null,
    exit_code: now.exitCode,
    signal: now.signal,
    problem: now.problem ?? null,
    seconds: Math.max(0, (ended - Date.parse(now.startedAt)) / 1000),
    log: join(folder, "log"),
    published: false,
    detached: false,
    next: now.version === null ? [] : [`expver publish ${now.version}`],
  };
}

/** A run that did not do well is a failure of the command; its data rides along. */
export function refuseOutcome(outcome: RunOutcome): void {
  const { run_id: runId, status, exit_code: code, signal, problem, log } = outcome;
  const details = { run: runId, data: outcome };
  const kept = `its rows and log are kept, no version was used`;
  if (status === "failed") {
    // What a shell answers for a program that a signal ended; 9 is what the system sends when memory runs out.
    const meaning = code === 137 ? " (killed by signal 9, often for want of memory)" : "";
    const why = problem ?? `its program ended with exit code ${code}${meaning}`;
    throw new ExpverError("E_RUN_FAILED", `run ${runId} failed: ${why}; ${kept}`, {
      hint: `Read its output: expver runs logs ${runId}. Make a version of it all the same: expver tag VERSION --run ${runId}`,
      details,
    });
  }
  if (status === "killed") {
    throw new ExpverError("E_RUN_KILLED", `run ${runId} was killed (${signal ?? "no end was seen"}); ${kept}`, {
      hint: `Its log is ${log}. Repeat the command, or make a version of what there is: expver tag VERSION --run ${runId}`,
      details,
    });
  }
}
