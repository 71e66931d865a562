/** kill -9 of `expver undo`, whatever it takes back: the operation still stands, or the next writing command finishes undoing it. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import { openOperations, rowsOf, runRows } from "../run/story.ts";
import { keepFolder } from "../support/kept-folder.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import type { TestRepository } from "../support/repository.ts";
import { readTree } from "../support/trees.ts";
import { type Lab, LEAVINGS, makeLab, mustIn, train } from "./story.ts";

/** Every file of the repository and of its worktrees, what Git has of them, and the rows; copies kept for an undo may stay. */
function picture({ repo, tree, inside }: Lab): unknown {
  const skip = [".git", "tmp", "cache", "experiments.db"];
  const trees = existsSync(tree("")) ? readdirSync(tree("")) : [];
  const git = (one: TestRepository) => [one.git("ls-files", "--stage"), one.git("status", "--porcelain", "--ignored")];
  const ours = join(repo.root, ".git/expver/worktrees");
  return {
    main: [readTree(repo.root, { skip }), git(repo), rowsOf(repo), runRows(repo)],
    trees: trees.map((name) => [name, readTree(tree(name), { skip, modes: true }), git(inside(name)), rowsOf(inside(name))]),
    refs: repo
      .git("for-each-ref")
      .split("\n")
      .filter((line) => !line.includes("refs/expver/backup/")),
    worktrees: repo.git("worktree", "list", "--porcelain"),
    ours: existsSync(ours) ? readdirSync(ours) : [],
  };
}

/** What is undone, newest first: each by an undo of its own. */
const SCENES: [string, { undos: number; prepare(lab: Lab): void; act(lab: Lab): void }][] = [
  [
    "a restore over files, data, a model and what is stored nowhere",
    {
      undos: 1,
      prepare: ({ repo }) => {
        for (const path of ["data/train.csv", "models/model.bin"]) rmSync(join(repo.root, path));
        repo.write("data/train.csv", "a,b\n3,4\n");
        repo.write("models/model.bin", "another\n");
        repo.write("deep/er/new.txt", "new\n");
        mustIn(repo, "data", "add", "data/train.csv");
        repo.commit("later", { "train.sh": "later\n", "deep/er/new.txt": "new\n" });
        repo.write("train.sh", "stored nowhere\n");
      },
      act: ({ must }) => must("restore", "e0.1.0", "--force"),
    },
  ],
  [
    "a file that get replaced",
    {
      undos: 1,
      prepare: ({ repo }) => repo.write("old/copy.bin", "mine\n"),
      act: ({ must }) => must("get", "e0.1.0", "models/model.bin", "-o", "old/copy.bin", "--force"),
    },
  ],
  [
    "the removal of a worktree with all that was in it",
    {
      undos: 1,
      prepare: ({ must, inside }) => {
        must("worktree", "create", "gone");
        for (const name of ["versions", "commits", "tracked", "untracked", "ignored", "data"]) LEAVINGS[name]?.leave(inside("exp-gone"));
      },
      act: ({ must, repo }) => {
        const found = repo.expverJson(["check", "gone"]).data.checked[0].findings as { category: string }[];
        must("worktree", "remove", "gone", "--force", ...new Set(found.map(({ category }) => category)), "--yes");
      },
    },
  ],
  [
    "the cleanup of an exploration in which something was written",
    {
      undos: 1,
      prepare: ({ must, inside }) => {
        must("checkout", "e0.1.0");
        inside("explore-e0.1.0").write("notes.txt", "by hand\n");
      },
      act: ({ must }) => must("cleanup", "e0.1.0", "--force", "untracked", "--yes"),
    },
  ],
  [
    "a finish: its removal, its merge, its model",
    {
      undos: 3,
      prepare: ({ must, inside }) => {
        must("worktree", "create", "augment");
        const there = inside("exp-augment");
        rmSync(join(there.root, "data/train.csv"));
        there.write("data/train.csv", "a,b\n1,2\n3,4\n");
        there.write("augment.py", "code of the experiment\n");
        train(there, "0.8");
      },
      act: ({ must }) => must("worktree", "finish", "augment", "-m", "x", "--code", "merge"),
    },
  ],
];

it.each(SCENES)("%s", { timeout: 900_000 }, (_name, { undos, prepare, act }) => {
  const lab = makeLab({ remotes: false });
  prepare(lab);
  const { repo } = lab;
  act(lab);
  for (let undo = 0; undo < undos; undo += 1) {
    const kept = keepFolder(dirname(repo.root));
    const after = picture(lab);
    lab.must("undo");
    const before = picture(lab);
    let finished = 0;
    const points = atEveryKill((at) => {
      kept.bringBack();
      const killed = runKilledAt(repo, ["undo"], at);
      const repaired = repo.expver(["doctor", "--fix"]);
      const about = JSON.stringify({ undo, at, repaired: repaired.stdout + repaired.stderr });
      const now = picture(lab);
      if (isDeepStrictEqual(now, before)) finished += 1;
      else {
        expect(now, about).toEqual(after);
        lab.must("undo");
        expect(picture(lab), about).toEqual(before);
      }
      expect(openOperations(repo), about).toEqual([]);
      return killed;
    }, sampledPoints(79));
    expect(points).toBeGreaterThan(10);
    expect(finished).toBeGreaterThan(0);
  }
});
