/** kill -9 at the points where looking back changes something: an exploration made and removed, something got out of a version. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeLab } from "./story.ts";

const POINTS = sampledPoints(19);

it("checkout: the exploration is whole or nothing is left of it; cleanup: it is gone or as it was", { timeout: 900_000 }, () => {
  const lab = makeLab({ remotes: false });
  const { repo } = lab;
  const folder = lab.tree("explore-e0.1.0");
  const stateOf = () => ({
    files: existsSync(folder) ? readdirSync(folder).sort() : null,
    data: existsSync(folder) ? readFileSync(join(folder, "data/train.csv"), "utf8") : null,
    worktrees: repo.git("worktree", "list", "--porcelain"),
    ours: repo.expverJson(["worktrees"]).data.worktrees.map(({ kind, name }: { kind: string; name: string }) => [kind, name]),
    refs: repo.git("for-each-ref"),
    main: [repo.git("status", "--porcelain"), repo.git("rev-parse", "HEAD")],
  });
  const without = stateOf();
  lab.must("checkout", "e0.1.0");
  const whole = stateOf();
  lab.must("cleanup");
  expect(stateOf()).toEqual(without);
  const ends = new Set<string>();
  const made = atEveryKill((at) => {
    const killed = runKilledAt(repo, ["checkout", "e0.1.0"], at);
    const { stdout } = repo.expver(["doctor", "--fix"]);
    const now = stateOf();
    ends.add(now.files === null ? "nothing" : "whole");
    expect(now, `checkout killed at ${at}: ${stdout}`).toEqual(now.files === null ? without : whole);
    lab.must("cleanup");
    expect(stateOf(), `cleanup after checkout killed at ${at}`).toEqual(without);
    return killed;
  }, POINTS);
  expect(made).toBeGreaterThan(20);
  const removed = atEveryKill((at) => {
    lab.must("checkout", "e0.1.0");
    const killed = runKilledAt(repo, ["cleanup"], at);
    const { stdout } = repo.expver(["doctor", "--fix"]);
    const now = stateOf();
    ends.add(now.files === null ? "nothing" : "whole");
    expect(now, `cleanup killed at ${at}: ${stdout}`).toEqual(now.files === null ? without : whole);
    lab.must("cleanup");
    return killed;
  }, POINTS);
  expect(removed).toBeGreaterThan(10);
  expect(ends).toEqual(new Set(["nothing", "whole"]));
});

it("get: HEAD, index, files and stash stay as they are; what was asked for is there whole or not at all", { timeout: 900_000 }, () => {
  const { repo } = makeLab({ remotes: false });
  repo.write("train.sh", "stashed\n");
  repo.git("stash");
  repo.write("train.sh", "edited\n");
  repo.write("staged.txt", "staged\n");
  repo.git("add", "staged.txt");
  repo.write("models/model.bin", "another\n");
  const stateOf = () => ({
    head: repo.git("rev-parse", "HEAD"),
    index: readFileSync(join(repo.root, ".git/index"), "hex"),
    refs: repo.git("for-each-ref"),
    stash: repo.git("stash", "list"),
    files: readdirSync(repo.root).filter((name) => name !== "old" && name !== ".git"),
    edited: [repo.read("train.sh"), repo.read("models/model.bin")],
  });
  const before = stateOf();
  let whole = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(repo, ["get", "e0.1.0", "models/model.bin", "-o", "old"], at);
    if (existsSync(join(repo.root, "old"))) {
      whole += 1;
      expect(repo.read("old"), `killed at ${at}`).toBe("model 0.5 of 2\n");
      rmSync(join(repo.root, "old"));
    }
    // The next get takes away what the killed one left beside its output.
    expect(repo.expver(["get", "e0.1.0", "models/model.bin", "-o", "old"]).code).toBe(0);
    expect(repo.read("old")).toBe("model 0.5 of 2\n");
    rmSync(join(repo.root, "old"));
    repo.expver(["doctor", "--fix"]);
    expect(stateOf(), `killed at ${at}`).toEqual(before);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(10);
  expect(whole).toBeGreaterThan(0);
});
