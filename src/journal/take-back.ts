/** The effects of an operation against what is there now: does it still stand, and how is it taken back. */
import type { Place } from "../config/project.ts";
import type { RowHooks, Standing } from "./effects/kind.ts";
import { kindOf } from "./effects/kinds.ts";
import { takeRefsBack } from "./effects/refs.ts";
import type { Effect } from "./types.ts";

export interface EffectState extends Standing {
  effect: Effect;
  /** For people: what the effect touched. */
  target: string;
}

/** Looks only. Effects in the order given; several changes of one file or ref are one, from its first `before` to its last `after`. */
export function lookAt(project: Place, effects: readonly Effect[], rows?: RowHooks): EffectState[] {
  return merged(effects).map(({ effect }) => ({ effect, target: targetOf(effect), ...stateOf(project, effect, rows) }));
}

/**
 * Takes back, newest first, every effect that still stands; leaves the others as they are and answers those that somebody
 * changed since or that lie beyond our reach. Refs move in one transaction. Safe to repeat after a crash.
 */
export function takeBack(project: Place, effects: readonly Effect[], rows?: RowHooks): EffectState[] {
  const states = merged(effects)
    .map(({ effect, passed }) => ({ effect, target: targetOf(effect), ...standingOnTheWay(project, effect, { passed, rows }) }))
    .reverse();
  const standing = states.filter((one) => one.state === "after").map((one) => one.effect);
  takeRefsBack(
    project,
    standing.filter((effect) => effect.kind === "ref"),
  );
  for (const effect of standing) if (effect.kind !== "ref") kindOf(effect).takeBack(project, effect, rows);
  return states.filter((one) => one.state === "other" || one.state === "beyond").reverse();
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
    if (!["file", "ref", "rows", "stamp", "database"].includes(effect.kind)) {
      result.push({ effect, passed: [] });
      continue;
    }
    const key = `${effect.kind} ${targetOf(effect)}`;
    const at = places.get(key);
    const earlier = at === undefined ? undefined : result[at];
    if (at === undefined || earlier === undefined) {
      places.set(key, result.length);
      result.push({ effect, passed: [] });
    } else if (effect.kind === "rows" || effect.kind === "database") {
      result[at] = { effect, passed: [] };
    } else if ("before" in earlier.effect && "before" in effect) {
      result[at] = { effect: { ...effect, before: earlier.effect.before }, passed: [...earlier.passed, earlier.effect.after] };
    }
  }
  return result;
}

/** A killed operation may have stopped at a value on the way: that stands too. */
function standingOnTheWay(
  project: Place,
  effect: Effect,
  { passed, rows }: { passed: (string | null)[]; rows: RowHooks | undefined },
): Standing {
  const last = stateOf(project, effect, rows);
  if (last.state !== "other" || !("after" in effect) || effect.kind === "database") return last;
  const stopped = passed.some((after) => stateOf(project, { ...effect, after }, rows).state === "after");
  return stopped ? { state: "after" } : last;
}

function stateOf(project: Place, effect: Effect, rows: RowHooks | undefined): Standing {
  return kindOf(effect).stand(project, effect, rows);
}

function targetOf(effect: Effect): string {
  return kindOf(effect).target(effect);
}
