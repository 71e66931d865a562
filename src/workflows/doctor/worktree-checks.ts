/** Worktrees that were moved, half-removed, locked, or are off their branch; caches that are not shared. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { topOf } from "../../config/project.ts";
import { contextIn, findRepository, git, gitResult, type Repository } from "../../git/git.ts";
import { headBranch, readRef, updateRefs } from "../../git/refs.ts";
import { unfinished } from "../../git/status.ts";
import { linkedGitDir, worktreeState } from "../../git/worktrees.ts";
import type { Context } from "../../platform/context.ts";
import { copyFileAtomic, removePath } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import { makeStaging } from "../../store/objects/staging.ts";
import { recordsOf, saveRecord, type WorktreeRecord } from "../worktree/records.ts";
import type { Check, Finding, Scene } from "./check.ts";

export const movedWorktrees: Check = {
  id: "moved-worktrees",
  title: "worktrees whose folder is not where Git knows it",
  find(scene) {
    return scene.looked
      .worktrees()
      .filter(({ there }) => !there)
      .map(({ root }): Finding => {
        const record = recordAt(scene, root);
        const found = findMoved(scene, root);
        if (found !== null) {
          const what = `the worktree ${root} was moved to ${found}`;
          return { level: "problem", what, remedy: "expver doctor --fix", fix: `tell Git that it is ${found}`, subject: root };
        }
        const what = `the folder of the worktree ${root} is gone: deleted, moved far away, or on a disk that is not there`;
        return { level: "warning", what, remedy: goneRemedy(record, root) };
      });
  },
  fix(scene, { subject = "" }) {
    const found = findMoved(scene, subject);
    if (found === null || scene.place.repository === null) return null;
    // Before Git knows: then it is found where it is now, and says so itself.
    const record = recordAt(scene, subject);
    git(scene.place.repository, ["worktree", "repair", found]);
    if (record !== null) saveRecord(scene.place, { ...record, root: found });
    return `Git knows it as ${found}`;
  },
};

export const halfRemovedWorktrees: Check = {
  id: "half-removed-worktrees",
  title: "worktrees of which only one half is left",
  find(scene) {
    const known = new Set(scene.looked.worktrees().map(({ root }) => root));
    return recordsOfScene(scene)
      .filter(({ root }) => !known.has(root))
      .flatMap(({ name, root, branch, kind }): Finding[] => {
        if (existsSync(join(root, ".git"))) {
          const what = `${root} is there, and Git has forgotten that it is a worktree`;
          const remedy = `expver doctor --fix, or, if it is not needed: expver ${kind === "experiment" ? "worktree remove" : "cleanup"} ${name}`;
          return [{ level: "problem", what, remedy, fix: "give it its place in Git again", subject: root }];
        }
        const left = branch === null ? "our record of it" : `its branch ${branch}`;
        return [
          { level: "warning", what: `of the worktree ${root} only ${left} is left`, remedy: goneRemedy(recordAt(scene, root), root) },
        ];
      });
  },
  fix(scene, { subject = "" }) {
    const record = recordAt(scene, subject);
    const {
      place: { repository },
      context,
    } = scene;
    if (record === null || repository === null) return null;
    return adopt(repository, context, record);
  },
};

export const lockedWorktrees: Check = {
  id: "locked-worktrees",
  title: "locks on worktrees",
  find(scene) {
    const { repository } = scene.place;
    return scene.looked.worktrees().flatMap(({ root }): Finding[] => {
      const locked = repository === null ? null : worktreeState(repository, root).locked;
      if (locked === null) return [];
      if (locked === "initializing" && recordAt(scene, root) !== null) {
        const what = `${root} is locked by a git that died while it was made`;
        return [{ level: "warning", what, remedy: "expver doctor --fix", fix: `unlock ${root}`, subject: root }];
      }
      const what = `the worktree ${root} is locked${locked === "" ? "" : ` (${locked})`}: nothing removes it`;
      return [{ level: "note", what, remedy: `When the reason is gone: git worktree unlock ${shellWord(root)}` }];
    });
  },
  fix({ place: { repository } }, { subject = "" }) {
    if (repository === null) return null;
    git(repository, ["worktree", "unlock", subject]);
    return `${subject} is unlocked`;
  },
};

export const detachedWorktrees: Check = {
  id: "detached-worktrees",
  title: "experiment worktrees that are off their branch",
  find(scene) {
    return recordsOfScene(scene).flatMap((record): Finding[] => {
      const off = offBranch(scene, record);
      if (off === null) return [];
      const { root, branch } = record;
      const there = `git -C ${shellWord(root)}`;
      if (off.canReturn) {
        const where = off.ahead === 0 ? "at" : `${counted(off.ahead, "commit")} ahead of`;
        const what = `HEAD of ${root} is detached, ${where} the tip of its branch ${branch}`;
        // Only switched back, it would leave those commits behind.
        const remedy = off.ahead === 0 ? `${there} switch ${branch}` : "expver doctor --fix";
        return [{ level: "warning", what, remedy, fix: `put it on ${branch} again`, subject: root }];
      }
      const what = `HEAD of ${root} is ${off.on ?? `detached at ${off.head.slice(0, 12)}`}, and not on its branch ${branch}`;
      return [{ level: "warning", what, remedy: `Keep what is there: ${there} branch KEEP; then: ${there} switch ${branch}` }];
    });
  },
  fix(scene, { subject = "" }) {
    const record = recordAt(scene, subject);
    const off = record === null ? null : offBranch(scene, record);
    if (record === null || off === null || !off.canReturn) return null;
    const ref = `refs/heads/${record.branch}`;
    if (off.ahead > 0) updateRefs(off.repository, [{ ref, before: off.tip, after: off.head }], { reason: "expver: doctor" });
    git(off.repository, ["symbolic-ref", "-m", "expver: doctor", "HEAD", ref]);
    return `${subject} is on ${record.branch} again`;
  },
};

function recordsOfScene({ place }: Scene): WorktreeRecord[] {
  return place.repository === null ? [] : [...recordsOf(place, "experiment"), ...recordsOf(place, "exploration")];
}

function recordAt(scene: Scene, root: string): WorktreeRecord | null {
  return recordsOfScene(scene).find((record) => record.root === root) ?? null;
}

function goneRemedy(record: WorktreeRecord | null, root: string): string {
  if (record === null) return `If it is gone for good: git worktree prune; if it was moved: git worktree repair NEW-PATH`;
  const { name, kind } = record;
  const command = kind === "experiment" ? `expver check ${name}, then expver worktree remove ${name}` : `expver cleanup ${name}`;
  return `If it is gone for good: ${command}; if it was moved: git worktree repair NEW-PATH (it was ${root})`;
}

/** A folder beside the old place, or beside the main worktree, whose `.git` file still leads to its entry. */
function findMoved({ place }: Scene, root: string): string | null {
  if (place.repository === null) return null;
  const { admin } = worktreeState(place.repository, root);
  if (admin === null) return null;
  const folders = new Set([dirname(root), dirname(topOf(place)), ...subfolders(dirname(topOf(place)))]);
  for (const folder of folders) {
    const found = subfolders(folder).find((candidate) => linkedGitDir(candidate) === admin);
    if (found !== undefined) return found;
  }
  return null;
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".git"))
      .map(({ name }) => join(folder, name));
  } catch {
    return []; // not ours to read
  }
}

