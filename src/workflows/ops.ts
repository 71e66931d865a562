/** `expver ops`: what writing commands did here, and whether it still stands. */
import { findPlace, openProject, type Place, topOf } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { countOperations, newestOperations, readOperation } from "../journal/operations.ts";
import { type EffectState, lookingAt } from "../journal/take-back.ts";
import type { Operation } from "../journal/types.ts";
import type { Context } from "../platform/context.ts";
import { paceWork } from "../platform/pace.ts";
import { lifeOf } from "../platform/processes.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { limitOf } from "./input.ts";
import { rowHooks } from "./row-hooks.ts";

/** `running`: its process lives. `killed`: it died; the next writing command repairs. `elsewhere`: on another host, not known here. */
export type ShownState = "running" | "killed" | "elsewhere" | Exclude<Operation["state"], "open">;

export interface OperationLine {
  id: string;
  command: string;
  summary: string;
  state: ShownState;
  startedAt: string;
  endedAt: string | null;
  worktree: string;
  /** In the worktree the command was typed in. */
  here: boolean;
}

export interface OperationList {
  /** Newest first. */
  operations: OperationLine[];
  /** How many older ones were left out. */
  leftOut: number;
}

export interface OperationDetails extends OperationLine {
  argv: string[];
  outcome: string | null;
  effects: EffectState[];
}

const DEFAULT_LIMIT = 20;

export const opsList: ReadWorkflow<Input, OperationList> = {
  async read(context, input) {
    const limit = limitOf(input, DEFAULT_LIMIT);
    const project = openPlace(context);
    const operations: OperationLine[] = [];
    for (const operation of limit === 0 ? [] : newestOperations(project)) {
      operations.push(lineOf(project, operation));
      if (operations.length === limit) break;
    }
    return { operations, leftOut: countOperations(project) - operations.length };
  },
};

export const opsShow: ReadWorkflow<Input, OperationDetails> = {
  async read(context, input) {
    const project = openPlace(context);
    const operation = typeof input.op === "string" ? readOperation(project, input.op) : lastOperation(project);
    const { argv, outcome, effects, worktree } = operation;
    const hooks = await rowHooks(project, effects);
    // Another worktree's files cannot be judged from here.
    const judged = worktree === topOf(project) ? effects : effects.filter(({ kind }) => kind === "ref");
    const states = await paceWork(lookingAt(project, judged, hooks), context, { label: "looking" });
    return { ...lineOf(project, operation), argv, outcome, effects: states };
  },
};

function lastOperation(project: Place): Operation {
  const [last] = newestOperations(project);
  if (last === undefined) throw new ExpverError("E_NOT_FOUND", "there is no operation yet", { hint: "Every writing command makes one." });
  return last;
}

/** A mistake in expver.yaml must not hide the journal. */
function openPlace(context: Context): Place {
  return findPlace(context) ?? openProject(context);
}

function lineOf(project: Place, operation: Operation): OperationLine {
  const { id, command, summary, startedAt, endedAt, worktree } = operation;
  return { id, command, summary, state: shownState(operation), startedAt, endedAt, worktree, here: worktree === topOf(project) };
}

function shownState({ state, owner }: Operation): ShownState {
  if (state !== "open") return state;
  const life = lifeOf(owner);
  return life === "alive" ? "running" : life === "dead" ? "killed" : "elsewhere";
}
