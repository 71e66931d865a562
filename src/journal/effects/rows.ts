/** Rows of the results database. */
import type { EffectKind, EffectOf, Standing } from "./kind.ts";

const UNKNOWN: Standing = { state: "other", now: "cannot be looked at here" };

export const rows: EffectKind<EffectOf<"rows">> = {
  target: ({ database, run }) => `${database}: rows of ${run}`,
  stand: (_place, effect, hooks) => hooks?.look(effect) ?? UNKNOWN,
  takeBack: (_place, effect, hooks) => hooks?.takeBack(effect),
};

export const stamps: EffectKind<EffectOf<"stamp">> = {
  target: ({ database, run }) => `${database}: version of ${run}`,
  stand: (_place, effect, hooks) => hooks?.look(effect) ?? UNKNOWN,
  takeBack: (_place, effect, hooks) => hooks?.takeBack(effect),
};

export const databases: EffectKind<EffectOf<"database">> = {
  target: ({ path }) => path,
  stand: (_place, effect, hooks) => hooks?.look(effect) ?? UNKNOWN,
  takeBack: (_place, effect, hooks) => hooks?.takeBack(effect),
};
