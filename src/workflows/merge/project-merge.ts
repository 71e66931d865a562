/** `expver merge WORKTREE|BRANCH|TAG|FILE…`: into the project's own database, as one operation and one commit of exactly its pointer. */
import { openProject, requireRepository } from "../../config/project.ts";
import { readRef } from "../../git/refs.ts";
import { perform } from "../../journal/perform.ts";
import type { Context } from "../../platform/context.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { commitPaths, requireCommittable, requireHead } from "../commit-paths.ts";
import type { Plan } from "../contract.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { rowHooks } from "../row-hooks.ts";
import { whileNoRun } from "../second-run.ts";
import { applyResultsMerge, mergedTrailers, planResultsMerge, type ResultsMerge, type ResultsPart } from "./results-part.ts";

export interface ProjectMergePlan extends Plan {
  results: ResultsPart;
  strategy: "merge" | "rebase";
  head: string | null;
}

export interface ProjectMerged {
  /** Null: nothing had to be committed. */
  commit: string | null;
  hash: string | null;
  /** Ref that keeps the old state. */
  backup: string | null;
}

export async function planProjectMerge(context: Context, merge: ResultsMerge): Promise<ProjectMergePlan> {
  const project = openProject(context);
  const repository = requireRepository(project);
  await requireCommittable({ project, repository });
  const results = await planResultsMerge(context, project, merge);
  const head = readRef(repository, "HEAD");
  const { steps, destructive, facts, changes, pointerFile } = results;
  return {
    command: "merge",
    steps: [...steps, ...(changes ? [{ verb: "commit", target: pointerFile, detail: "this and nothing else" }] : [])],
    destructive,
    fingerprint: fingerprintOf([head, facts]),
    results,
    strategy: merge.rules.rebase === undefined ? "merge" : "rebase",
    head,
  };
}

export async function applyProjectMerge(context: Context, plan: ProjectMergePlan): Promise<ProjectMerged> {
  const { results, head } = plan;
  if (!results.changes) {
    results.discard();
    return { commit: null, hash: null, backup: null };
  }
  const project = openProject(context);
  await prepareWriting(project, context);
  const work = () => withDvcLock(project, () => merge(context, { ...plan, head }), { writes: [results.database] });
  return whileNoRun(project, "merge", work);
}

function merge(context: Context, { results, strategy, head }: ProjectMergePlan): Promise<ProjectMerged> {
  const project = openProject(context);
  const repository = requireRepository(project);
  requireHead(repository, head);
  const names = results.sides.map(({ name }) => name);
  const verb = strategy === "merge" ? "Merge" : "Rebase";
  return perform(project, context, {
    command: "merge",
    argv: ["merge", ...names],
    summary: `${strategy} results of ${names.join(", ")}`,
    work: (operation) => {
      const { edits, hash, backup } = applyResultsMerge(context, project, { part: results, operation });
      const message = `${verb} results of ${names.join(", ")}\n\n${mergedTrailers(results)}`;
      const commit = commitPaths(project, { repository, operation, edits, message, reason: `expver: ${strategy} ${names.join(" ")}` });
      return { commit, hash, backup };
    },
    rows: (effects) => rowHooks(project, effects),
  });
}
