/** A pull, or a switch of branches, moves pointers and leaves data and results as they are. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { TestRepository } from "../support/repository.ts";
import { makeExperiment, rowsOf } from "./story.ts";

/** On `other` the data is another, with a run that read it; then main again, where only Git has switched. */
function afterASwitch(before: (repo: TestRepository) => void = () => {}): TestRepository {
  const repo = makeExperiment();
  repo.write("data/train.csv", "1\n");
  must(repo, "data", "add", "data/train.csv");
  repo.commit("data");
  must(repo, "run", "-m", "first", "--", "true");
  rmSync(join(repo.root, "data/train.csv"));
  repo.write("data/train.csv", "1\n2\n");
  must(repo, "data", "add", "data/train.csv");
  repo.commit("more data");
  must(repo, "run", "-m", "second", "--", "true");
  repo.git("branch", "colleague");
  repo.git("reset", "-q", "--hard", "HEAD~2");
  must(repo, "data", "checkout", "--force");
  before(repo);
  repo.git("merge", "-q", "--ff-only", "colleague");
  return repo;
}

function must(repo: TestRepository, ...args: string[]): void {
  expect(repo.expver(args)).toMatchObject({ code: 0 });
}

it("a run says that it reads older data than HEAD names, unless the pointer says so", () => {
  const repo = afterASwitch();
  const warning =
    /data\/train\.csv is what it was in \w+ data, not what HEAD says(?:.|\n)*hint: For HEAD's: expver data pull data\/train\.csv/;
  expect(repo.expver(["run", "--dry-run", "--", "true"]).stderr).toMatch(warning);
  must(repo, "data", "add", "data/train.csv");
  expect(repo.expver(["run", "--dry-run", "--", "true"]).stderr).not.toMatch(warning);
  repo.git("checkout", "-q", "data/train.csv.dvc");
  must(repo, "data", "checkout");
  expect(repo.expver(["run", "--dry-run", "--", "true"]).stderr).not.toMatch(warning);
  rmSync(join(repo.root, "data/train.csv"));
  repo.write("data/train.csv", "new\n");
  expect(repo.expver(["run", "--dry-run", "--", "true"]).stderr).not.toMatch(warning);
  must(repo, "data", "add", "data/train.csv");
  rmSync(join(repo.root, "data/train.csv"));
  repo.write("data/train.csv", "1\n");
  expect(repo.expver(["run", "--dry-run", "--", "true"]).stderr).not.toMatch(warning);
});

it("a checkout that leaves a failed run behind says which, and undo has it again", () => {
  const repo = makeExperiment();
  must(repo, "run", "-m", "first", "--", "true");
  expect(repo.expver(["run", "--", "false"]).code).toBe(1);
  const [{ run_id: failed }] = repo.expverJson(["runs", "list"]).data.runs;
  expect(repo.expver(["data", "checkout"])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`lacks 1 run without a version that this one has: ${failed}`),
  });
  expect(repo.expverJson(["runs", "list"]).data.runs).toHaveLength(1);
  must(repo, "undo");
  expect(repo.expverJson(["runs", "list"]).data.runs).toMatchObject([{ run_id: failed }, {}]);
  must(repo, "data", "add", "results/experiments.db");
  expect(repo.expver(["data", "checkout"]).stderr).toBe("");
  expect(repo.expverJson(["runs", "list"]).data.runs).toHaveLength(2);
});

it("rows of one's own stand in the way of a checkout, and what it says to type keeps them and HEAD's", () => {
  const repo = afterASwitch((one) => must(one, "log", "note=mine"));
  const refused = repo.expver(["data", "checkout"]);
  expect(refused).toMatchObject({ code: 255, stderr: expect.stringContaining("To have its rows and HEAD's together: expver merge HEAD;") });
  must(repo, "merge", "HEAD");
  expect(repo.expver(["data", "checkout"]).stderr).toBe("");
  const rows = rowsOf(repo).map(({ version, note }) => version ?? note);
  expect(rows.sort()).toEqual(["e0.1.0", "e0.2.0", "mine"]);
});
