/** The effects of an operation against what is there now: does it still stand, and how is it taken back. */
import { join } from "node:path";
import { type Place, topOf } from "../config/project.ts";
import { finishWork, type Work } from "../platform/pace.ts";
import type { RowHooks, Standing } from "./effects/kind.ts";
import { kindOf } from "./effects/kinds.ts";
import { takeRefsBack } from "./effects/refs.ts";
import { takeFilesBack } from "./effects/texts.ts";
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
  for (const group of neighbours(standing)) {
    if (group[0]?.kind !== "file") for (const effect of group) yield* kindOf(effect).takingBack(project, effect, rows, isGivenUp);
    else {
      yield { files: group.length, bytes: 0 };
      takeFilesBack(
        project,
        group.filter((effect) => effect.kind === "file"),
      );
    }
  }
  return states.filter((one) => one.state === "other" || one.state === "beyond").reverse();
}

const MOST_AT_ONCE = 1000;

/** In their order, those next to each other that are both of files, or both not, as one; without refs. */
function neighbours(effects: readonly Effect[]): Effect[][] {
  const groups: Effect[][] = [];
  for (const effect of effects) {
    if (effect.kind === "ref") continue;
    const last = groups.at(-1);
    const fits = last !== undefined && last.length < MOST_AT_ONCE && (last[0]?.kind === "file") === (effect.kind === "file");
    if (fits) last.push(effect);
    else groups.push([effect]);
  }
  return groups;
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

/** The same in one go, of what is little and has no rows. */
export function takeBack(project: Place, effects: readonly Effect[]): EffectState[] {
  return finishWork(takingBack(project, effects));
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
