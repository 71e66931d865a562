/** Taking back a whole operation, while everything it left still stands. */

import { join } from "node:path";
import { type Place, topOf } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { readRef, updateRefs } from "../git/refs.ts";
import type { Context } from "../platform/context.ts";
import { batchesOf, finishWork, type Work } from "../platform/pace.ts";
import { whereIs } from "../platform/processes.ts";
import { shellWord } from "../platform/shell-word.ts";
import type { RowHooks } from "./effects/kind.ts";
import { beginOperation, endOperation, newestOperations, type OpenOperation, readOperation } from "./operations.ts";
import { BACKUPS, type EffectState, lookingAt, takingBack, withoutBackups } from "./take-back.ts";
import type { Effect, Operation } from "./types.ts";

export interface UndoPlan {
  operation: Operation;
  /** What would be taken back, newest first. */
  standing: EffectState[];
  /** What was done elsewhere and stays. */
  beyond: EffectState[];
}

/** Throws E_UNDO or E_BUSY naming what stands in the way. */
export function* planningUndo(project: Place, operation: Operation, rows?: RowHooks): Work<UndoPlan> {
  refuseUnfit(project, operation);
  if (operation.notes.onlyMade !== undefined) throw onlyMade(project, operation);
  const states = (yield* lookingAt(project, withoutBackups(operation.effects), rows)).reverse();
  const blockers = [
    ...states.filter(({ state }) => state === "other").map(({ target, now }) => ({ target, now: now ?? "changed" })),
    ...published(project, operation),
  ];
  if (blockers.length > 0) throw blocked(operation, blockers);
  const standing = states.filter(({ state }) => state === "after");
  const beyond = states.filter(({ state }) => state === "beyond");
  if (standing.length === 0 && beyond.length > 0) throw allBeyond(operation, beyond);
  return { operation, standing, beyond };
}

/** What was planned: its effects are read again, for they may tell of a million files. */
export interface PlannedUndo {
  operation: Pick<Operation, "id">;
  /** How many effects stood. */
  standing: number;
  rows?: RowHooks;
}

/** Itself an operation; killed, it is finished by the next writing command. Answers its id. */
export function* applyingUndo(project: Place, context: Context, { operation: { id }, standing, rows }: PlannedUndo): Work<string> {
  const plan = yield* planningUndo(project, readOperation(project, id), rows);
  const { operation } = plan;
  if (plan.standing.length !== standing) {
    throw new ExpverError("E_PLAN_STALE", `${operation.id} has changed since the plan was made`, { details: { operation: operation.id } });
  }
  const undo = beginOperation(project, context, {
    command: "undo",
    argv: ["undo", operation.id],
    summary: `undo ${operation.command} ${operation.id}: ${operation.summary}`,
    notes: { undoes: operation.id },
  });
  keepRefs(project, undo, plan);
  for (const some of batchesOf(plan.standing.flatMap(({ effect }) => reversed(effect)))) undo.record(...some);
  yield* takingBack(project, withoutBackups(operation.effects), rows);
  if (rows?.settling) yield* rows.settling(operation);
  endOperation(project, context, { id: operation.id, state: "undone", outcome: `by ${undo.id}` });
  undo.finish();
  return undo.id;
}

/** Where a ref's value stays that an undo takes away: the commits, and through them rows and objects, can still be had. */
export function backupRef(operation: Operation, ref: string): string {
  return `${BACKUPS}${operation.id}/${ref.replace(/^refs\//, "")}`;
}

function keepRefs(project: Place, undo: OpenOperation, { operation, standing }: UndoPlan): void {
  const { repository } = project;
  if (repository === null) return;
  const backups = standing.flatMap(({ effect }) => {
    if (effect.kind !== "ref" || effect.after === null) return [];
    const ref = backupRef(operation, effect.ref);
    return [{ ref, before: readRef(repository, ref), after: effect.after }];
  });
  const missing = backups.filter(({ before, after }) => before !== after);
  if (missing.length === 0) return;
  undo.record(...missing.map((one) => ({ kind: "ref", ...one }) as const));
  updateRefs(repository, missing, { reason: `expver: undo ${operation.id}` });
}

/** The operation meant: the last one of this worktree when none is named. Throws E_NOT_FOUND. */
export function operationToUndo(project: Place, id?: string): Operation {
  return id === undefined ? lastOperation(project) : readOperation(project, id);
}

function lastOperation(project: Place): Operation {
  const last = operationBefore(project, null);
  if (last !== null) return last;
  throw new ExpverError("E_NOT_FOUND", `there is no operation to undo in ${topOf(project)}`, { hint: "`expver ops` lists them." });
}

/** The last one that could be undone of this worktree, or of those that are older than one. */
export function operationBefore(project: Place, id: string | null): Operation | null {
  const here = topOf(project);
  for (const operation of newestOperations(project)) {
    const { worktree, command, state, notes } = operation;
    if (worktree !== here || command === "undo" || (id !== null && (operation.id >= id || notes.onlyMade !== undefined))) continue;
    if (state === "done" || (state === "failed" && hasLeft(project, operation))) return operation;
  }
  return null;
}

