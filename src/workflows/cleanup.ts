/** `expver cleanup [V]`: removes exploration worktrees, as long as nothing in them is other than what was checked out. */

import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { worktreeState } from "../git/worktrees.ts";
import { shellWord } from "../platform/shell-word.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { wordsOf } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { type Finding, single } from "./worktree/inventory/finding.ts";
import { inventory } from "./worktree/inventory.ts";
import { mainProject, recordsOf } from "./worktree/records.ts";
import { forcedCategories, type Removal, type Removed, removeWorktree, requireNothingLost, requireUnlocked } from "./worktree/remove.ts";

interface CleanupPlan extends Plan {
  removals: Removal[];
  left: LeftWorktree[];
}

export interface LeftWorktree {
  name: string;
  root: string;
  findings: Finding[];
}

export interface CleanedUp {
  removed: Removed[];
  /** Those in which something is nowhere else. */
  left: LeftWorktree[];
}

export const cleanup: WriteWorkflow<Input, CleanupPlan, CleanedUp> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const main = mainProject(project, repository, context);
    const forced = forcedCategories(input);
    const explorations = recordsOf(project, "exploration");
    const names = wordsOf(input.version).map((name) => name.replaceAll("/", "-"));
    const unknown = names.find((name) => !explorations.some((record) => record.name === name));
    if (unknown !== undefined) {
      const known = explorations.map(({ name }) => name).join(", ");
      throw new ExpverError(
        "E_NOT_FOUND",
        `there is no exploration worktree of ${unknown}; ${known === "" ? "there are none" : `there are: ${known}`}`,
        {
          details: { asked: unknown },
        },
      );
    }
    const removals: Removal[] = [];
    const left: LeftWorktree[] = [];
    for (const record of explorations.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const isHere = record.root === repository.root;
      const findings = [
        ...(isHere ? [single("program", "it is where you are", "go to another worktree first")] : []),
        ...(await inventory(main, context, record)),
      ];
      if (names.length > 0) requireUnlocked(repository, record);
      if (names.length > 0) requireNothingLost(record, findings, { forced });
      if (findings.every(({ category }) => forced.has(category)) && worktreeState(repository, record.root).locked === null)
        removals.push({ record, forced: findings });
      else left.push({ name: record.name, root: record.root, findings });
    }
    return {
      command: "cleanup",
      steps: removals.map(({ record, forced: findings }) => ({
        verb: "remove",
        target: record.root,
        detail: findings.length === 0 ? "nothing in it is other than what was checked out" : findings.map(({ what }) => what).join("; "),
        ...(findings.length === 0 ? {} : { keeps: "trash" }),
      })),
      destructive: removals.some(({ forced: findings }) => findings.length > 0),
      fingerprint: fingerprintOf(removals),
      removals,
      left,
    };
  },

  async apply(context, { removals, left }) {
    const project = openProject(context);
    const repository = requireRepository(project);
    await prepareWriting(project, context);
    const removed: Removed[] = [];
    for (const removal of removals) removed.push(await removeWorktree(project, repository, context, removal));
    for (const { root, findings } of left) {
      const [first] = findings;
      const why = findings.map(({ what }) => what).join("; ") || "it is locked";
      context.report({ kind: "warning", text: `${root} stays: ${why}`, hint: first?.remedy ?? `git worktree unlock ${shellWord(root)}` });
    }
    return { removed, left };
  },
};
