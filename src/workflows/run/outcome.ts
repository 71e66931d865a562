/** What a run answers: to a person as three lines, to a program as data. */
import { ExpverError } from "../../errors.ts";
import type { ArtifactEntry } from "../../versions/types.ts";
import type { RunFacts } from "./run-facts.ts";
import type { HeldBack } from "./snapshot-selection.ts";

export interface RunOutcome {
  run_id: string;
  status: RunFacts["status"];
  /** Tag name; null: the run has no version. */
  version: string | null;
  /** First line of the tag. */
  tag_line: string | null;
  /** False: the tag's commit is on no branch (the branch moved meanwhile, or `--no-commit`). */
  on_branch: boolean;
  /** Snapshot commit S and results commit R. */
  snapshot: string | null;
  results: string | null;
  dvc_hash: string | null;
  dirty: boolean;
  /** Exact text; secrets are `***`. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** Name of the metric that decides, when the run has one. */
  primary_metric: string | null;
  rows: number;
  outputs: ArtifactEntry[];
  held_back: HeldBack[];
  changed_during_run: string[];
  /** The program's own. */
  exit_code: number | null;
  signal: string | null;
  seconds: number;
  /** Absolute path. */
  log: string;
  published: boolean;
  /** The run goes on behind this answer. */
  detached: boolean;
  /** Commands to type next. */
  next: string[];
}

/** A run that did not do well is a failure of the command; its data rides along. */
export function refuseOutcome(outcome: RunOutcome): void {
  const { run_id: runId, status, exit_code: code, signal, log } = outcome;
  const details = { run: runId, data: outcome };
  const kept = `its rows and log are kept, no version was used`;
  if (status === "failed") {
    throw new ExpverError("E_RUN_FAILED", `run ${runId} failed: its program ended with exit code ${code}; ${kept}`, {
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
