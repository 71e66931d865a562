/** kill -9 of `models demote` where it takes the only production model out: it is there whole, or gone with its pointer. */
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeModels, must, stateOf } from "./story.ts";

const POINTS = sampledPoints(5);
const PRODUCTION = "models/production/model.json";
const FILES = [PRODUCTION, `${PRODUCTION}.dvc`, "models/production/.gitignore"];

it("leaves the production model whole, or none", { timeout: 900_000 }, () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  const old = stateOf(repo, ...FILES);
  let demoted = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(repo, ["models", "demote"], at);
    const repaired = repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
    const now = stateOf(repo, ...FILES) as { files: [string, string | null][] };
    if (now.files[0]?.[1] === null) {
      expect(now.files[1]?.[1], about).toBeNull();
      expect(repo.git("status", "--porcelain"), about).toBe("");
      must(repo, "undo");
      demoted += 1;
    }
    expect(stateOf(repo, ...FILES), about).toEqual(old);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(20);
  expect(demoted).toBeGreaterThan(0);
});
