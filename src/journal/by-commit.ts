/** Which operation made a commit. */
import type { Place } from "../config/project.ts";
import { listOperations } from "./operations.ts";

/** Ids of operations that stand, by every commit they moved a ref to. */
export function operationsByCommit(project: Place): Map<string, string> {
  const standing = listOperations(project).filter(({ state }) => state === "done");
  return new Map(
    standing.flatMap(({ id, effects }) =>
      effects.flatMap((effect): [string, string][] => (effect.kind === "ref" && effect.after !== null ? [[effect.after, id]] : [])),
    ),
  );
}
