/** `expver checkout V`: a version as it was, code, data, models and database, in a worktree of its own beside this one. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { shellWord } from "../platform/shell-word.ts";
import { readPointersAt } from "../store/pointers/pointers.ts";
import { findCommit } from "../versions/registry.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import type { DiskUse } from "./worktree/disk.ts";
import { fromHere, goThere, makeWorktree, type NewWorktree } from "./worktree/make.ts";
import { knownWorktrees, placeFor, type WorktreeRecord } from "./worktree/records.ts";

interface CheckoutPlan extends Plan {
  wanted: NewWorktree;
  /** It is there already. */
  there: WorktreeRecord | null;
}

export interface CheckedOut {
  version: string;
  root: string;
  commit: string;
  files: number;
  missing: string[];
  disk: DiskUse | null;
  /** False: it was there already. */
  made: boolean;
  next: string[];
}

export const checkout: WriteWorkflow<Input, CheckoutPlan, CheckedOut> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const name = textIn(input.version);
    if (name === undefined)
      throw new ExpverError("E_USAGE", "checkout needs a version", { hint: "expver checkout e0.1.0; `expver list` shows them all." });
    const found = findCommit(project, name);
    // A branch's name may be a path; the folder's is not.
    const version = { ...found, name: found.name.replaceAll("/", "-"), commit: found.commit };
    const asked = textIn(input.path);
    const root = asked === undefined ? placeFor(project, repository, `explore-${version.name}`) : resolve(context.cwd, asked);
    const known = knownWorktrees(project, repository).find((worktree) => worktree.root === root && worktree.there);
    const there = known?.record?.kind === "exploration" && known.record.name === version.name ? known.record : null;
    // A branch goes on, and a version may have got another number.
    if (there !== null && known?.head !== version.commit) {
      const command = `expver cleanup ${shellWord(version.name)}`;
      throw new ExpverError(
        "E_DATA",
        `${root} is there, at ${known?.head?.slice(0, 12) ?? "no commit"}; ${found.name} is ${version.commit.slice(0, 12)}`,
        {
          hint: `${command}, then repeat; or name another folder with --path.`,
          details: { path: root, there: known?.head ?? null, commit: version.commit },
        },
      );
    }
    if (there === null && existsSync(root)) {
      throw new ExpverError("E_DATA", `${root} exists already`, { hint: "Name another folder with --path.", details: { path: root } });
    }
    const outputs = readPointersAt(project, version.commit).filter(({ hash }) => hash !== null);
    const bytes = outputs.reduce((sum, { size }) => sum + (size ?? 0), 0);
    return {
      command: "checkout",
      steps:
        there === null
          ? [
              { verb: "make", target: root, detail: `worktree of ${version.name}, detached` },
              { verb: "check out", target: "data", count: outputs.length, bytes, detail: "from the cache, else the remote" },
            ]
          : [],
      destructive: false,
      fingerprint: fingerprintOf({ root, commit: version.commit, there }),
      wanted: {
        kind: "exploration",
        name: version.name,
        root,
        commit: version.commit,
        branch: null,
        remote: textIn(input.remote),
        cone: null,
        link: input.link === true,
        carried: [],
      },
      there,
    };
  },

  async apply(context, { wanted, there }) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const { name: version, root, commit } = wanted;
    const next = () => [...goThere(project, root), fromHere(project, `expver cleanup ${version}`)];
    if (there !== null) return { version, root, commit, files: 0, missing: [], disk: null, made: false, next: next() };
    await prepareWriting(project, context);
    const { files, missing, disk } = await makeWorktree(project, repository, context, wanted);
    return { version, root, commit, files, missing, disk, made: true, next: next() };
  },
};
