/** The section of a parameter file that says what a sweep is to try: it is no parameter of any run. */
import { isMapping } from "../../../platform/mapping.ts";

/** Null where there is none; a parameter that happens to be called `sweep` is none. */
export function settingsIn(root: unknown): Record<string, unknown> | null {
  const section = isMapping(root) ? root.sweep : undefined;
  return isMapping(section) && ["grid", "list", "range", "repeat"].some((key) => Object.hasOwn(section, key)) ? section : null;
}

/** The rest of the file. */
export function withoutSettings(root: unknown): unknown {
  if (settingsIn(root) === null) return root;
  const { sweep: _section, ...rest } = root as Record<string, unknown>;
  return rest;
}
