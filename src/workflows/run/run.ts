/**
 * `expver run`: one experiment from snapshot to tag.
 *
 * Nothing that others see moves before the program has ended well: until then there is a reserved number, a kept snapshot
 * and a row that says "running". A run that does not end well leaves its rows, log and status, and no version.
 */
import type { Input, WriteWorkflow } from "../contract.ts";
import { prepareWriting } from "../prepare.ts";
import { nameSharedCache } from "../shared-cache.ts";
import { type RunOutcome, runAttached } from "./attached.ts";
import { planRun, type RunPlan } from "./planning/plan.ts";
import { runDetached, supervisedRun, tellingStarter } from "./program/detach.ts";

export const run: WriteWorkflow<Input, RunPlan, RunOutcome> = {
  plan: (context, input) => tellingStarter(context, () => planRun(context, input)),

  async apply(context, plan) {
    const supervised = supervisedRun(context);
    if (plan.request.detach && supervised === null) return runDetached(context, plan);
    return tellingStarter(context, async () => {
      await prepareWriting(plan.project, context);
      if (plan.project.dvcRoot !== null) await nameSharedCache(plan.project, context);
      return runAttached(context, plan, supervised);
    });
  },

  show({ command, steps, destructive, fingerprint, version, selection }) {
    return {
      command,
      steps,
      destructive,
      fingerprint,
      version: version.name,
      included: selection.included.map(({ path }) => path),
      heldBack: selection.heldBack,
    };
  },
};
