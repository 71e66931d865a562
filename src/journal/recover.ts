/** Repairs what killed commands left: only in writing commands, and only when the owner is provably dead. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Place, placeAround, topOf } from "../config/project.ts";
import { ExpverError, fromSystemError, throwUnlessFailure } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { removeTemporaries } from "../platform/files.ts";
import { type FileLock, lockHolder, tryLock } from "../platform/locks.ts";
import { paceWork } from "../platform/pace.ts";
import { lifeOf } from "../platform/processes.ts";
import type { RowHooks } from "./effects/kind.ts";
import { endOperation, openOperations, operationsDir, readOperation } from "./operations.ts";
import { type EffectState, givingUp, takingBack, withoutBackups } from "./take-back.ts";
import type { Operation } from "./types.ts";

export interface Recovered {
  id: string;
  command: string;
  summary: string;
  /** What was done about it, for a person. */
  outcome: string;
  /** Effects that were left because somebody changed the same thing since, or because they are elsewhere. */
  left: EffectState[];
}

/** Repairs one operation of its command and says how; null = the usual way, taking back what still stands. */
export type RecoveryHandler = (project: Place, context: Context, operation: Operation) => string | null | Promise<string | null>;

export interface RecoverOptions {
  handlers?: Readonly<Record<string, RecoveryHandler>>;
  rows?: RowHooks;
}

/** Operations without an end whose owner is provably dead: of this worktree, or of one that is gone. */
export function brokenOperations(project: Place): Operation[] {
  const here = topOf(project);
  return openOperations(project).filter(({ owner, worktree }) => lifeOf(owner) === "dead" && (worktree === here || isGone(worktree)));
}

/** Called first by every writing command. Reports each repair as a warning; one that fails stays open and hinders nobody. */
export async function recover(project: Place, context: Context, options: RecoverOptions = {}): Promise<Recovered[]> {
  if (brokenOperations(project).length === 0) return [];
  const lock = await lockRecovery(project);
  try {
    const done: Recovered[] = [];
    // Looked at again: another process may have repaired them while we waited. Newest first, as they were stacked.
    for (const operation of brokenOperations(project).reverse()) {
      const recovered = await recoverOne(project, context, { operation, options });
      if (recovered !== null) done.push(recovered);
    }
    return done;
  } finally {
    lock.release();
  }
}

const REPAIRING = { label: "repairing" };

async function recoverOne(
  project: Place,
  context: Context,
  { operation, options }: { operation: Operation; options: RecoverOptions },
): Promise<Recovered | null> {
  const { id, command, summary, worktree } = operation;
  try {
    sweepTemporaries(operation); // first: a folder that holds one is not empty
    const handler = command === "undo" ? finishUndo(options.rows) : options.handlers?.[command];
    // Another project of the repository has its own configuration, database and cache.
    const own = placeAround(project, operation.folder);
    const there = own === project ? context : { ...context, cwd: own.root };
    const said = worktree === topOf(project) && handler !== undefined ? await handler(own, there, operation) : null;
    const work = givingUp(project, said === null ? effectsInReach(project, operation) : [], options.rows);
    const left = await paceWork(work, context, REPAIRING);
    // What it made is to go as after an undo.
    const settling = said === null && worktree === topOf(project) ? options.rows?.settling?.(operation) : undefined;
    if (settling !== undefined) await paceWork(settling, context, REPAIRING);
    const outcome = said ?? outcomeOf(operation, left);
    endOperation(project, context, { id, state: "recovered", outcome });
    context.report({ kind: "warning", text: `\`expver ${command}\` (${id}) was killed: ${outcome}`, hint: `expver ops show ${id}` });
    return { id, command, summary, outcome, left };
  } catch (thrown) {
    const error = fromSystemError(thrown, "cannot repair");
    throwUnlessFailure(error);
    context.report({
      kind: "warning",
      text: `could not repair what \`expver ${command}\` (${id}) left: ${error.message}`,
      hint: error.hint,
    });
    return null;
  }
}

/** A killed undo is finished, not taken back: what it undoes is on its way out. */
function finishUndo(rows: RowHooks | undefined): RecoveryHandler {
  return async (project, context, operation) => {
    const target = readOperation(project, String(operation.notes.undoes));
    sweepTemporaries(target);
    const left = await paceWork(takingBack(project, withoutBackups(target.effects), rows), context, REPAIRING);
    const settling = rows?.settling?.(target);
    if (settling !== undefined) await paceWork(settling, context, REPAIRING);
    endOperation(project, context, { id: target.id, state: "undone", outcome: `by ${operation.id}` });
    return `the undo of ${target.id} was finished${leftText(left)}`;
  };
}

/** What was being written, or moved to or from another file system, when it was killed. */
function sweepTemporaries({ worktree, effects }: Operation): void {
  const paths = effects.flatMap((effect) => (effect.kind === "move" ? [effect.from, effect.to] : "path" in effect ? [effect.path] : []));
  removeTemporaries(paths.map((path) => join(worktree, path)));
}

/** Files and index of a worktree that is gone are gone with it; what lay beside one that was moved may be anywhere. */
function effectsInReach(project: Place, { worktree, effects, moved }: Operation): Operation["effects"] {
  const isHere = worktree === topOf(project) && (moved?.outside ?? []).length === 0;
  return isHere ? effects : effects.filter((effect) => effect.kind === "ref");
}

function outcomeOf({ effects }: Operation, left: EffectState[]): string {
  return effects.length === 0 ? "it had changed nothing" : `what it had begun was taken back${leftText(left)}`;
}

function leftText(left: EffectState[]): string {
  return left.length === 0 ? "" : `, except ${left.map(({ target, now }) => (now ? `${target} (${now})` : target)).join("; ")}`;
}

async function lockRecovery(project: Place): Promise<FileLock> {
  const path = join(operationsDir(project), "recovery.lock");
  for (let tries = 0; tries < 100; tries += 1) {
    const lock = tryLock(path);
    if (lock !== null) return lock;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new ExpverError("E_BUSY", `process ${lockHolder(path) ?? "?"} is repairing what a killed command left`, {
    hint: "Repeat the command.",
  });
}

function isGone(worktree: string): boolean {
  return statSync(worktree, { throwIfNoEntry: false }) === undefined;
}
