/** Refs moved. */

import type { Place } from "../../config/project.ts";
import { readRef, updateRefs } from "../../git/refs.ts";
import { compare, type EffectOf, type SmallKind } from "./kind.ts";

export const refs: SmallKind<EffectOf<"ref">> = {
  target: ({ ref }) => ref,
  stand({ repository }, effect) {
    const now = repository === null ? null : readRef(repository, effect.ref);
    return compare(now, effect, (value) => (value === null ? "gone" : value.slice(0, 12)));
  },
  takeBack: (place, effect) => takeRefsBack(place, [effect]),
};

/** All in one transaction. */
export function takeRefsBack({ repository }: Place, effects: readonly EffectOf<"ref">[]): void {
  if (effects.length === 0 || repository === null) return;
  updateRefs(
    repository,
    effects.map(({ ref, before }) => ({ ref, before: readRef(repository, ref), after: before })),
    { reason: "expver: take back" },
  );
}
