/** What `expver sweep` would do: reads only. */

import { join } from "node:path";
import { openProject, type Project, placeAround, requireRepository, topOf } from "../../config/project.ts";
import { hideSecretArguments } from "../../config/secrets.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import type { Input, Plan, Step } from "../contract.ts";
import { textIn, wordsOf } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import type { RunFindings } from "../run/planning/findings.ts";
import { findForRun } from "../run/planning/plan.ts";
import { refuseUnfit } from "../run/planning/refuse-unfit.ts";
import { readRequest } from "../run/planning/request.ts";
import { selectionSteps } from "../run/snapshot/tell-selection.ts";
import { refuseSecondRun } from "../second-run.ts";
import { inputLinks } from "./jobs/input-links.ts";
import { reportSubmodules } from "./jobs/submodules.ts";
import { parametersWith } from "./jobs/workspace.ts";
import { type EndingRequest, type Pace, paramsIn, readPace, readSweepRequest, type SweepRequest } from "./request.ts";
import { standingResult } from "./standing.ts";
import { countText, isEnded, jobStates } from "./state.ts";
import { findSweep, type Sweep } from "./sweep-journal.ts";

/** `edit`: the message is written, or looked over, in an editor once the numbers are known. */
export type SweepPlan = Plan & { pace: Pace; edit: boolean } & (NewSweep | ResumedSweep);

export interface NewSweep {
  kind: "new";
  request: SweepRequest;
  findings: RunFindings;
}

export interface ResumedSweep {
  kind: "resumed";
  project: Project;
  sweep: Sweep;
  /** To be started, in order; runs that somebody left open come before them. */
  queue: number[];
  argv: string[];
  /** Make the version of what has finished, run nothing. */
  partial: boolean;
  /** Other words than it was begun with. */
  message: string | null;
}

export async function planSweep(context: Context, input: Input): Promise<SweepPlan> {
  const pace = readPace(input);
  const edit = input.edit === true;
  if (input.resume !== undefined && input.resume !== false) return { ...(await planResumed(context, input)), pace, edit };
  for (const name of ["partial", "retryFailed"] as const) {
    if (input[name] === true) throw new ExpverError("E_USAGE", `--${name === "partial" ? name : "retry-failed"} goes with --resume`);
  }
  return { ...(await planNew(context, input, pace)), pace, edit };
}

async function planNew(context: Context, input: Input, pace: Pace): Promise<Plan & NewSweep> {
  const request = readSweepRequest(context, input);
  if (request.jobs.length === 1 && Object.keys(request.jobs[0] ?? {}).length === 0) {
    throw new ExpverError("E_USAGE", "nothing is varied", {
      hint: "Say what: --grid lr=0.1,0.01, --from params.yaml, --list FILE, --random N --range lr=log:1e-4..1e-1, or --repeat N. One run: expver run.",
    });
  }
  const opened = openProject(context);
  const params = request.paramsFile === null ? opened.config.params : paramsIn(opened.root, request.paramsFile);
  const project = { ...opened, config: { ...opened.config, params } };
  const names = [...new Set(request.jobs.flatMap((settings) => Object.keys(settings)))];
  const findings = await findForRun(context, { input, request: readRequest(context, input), project, varied: names });
  const { head, version, selection, inputs, changedInputs, shownArgv } = findings;
  reportSubmodules(context, findings.repository, head.commit);
  refuseUnwritable(project, request);
  const files = selection.included.length;
  const steps: Step[] = [
    ...selectionSteps(selection),
    {
      verb: "snapshot",
      target: files + changedInputs.length === 0 ? "HEAD" : "what has changed",
      count: files,
      detail: "once, for all runs",
    },
    ...changedInputs.map(({ path }) => ({ verb: "store", target: path, detail: "changed input" })),
    ...inputLinks(project, findings.pointers, { mayLink: pace.link }).steps,
    {
      verb: "run",
      target: shownArgv.map(shellWord).join(" "),
      count: request.jobs.length,
      detail: `${pace.jobs} at once, each in a workspace of its own`,
    },
    ...endingSteps(project, request.ending, version.name),
  ];
  const fingerprint = fingerprintOf({
    head,
    version: version.name,
    included: selection.included,
    inputs: inputs.map(({ path, hash }) => [path, hash]),
    jobs: request.jobs,
    argv: findings.request.argv,
  });
  return { command: "sweep", steps, destructive: false, fingerprint, kind: "new", request, findings };
}

/** What the shape of the parameter file forbids is seen before the first run: one of each set of names stands for all. */
function refuseUnwritable({ root, config }: Project, { params: ofAll, jobs }: SweepRequest): void {
  const { params } = config;
  const text = params === null ? null : readTextIfExists(join(root, params));
  if (text === null || params === null) return;
  const distinct = new Map(jobs.map((settings) => [Object.keys(settings).join("\0"), settings]));
  for (const settings of distinct.values()) parametersWith(text, params, { ...ofAll, ...settings });
}

