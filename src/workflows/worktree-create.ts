/** `expver worktree create NAME`: a branch and a worktree for an experiment beside this one, with its data, on the same cache. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { gitResult } from "../git/git.ts";
import { readRef, resolveCommit } from "../git/refs.ts";
import { shellWord } from "../platform/shell-word.ts";
import { readPointersAt } from "../store/pointers/pointers.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { textIn, wordsOf } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { environmentFiles, whatToCarry } from "./worktree/carry.ts";
import { coneOf, inCone } from "./worktree/cone.ts";
import { type DiskUse, linkTypesFor } from "./worktree/disk.ts";
import { fromHere, goThere, makeWorktree, type NewWorktree } from "./worktree/make.ts";
import { placeFor } from "./worktree/records.ts";

interface CreatePlan extends Plan {
  wanted: NewWorktree;
  /** Ignored files here that will not be there. */
  absent: string[];
}

export interface CreatedWorktree {
  name: string;
  root: string;
  branch: string;
  commit: string;
  files: number;
  missing: string[];
  disk: DiskUse;
  /** Files Git does not have, taken along. */
  copied: string[];
  /** Ignored files here that are not there. */
  absent: string[];
  next: string[];
}

export const worktreeCreate: WriteWorkflow<Input, CreatePlan, CreatedWorktree> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const name = textIn(input.name);
    if (name === undefined) throw new ExpverError("E_USAGE", "worktree create needs a name", { hint: "expver worktree create augment" });
    const branch = `exp/${name}`;
    if (gitResult(repository, ["check-ref-format", `refs/heads/${branch}`], { allow: [1] }).code !== 0) {
      throw new ExpverError("E_USAGE", `${JSON.stringify(name)} cannot be part of a branch's name`, {
        hint: "Use letters, digits, - and /.",
        details: { name },
      });
    }
    if (readRef(repository, `refs/heads/${branch}`) !== null) {
      throw new ExpverError("E_DATA", `there is a branch ${branch} already`, {
        hint: `git worktree add PATH ${branch}, or another name.`,
        details: { branch },
      });
    }
    const from = textIn(input.from) ?? "HEAD";
    const commit = resolveCommit(repository, from);
    if (commit === null) {
      throw new ExpverError("E_NOT_FOUND", from === "HEAD" ? "there is no commit yet to start from" : `${from} names no commit`, {
        hint: from === "HEAD" ? "Commit first." : "A version, a branch or another name of a commit.",
        details: { from },
      });
    }
    const asked = textIn(input.path);
    const root = asked === undefined ? placeFor(project, repository, `exp-${name.replaceAll("/", "-")}`) : resolve(context.cwd, asked);
    if (existsSync(root))
      throw new ExpverError("E_DATA", `${root} exists already`, { hint: "Name another folder with --path.", details: { path: root } });
    const pointers = readPointersAt(project, commit).filter(({ hash }) => hash !== null);
    const cone = coneOf(project, repository, context, { words: wordsOf(input.sparse), commit, pointers });
    const outputs = cone === null ? pointers : pointers.filter((pointer) => inCone(project, cone, pointer));
    const carried = repository.bare ? [] : whatToCarry(project, repository, context, wordsOf(input.copy));
    const absent = environmentFiles(repository).filter((path) => !carried.some((one) => one.path === path.replace(/\/$/, "")));
    const bytes = outputs.reduce((sum, { size }) => sum + (size ?? 0), 0);
    const isLinked = linkTypesFor(project, { bytes, asked: input.link === true }) !== null;
    return {
      command: "worktree create",
      steps: [
        {
          verb: "make",
          target: root,
          detail: `worktree on the new branch ${branch}, from ${from}${cone === null ? "" : `, only ${cone.named.join(", ")}`}`,
        },
        {
          verb: "check out",
          target: "data",
          count: outputs.length,
          bytes,
          detail: isLinked ? "on the same cache, as links that cannot be written to" : "on the same cache",
        },
        ...carried.map((one) => ({ verb: "copy", target: one.path, bytes: one.bytes, detail: "Git does not have it" })),
        ...absent.map((path) => ({
          verb: "leave out",
          target: path,
          detail: `Git ignores it; --copy ${path.replace(/\/$/, "")} takes it along`,
        })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ root, commit, branch, cone, carried }),
      wanted: { kind: "experiment", name, root, commit, branch, remote: textIn(input.remote), cone, link: input.link === true, carried },
      absent,
    };
  },

  async apply(context, { wanted, absent }) {
    const project = openProject(context);
    const repository = requireRepository(project);
    await prepareWriting(project, context);
    const { files, missing, disk } = await makeWorktree(project, repository, context, wanted);
    const { name, root, branch, commit } = wanted;
    return {
      name,
      root,
      branch: branch ?? "",
      commit,
      files,
      missing,
      disk,
      copied: wanted.carried.map(({ path }) => path),
      absent,
      next: [...goThere(project, root), "expver run …", fromHere(project, `expver worktree finish ${shellWord(name)}`)],
    };
  },
};
