/** What tells a version from the one before, in one line: short, true to the digit, the most telling first. */

import { someOf } from "../../platform/words.ts";
import type { ChangedValue } from "../advise/since-last.ts";
import type { DataChanges } from "./data-changes.ts";

export interface Changes extends DataChanges {
  params: readonly ChangedValue[];
  /** Paths of Git's files. */
  code: readonly string[];
}

/** Empty when nothing differs. */
export function changesText({ params, data, renamed, gone, code }: Changes): string {
  const listed = asLists(params);
  const parts = [
    ...listed.slice(0, 3).map(changeOf),
    ...(listed.length > 3 ? [`${listed.length - 3} more parameters`] : []),
    ...(data.length > 0 ? [`new data in ${someOf(data.slice(0, 2))}${data.length > 2 ? " …" : ""}`] : []),
    ...renamed.slice(0, 2).map(({ from, to }) => `${from} → ${to}`),
    ...(renamed.length > 2 ? [`${renamed.length - 2} more renamed`] : []),
    ...(gone.length > 0 ? [`without ${someOf(gone.slice(0, 2))}${gone.length > 2 ? " …" : ""}`] : []),
    ...(code.length > 0 ? [`changes in ${someOf(code, 2)}`] : []),
  ];
  return parts.join(", ");
}

/** `accuracy 0.84 → 0.9333`; a long text or one of several lines is only said to differ, for numbers are never cut. */
export function changeOf({ name, before, now }: ChangedValue): string {
  const values = [before, now].filter((value) => value !== null);
  if (values.some((value) => value.length > 40 || /\p{Cc}/u.test(value))) return `another ${name}`;
  const shown = (value: string | null) => (value === null ? "(none)" : value === "" ? "(empty)" : value);
  return before === null ? `${name} ${shown(now)}` : `${name} ${shown(before)} → ${shown(now)}`;
}

/** A list of values is one parameter: `lr.0`, `lr.1` are `lr`. */
function asLists(params: Changes["params"]): Changes["params"] {
  const lists = new Map<string, Changes["params"]>();
  for (const one of params) {
    const name = one.name.replace(/\.\d+$/, "");
    lists.set(name, [...(lists.get(name) ?? []), one]);
  }
  return [...lists].flatMap(([name, all]) => {
    if (all.length === 1) return all;
    const text = (values: (string | null)[]) => values.filter((one) => one !== null).join(", ");
    return [{ name, before: text(all.map(({ before }) => before)) || null, now: text(all.map(({ now }) => now)) }];
  });
}