/** It came last, so it is what is meant; to undo another command for it would surprise. */
function onlyMade(project: Place, { id, command, notes }: Operation): ExpverError {
  const before = operationBefore(project, id);
  const other = before === null ? "" : ` The operation before it: expver undo ${before.id} (${before.command}: ${before.summary})`;
  return new ExpverError(
    "E_UNDO",
    `\`expver ${command}\` (${id}) took nothing away, so there is nothing to undo: it made files of ${String(notes.onlyMade)} that were not there`,
    { hint: `They can be deleted: their bytes are in the cache.${other}`, details: { operation: id, before: before?.id ?? null } },
  );
}

/** A failed run keeps its rows, a failed command that took everything back left nothing. */
function hasLeft(project: Place, { effects }: Operation): boolean {
  const few = effects.filter(({ kind }) => kind === "ref" || kind === "file");
  return finishWork(lookingAt(project, few)).some(({ state }) => state === "after");
}

function refuseUnfit(project: Place, { id, command, state, owner, worktree, moved, notes }: Operation): void {
  const refuse = (why: string, hint: string) =>
    new ExpverError("E_UNDO", `${id} (${command}) cannot be undone: ${why}`, { hint, details: { operation: id } });
  if (worktree !== topOf(project)) throw refuse(`it ran in ${worktree}`, `Repeat there: expver -C ${shellWord(worktree)} undo ${id}`);
  const [stray] = moved?.outside ?? [];
  if (moved !== undefined && stray !== undefined) {
    const trash = join(project.stateDir, "trash");
    throw refuse(
      `it changed ${stray}, and the repository was ${moved.from} then`,
      `Move it back to undo that; what was taken away is in ${trash}.`,
    );
  }
  if (state === "undone") throw refuse("it was undone already", "`expver ops` shows what is left.");
  if (state === "recovered") throw refuse("it was killed and has been repaired", "`expver ops show` tells how.");
  if (typeof notes.undoneBy === "string") throw refuse("another command takes it back", notes.undoneBy);
  if (command === "undo") throw refuse("it is an undo itself", "Repeat the command that was undone.");
  if (state === "open") {
    throw new ExpverError("E_BUSY", `${id} (${command}) has not ended: process ${owner.pid} on ${whereIs(owner)}`, {
      hint: "Wait for it, or stop it; what a killed command left is repaired by the next writing command.",
      details: { operation: id, owner },
    });
  }
}

/** A tag that was published since: removing it here would leave it everywhere else. `notPublished`: known not to have got there. */
function published(project: Place, { id, effects }: Operation): { target: string; now: string }[] {
  const tags = new Set(effects.flatMap((effect) => (effect.kind === "ref" && effect.after !== null ? tagOf(effect.ref) : [])));
  if (tags.size === 0) return [];
  const found: { target: string; now: string }[] = [];
  for (const later of newestOperations(project)) {
    if (later.id <= id) break;
    const absent: unknown[] = Array.isArray(later.notes.notPublished) ? later.notes.notPublished : [];
    const here = later.effects.flatMap((effect) => {
      if (effect.kind !== "remote") return [];
      // Operations recorded before it was said name the tag alone.
      const [tag] = tagOf(effect.ref ?? `refs/tags/${effect.detail}`);
      return tag !== undefined && tags.has(tag) && !absent.includes(tag) ? [{ target: tag, now: `published to ${effect.remote}` }] : [];
    });
    found.unshift(...here);
  }
  return found;
}

function tagOf(ref: string): string[] {
  return ref.startsWith("refs/tags/") ? [ref.slice("refs/tags/".length)] : [];
}

function allBeyond({ id, command }: Operation, beyond: readonly EffectState[]): ExpverError {
  const targets = beyond.map(({ target }) => target);
  const withdrawals = beyond.flatMap(({ effect }) =>
    effect.kind === "remote" && effect.ref !== undefined
      ? tagOf(effect.ref).map((tag) => `git push ${shellWord(effect.remote)} --delete ${shellWord(tag)} && git tag -d ${shellWord(tag)}`)
      : [],
  );
  const withdraw = withdrawals.length === 0 ? "" : ` To take it back all the same, where nobody has: ${withdrawals.join("; ")}.`;
  return new ExpverError("E_UNDO", `${id} (${command}) cannot be undone: what it did was done on a remote (${targets.join("; ")})`, {
    hint: `Others may have it already.${withdraw} Undo another operation by its id: \`expver ops\` lists them.`,
    details: { operation: id, beyond: targets },
  });
}

function blocked(operation: Operation, blockers: { target: string; now: string }[]): ExpverError {
  const list = blockers.map(({ target, now }) => `${target} (${now})`);
  return new ExpverError("E_UNDO", `${operation.id} (${operation.command}) cannot be undone; changed since: ${list.join("; ")}`, {
    hint: `expver ops show ${operation.id}`,
    details: { operation: operation.id, blockers },
  });
}

/** As the undo's own record shows them; rows and trash are told by what they undo. */
function reversed(effect: Effect): Effect[] {
  if (effect.kind === "ref" || effect.kind === "file" || effect.kind === "stamp")
    return [{ ...effect, before: effect.after, after: effect.before } as Effect];
  if (effect.kind === "index") {
    return [{ ...effect, entries: effect.entries.map(({ path, before, after }) => ({ path, before: after, after: before })) }];
  }
  return [];
}
