/** kill -9 of `models promote` just before each of its changes: the old model or the new one, and nothing between. */
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt } from "../support/kill-at.ts";
import { makeModels, modelOf, must, stateOf } from "./story.ts";

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
