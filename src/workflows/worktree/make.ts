/** A further worktree with its data in it, sharing the main one's cache; real dvc finds that too. Nothing is left when it fails. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openProject, type Project, requireRepository } from "../../config/project.ts";
import { failedWith, throwUnlessFailure } from "../../errors.ts";
import { contextIn, findRepository, git, gitResult, type Repository } from "../../git/git.ts";
import { readRef } from "../../git/refs.ts";
import { fillWorktree } from "../../git/sparse.ts";
import { beginOperation } from "../../journal/operations.ts";
import type { Context } from "../../platform/context.ts";
import { removePath, writeFileAtomic } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { openCache } from "../../store/objects/cache.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { cacheSeenByDvc, dvcFolder } from "../../store/settings/dvc-config.ts";
import { renderDvcConfig } from "../../store/settings/dvc-config-file.ts";
import { fetchObjects } from "../../store/transfer/transfer.ts";
import type { Pointer } from "../../store/types.ts";
import { applyCheckout, planCheckout } from "../data/cache/checkout.ts";
import { fetchImports } from "../data/transfer/fetch-imports.ts";
import { onceMoreIfDamaged } from "../data/transfer/once-more.ts";
import { type Carried, carry } from "./carry.ts";
import { type Cone, inCone } from "./cone.ts";
import { type DiskUse, diskUse, linkTypesFor } from "./disk.ts";
import { folderOf, insideOf, saveRecord, type WorktreeRecord } from "./records.ts";

export interface NewWorktree extends Omit<WorktreeRecord, "made"> {
  /** Name of a data remote for what the cache lacks. */
  remote: string | undefined;
  /** Null: all of the commit. */
  cone: Cone | null;
  /** Data as links into the cache. */
  link: boolean;
  carried: Carried[];
}

export interface MadeWorktree {
  /** Data files that were placed, and outputs whose bytes are nowhere. */
  files: number;
  missing: string[];
  disk: DiskUse;
}

export async function makeWorktree(project: Project, repository: Repository, context: Context, wanted: NewWorktree): Promise<MadeWorktree> {
  const { root, branch, commit, remote, kind, name, cone, link, carried } = wanted;
  const command = kind === "exploration" ? "checkout" : "worktree create";
  const operation = beginOperation(project, context, {
    command,
    argv: [...command.split(" "), name],
    summary: `make ${root}`,
    notes: { wanted, undoneBy: kind === "exploration" ? `expver cleanup ${name}` : `expver worktree remove ${name}` },
  });
  // Not what somebody else has put there since the plan.
  const wasThere = { root: existsSync(root), branch: branch !== null && readRef(repository, `refs/heads/${branch}`) !== null };
  try {
    const { inside, made } = addWorktree(project, repository, context, { root, branch, commit, cone, link });
    if (carried.length > 0) carry(project, requireRepository(inside), carried);
    const pointers = inside.dvcRoot === null ? [] : readPointers(inside).filter((one) => cone === null || inCone(inside, cone, one));
    // A bare repository has no configuration of its own.
    const fetch = () => fetchWhatCan(repository.bare ? inside : project, context, { pointers, remote });
    if (pointers.length > 0) await fetch();
    const { files, missing } = await onceMoreIfDamaged(context, { work: () => placeData(context, inside, pointers), fetch });
    const disk = diskUse(
      inside,
      pointers.map(({ path }) => path),
    );
    const record = { kind, name, root, commit, branch, made, ...folderOf(project) };
    saveRecord(project, record);
    operation.finish();
    return { files, missing, disk };
  } catch (error) {
    const others = madeByOthers(error);
    if (!wasThere.root && !others.root) dropWorktree(repository, root);
    if (branch !== null && !wasThere.branch && !others.branch)
      gitResult(repository, ["branch", "--quiet", "-D", "--", branch], { allow: [1] });
    operation.fail(error);
    throw error;
  }
}

/** What another command made in the same moment, by which Git made none of ours: the branch comes first. */
function madeByOthers(error: unknown): { root: boolean; branch: boolean } {
  const said = failedWith(error, "E_GIT") && error.message.startsWith("git worktree: ") ? error.message : "";
  const branch = /a branch named .* already exists/.test(said);
  return { root: branch || /\balready\b/.test(said), branch };
}

