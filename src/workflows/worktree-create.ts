/** `expver worktree create NAME`: a branch and a worktree for an experiment beside this one, with its data, on the same cache. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { gitResult } from "../git/git.ts";
import { readRef, resolveCommit } from "../git/refs.ts";
import { readPointersAt } from "../store/pointers.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { makeWorktree, type NewWorktree } from "./worktree/make.ts";
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
    const outputs = readPointersAt(project, commit).filter(({ hash }) => hash !== null);
    const absent = environmentFiles(repository);
    return {
      command: "worktree create",
      steps: [
        { verb: "make", target: root, detail: `worktree on the new branch ${branch}, from ${from}` },
        {
          verb: "check out",
          target: "data",
          count: outputs.length,
          bytes: outputs.reduce((sum, { size }) => sum + (size ?? 0), 0),
          detail: "on the same cache",
        },
      ],
      destructive: false,
      fingerprint: fingerprintOf({ root, commit, branch }),
      wanted: { kind: "experiment", name, root, commit, branch, remote: textIn(input.remote) },
      absent,
    };
  },

  async apply(context, { wanted, absent }) {
    const project = openProject(context);
    const repository = requireRepository(project);
    await prepareWriting(project, context);
    const { files, missing } = await makeWorktree(project, repository, context, wanted);
    const { name, root, branch, commit } = wanted;
    return {
      name,
      root,
      branch: branch ?? "",
      commit,
      files,
      missing,
      absent,
      next: [`cd ${root}`, "expver run …", `expver worktree finish ${name}`],
    };
  },
};

/** Ignored things at the top that programs often need: environments, secrets, installed packages. */
function environmentFiles(repository: Parameters<typeof gitResult>[0]): string[] {
  const { stdout } = gitResult(repository, ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]);
  const ignored = stdout.toString("utf8").split("\0").filter(Boolean);
  return ignored.filter((path) => /^(?:\.env[^/]*|\.venv\/|venv\/|node_modules\/|\.python-version)$/.test(path));
}
