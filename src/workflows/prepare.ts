/** What every writing command does before its own work, once its plan is confirmed or before it plans. */
import type { Place } from "../config/project.ts";
import { brokenOperations, type Recovered, type RecoveryHandler } from "../journal/recover.ts";
import type { Context } from "../platform/context.ts";

/** Commands that repair themselves in their own way; the others' effects are taken back. Loaded only after a crash. */
const HANDLERS: Record<string, () => Promise<RecoveryHandler>> = {};

/** Repairs what killed commands left here, and reports it. Costs one folder listing when there is nothing. */
export async function prepareWriting(project: Place, context: Context): Promise<Recovered[]> {
  const broken = brokenOperations(project);
  if (broken.length === 0) return [];
  const { recover } = await import("../journal/recover.ts");
  const handlers: Record<string, RecoveryHandler> = {};
  for (const { command } of broken) {
    const load = HANDLERS[command];
    if (load !== undefined) handlers[command] = await load();
  }
  return recover(project, context, { handlers });
}
