/**
 * `expver sweep`: one program with many settings, each run in a workspace of its own, all of them one version.
 *
 * Until the end nothing that others see moves. What is known stands in the sweep's journal and its runs' folders, so that
 * `--resume` goes on after any kind of end.
 */

import { hideSecrets } from "../../config/secrets.ts";
import type { Input, WriteWorkflow } from "../contract.ts";
import { prepareWriting } from "../prepare.ts";
import { nameSharedCache } from "../shared-cache.ts";
import { conductSweep, type SweepOutcome } from "./conduct.ts";
import { planSweep, type SweepPlan } from "./plan.ts";

export const sweep: WriteWorkflow<Input, SweepPlan, SweepOutcome> = {
  plan: planSweep,

  async apply(context, plan) {
    const project = plan.kind === "new" ? plan.findings.project : plan.project;
    await prepareWriting(project, context);
    if (project.dvcRoot !== null) await nameSharedCache(project, context);
    return conductSweep(context, plan);
  },

  show(plan) {
    const { command, steps, destructive, fingerprint } = plan;
    const jobs = plan.kind === "new" ? plan.request.jobs : plan.queue.map((job) => plan.sweep.jobs[job] ?? {});
    return { command, steps, destructive, fingerprint, sweep: plan.kind === "new" ? null : plan.sweep.id, jobs: jobs.map(hideSecrets) };
  },
};
