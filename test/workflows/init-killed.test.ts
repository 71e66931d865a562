import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { atEveryKill, runKilledAt } from "../support/kill-at.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";

const WHOLE = [".dvc", ".dvcignore", ".git", ".gitattributes", ".gitignore", "expver.yaml"];
const shape = (repo: TestRepository) => [readdirSync(repo.root).sort(), readdirSync(`${repo.root}/.dvc`).sort()];

test("init killed at any point is repaired and finished by the next one", () => {
  const points = atEveryKill((at) => {
    const repo = openTestRepository(makeFolder());
    const killed = runKilledAt(repo, ["init"], at);
    const again = repo.expverJson(["init"]);
    expect({ at, code: again.code, error: again.error }).toEqual({ at, code: 0, error: null });
    expect({ at, shape: shape(repo) }).toEqual({ at, shape: [WHOLE, [".gitignore", "config"]] });
    expect({
      at,
      open: repo.expverJson(["ops", "list"]).data.operations.filter(({ state }: { state: string }) => state === "killed"),
    }).toEqual({
      at,
      open: [],
    });
    return killed;
  });
  expect(points).toBeGreaterThan(20);
});

test("undo killed at any point is finished by the next writing command", () => {
  const points = atEveryKill((at) => {
    const repo = openTestRepository(makeFolder());
    repo.expver(["init"]);
    const killed = runKilledAt(repo, ["undo"], at);
    const states = () =>
      repo
        .expverJson(["ops", "list"])
        .data.operations.map(({ command, state }: { command: string; state: string }) => `${command} ${state}`);
    const before = states();
    repo.expver(["doctor", "--fix"]);
    const begun = before.some((line: string) => line.startsWith("undo"));
    expect({ at, names: readdirSync(repo.root).sort() }).toEqual({ at, names: begun ? [".git"] : WHOLE });
    expect({ at, states: states() }).toEqual({
      at,
      states: begun ? [expect.stringMatching(/^undo (done|recovered)$/), "init undone"] : ["init done"],
    });
    return killed;
  });
  expect(points).toBeGreaterThan(10);
});
