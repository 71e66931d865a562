/** Every kind of effect, by name. */
import type { Effect } from "../types.ts";
import { checkouts } from "./checkout.ts";
import { type EffectKind, type EffectOf, small } from "./kind.ts";
import { moves, objects, trashed } from "./moved-away.ts";
import { refs } from "./refs.ts";
import { databases, rows, stamps } from "./rows.ts";
import { index, unmerged } from "./staged.ts";
import { files, folders } from "./texts.ts";

const KINDS: { [Kind in Effect["kind"]]: EffectKind<EffectOf<Kind>> } = {
  ref: small(refs),
  file: small(files),
  folder: small(folders),
  index: small(index),
  unmerged: small(unmerged),
  rows: small(rows),
  stamp: small(stamps),
  database: small(databases),
  trash: trashed,
  move: moves,
  checkout: checkouts,
  objects,
  remote: small({
    target: ({ remote, detail }) => `${remote}: ${detail}`,
    stand: () => ({ state: "beyond" }),
    takeBack() {},
  }),
};

export function kindOf({ kind }: Effect): EffectKind {
  return KINDS[kind];
}
