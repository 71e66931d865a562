/** One operation from begin to end: finished when its work is, taken back and marked failed when it throws. */
import type { Place } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { paceWork } from "../platform/pace.ts";
import type { RowHooks } from "./effects/kind.ts";
import { beginOperation, type OpenOperation, type OperationStart } from "./operations.ts";
import { type EffectState, givingUp } from "./take-back.ts";
import type { Effect } from "./types.ts";

export interface Performance<Value> extends OperationStart {
  work: (operation: OpenOperation) => Value | Promise<Value>;
  /** For work that changes rows (`workflows/row-hooks.ts`). */
  rows?: (effects: readonly Effect[]) => Promise<RowHooks | undefined>;
}

/** For work that is all or nothing. Work that keeps what it has (a run) begins and ends its operation itself. */
export async function perform<Value>(project: Place, context: Context, { work, rows, ...start }: Performance<Value>): Promise<Value> {
  const operation = beginOperation(project, context, start);
  try {
    const value = await work(operation);
    operation.finish();
    return value;
  } catch (error) {
    await giveUp(project, context, { operation, error, rows });
    throw error;
  }
}

/** When taking back fails too, the operation stays open: the next writing command repairs it once this process is gone. */
async function giveUp(
  project: Place,
  context: Context,
  { operation, error, rows }: { operation: OpenOperation; error: unknown; rows: Performance<unknown>["rows"] },
): Promise<void> {
  try {
    const effects = withoutRefused(operation.effects, error);
    // Asked to stop a second time, it is left to the next command.
    const pacing = { report: context.report };
    reportLeft(context, await paceWork(givingUp(project, effects, await rows?.(effects)), pacing, { label: "taking back" }));
    operation.fail(error);
  } catch (second) {
    const why = second instanceof Error ? second.message : String(second);
    context.report({ kind: "warning", text: `${operation.id} could not be taken back yet: ${why}`, hint: "expver doctor --fix" });
  }
}

/** Refs move in one transaction. Of one that git refused nothing was done, also where another command has done the very same. */
function withoutRefused(effects: readonly Effect[], error: unknown): Effect[] {
  const refused = new Set(refusedRefs(error));
  const done = effects.toReversed().filter((effect) => effect.kind !== "ref" || !refused.delete(effect.ref));
  return done.reverse();
}

function refusedRefs(error: unknown): readonly string[] {
  if (!(error instanceof ExpverError)) return [];
  const { refs } = error.details;
  return Array.isArray(refs) ? refs : refusedRefs(error.cause);
}

function reportLeft(context: Context, left: EffectState[]): void {
  for (const { target, state, now } of left) {
    const why = state === "beyond" ? "done on a remote" : (now ?? "changed meanwhile");
    context.report({ kind: "warning", text: `${target} could not be taken back: ${why}` });
  }
}
