/** Repairing what killed commands left, before anything new is planned or written. */
import { findPlace, type Place } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { eachOperation, nameEnded } from "../journal/operations.ts";
import { brokenOperations, type Recovered, type RecoveryHandler, recover } from "../journal/recover.ts";
import type { Effect } from "../journal/types.ts";
import type { Context } from "../platform/context.ts";
import { isOfRows, rowHooks } from "./row-hooks.ts";
import { isOfPointer } from "./undo/untracked.ts";

/** Commands that repair themselves in their own way; the others' effects are taken back. Loaded only after a crash. */
const HANDLERS: Record<string, () => Promise<RecoveryHandler>> = {
  run: async () => (await import("./run/recover-run.ts")).recoverRun,
  "worktree create": async () => (await import("./worktree/recover-making.ts")).recoverMaking,
  checkout: async () => (await import("./worktree/recover-making.ts")).recoverMaking,
  publish: async () => (await import("./publish/recover.ts")).recoverPublish,
};

/** For faces, before a writing command makes its plan: a plan over half-done work would be wrong. A dry run only warns. */
export async function repairFirst(context: Context, { dryRun = false }: { dryRun?: boolean } = {}): Promise<Recovered[]> {
  const place = findPlace(context);
  if (place === null) return [];
  if (!dryRun) return repair(place, context);
  for (const { id, command } of brokenOperations(place)) {
    const text = `\`expver ${command}\` (${id}) was killed half-way: this plan is made over what it left`;
    context.report({ kind: "warning", text, hint: "Any writing command repairs it first; so does `expver doctor --fix`." });
  }
  return [];
}

/** For `apply`: makes sure nothing is half-done here. Throws E_PLAN_STALE when something was, as the plan saw it before the repair. */
export async function prepareWriting(place: Place, context: Context): Promise<void> {
  const repaired = await repair(place, context);
  if (repaired.length === 0) return;
  throw new ExpverError(
    "E_PLAN_STALE",
    `${repaired.map(({ id }) => id).join(", ")} had to be repaired first; the plan was made before that`,
    {
      hint: "Repeat the command.",
      details: { repaired: repaired.map(({ id, outcome }) => ({ id, outcome })) },
    },
  );
}

/** Repairs and reports what killed commands left here. Costs one folder listing when there is nothing. */
export async function repair(place: Place, context: Context): Promise<Recovered[]> {
  nameEnded(place);
  const broken = brokenOperations(place);
  if (broken.length === 0) return [];
  const handlers: Record<string, RecoveryHandler> = {};
  for (const { command } of broken) {
    const load = HANDLERS[command];
    if (load !== undefined) handlers[command] = await load();
  }
  const some: Effect[] = [];
  for (const { effects } of eachOperation(place)) some.push(...effects.filter(isOfRows), ...effects.filter(isOfPointer).slice(0, 1));
  const rows = await rowHooks(place, some);
  return recover(place, context, { handlers, ...(rows === undefined ? {} : { rows }) });
}