/** Git's files only, and where the cache is. `made`: files we put there, relative to the root. */
export function addWorktree(
  project: Project,
  repository: Repository,
  context: Context,
  { root, branch, commit, cone = null, link = false }: Pick<NewWorktree, "root" | "branch" | "commit"> & Partial<NewWorktree>,
): { inside: Project; made: string[] } {
  const how = branch === null ? ["--detach"] : ["-b", branch];
  git(repository, ["worktree", "add", "--quiet", "--no-checkout", ...how, "--", root, commit]);
  const there = findRepository(contextIn(context, root));
  if (there === null) throw new TypeError("Git has just made it");
  fillWorktree(there, cone?.folders ?? null);
  const inside = openProject(contextIn(context, insideOf({ root, ...folderOf(project) })));
  if (inside.dvcRoot === null) return { inside, made: [] };
  const bytes = readPointers(inside).reduce((sum, { size }) => sum + (size ?? 0), 0);
  const types = linkTypesFor(inside, { bytes, asked: link });
  const settings = new Map([
    ...(cacheSeenByDvc(inside) === openCache(project).dir ? [] : [["dir", openCache(project).dir] as const]),
    ...(types === null ? [] : [["type", types.join(",")] as const]),
  ]);
  return { inside, made: settings.size === 0 ? [] : [setCache(inside, settings)] };
}

/** Into a new worktree, to where the project is in it; Git leaves the folders of submodules empty. */
export function goThere(project: Project, root: string): string[] {
  const submodules = existsSync(join(root, ".gitmodules")) ? ["git submodule update --init --recursive"] : [];
  return [`cd ${shellWord(insideOf({ root, ...folderOf(project) }))}`, ...submodules];
}

/** A command that refuses to take away where one is. */
export function fromHere({ cwd }: Pick<Project, "cwd">, command: string): string {
  return `cd ${shellWord(cwd)} && ${command}`;
}

/** With all that is in it. Harmless when it is gone already. */
export function dropWorktree(repository: Repository, root: string): void {
  gitResult(repository, ["worktree", "remove", "--force", "--force", "--", root], { allow: [128] });
  if (existsSync(root)) removePath(root);
}

/** A linked worktree's `.dvc` has no cache of its own, and dvc would make one. `config.local` is ignored by Git. */
function setCache(inside: Project, settings: ReadonlyMap<string, string>): string {
  const file = join(dvcFolder(inside), "config.local");
  writeFileAtomic(file, renderDvcConfig(new Map([["cache", new Map(settings)]])));
  return file.slice((inside.repository?.root ?? inside.root).length + 1);
}

/** From the remotes of here and now: those of an old commit may be gone; imports from where they were imported. What is nowhere is told afterwards. */
async function fetchWhatCan(
  project: Project,
  context: Context,
  { pointers, remote }: { pointers: readonly Pointer[]; remote: string | undefined },
): Promise<void> {
  await fetchImports(project, context, pointers);
  try {
    const { failed } = await fetchObjects(project, pointers, context, { remote });
    for (const { path, reason, hint } of failed) context.report({ kind: "warning", text: `failed to fetch ${path}: ${reason}`, hint });
  } catch (error) {
    throwUnlessFailure(error);
    if (remote !== undefined) throw error;
    context.report({ kind: "warning", text: `nothing was fetched: ${error.message}`, hint: error.hint });
  }
}

async function placeData(context: Context, inside: Project, pointers: readonly Pointer[]): Promise<{ files: number; missing: string[] }> {
  if (pointers.length === 0) return { files: 0, missing: [] };
  const here = contextIn(context, inside.root);
  const selection = { pointers: [...pointers], only: new Map() };
  const plan = await planCheckout(inside, here, { selection, input: { allowMissing: true } });
  const { stats, failed } = await withDvcLock(inside, () => applyCheckout(inside, here, plan), {
    writes: pointers.map(({ path }) => path),
  });
  return { files: stats.added + stats.modified, missing: failed };
}
