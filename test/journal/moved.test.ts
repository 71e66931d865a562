/** A repository that was moved or copied after an operation: undo and repair work on it where it is now, never where it was. */
import { cpSync, existsSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { runKilledAt } from "../support/kill-at.ts";
import { openTestRepository, type TestRepository } from "../support/repository.ts";
import { readTree } from "../support/trees.ts";
import { type Lab, makeLab, mustIn } from "../worktree/story.ts";

let lab: Lab;
let repo: TestRepository;
beforeEach(() => {
  lab = makeLab({ remotes: false });
  repo = lab.repo;
});

function picture(one: TestRepository): unknown {
  const refs = one.git("for-each-ref").split("\n");
  return {
    files: readTree(one.root, { skip: [".git", "tmp", "cache"] }),
    index: one.git("ls-files", "--stage"),
    refs: refs.filter((line) => !line.includes("refs/expver/backup/")),
    head: one.git("rev-parse", "HEAD"),
  };
}

/** Something the trash keeps, something the index has, rows. */
function work(one: TestRepository): unknown[] {
  const pictures = [picture(one)];
  one.write("train.sh", "stored nowhere\n");
  one.write("metrics.json", "an ignored file\n");
  pictures[0] = picture(one);
  for (const args of [
    ["restore", "e0.1.0", "train.sh", "--force"],
    ["get", "e0.1.0", "models/model.bin", "-o", "metrics.json", "--force"],
    ["run", "-m", "second", "--", "sh", "-c", "echo second > models/model.bin"],
  ]) {
    mustIn(one, ...args);
    pictures.push(picture(one));
  }
  return pictures;
}

function undoAll(one: TestRepository, pictures: readonly unknown[]): void {
  expect(picture(one)).toEqual(pictures.at(-1));
  for (const before of pictures.slice(0, -1).reverse()) {
    mustIn(one, "undo");
    expect(picture(one)).toEqual(before);
  }
}

function at(root: string): TestRepository {
  return openTestRepository(root, repo.context.env as Record<string, string>);
}

function moved(from: string, to: string): TestRepository {
  renameSync(from, to);
  return at(to);
}

it("moved: every operation is taken back there", () => {
  const pictures = work(repo);
  undoAll(moved(repo.root, `${repo.root} elsewhere`), pictures);
});

it("copied: what is undone in the copy stays in the original, which can undo it, too", () => {
  const pictures = work(repo);
  const copy = `${repo.root}-copy`;
  cpSync(repo.root, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const kept = readTree(repo.root);
  undoAll(at(copy), pictures);
  expect(readTree(repo.root)).toEqual(kept);
  undoAll(repo, pictures);
});

it("a linked worktree that was moved: the same", () => {
  lab.must("worktree", "create", "augment");
  const there = lab.inside("exp-augment");
  const pictures = work(there);
  repo.git("worktree", "move", there.root, `${there.root} moved`);
  undoAll(at(`${there.root} moved`), pictures);
});

it("an operation that was killed before the move is repaired after it", () => {
  repo.write("train.sh", "stored nowhere\n");
  const before = picture(repo);
  let killedHalfway = 0;
  // A few of its last changes put things into their places.
  for (let killAt = 40; killAt > 0; killAt -= killAt > 20 ? 1 : 4) {
    const killed = runKilledAt(repo, ["restore", "e0.1.0", "train.sh", "--force"], killAt);
    // It may have been killed when all was done.
    if (killed.code === 0 || repo.expverJson(["ops"]).data.operations[0].state === "done") {
      mustIn(repo, "undo");
      continue;
    }
    if (!isDeepStrictEqual(picture(repo), before)) killedHalfway += 1;
    repo = moved(repo.root, `${repo.root}+`);
    mustIn(repo, "doctor", "--fix");
    expect(picture(repo), String(killAt)).toEqual(before);
  }
  expect(killedHalfway).toBeGreaterThan(0);
});

describe("what was outside of it", () => {
  it("is not put anywhere after a move: refused, nothing changed; moved back it can be undone", () => {
    lab.must("worktree", "create", "gone");
    lab.inside("exp-gone").write("notes.txt", "by hand\n");
    lab.must("worktree", "remove", "gone", "--force", "untracked", "--yes");
    const elsewhere = moved(repo.root, `${repo.root}-elsewhere`);
    const before = picture(elsewhere);
    expect(elsewhere.expverJson(["undo"])).toMatchObject({
      code: 4,
      error: {
        code: "E_UNDO",
        message: expect.stringContaining(`the repository was ${repo.root} then`),
        hint: expect.stringContaining("trash"),
      },
    });
    expect(picture(elsewhere)).toEqual(before);
    expect(existsSync(lab.tree("exp-gone"))).toBe(false);
    expect(readdirSync(dirname(elsewhere.root))).not.toContain("exp-gone");
    renameSync(elsewhere.root, repo.root);
    lab.must("undo");
    expect(lab.inside("exp-gone").read("notes.txt")).toBe("by hand\n");
    expect(existsSync(join(lab.tree("exp-gone"), "data/train.csv"))).toBe(true);
  });
});
