/** Hooks, a line each. */

import type { Guarded } from "../../workflows/hooks/guards.ts";
import type { HooksState } from "../../workflows/hooks/hooks.ts";

export function renderHooks({ hooks }: HooksState): string {
  return hooks
    .map(({ name, state, chained, path }) => `${name}  ${state}${chained ? ", after the hook from before" : ""}  ${path}`)
    .join("\n");
}

/** A hook that lets Git go on says nothing. */
export function renderHooksRun(_guarded: Guarded): string {
  return "";
}
