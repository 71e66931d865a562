/** Both sides of a finish, as they stand now: read anew before each step, so that a finish that was stopped goes on from what is there. */

import { existsSync } from "node:fs";
import { openProject, type Project, requireRepository } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { contextIn, git, gitResult, type Repository } from "../../../git/git.ts";
import { readRef, resolveCommit } from "../../../git/refs.ts";
import { readStatus } from "../../../git/status.ts";
import { linkedWorktrees } from "../../../git/worktrees.ts";
import type { Context } from "../../../platform/context.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { refuseOfStage } from "../../../store/worktree/contents.ts";
import { outputStatus } from "../../../store/worktree/status.ts";
import { compareMetric, directionOf, knownMetrics, metricsOf } from "../../../versions/metrics.ts";
import { readVersions } from "../../../versions/registry.ts";
import type { Version } from "../../../versions/types.ts";
import { insideOf, type WorktreeRecord } from "../records.ts";

interface Side {
  project: Project;
  repository: Repository;
  context: Context;
}

export interface Scene {
  record: WorktreeRecord & { branch: string };
  /** Where the command was typed: what results, data and models go to. */
  main: Side;
  /** The experiment's worktree. */
  there: Side;
  /** HEAD of main, and the tip of the experiment's branch. */
  head: string;
  tip: string;
  /** Where the two have parted; null when they have nothing in common. */
  base: string | null;
  /** Versions since then, lowest first. */
  versions: Version[];
  /** That of the tip. */
  tipVersion: Version | null;
  /** The version on main that has merged the tip already. */
  merged: Version | null;
  /** Changed in the worktree, stored paths: files Git tracks, and outputs. */
  changed: { files: string[]; outputs: string[] };
}

/** Throws E_DATA when the finish is typed inside the experiment, E_NOT_FOUND when its folder is gone. */
export async function openScene(context: Context, record: WorktreeRecord): Promise<Scene> {
  const main = sideOf(context);
  const { root, branch, name } = record;
  if (main.repository.root === root) {
    const other = linkedWorktrees(main.repository).find((one) => one.there && !one.bare && one.root !== root)?.root;
    throw new ExpverError("E_DATA", `${root} is where you are`, {
      hint: `Finish it from the worktree it is merged into: expver -C ${other === undefined ? "PATH" : shellWord(other)} worktree finish ${shellWord(name)}`,
      details: { path: root },
    });
  }
  if (!existsSync(root)) {
    throw new ExpverError("E_NOT_FOUND", `the folder ${root} is gone`, {
      hint: `expver check ${name} tells what its branch still has; expver doctor, whether it was moved.`,
      details: { path: root },
    });
  }
  if (branch === null) throw new TypeError("an experiment has a branch");
  const there = sideOf(contextIn(context, insideOf(record)));
  const [head, tip] = [commitOf(main, "HEAD"), commitOf(there, `refs/heads/${branch}`)];
  if (readRef(there.repository, "HEAD") !== tip) {
    throw new ExpverError("E_GIT_STATE", `HEAD of ${root} is not the tip of its branch ${branch}`, {
      hint: `git -C ${shellWord(root)} switch ${branch}`,
      details: { path: root, branch },
    });
  }
  const own = git(main.repository, ["rev-list", tip, "--not", head]).split("\n").filter(Boolean);
  const all = readVersions(main.project);
  const versions = all.filter(({ commit }) => own.includes(commit));
  // Also when its code is in main by now; one that never went on has no version of its own.
  const tipVersion = tip === record.commit ? null : (all.find(({ commit }) => commit === tip) ?? null);
  return {
    record: { ...record, branch },
    main,
    there,
    head,
    tip,
    base: mergeBase(main.repository, head, tip),
    versions,
    tipVersion,
    merged: all.find(({ message }) => message.kind === "merge" && message.merged.includes(mergedName(tipVersion, tip))) ?? null,
    changed: {
      files: readStatus(there.repository, { untracked: false }).map(({ path }) => path),
      outputs: there.project.dvcRoot === null ? [] : await changedOutputs(there),
    },
  };
}

/** What the `Merged:` trailer says of a tip: its version, or the commit. */
export function mergedName(version: Version | null, tip: string): string {
  return version?.name ?? tip;
}

/** The best by the primary metric when everybody knows which way is better, else the latest. */
export function bestVersion({ versions, main: { project } }: Pick<Scene, "versions" | "main">): Version | null {
  const known = knownMetrics(project.config, versions);
  const metric = Object.keys(project.config.metrics)[0] ?? [...known][0];
  const last = versions.at(-1) ?? null;
  if (metric === undefined) return last;
  const { direction, source } = directionOf(metric, project.config, versions);
  if (source === "guess") return last;
  const metricOf = ({ message }: Version) => metricsOf(message, known)[metric];
  return versions.toReversed().toSorted((one, other) => compareMetric(metricOf(one), metricOf(other), direction))[0] ?? null;
}

function sideOf(context: Context): Side {
  const project = openProject(context);
  return { project, repository: requireRepository(project), context };
}

function commitOf({ repository }: Side, revision: string): string {
  const commit = resolveCommit(repository, revision);
  if (commit !== null) return commit;
  throw new ExpverError("E_NOT_FOUND", `${revision} has no commit in ${repository.root}`, {
    hint: `Make one there, or switch to a branch that has one: git -C ${shellWord(repository.root)} switch BRANCH`,
    details: { revision },
  });
}

function mergeBase(repository: Repository, one: string, other: string): string | null {
  const { code, stdout } = gitResult(repository, ["merge-base", one, other], { allow: [1] });
  return code === 0 ? stdout.toString("utf8").trim() : null;
}

async function changedOutputs({ project, context }: Side): Promise<string[]> {
  const states = await outputStatus(project, readPointers(project), context);
  for (const { pointer, worktree } of states) if (worktree === "modified") refuseOfStage(pointer);
  return states.filter(({ worktree, state }) => worktree === "modified" || state === "not in cache").map(({ pointer }) => pointer.path);
}
