/** A further worktree with its data in it, sharing the main one's cache; real dvc finds that too. Nothing is left when it fails. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import { beginOperation } from "../../journal/operations.ts";
import type { Context } from "../../platform/context.ts";
import { writeFileAtomic } from "../../platform/files.ts";
import { openCache } from "../../store/cache.ts";
import { dvcFolder, namesCache } from "../../store/dvc-config.ts";
import { renderDvcConfig } from "../../store/dvc-config-file.ts";
import { readPointersAt } from "../../store/pointers.ts";
import { fetchObjects } from "../../store/transfer.ts";
import { dataCheckout } from "../data/checkout.ts";
import { saveRecord, type WorktreeRecord } from "./records.ts";

export interface NewWorktree extends Omit<WorktreeRecord, "made"> {
  /** Name of a data remote for what the cache lacks. */
  remote: string | undefined;
}

export interface MadeWorktree {
  record: WorktreeRecord;
  /** Data files that were placed, and outputs whose bytes are nowhere. */
  files: number;
  missing: string[];
}

export async function makeWorktree(project: Project, repository: Repository, context: Context, wanted: NewWorktree): Promise<MadeWorktree> {
  const { root, branch, commit, remote, kind, name } = wanted;
  const command = kind === "exploration" ? "checkout" : "worktree create";
  const operation = beginOperation(project, context, {
    command,
    argv: [...command.split(" "), name],
    summary: `make ${root}`,
    notes: { wanted, undoneBy: kind === "exploration" ? `expver cleanup ${name}` : `expver worktree remove ${name}` },
  });
  try {
    const { inside, made } = addWorktree(project, repository, context, { root, branch, commit });
    if (inside.dvcRoot !== null) await fetchWhatCan(project, context, { commit, remote });
    const { files, missing } = inside.dvcRoot === null ? { files: 0, missing: [] } : await placeData({ ...context, cwd: root });
    const record = { kind, name, root, commit, branch, made };
    saveRecord(project, record);
    operation.finish();
    return { record, files, missing };
  } catch (error) {
    dropWorktree(repository, root);
    if (branch !== null) gitResult(repository, ["branch", "--quiet", "-D", "--", branch], { allow: [1] });
    operation.fail(error);
    throw error;
  }
}

/** Git's files only, and where the cache is. `made`: files we put there, relative to the root. */
export function addWorktree(
  project: Project,
  repository: Repository,
  context: Context,
  { root, branch, commit }: Pick<NewWorktree, "root" | "branch" | "commit">,
): { inside: Project; made: string[] } {
  const how = branch === null ? ["--detach"] : ["-b", branch];
  git(repository, ["worktree", "add", "--quiet", ...how, "--", root, commit]);
  const inside = openProject({ ...context, cwd: root });
  const made = inside.dvcRoot !== null && !namesCache(inside) ? [nameCache(inside, openCache(project).dir)] : [];
  return { inside, made };
}

/** With all that is in it. Harmless when it is gone already. */
export function dropWorktree(repository: Repository, root: string): void {
  gitResult(repository, ["worktree", "remove", "--force", "--force", "--", root], { allow: [128] });
  if (existsSync(root)) rmSync(root, { recursive: true, force: true });
}

/** A linked worktree's `.dvc` has no cache of its own, and dvc would make one. `config.local` is ignored by Git. */
function nameCache(inside: Project, dir: string): string {
  const file = join(dvcFolder(inside), "config.local");
  writeFileAtomic(file, renderDvcConfig(new Map([["cache", new Map([["dir", dir]])]])));
  return file.slice((inside.repository?.root ?? inside.root).length + 1);
}

/** From the remotes of here and now: those of an old commit may be gone. What is nowhere is told afterwards. */
async function fetchWhatCan(
  project: Project,
  context: Context,
  { commit, remote }: { commit: string; remote: string | undefined },
): Promise<void> {
  try {
    await fetchObjects(project, readPointersAt(project, commit), context, { remote });
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
    if (remote !== undefined) throw error;
    context.report({ kind: "warning", text: `nothing was fetched: ${error.message}`, hint: error.hint });
  }
}

async function placeData(context: Context): Promise<{ files: number; missing: string[] }> {
  const { stats, failed } = await dataCheckout.apply(context, await dataCheckout.plan(context, { allowMissing: true }));
  return { files: stats.added + stats.modified, missing: failed };
}
