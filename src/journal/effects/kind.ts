/** What can be asked of every kind of effect, whatever it touched. */
import type { Place } from "../../config/project.ts";
import type { Work } from "../../platform/pace.ts";
import type { Effect, Operation } from "../types.ts";

export type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;

/**
 * `after`: the effect stands and can be taken back. `before`: it was never made, or is taken back already.
 * `other`: somebody changed the same thing since. `beyond`: made where we cannot reach back to.
 */
export interface Standing {
  state: "after" | "before" | "other" | "beyond";
  /** For people: what stands there now. */
  now?: string;
}

export interface EffectKind<One extends Effect = Effect> {
  /** For people: what the effect touched. */
  target(effect: One): string;
  /** Half done counts as standing. */
  standing(place: Place, effect: One, rows: RowHooks | undefined): Work<Standing>;
  /** Of one that stands. Safe to repeat: it may have been killed half-way. `isGivenUp`: it was never finished. */
  takingBack(place: Place, effect: One, rows: RowHooks | undefined, isGivenUp: boolean): Work<void>;
}

/** One that takes no time worth a pause. */
export interface SmallKind<One extends Effect> {
  target(effect: One): string;
  stand(place: Place, effect: One, rows: RowHooks | undefined): Standing;
  takeBack(place: Place, effect: One, rows: RowHooks | undefined): void;
}

export function small<One extends Effect>({ target, stand, takeBack }: SmallKind<One>): EffectKind<One> {
  return {
    target,
    *standing(...args) {
      yield { files: 1, bytes: 0 };
      return stand(...args);
    },
    *takingBack(place, effect, rows) {
      yield { files: 1, bytes: 0 };
      takeBack(place, effect, rows);
    },
  };
}

/** How rows of a run are looked at and taken back: given by the workflow layer, which may use results/. */
export interface RowHooks {
  /** Rows are `after` only while exactly those of the run stand, unchanged since their digest was recorded. */
  look(effect: EffectOf<"rows" | "stamp" | "database">): Standing;
  takeBack(effect: EffectOf<"rows" | "stamp" | "database">): void;
  /** The last thing an undo or a recovery does: what follows from its effects having been taken back. Safe to repeat. */
  settling?(operation: Operation): Work<void>;
}

export function compare<Value>(
  now: Value,
  { before, after }: { before: Value; after: Value },
  describe: (value: Value) => string,
): Standing {
  if (now === after) return { state: now === before ? "before" : "after" };
  return now === before ? { state: "before" } : { state: "other", now: describe(now) };
}
