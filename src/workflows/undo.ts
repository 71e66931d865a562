/** `expver undo [OP]`: takes an operation back while everything it left still stands. */

import { openProject, type Project, placeAround, readConfig } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import type { RowHooks } from "../journal/effects/kind.ts";
import { brokenOperations } from "../journal/recover.ts";
import type { EffectState } from "../journal/take-back.ts";
import type { Effect, Operation } from "../journal/types.ts";
import { applyingUndo, backupRef, type UndoPlan as JournalPlan, operationBefore, operationToUndo, planningUndo } from "../journal/undo.ts";
import { paceWork } from "../platform/pace.ts";
import { counted } from "../platform/words.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { rowHooks } from "./row-hooks.ts";
import { refuseSecondRun } from "./second-run.ts";
import { refuseLivingSweep } from "./undo/living-sweep.ts";
import { lookingForOutputs } from "./undo/outputs.ts";
import { needingRoomForUntracked } from "./undo/untracked.ts";

export interface UndoPlan extends Plan {
  /** Id of the operation that is taken back. */
  operation: string;
  /** Done on a remote: stays. */
  beyond: string[];
  project: Project;
  undoes: Pick<Operation, "id" | "command" | "summary" | "startedAt">;
  /** What is taken back, for people. */
  targets: string[];
  /** How many effects stand. */
  standing: number;
  rows: RowHooks | undefined;
}

export interface UndoResult {
  /** Id of the undo itself. Null: the last command had been killed, and its repair was all there was to do. */
  operation: string | null;
  undone: { id: string; command: string; summary: string; startedAt: string } | null;
  /** What killed commands had left, the last one first. */
  repaired: { id: string; command: string; outcome: string }[];
  /** What was taken back, by kind. */
  takenBack: string[];
  stays: string[];
  /** What `expver undo` would take back next: of a command that made several operations, the rest of it. */
  before: Pick<Operation, "id" | "command" | "summary"> | null;
}

export const undo: WriteWorkflow<Input, UndoPlan, UndoResult> = {
  /** Whoever undoes a killed command, or undoes again because the undo was killed, does not mean the operation before it. */
  repaired(repaired, input) {
    if (textIn(input.op) !== undefined) return null;
    const said = repaired.map(({ id, command, outcome }) => ({ id, command, outcome }));
    return { operation: null, undone: null, repaired: said, takenBack: [], stays: [], before: null };
  },

  async plan(context, input) {
    const project = openProject(context);
    if (textIn(input.op) === undefined) refuseBroken(project);
    const operation = operationToUndo(project, textIn(input.op));
    refuseLivingSweep(project, operation);
    if (operation.effects.some(disturbsRun)) await refuseSecondRun(project);
    const rows = await rowHooks(project, operation.effects);
    const journal = await paceWork(planningUndo(project, operation, rows), context, { label: "looking" });
    const beyond = journal.beyond.map(({ target }) => target);
    for (const target of beyond) context.report({ kind: "warning", text: `${target}: was done on a remote and stays there` });
    const { standing } = journal;
    const told = toldOnce(standing);
    const own = placeAround(project, operation.folder);
    const ofOperation = own === project ? project : { ...own, config: readConfig(own) };
    const outputs = await paceWork(lookingForOutputs(ofOperation, operation), context, { label: "looking" });
    const going = outputs.filter(({ existed }) => !existed).map(({ path }) => path);
    await paceWork(needingRoomForUntracked(ofOperation, operation, going), context, { label: "looking" });
    return {
      command: `undo ${operation.id}`,
      about: `${operation.command} of ${operation.startedAt.slice(0, 16).replace("T", " ")} UTC: ${operation.summary}`,
      steps: [
        ...told.map(({ effect, target }) => stepOf(effect, target, journal)),
        ...outputs.map(({ path, existed }) => ({ verb: existed ? "bring back" : "remove", target: path, keeps: "cache" })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ id: operation.id, standing: standing.map(({ effect }) => fingerprintOf(effect)) }),
      operation: operation.id,
      beyond,
      project,
      undoes: { id: operation.id, command: operation.command, summary: operation.summary, startedAt: operation.startedAt },
      targets: [
        ...told.map(({ target }) => target),
        ...outputs.map(({ path, existed }) => `${path}${existed ? "" : " (made by it; its bytes are in the cache)"}`),
      ],
      standing: standing.length,
      rows,
    };
  },

  async apply(context, plan) {
    const { project, undoes, targets, standing, rows } = plan;
    await prepareWriting(project, context);
    const work = applyingUndo(project, context, { operation: undoes, standing, ...(rows === undefined ? {} : { rows }) });
    const operation = await paceWork(work, context, { label: "undoing" });
    const found = operationBefore(project, undoes.id);
    const before = found === null ? null : { id: found.id, command: found.command, summary: found.summary };
    return { operation, undone: undoes, repaired: [], takenBack: targets, stays: plan.beyond, before };
  },

  show({ command, about, steps, destructive, fingerprint, operation, beyond }) {
    return { command, ...(about === undefined ? {} : { about }), steps, destructive, fingerprint, operation, beyond };
  },
};

