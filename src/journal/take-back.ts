/** The effects of an operation against what is there now: does it still stand, and how is it taken back. */
import { join } from "node:path";
import { type Place, topOf } from "../config/project.ts";
import { finishWork, type Work } from "../platform/pace.ts";
import type { RowHooks, Standing } from "./effects/kind.ts";
import { kindOf } from "./effects/kinds.ts";
import { takeRefsBack } from "./effects/refs.ts";
import { discardKept } from "./trash.ts";
import type { Effect } from "./types.ts";

export interface EffectState extends Standing {
  effect: Effect;
  /** For people: what the effect touched. */
  target: string;
}

/** Looks only. Effects in the order given; several changes of one file or ref are one, from its first `before` to its last `after`. */
export function* lookingAt(project: Place, effects: readonly Effect[], rows?: RowHooks): Work<EffectState[]> {
  const states: EffectState[] = [];
  for (const { effect } of merged(effects))
    states.push({ effect, target: targetOf(effect), ...(yield* kindOf(effect).standing(project, effect, rows)) });
  return states;
}

/**
 * Takes back, newest first, every effect that still stands; leaves the others as they are and answers those that somebody
 * changed since or that lie beyond our reach. Refs move in one transaction. Safe to repeat after a crash.
 */
export function* takingBack(
  project: Place,
  effects: readonly Effect[],
  rows?: RowHooks,
  { isGivenUp = false }: { isGivenUp?: boolean } = {},
): Work<EffectState[]> {
  const states: EffectState[] = [];
  for (const { effect, passed } of merged(effects))
    states.push({ effect, target: targetOf(effect), ...(yield* standingOnTheWay(project, effect, { passed, rows })) });
  states.reverse();
  const standing = states.filter((one) => one.state === "after").map((one) => one.effect);
  takeRefsBack(
    project,
    standing.filter((effect) => effect.kind === "ref"),
  );
  for (const effect of standing) if (effect.kind !== "ref") yield* kindOf(effect).takingBack(project, effect, rows, isGivenUp);
  return states.filter((one) => one.state === "other" || one.state === "beyond").reverse();
}

/** The same for an operation that has not come to its end; copies it made of what lies elsewhere go. */
export function* givingUp(project: Place, effects: readonly Effect[], rows?: RowHooks): Work<EffectState[]> {
  const left = yield* takingBack(project, effects, rows, { isGivenUp: true });
  for (const effect of effects) if (effect.kind === "move" && effect.isCopy) discardKept(join(topOf(project), effect.from));
  return left;
}

/** What an undo takes back: not the backups an operation made, by which what it took away can still be had. */
export function withoutBackups(effects: readonly Effect[]): Effect[] {
  return effects.filter((effect) => effect.kind !== "ref" || !effect.ref.startsWith(BACKUPS));
}

/** Refs of what operations and undos took away. */
export const BACKUPS = "refs/expver/backup/";

/** The same in one go, of what is little. */
export function takeBack(project: Place, effects: readonly Effect[], rows?: RowHooks): EffectState[] {
  return finishWork(takingBack(project, effects, rows));
}

interface Merged {
  effect: Effect;
  /** Values it had on the way, first `before` and last `after` left out. */
  passed: (string | null)[];
}

function merged(effects: readonly Effect[]): Merged[] {
  const result: Merged[] = [];
  const places = new Map<string, number>();
  for (const effect of effects) {
    if (!["file", "ref", "rows", "stamp", "database", "move"].includes(effect.kind)) {
      result.push({ effect, passed: [] });
      continue;
    }
    const key = `${effect.kind} ${effect.kind === "move" ? effect.from : targetOf(effect)}`;
    const at = places.get(key);
    const earlier = at === undefined ? undefined : result[at];
    if (at === undefined || earlier === undefined) {
      places.set(key, result.length);
      result.push({ effect, passed: [] });
    } else if (effect.kind === "rows" || effect.kind === "database" || effect.kind === "move") {
      result[at] = { effect, passed: [] };
    } else if ("before" in earlier.effect && "before" in effect) {
      result[at] = { effect: { ...effect, before: earlier.effect.before }, passed: [...earlier.passed, earlier.effect.after] };
    }
  }
  return result;
}

/** A killed operation may have stopped at a value on the way: that stands too. */
function* standingOnTheWay(
  project: Place,
  effect: Effect,
  { passed, rows }: { passed: (string | null)[]; rows: RowHooks | undefined },
): Work<Standing> {
  const { standing } = kindOf(effect);
  const last = yield* standing(project, effect, rows);
  if (last.state !== "other" || !("after" in effect) || effect.kind === "database") return last;
  for (const after of passed) {
    const { state } = yield* standing(project, { ...effect, after }, rows);
    if (state === "after") return { state };
  }
  return last;
}

function targetOf(effect: Effect): string {
  return kindOf(effect).target(effect);
}
