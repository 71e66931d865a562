/** How the journal looks at rows of a run and removes them: it may not use the results database itself. */
import type { Place } from "../config/project.ts";
import type { RowHooks } from "../journal/effects.ts";

export async function rowHooks(_project: Place): Promise<RowHooks | undefined> {
  return undefined;
}
