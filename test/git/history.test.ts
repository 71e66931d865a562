/** Of a stretch of commits enough that every state of some files is among them. */
import { expect, it } from "vitest";
import { commitsWithEveryState, type Stretch } from "../../src/git/history.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const statesOf = (repo: TestRepository, commits: readonly string[]) =>
  [...new Set(commits.map((commit) => repo.git("ls-tree", commit, "f.dvc")))].sort();

/** The states that those of `commitsWithEveryState` have, and those that all the commits have. */
function compare(repo: TestRepository, stretch: Stretch): string[] {
  const all = repo.git("rev-list", ...stretch.wants, "--not", ...stretch.haves).split("\n");
  const found = statesOf(repo, commitsWithEveryState(repo.repository, stretch, ["*.dvc"]));
  expect(found).toEqual(statesOf(repo, all));
  return found;
}

it("has what stood where the stretch begins, though it was changed before", () => {
  const repo = makeRepository();
  const before = repo.commit("before", { "f.dvc": "1" });
  repo.commit("between", { other: "x" });
  const tip = repo.commit("tip", { "f.dvc": "2" });
  expect(compare(repo, { wants: [tip], haves: [before] })).toHaveLength(2);
  expect(compare(repo, { wants: [tip], haves: [] })).toHaveLength(2);
});

it("has what a branch changed that was merged without it", () => {
  const repo = makeRepository();
  repo.commit("first", { "f.dvc": "1" });
  repo.git("checkout", "-q", "-b", "side");
  repo.commit("only here", { "f.dvc": "3" });
  repo.git("checkout", "-q", "main");
  repo.commit("meanwhile", { other: "x" });
  repo.git("merge", "-q", "--no-edit", "-s", "ours", "side");
  expect(compare(repo, { wants: ["main"], haves: [] })).toHaveLength(2);
});
