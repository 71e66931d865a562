/** `expver worktrees`: every worktree of the repository, and what stands in the way of removing those expver made. */
import { openProject, requireRepository } from "../config/project.ts";
import { gitResult } from "../git/git.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { type Finding, inventory } from "./worktree/inventory.ts";
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
      const ask = (...args: string[]) => {
        const answer = there ? gitResult(repository, ["-C", root, ...args], { allow: [1, 128] }) : null;
        return answer?.code === 0 ? answer.stdout.toString("utf8").trim() : null;
      };
      listed.push({
        root,
        kind: index === 0 ? "main" : there ? (record?.kind ?? "other") : "gone",
        name: record?.name ?? null,
        branch: ask("symbolic-ref", "--quiet", "--short", "HEAD"),
        commit: ask("rev-parse", "--verify", "--quiet", "HEAD"),
        findings: there && record !== null ? await inventory(project, context, record) : [],
      });
    }
    return { worktrees: listed };
  },
};
