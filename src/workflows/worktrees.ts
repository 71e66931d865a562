/** `expver worktrees`: every worktree of the repository and how it stands, read for all of them together. */
import { openProject, requireRepository } from "../config/project.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import type { Finding } from "./worktree/inventory/finding.ts";
import { inventory, lostWithEntry } from "./worktree/inventory.ts";
import { knownWorktrees, mainProject } from "./worktree/records.ts";
import { type Standing, standingOf } from "./worktree/standing.ts";

export interface ListedWorktree extends Standing {
  root: string;
  kind: "main" | "exploration" | "experiment" | "other" | "gone";
  /** Version of an exploration, name of an experiment. */
  name: string | null;
  /** Null: detached. */
  branch: string | null;
  commit: string | null;
  /** What is nowhere else; only of those expver made and of those that are gone, and only when it was asked for. */
  findings: Finding[] | null;
}

export const worktrees: ReadWorkflow<Input, { worktrees: ListedWorktree[] }> = {
  async read(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const known = knownWorktrees(project, repository);
    const standings = await standingOf(project, repository, known);
    // Rows are safe in the worktree that stays, wherever one asks.
    const main = input.check === true ? mainProject(project, repository, context) : project;
    const listed: ListedWorktree[] = [];
    for (const [index, { root, there, record, branch, head }] of known.entries()) {
      listed.push({
        root,
        kind: index === 0 ? "main" : there ? (record?.kind ?? "other") : "gone",
        name: record?.name ?? null,
        branch,
        commit: head,
        ...(standings[index] as Standing),
        findings:
          input.check !== true
            ? null
            : !there
              ? lostWithEntry(repository, root)
              : record === null
                ? []
                : await inventory(main, context, record),
      });
    }
    return { worktrees: listed };
  },
};