/** A new entry in Git for a folder that has lost its own. Its files stay what they are; what was staged is only changed again. */
function adopt(repository: Repository, context: Context, { root, branch, commit }: WorktreeRecord): string {
  const staging = makeStaging(join(repository.commonDir, "expver", "tmp"));
  const beside = join(staging, root.slice(dirname(root).length + 1));
  try {
    const isThere = branch !== null && readRef(repository, `refs/heads/${branch}`) !== null;
    const what = isThere ? [beside, branch] : ["--detach", beside, commit];
    git(repository, ["worktree", "add", "--no-checkout", "--force", ...what]);
    // The worktree may be on another disk.
    copyFileAtomic(join(beside, ".git"), join(root, ".git"));
    git(repository, ["worktree", "repair", root]);
    const inside = findRepository(contextIn(context, root));
    if (inside !== null) gitResult(inside, ["reset", "--quiet", "--mixed"], { allow: [1] });
    return `${root} is a worktree again${isThere ? ` on ${branch}` : ""}`;
  } finally {
    removePath(staging);
  }
}

interface OffBranch {
  repository: Repository;
  head: string;
  tip: string;
  /** Full name of another branch it is on; null: detached. */
  on: string | null;
  /** Commits of HEAD beyond the tip. */
  ahead: number;
  /** The branch can be put where HEAD is without losing a commit. */
  canReturn: boolean;
}

function offBranch({ context }: Scene, { kind, root, branch }: WorktreeRecord): OffBranch | null {
  if (kind !== "experiment" || branch === null || !existsSync(join(root, ".git"))) return null;
  let repository: Repository | null;
  try {
    repository = findRepository(contextIn(context, root));
  } catch {
    return null; // another check speaks of it
  }
  if (repository === null || repository.root !== root) return null;
  const [on, head, tip] = [headBranch(repository), readRef(repository, "HEAD"), readRef(repository, `refs/heads/${branch}`)];
  if (on === `refs/heads/${branch}` || head === null || tip === null) return null;
  const isAhead = gitResult(repository, ["merge-base", "--is-ancestor", tip, head], { allow: [1] }).code === 0;
  const ahead = isAhead ? Number(git(repository, ["rev-list", "--count", head, "--not", tip])) : 0;
  return { repository, head, tip, on, ahead, canReturn: on === null && isAhead && unfinished(repository) === null };
}
