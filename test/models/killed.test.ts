/** kill -9 of `models promote` and `models prune` just before each of their changes: the old state or the new one, and nothing between. */
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeModels, modelOf, must, runOfVersion, stateOf } from "./story.ts";

// Every point takes most of a second: of the second test a share each time.
const POINTS = sampledPoints(5);
const PRODUCTION = "models/production/model.json";
const FILES = [PRODUCTION, `${PRODUCTION}.dvc`, "models/production/.gitignore"];

it("leaves the old production model whole, or the new one", { timeout: 900_000 }, () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  const old = stateOf(repo, ...FILES);
  let promoted = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(repo, ["models", "promote", "e0.2.0"], at);
    const repaired = repo.expver(["doctor", "--fix"]);
    const now = stateOf(repo, ...FILES) as { files: [string, string][] };
    const isNew = now.files[0]?.[1] === modelOf("0.2");
    if (isNew) {
      const about = JSON.stringify({ at, repaired: repaired.stdout });
      expect(must(repo, "models", "info").production.state, about).toBe("right");
      expect(repo.git("status", "--porcelain"), about).toBe("");
      must(repo, "undo");
      promoted += 1;
      expect(stateOf(repo, ...FILES), about).toEqual(old);
    } else {
      expect(now, JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr })).toEqual(old);
    }
    return killed;
  });
  expect(points).toBeGreaterThan(40);
  expect(promoted).toBeGreaterThan(0);
});

it("leaves every candidate, or exactly those that were to stay", { timeout: 900_000 }, () => {
  const repo = makeModels();
  const paths = ["e0.1.0", "e0.2.0", "e0.3.0"].map((version) => must(repo, "models", "add", runOfVersion(repo, version)).path as string);
  const files = [...paths, "models/candidates.dvc"];
  const old = stateOf(repo, ...files);
  let pruned = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(repo, ["models", "prune", "--keep", "1", "--to-trash", "--yes"], at);
    const repaired = repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
    const now = stateOf(repo, ...files) as { files: [string, string | null][] };
    if (now.files.some(([, text]) => text === null)) {
      expect(
        now.files.slice(0, 3).map(([, text]) => text),
        about,
      ).toEqual([null, modelOf("0.2"), null]);
      expect(repo.git("status", "--porcelain"), about).toBe("");
      must(repo, "undo");
      pruned += 1;
    }
    expect(stateOf(repo, ...files), about).toEqual(old);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(30);
  expect(pruned).toBeGreaterThan(0);
});
