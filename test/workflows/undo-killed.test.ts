/** `expver undo` after a command, or an undo, that was killed: what was killed is repaired, and the operation before it stands. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openOperations } from "../run/story.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const POINTS = sampledPoints(4);

function makeTracked(): TestRepository {
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.commit("start", { "data/a": "a", "data/b": "b" });
  repo.git("rm", "-q", "--cached", "data/a", "data/b");
  repo.git("commit", "-qm", "untracked");
  expect(repo.expver(["data", "add", "data/a"]).code).toBe(0);
  return repo;
}

const tracked = (repo: TestRepository) => ["a", "b"].filter((name) => existsSync(join(repo.root, `data/${name}.dvc`)));

it("a killed command", { timeout: 240_000 }, () => {
  const repo = makeTracked();
  let repaired = 0;
  atEveryKill((at) => {
    const killed = runKilledAt(repo, ["data", "add", "data/b"], at);
    if (openOperations(repo).length > 0) {
      expect(repo.expverJson(["undo", "--dry-run"]).error).toMatchObject({ code: "E_UNDO" });
      const { code, data } = repo.expverJson(["undo"]);
      expect({ at, code, data }).toMatchObject({
        at,
        code: 0,
        data: { operation: null, undone: null, repaired: [{ command: "data add" }] },
      });
      expect({ at, tracked: tracked(repo) }).toEqual({ at, tracked: ["a"] });
      repaired += 1;
    } else if (tracked(repo).includes("b")) {
      expect(repo.expver(["undo"]).code).toBe(0);
    }
    return killed;
  }, POINTS);
  expect(repaired).toBeGreaterThan(1);
  expect(tracked(repo)).toEqual(["a"]);
});

it("a killed undo", { timeout: 240_000 }, () => {
  const repo = makeTracked();
  let finished = 0;
  atEveryKill((at) => {
    expect(repo.expver(["data", "add", "data/b"]).code).toBe(0);
    const killed = runKilledAt(repo, ["undo"], at);
    const wasOpen = openOperations(repo).length > 0;
    if (tracked(repo).includes("b") || wasOpen) {
      const { stdout } = repo.expver(["undo"]);
      expect({ at, stdout }).toEqual({
        at,
        stdout: expect.stringMatching(wasOpen ? /^repaired {2}undo .* was finished\n.*expver undo\n$/ : /^undone/),
      });
      if (wasOpen) finished += 1;
    }
    expect({ at, tracked: tracked(repo) }).toEqual({ at, tracked: ["a"] });
    return killed;
  }, POINTS);
  expect(finished).toBeGreaterThan(1);
});
