/** `expver worktrees`: every worktree of the repository, and what stands in the way of removing those expver made. */
import { openProject, requireRepository } from "../config/project.ts";
import { findRepository } from "../git/git.ts";
import { headBranch, resolveCommit } from "../git/refs.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import type { Finding } from "./worktree/inventory/finding.ts";
import { inventory } from "./worktree/inventory.ts";
import { knownWorktrees } from "./worktree/records.ts";

export interface ListedWorktree {
  root: string;
  kind: "main" | "exploration" | "experiment" | "other" | "gone";
  /** Version of an exploration, name of an experiment. */
  name: string | null;
  /** Null: detached. */
  branch: string | null;
  commit: string | null;
  /** What is nowhere else; only of those expver made. */
  findings: Finding[];
}

export const worktrees: ReadWorkflow<Input, { worktrees: ListedWorktree[] }> = {
  async read(context) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const listed: ListedWorktree[] = [];
    for (const [index, { root, there, record }] of knownWorktrees(project, repository).entries()) {
      const inside = there ? findRepository({ ...context, cwd: root }) : null;
      listed.push({
        root,
        kind: index === 0 ? "main" : there ? (record?.kind ?? "other") : "gone",
        name: record?.name ?? null,
        branch: (inside && headBranch(inside))?.replace(/^refs\/heads\//, "") ?? null,
        commit: inside && resolveCommit(inside, "HEAD"),
        findings: there && record !== null ? await inventory(project, context, record) : [],
      });
    }
    return { worktrees: listed };
  },
};
