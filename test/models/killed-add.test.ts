/** kill -9 of `models add` and `models get`, and of the undo of both: what was there before, or what was asked for. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeModels, modelOf, must, runOfVersion, stateOf } from "./story.ts";

const POINTS = sampledPoints(17);

it.each([
  { command: "add", args: (run: string) => ["models", "add", run], path: (run: string) => `models/candidates/${run}_model.json` },
  { command: "get", args: (run: string) => ["models", "get", run, "-o", "mine.json", "--force", "--yes"], path: () => "mine.json" },
])("leaves what was there before $command, or the model, also when it is undone", { timeout: 900_000 }, ({ args, path }) => {
  const repo = makeModels();
  const run = runOfVersion(repo, "e0.1.0");
  repo.write("mine.json", "mine");
  const files = [path(run), "models/candidates.dvc"];
  const old = stateOf(repo, ...files);
  // A get that is repeated goes on in its folder; until then no run and no version takes it for anything.
  const clear = () => {
    const left = readdirSync(repo.root).filter((name) => /^\.expver-\w+\.tmp$/.test(name));
    if (left.length > 0) expect(JSON.stringify(must(repo, "run", "--dry-run", "--", "true"))).not.toContain(left[0]);
    for (const name of left) rmSync(join(repo.root, name), { recursive: true });
  };
  const isNew = () => (stateOf(repo, ...files) as { files: [string, string | null][] }).files[0]?.[1] === modelOf("0.5");
  let made = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(repo, args(run), at);
    const { stdout, stderr } = repo.expver(["doctor", "--fix"]);
    clear();
    if (isNew()) {
      made += 1;
      must(repo, "undo");
    }
    expect(stateOf(repo, ...files), JSON.stringify({ at, stdout, stderr })).toEqual(old);
    return killed;
  }, POINTS);
  expect([points > 10, made > 0]).toEqual([true, true]);
  const undos = atEveryKill((at) => {
    must(repo, ...args(run));
    expect(isNew()).toBe(true);
    const killed = runKilledAt(repo, ["undo"], at);
    const { stdout, stderr } = repo.expver(["doctor", "--fix"]);
    clear();
    if (isNew()) must(repo, "undo");
    expect(stateOf(repo, ...files), JSON.stringify({ at, stdout, stderr })).toEqual(old);
    return killed;
  }, POINTS);
  expect(undos).toBeGreaterThan(5);
});
