/** `expver worktree remove NAME`: an experiment's worktree and branch, when nothing is lost with them. */
import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { inventory } from "./worktree/inventory.ts";
import { experimentNamed, mainProject } from "./worktree/records.ts";
import {
  forcedCategories,
  type Removal,
  type Removed,
  removalSteps,
  removeWorktree,
  requireNothingLost,
  requireUnlocked,
} from "./worktree/remove.ts";

interface RemovePlan extends Plan {
  removal: Removal;
}

export const worktreeRemove: WriteWorkflow<Input, RemovePlan, Removed> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const record = experimentNamed(project, context, textIn(input.name));
    if (repository.root === record.root) {
      throw new ExpverError("E_DATA", `${record.root} is where you are`, {
        hint: "Go to another worktree first.",
        details: { path: record.root },
      });
    }
    const findings = await inventory(mainProject(project, repository, context), context, record);
    requireUnlocked(repository, record);
    requireNothingLost(record, findings, { forced: forcedCategories(input) });
    return {
      command: "worktree remove",
      steps: removalSteps(repository, record, findings),
      destructive: findings.length > 0,
      fingerprint: fingerprintOf({ record, findings }),
      removal: { record, forced: findings },
    };
  },

  async apply(context, { removal }) {
    const project = openProject(context);
    const repository = requireRepository(project);
    await prepareWriting(project, context);
    return removeWorktree(project, repository, context, removal);
  },
};
