/** Rows of the results database. */
import type { EffectOf, SmallKind, Standing } from "./kind.ts";

const UNKNOWN: Standing = { state: "other", now: "cannot be looked at here" };

export const rows: SmallKind<EffectOf<"rows">> = {
  target: ({ database, run }) => `${database}: rows of ${run}`,
  stand: (_place, effect, hooks) => hooks?.look(effect) ?? UNKNOWN,
  takeBack: (_place, effect, hooks) => hooks?.takeBack(effect),
};

export const stamps: SmallKind<EffectOf<"stamp">> = {
  target: ({ database, run }) => `${database}: version of ${run}`,
  stand: (_place, effect, hooks) => hooks?.look(effect) ?? UNKNOWN,
  takeBack: (_place, effect, hooks) => hooks?.takeBack(effect),
};

export const databases: SmallKind<EffectOf<"database">> = {
  target: ({ path }) => path,
  stand: (_place, effect, hooks) => hooks?.look(effect) ?? UNKNOWN,
  takeBack: (_place, effect, hooks) => hooks?.takeBack(effect),
};
