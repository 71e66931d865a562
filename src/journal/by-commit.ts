/** Which operation made a commit. */
import type { Place } from "../config/project.ts";
import { eachOperation } from "./operations.ts";

/** Ids of operations that stand, by every commit they moved a ref to. */
export function operationsByCommit(project: Place): Map<string, string> {
  const found = new Map<string, string>();
  for (const { id, state, effects } of eachOperation(project)) {
    if (state !== "done") continue;
    for (const effect of effects) if (effect.kind === "ref" && effect.after !== null) found.set(effect.after, id);
  }
  return found;
}