async function planResumed(context: Context, input: Input): Promise<Plan & ResumedSweep> {
  refuseSettled(input);
  const project = openProject(context);
  const repository = requireRepository(project);
  const sweep = findSweep(project, textIn(input.resume));
  const result = standingResult(project, sweep);
  if (result !== null) {
    throw new ExpverError("E_NOT_FOUND", `${sweep.id} is over: it is ${result.version ?? result.results.slice(0, 12)}`, {
      hint: `See it with expver sweep show ${sweep.id}; runs that failed can be tried in a new sweep.`,
      details: { sweep: sweep.id, version: result.version },
    });
  }
  const isHere = sweep.worktree === topOf(project);
  if (!isHere || placeAround(project, sweep.folder) !== project) {
    throw new ExpverError("E_NOT_FOUND", `${sweep.id} belongs to ${isHere ? "another project" : `the worktree ${sweep.worktree}`}`, {
      hint: `expver -C ${shellWord(join(sweep.worktree, sweep.folder))} sweep --resume ${sweep.id}`,
    });
  }
  refuseUnfit(repository, { commit: true, edit: input.edit === true });
  await refuseSecondRun(project);
  const argv = commandOf(sweep, wordsOf(input.command));
  const partial = input.partial === true;
  const states = jobStates(sweep);
  const queue = states.flatMap(({ state, attempt }, job) => {
    const isOpen = attempt !== null && !isEnded(attempt);
    const isWanted = state === "missing" || (state === "failed" && input.retryFailed === true);
    return partial || isOpen || !isWanted ? [] : [job];
  });
  const open = sweep.attempts.filter((attempt) => !isEnded(attempt));
  return {
    command: "sweep",
    steps: [
      ...(open.length === 0 ? [] : [{ verb: "record", target: counted(open.length, "run"), detail: "that nobody has seen end" }]),
      ...(queue.length === 0
        ? []
        : [{ verb: "run", target: sweep.argv.map(shellWord).join(" "), count: queue.length, detail: `of ${countText(sweep)}` }]),
      ...endingSteps(project, sweep.request.ending, "the next version"),
    ],
    destructive: false,
    fingerprint: fingerprintOf({ sweep: sweep.id, queue, open: open.map(({ run }) => run) }),
    kind: "resumed",
    project,
    sweep,
    queue,
    argv,
    partial,
    message: textIn(input.message) ?? null,
  };
}

const SETTLED = ["grid", "list", "from", "random", "range", "seed", "repeat", "param", "params", "metrics", "metric", "keep"];
const SETTLED_TOO = ["version", "major", "minor", "patch", "publish"];
const SETTLED_BY_NO = ["promote", "tag", "verify"];

/** What a sweep tries and what becomes of it stands since it began: asked for otherwise now, it would be ignored. */
function refuseSettled(input: Input): void {
  const typed = [
    ...[...SETTLED, ...SETTLED_TOO].filter(
      (name) => ![undefined, false].includes(input[name] as undefined) && [input[name]].flat().length > 0,
    ),
    ...SETTLED_BY_NO.filter((name) => input[name] === false).map((name) => `no-${name}`),
  ];
  if (typed.length === 0) return;
  throw new ExpverError("E_USAGE", `--${typed[0]} is settled when a sweep begins, and cannot be changed with --resume`, {
    hint: "Leave it out, or begin a new sweep. What may differ: --jobs, --time-limit, --retry, --retry-failed, --fail-fast, -m.",
    details: { options: typed },
  });
}

/** What was hidden when it was written down must be typed again. */
function commandOf({ argv, hidden, id }: Sweep, typed: string[]): string[] {
  if (typed.length === 0) {
    if (!hidden) return argv;
    throw new ExpverError("E_USAGE", "the command of this sweep has a secret in it, which is not written down", {
      hint: `Type the command again: expver sweep --resume ${id} -- ${argv.map(shellWord).join(" ")}`,
    });
  }
  if (JSON.stringify(hideSecretArguments(typed)) === JSON.stringify(argv)) return typed;
  throw new ExpverError("E_USAGE", "that is another command than the one the sweep began with", {
    hint: `Leave it out, or begin a new sweep. It was: ${argv.map(shellWord).join(" ")}`,
  });
}

function endingSteps(project: Project, { tag, promote, publish, keep }: EndingRequest, version: string): Step[] {
  const { models, results } = project.config;
  return [
    { verb: "merge", target: results.database, detail: "the rows of all runs, in one transaction" },
    { verb: "commit", target: models.candidates, detail: "the models of all runs" },
    { verb: "commit", target: "results", detail: `outputs of the best run; the best ${keep ?? models.keep} candidates stay in the folder` },
    ...(tag ? [{ verb: "tag", target: version }] : []),
    ...(promote ? [{ verb: "promote", target: models.production, detail: "if the best is better than what is there" }] : []),
    ...(publish || project.config.publish === "auto" ? [{ verb: "publish", target: version }] : []),
  ];
}
