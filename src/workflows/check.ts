/** `expver check [NAME|BRANCH]`: what would be lost with a worktree or a branch, at any time. Changes nothing. */
import { basename, resolve } from "node:path";
import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { contextIn, findRepository, type Repository } from "../git/git.ts";
import { headBranch, readRef } from "../git/refs.ts";
import type { Context } from "../platform/context.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import type { Finding } from "./worktree/inventory/finding.ts";
import { branchInventory, inventory } from "./worktree/inventory.ts";
import { folderOf, type KnownWorktree, knownWorktrees, mainProject, recordsOf, type WorktreeRecord } from "./worktree/records.ts";

export interface Checked {
  checked: CheckedPlace[];
  /** 4 while there is anything that is nowhere else. */
  exitCode: number;
}

export interface CheckedPlace {
  name: string;
  /** Null: a branch that is checked out nowhere. */
  root: string | null;
  branch: string | null;
  findings: Finding[];
}

export const check: ReadWorkflow<Input, Checked> = {
  async read(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const name = textIn(input.name);
    const records = name === undefined ? here(project, repository, context) : named(project, repository, context, name);
    const main = mainProject(project, repository, context);
    const checked: CheckedPlace[] = [];
    for (const record of records) {
      checked.push({ name: record.name, root: record.root, branch: record.branch, findings: await inventory(main, context, record) });
    }
    if (name !== undefined && records.length === 0) {
      const branch = name.replace(/^refs\/heads\//, "");
      checked.push({ name: branch, root: null, branch, findings: await branchInventory(main, context, branch) });
    }
    return { checked, exitCode: checked.some(({ findings }) => findings.length > 0) ? 4 : 0 };
  },
};

/** The linked worktree one is in; in the main one all that expver made: the main one cannot be removed. */
function here(project: Project, repository: Repository, context: Context): WorktreeRecord[] {
  const all = knownWorktrees(project, repository);
  const own = all.find(({ root }) => root === repository.root);
  if (own !== undefined && own !== all[0]) return [recordOf(own, project, context)];
  return [...recordsOf(project, "experiment"), ...recordsOf(project, "exploration")];
}

/** Empty: it is a branch that is checked out nowhere. Throws E_NOT_FOUND. */
function named(project: Project, repository: Repository, context: Context, name: string): WorktreeRecord[] {
  const records = [...recordsOf(project, "experiment"), ...recordsOf(project, "exploration")];
  const path = resolve(context.cwd, name);
  const known = records.find((one) => one.name === name) ?? records.find(({ root }) => root === path);
  if (known !== undefined) return [known];
  const branch = name.replace(/^refs\/heads\//, "");
  for (const worktree of knownWorktrees(project, repository)) {
    if (!worktree.there || worktree.bare) continue;
    const record = recordOf(worktree, project, context);
    if (worktree.root === path || basename(worktree.root) === name || record.branch === branch) return [record];
  }
  if (readRef(repository, `refs/heads/${branch}`) !== null) return [];
  throw new ExpverError("E_NOT_FOUND", `${JSON.stringify(name)} is no worktree and no branch`, {
    hint: "expver worktrees lists worktrees, git branch branches.",
    details: { asked: name, known: records.map((one) => one.name) },
  });
}

/** Of one that was made by hand: what there is to know. */
function recordOf({ root, record }: KnownWorktree, project: Project, context: Context): WorktreeRecord {
  if (record !== null) return record;
  const repository = findRepository(contextIn(context, root));
  const branch = (repository && headBranch(repository))?.replace(/^refs\/heads\//, "") ?? null;
  return { kind: "experiment", name: basename(root), root, commit: "", branch, made: [], ...folderOf(project) };
}
