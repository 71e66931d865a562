/** Ten people who begin at one commit, take the same number and publish in the same moment. */
import { expect, it } from "vitest";
import { inBackground, runRows } from "../run/story.ts";
import type { TestRepository } from "../support/repository.ts";
import { cloneOf, makeStudy, must, refsOf, runOnce } from "./story.ts";

const CLONES = 10;

/** Refused while others are faster: what it says to type is to repeat. Nobody can lose more often than there are others. */
async function publishAtLast(repo: TestRepository): Promise<void> {
  for (let tries = 0; tries < CLONES; tries += 1) {
    const { code, stdout, stderr } = await inBackground(repo, ["publish", "--json"]).ended;
    if (code === 0) return;
    expect({ code, said: stdout + stderr }).toMatchObject({ code: 4, said: expect.stringContaining("Repeat: expver publish") });
  }
  throw new Error(`refused ${CLONES} times`);
}

it("each gets a number of its own; what anybody sees of any of them is whole", { timeout: 900_000 }, async () => {
  const study = makeStudy();
  study.repo.git("push", "-q", "-u", "origin", "main");
  must(study.repo, ["data", "push"]);
  const clones = Array.from({ length: CLONES }, () => cloneOf(study));
  for (const [index, clone] of clones.entries()) {
    must(clone, ["data", "pull"]);
    expect(runOnce(clone, "-m", `by ${index}`, "--param", `lr=0.${index + 1}`)).toBe("e0.1.0");
  }
  await Promise.all(clones.map(publishAtLast));
  const numbers = clones.map((_, index) => `refs/tags/e0.${index + 1}.0`);
  expect(refsOf(study.upstream, "refs/tags").sort()).toEqual(numbers.toSorted());
  const own = clones.flatMap((clone) => runRows(clone).map(({ version }) => version));
  expect(own.map((version) => `refs/tags/${version}`).sort()).toEqual(numbers.toSorted());
  must(study.repo, ["sync"]);
  const { data } = study.repo.expverJson(["verify", "--all"]);
  expect(data.versions.map(({ state }: { state: string }) => state)).toEqual(numbers.map(() => "whole"));
});
