/** Making and removing worktrees: undo brings one back as it was, kill -9 leaves it whole or gone, and a locked one stays. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { categoriesOf, type Lab, LEAVINGS, makeLab } from "./story.ts";

const POINTS = sampledPoints(23);

let lab: Lab;
beforeAll(() => {
  lab = makeLab({ remotes: false });
});

/** Everything of the worktree and what Git and expver know of it. */
function stateOf(name: string): unknown {
  const there = lab.inside(`exp-${name}`);
  const isThere = existsSync(there.root);
  const ours = join(lab.repo.root, ".git/expver/worktrees");
  return {
    files: isThere ? filesOf(there.root) : null,
    status: isThere ? there.git("status", "--porcelain", "--ignored") : null,
    head: isThere ? there.git("rev-parse", "HEAD", "--symbolic-full-name", "HEAD") : null,
    branch: lab.repo.git("for-each-ref", "refs/heads"),
    worktrees: lab.repo.git("worktree", "list", "--porcelain"),
    ours: existsSync(ours) ? readdirSync(ours) : [],
    main: lab.repo.git("status", "--porcelain"),
  };
}

function filesOf(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== "tmp")
    .flatMap((entry): [string, string][] => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesOf(path) : [[path, readFileSync(path, "latin1")]];
    });
}

it("undo brings back a removed worktree with everything that was in it", () => {
  lab.must("worktree", "create", "back");
  const there = lab.inside("exp-back");
  for (const name of ["versions", "commits", "tracked", "untracked", "ignored", "data"]) LEAVINGS[name]?.leave(there);
  const before = stateOf("back");
  const found = categoriesOf(lab.repo.expverJson(["check", "back"]).data.checked[0].findings);
  lab.must("worktree", "remove", "back", "--force", ...found, "--yes");
  expect(existsSync(there.root)).toBe(false);
  lab.must("undo");
  expect(stateOf("back")).toEqual(before);
  lab.must("worktree", "remove", "back", "--force", ...found, "--yes");
});

it("undo of a making names the command that takes it back", () => {
  lab.must("worktree", "create", "made");
  expect(lab.repo.expverJson(["undo"]).error).toMatchObject({ code: "E_UNDO", hint: "expver worktree remove made" });
  lab.must("worktree", "remove", "made");
});

it("a locked one stays until it is unlocked", () => {
  lab.must("worktree", "create", "locked");
  lab.repo.git("worktree", "lock", "--reason", "on a disk that is away", lab.tree("exp-locked"));
  const { code, error } = lab.repo.expverJson(["worktree", "remove", "locked"]);
  expect({ code, error }).toMatchObject({ code: 4, error: { code: "E_BUSY", message: expect.stringContaining("on a disk that is away") } });
  lab.repo.git("worktree", "unlock", lab.tree("exp-locked"));
  lab.must("worktree", "remove", "locked");
});

it("made: killed before any change, it is whole or nothing is left of it", { timeout: 900_000 }, () => {
  const before = stateOf("kill");
  let made = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(lab.repo, ["worktree", "create", "kill"], at);
    const repaired = lab.repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
    if (existsSync(lab.tree("exp-kill"))) {
      made += 1;
      expect(lab.repo.expverJson(["check", "kill"]), about).toMatchObject({ code: 0 });
      lab.must("worktree", "remove", "kill");
    }
    expect(stateOf("kill"), about).toEqual(before);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(20);
  expect(made).toBeGreaterThan(0);
});

it("removed: killed before any change, it is gone or as it was", { timeout: 900_000 }, () => {
  lab.must("worktree", "create", "gone");
  LEAVINGS.untracked?.leave(lab.inside("exp-gone"));
  const before = stateOf("gone");
  let removed = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(lab.repo, ["worktree", "remove", "gone", "--force", "untracked", "--yes"], at);
    const repaired = lab.repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
    if (!existsSync(lab.tree("exp-gone"))) {
      removed += 1;
      lab.must("undo");
    }
    expect(stateOf("gone"), about).toEqual(before);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(20);
  expect(removed).toBeGreaterThan(0);
});