/** The last operation is one that was killed: a dry run repairs nothing, and what could not be repaired is no reason to undo another. */
function refuseBroken(project: Project): void {
  const last = brokenOperations(project).at(-1);
  if (last === undefined) return;
  throw new ExpverError(
    "E_UNDO",
    `\`expver ${last.command}\` (${last.id}) was killed half-way: it is repaired first, and nothing else is undone`,
    {
      hint: "expver doctor --fix",
      details: { operation: last.id },
    },
  );
}

/** A run that goes on would find rows gone that it began with, take what comes back for its own, and not get onto its branch. */
function disturbsRun(effect: Effect): boolean {
  if (effect.kind === "ref") return effect.ref === "HEAD" || effect.ref.startsWith("refs/heads/");
  return !["stamp", "objects", "remote"].includes(effect.kind);
}

/** Many files of an output, or objects of a cache, are written down in pieces; to people they are one. */
function toldOnce(standing: readonly EffectState[]): Pick<EffectState, "effect" | "target">[] {
  const told = new Map<string, { effect: Effect; target: string; amount: number }>();
  for (const { effect, target } of standing) {
    const [place, amount, unit] = piecesOf(effect) ?? [];
    const key = place === undefined ? `${told.size}` : `${effect.kind} ${place}`;
    const before = told.get(key);
    if (before === undefined || amount === undefined) told.set(key, { effect, target, amount: amount ?? 0 });
    else {
      before.amount += amount;
      before.target = unit === "file" ? `${place}: ${counted(before.amount, unit)}` : `${counted(before.amount, "object")} of ${place}`;
    }
  }
  return [...told.values()];
}

function piecesOf(effect: Effect): [place: string, amount: number, unit: "file" | "object"] | null {
  if (effect.kind === "checkout") return [effect.path, effect.files.length, "file"];
  return effect.kind === "objects" ? [effect.folder, effect.names.length, "object"] : null;
}

function stepOf(effect: Effect, target: string, { operation }: JournalPlan): Step {
  switch (effect.kind) {
    case "ref": {
      const keeps = effect.after === null ? {} : { keeps: backupRef(operation, effect.ref) };
      const back = effect.before === null ? {} : { detail: `to ${effect.before.slice(0, 12)}` };
      return { verb: effect.before === null ? "delete" : "move", target, ...back, ...keeps };
    }
    case "file":
      if (effect.before === null) return { verb: "delete", target, keeps: "journal" };
      return { verb: effect.after === null ? "restore" : "rewrite", target, detail: "as before", keeps: "journal" };
    case "trash":
      return { verb: "restore", target, detail: "from the trash" };
    case "checkout":
      return { verb: "restore", target, detail: "from the cache", count: effect.files.length };
    case "move":
      return { verb: "move", target, detail: `back to ${effect.from}` };
    case "objects":
      return { verb: "restore", target, detail: "from the trash", count: effect.names.length };
    case "folder":
      return { verb: "remove", target, detail: "if empty" };
    case "unmerged":
      return { verb: "restore", target, count: effect.paths.length };
    case "index":
      return { verb: "unstage", target: "index", count: effect.entries.length };
    case "rows":
      return { verb: "remove", target, keeps: "the run's own results commit" };
    case "database":
      return { verb: "restore", target, detail: "its rows as they were" };
    case "stamp":
      return { verb: "stamp", target, detail: `${effect.before ?? "none"} again` };
    case "remote":
      return { verb: "leave", target };
  }
}
