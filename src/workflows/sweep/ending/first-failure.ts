/** Why runs of a sweep failed: the first of them tells, with the line of its log that says most. */

import { join } from "node:path";
import type { Project } from "../../../config/project.ts";
import { drain, startOfLastLines } from "../../../launchers/follow-log.ts";
import { shortened } from "../../../platform/words.ts";
import { runFolder } from "../../run/run-facts.ts";
import { type Ended, isEnded, jobStates } from "../state.ts";
import type { Sweep } from "../sweep-journal.ts";

export interface FirstFailure {
  run: string;
  /** `exit code 1`, `SIGKILL`, `time limit`. */
  how: string;
  /** What is wrong with what it left, or what its program printed; null: it printed nothing. */
  line: string | null;
  /** Command that shows all it printed. */
  read: string;
}

/** Of the runs whose setting has not finished; those that were asked to stop have not failed. */
export function firstFailure(project: Pick<Project, "stateDir">, sweep: Pick<Sweep, "jobs" | "attempts">): FirstFailure | null {
  const states = jobStates(sweep);
  const bad = sweep.attempts
    .filter(isEnded)
    .filter(({ job, end }) => end.status !== "finished" && end.cause !== "stopped" && states[job]?.state !== "finished");
  // One that failed by itself says more than one that somebody killed.
  const first = bad.find(({ end }) => end.status === "failed") ?? bad[0];
  if (first === undefined) return null;
  const { run, end } = first;
  return {
    run,
    how: howOf(first),
    line: end.problem ?? tellingLine(join(runFolder(project, run), "log")),
    read: `expver runs logs ${run}`,
  };
}

/** `quiet-otter-0412 failed (exit code 1): ValueError: lr`. */
export function failureText({ run, how, line }: FirstFailure): string {
  return `${run} failed (${how})${line === null ? "" : `: ${line}`}`;
}

function howOf({ end: { cause, signal, exitCode } }: Ended): string {
  return cause ?? signal ?? (exitCode === null ? "no end was seen" : `exit code ${exitCode}`);
}

const LOOKED_AT = 40;
const LONGEST = 200;

/** The last line that names an error, else the last one: a traceback ends with its error, Node's with the version of Node. */
function tellingLine(log: string): string | null {
  const chunks: Uint8Array[] = [];
  drain(log, startOfLastLines(log, LOOKED_AT), (chunk) => chunks.push(chunk));
  const lines = Buffer.concat(chunks)
    .toString("utf8")
    .split(/[\r\n]/)
    .filter((line) => line.trim() !== "");
  const line = lines.findLast((one) => /error|exception|fatal|panic|not found|denied|killed/i.test(one) && !/^\s+at /.test(one));
  const text = (line ?? lines.at(-1))?.trim() ?? null;
  return text === null ? null : shortened(text, LONGEST);
}
