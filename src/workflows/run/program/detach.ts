/** `--detach`: the same command line again in a process of its own; we only see it off. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findPlace } from "../../../config/project.ts";
import { ERROR_CODES, type ErrorCode, ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import type { Input } from "../../contract.ts";
import type { RunOutcome } from "../closing/outcome.ts";
import type { RunPlan } from "../planning/plan.ts";
import { createRunFolder, type RunFacts, readFacts, readRefusal, removeRunFolder, writeRefusal } from "../run-facts.ts";
import { tellSelection } from "../snapshot/tell-selection.ts";

/** In the environment of a detached expver: the id of the run it is to make. Never reaches the program. */
export const SUPERVISED = "EXPVER_SUPERVISED_RUN";

export function supervisedRun({ env }: Context): string | null {
  return env[SUPERVISED] ?? null;
}

/** What keeps a detached run from beginning is told to who started it: there are no facts of the run yet. */
export async function tellingStarter<Value>(context: Context, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const run = supervisedRun(context);
    if (run !== null) tellRefusal(context, run, error);
    throw error;
  }
}

function tellRefusal(context: Context, run: string, error: unknown): void {
  try {
    const place = findPlace(context);
    if (place !== null && readFacts(place, run) === null) writeRefusal(place, run, error);
  } catch {
    // Its log has it.
  }
}

/** Resolves once the program runs; throws what kept it from starting. */
export async function runDetached(context: Context, plan: RunPlan): Promise<RunOutcome> {
  const { project } = plan;
  const { runId, folder } = createRunFolder(project, context);
  const log = openSync(join(folder, "supervisor.log"), "a");
  const main = process.argv[1] ?? "";
  const child = spawn(process.execPath, [...process.execArgv, main, ...commandLine(plan.input)], {
    cwd: context.cwd,
    env: { ...context.env, [SUPERVISED]: runId },
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  let gone = false;
  child.once("exit", () => {
    gone = true;
  });
  child.once("error", () => {
    gone = true;
  });
  for (;;) {
    const ended = gone;
    const facts = readFacts(project, runId);
    if (facts !== null && facts.error !== null) {
      removeRunFolder(project, runId);
      throw errorOf(facts.error);
    }
    if (facts !== null && facts.phase !== "preparing") {
      child.unref();
      // What the run itself says of it goes to its supervisor's log.
      tellSelection(context, plan.selection);
      return startedOutcome(facts, folder, plan);
    }
    if (ended) {
      const refusal = readRefusal(project, runId);
      if (refusal !== null) {
        removeRunFolder(project, runId);
        throw errorOf(refusal);
      }
      throw new ExpverError("E_RUN_FAILED", `the detached run ${runId} ended before its program was started`, {
        hint: `Read ${join(folder, "supervisor.log")}`,
        details: { run: runId },
      });
    }
    await sleep(30);
  }
}

/** The words that mean this input. */
function commandLine(input: Input): string[] {
  const words = ["run"];
  for (const [name, value] of Object.entries(input)) {
    if (name === "command" || name === "detach" || value === undefined) continue;
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === false) words.push(flag.replace("--", "--no-"));
    else if (Array.isArray(value)) for (const one of value) words.push(`${flag}=${one}`);
    else if (typeof value === "string") words.push(`${flag}=${value}`);
    else if (!["tag", "commit", "verify"].includes(name)) words.push(flag);
  }
  const command = input.command;
  return [...words, "--detach", "--", ...(Array.isArray(command) ? command : typeof command === "string" ? [command] : [])];
}

function errorOf({ code, message, hint, details }: NonNullable<RunFacts["error"]>): Error {
  if (!Object.hasOwn(ERROR_CODES, code)) return new Error(message);
  return new ExpverError(code as ErrorCode, message, { hint, details });
}

function startedOutcome(facts: RunFacts, folder: string, plan: RunPlan): RunOutcome {
  return {
    run_id: facts.run_id,
    status: facts.status,
    version: facts.version,
    tagLine: null,
    description: facts.message,
    proposed: false,
    onBranch: false,
    snapshot: facts.snapshot,
    results: null,
    dvc_hash: facts.dvcHash,
    dirty: facts.dirty,
    params: facts.params,
    metrics: {},
    primaryMetric: null,
    rows: 0,
    outputs: [],
    heldBack: plan.selection.heldBack,
    changed_during_run: [],
    left: null,
    exit_code: null,
    signal: null,
    problem: null,
    seconds: 0,
    log: join(folder, "log"),
    published: false,
    detached: true,
    next: [`expver runs logs -f ${facts.run_id}`, `expver runs wait ${facts.run_id}`, `expver runs stop ${facts.run_id}`],
  };
}
