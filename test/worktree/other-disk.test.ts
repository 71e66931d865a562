/** Worktrees on another file system than the repository: nothing can be linked or renamed between them, and everything works all the same. */
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rowsOf } from "../run/story.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { FAST_FOLDER, type TestRepository } from "../support/repository.ts";
import { readTree } from "../support/trees.ts";
import { type Lab, LEAVINGS, makeLab, mustIn, train } from "./story.ts";

const OTHER = tmpdir();

describe.skipIf(statSync(OTHER).dev === statSync(FAST_FOLDER).dev)("on another file system", () => {
  let lab: Lab;
  let repo: TestRepository;
  const trees = realpathSync(mkdtempSync(join(OTHER, "expver-trees-")));
  beforeAll(() => {
    lab = makeLab({ remotes: false, trees });
    repo = lab.repo;
    // Larger than what is copied: a link would be made if it could be.
    mustIn(repo, "data", "config", "cache.type", "hardlink,symlink,copy");
    repo.commit("links wanted");
  });
  afterAll(() => rmSync(trees, { recursive: true, force: true }));

  const stateOf = (there: TestRepository) =>
    existsSync(there.root)
      ? [
          readTree(there.root, { skip: ["tmp", "experiments.db"], modes: true }),
          there.git("status", "--porcelain", "--ignored"),
          rowsOf(there),
        ]
      : null;

  it("made, used, restored in, finished", () => {
    lab.must("worktree", "create", "augment");
    const there = lab.inside("exp-augment");
    expect(there.read("data/train.csv")).toBe("a,b\n1,2\n");
    rmSync(join(there.root, "data/train.csv"));
    there.write("data/train.csv", "a,b\n1,2\n3,4\n");
    train(there, "0.8");
    const before = stateOf(there);
    there.write("train.sh", "stored nowhere\n");
    mustIn(there, "restore", "e0.1.0", "--force");
    expect(there.read("data/train.csv")).toBe("a,b\n1,2\n");
    mustIn(there, "undo");
    expect(there.read("train.sh")).toBe("stored nowhere\n");
    there.git("checkout", "-q", "train.sh");
    expect(stateOf(there)).toEqual(before);
    mustIn(repo, "get", "e0.1.0", "models/model.bin", "-o", join(trees, "old.bin"));
    expect(readdirSync(trees).sort()).toEqual(["exp-augment", "old.bin"]);
    lab.must("worktree", "finish", "augment", "-m", "x");
    expect(repo.read("data/train.csv")).toBe("a,b\n1,2\n3,4\n");
    expect(repo.expverJson(["verify", "--all"])).toMatchObject({ code: 0 });
    expect(readdirSync(trees)).toEqual(["old.bin"]);
  });

  it("a restore in it, killed before any change, and its undo: everything as it was", { timeout: 900_000 }, () => {
    lab.must("worktree", "create", "back");
    const there = lab.inside("exp-back");
    rmSync(join(there.root, "data/train.csv"));
    there.write("data/train.csv", "a,b\n5,6\n");
    mustIn(there, "data", "add", "data/train.csv");
    there.write("many/1.txt", "1");
    there.commit("later", { "many/2.txt": "2", "train.sh": "later\n" });
    there.write("train.sh", "stored nowhere\n");
    const before = stateOf(there);
    let restored = 0;
    for (const [act, other] of [
      [["restore", "e0.1.0", "--force"], ["undo"]],
      [["undo"], ["restore", "e0.1.0", "--force"]],
    ] as const) {
      if (act[0] === "undo") mustIn(there, ...other);
      atEveryKill((at) => {
        const killed = runKilledAt(there, [...act], at);
        const repaired = there.expver(["doctor", "--fix"]);
        if (existsSync(join(there.root, "many"))) expect(stateOf(there), JSON.stringify({ act, at, repaired })).toEqual(before);
        else {
          restored += 1;
          expect(there.expverJson(["undo"]), JSON.stringify({ act, at, repaired })).toMatchObject({ code: 0 });
          expect(stateOf(there), JSON.stringify({ act, at })).toEqual(before);
        }
        if (act[0] === "undo") mustIn(there, ...other);
        return killed;
      }, sampledPoints(53));
      if (act[0] === "undo") mustIn(there, "undo");
    }
    expect(restored).toBeGreaterThan(0);
    lab.must("worktree", "remove", "back", "--force", "commits", "tracked", "--yes");
  });

  it("explored and cleaned up", () => {
    lab.must("checkout", "e0.1.0");
    expect(lab.inside("explore-e0.1.0").read("data/train.csv")).toBe("a,b\n1,2\n");
    lab.must("cleanup");
    expect(existsSync(lab.tree("explore-e0.1.0"))).toBe(false);
  });

  it("removed with what is only there, killed before any change: gone or as it was; undo, killed as well, brings all of it back", {
    timeout: 900_000,
  }, () => {
    lab.must("worktree", "create", "gone");
    const there = lab.inside("exp-gone");
    for (const name of ["untracked", "ignored", "tracked"]) LEAVINGS[name]?.leave(there);
    for (let index = 0; index < 30; index += 1) there.write(`many/files/${index}.txt`, `${index}`);
    const before = stateOf(there);
    const remove = ["worktree", "remove", "gone", "--force", "untracked", "ignored", "tracked", "--yes"];
    let removed = 0;
    const points = atEveryKill((at) => {
      const killed = runKilledAt(repo, remove, at);
      const repaired = repo.expver(["doctor", "--fix"]);
      const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
      if (!existsSync(there.root)) {
        removed += 1;
        lab.must("undo");
      }
      expect(stateOf(there), about).toEqual(before);
      return killed;
    }, sampledPoints(113));
    expect(points).toBeGreaterThan(20);
    expect(removed).toBeGreaterThan(0);
    lab.must(...remove);
    atEveryKill((at) => {
      const killed = runKilledAt(repo, ["undo"], at);
      const repaired = repo.expver(["doctor", "--fix"]);
      const about = JSON.stringify({ undo: at, repaired: repaired.stdout + repaired.stderr });
      if (!existsSync(there.root)) lab.must("undo");
      expect(stateOf(there), about).toEqual(before);
      lab.must(...remove);
      return killed;
    }, sampledPoints(113));
  });
});
