/** The metrics file that a stage of `dvc.yaml` names is the run's, when no other was asked for. */
import { beforeEach, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const STAGE = (metrics: string) => `stages:\n  train:\n    cmd: sh train.sh\n    metrics:\n    ${metrics}\n`;
const GITS = STAGE("- metrics.json: { cache: false }");
const train = ["--", "sh", "-c", `echo '{"accuracy": 0.5}' > metrics.json`];

let repo: TestRepository;

beforeEach(() => {
  repo = makeRepository();
  repo.expver(["init"]);
});

it("is read, and Git's when its stage says so", () => {
  repo.commit("pipeline", { "dvc.yaml": GITS });
  const ran = repo.expverJson(["run", ...train]);
  expect(ran.data.metrics).toEqual({ accuracy: "0.5" });
  expect(ran.warnings).toEqual([]);
  expect(repo.git("show", "e0.1.0:metrics.json")).toBe('{"accuracy": 0.5}');
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(repo.expverJson(["run", "--", "sh", "-c", `echo '{"accuracy": 0.75}' > metrics.json`]).data.metrics).toEqual({ accuracy: "0.75" });
  expect(repo.git("show", "e0.2.0:metrics.json")).toBe('{"accuracy": 0.75}');
});

it("is dvc's to store and to ignore when its stage says nothing else", () => {
  repo.commit("pipeline", { "sub/dvc.yaml": STAGE("- m/metrics.yaml") });
  const ran = repo.expverJson(["run", "--", "sh", "-c", "mkdir -p sub/m && echo 'loss: 2' > sub/m/metrics.yaml"]);
  expect(ran.data.metrics).toEqual({ loss: "2" });
  expect(repo.git("status", "--porcelain")).toBe("?? sub/m/");
});

it("is another one when that was asked for, and none when the program wrote none, or stages name several", () => {
  repo.commit("pipeline", { "dvc.yaml": GITS, "metrics.json": '{"accuracy": 9}' });
  const other = repo.expverJson(["run", "--metrics", "own.json", "--", "sh", "-c", `echo '{"loss": 1}' > own.json`]);
  expect(other.data.metrics).toEqual({ loss: "1" });
  const none = repo.expverJson(["run", "--", "true"]);
  expect(none.data.metrics).toEqual({});
  expect(none.warnings.map(({ text }) => text)).toEqual([expect.stringContaining("left no number")]);
  repo.commit("two", { "eval/dvc.yaml": STAGE("- eval.json") });
  expect(repo.expverJson(["run", ...train]).data.metrics).toEqual({});
});

it("does not keep a run from a dvc.yaml that nobody can read", () => {
  repo.commit("pipeline", { "dvc.yaml": "stages: [\n" });
  expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0 });
});

it("ranks the runs of a sweep", () => {
  repo.commit("pipeline", { "dvc.yaml": GITS });
  const swept = repo.expverJson(["sweep", "--grid", "x=1,2", "--", "sh", "-c", `echo "{\\"accuracy\\": {x}}" > metrics.json`]);
  expect(swept).toMatchObject({ code: 0 });
  expect(repo.expver(["show", "e0.1.0"]).stdout).toMatch(/accuracy=2/);
});
