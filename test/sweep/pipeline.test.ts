/** Sweeps of `dvc repro`: what the stages of the best run made is what the worktree has afterwards, and what they call a model is one. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { peer } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const PIPELINE = `stages:
  train:
    cmd: sh train.sh
    deps: [train.sh]
    params: [lr]
    outs: [models/model.bin, out]
    metrics:
    - metrics.json: { cache: false }
`;
const TRAIN = `lr=$(sed -n 's/lr: //p' params.yaml)
mkdir -p models out
echo "model $lr" > models/model.bin
echo "predictions $lr" > out/p.csv
echo "{\\"acc\\": $lr}" > metrics.json
`;

function makePipeline({ lr = "0.1", pipeline = PIPELINE } = {}): TestRepository {
  const repo = makeRepository();
  repo.write("params.yaml", `lr: ${lr}\n`);
  repo.expver(["init", "--yes"]);
  repo.write("expver.yaml", `${repo.read("expver.yaml")}\nmetrics: { acc: max }\n`);
  repo.commit("pipeline", { "dvc.yaml": pipeline, "train.sh": TRAIN });
  return repo;
}

describe.skipIf(!HAS_DVC)("a sweep of a pipeline", { timeout: 240_000 }, () => {
  const env = { PATH: `${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };

  it.each(["that has run before", "that has never run"])(
    "%s: the best run's outputs, lock and model belong together, and undo takes them back",
    (kind) => {
      const repo = makePipeline();
      const ran = kind === "that has run before";
      if (ran) expect(repo.expver(["run", "--yes", "-m", "x", "--", "dvc", "repro", "-q"], { env })).toMatchObject({ code: 0 });
      const version = ran ? "e0.2.0" : "e0.1.0";
      const status = () => jsonOf(dvcCalls(repo, [["status", "--json"]])[0]);
      const before = status();
      const swept = repo.expver(["sweep", "--yes", "-m", "x", "--grid", "lr=0.3,0.2", "--", "dvc", "repro", "-q"], { env });
      expect([swept.code, swept.stderr]).toEqual([0, expect.not.stringContaining("warning")]);
      expect([repo.read("models/model.bin"), repo.read("out/p.csv"), repo.read("models/production/model.bin")]).toEqual([
        "model 0.3\n",
        "predictions 0.3\n",
        "model 0.3\n",
      ]);
      expect(repo.git("status", "--porcelain")).toBe("");
      // Its own parameters stay the user's.
      expect(status()).toEqual({ train: [{ "changed deps": { "params.yaml": { lr: "modified" } } }] });
      expect(repo.git("ls-tree", "-r", "--name-only", version)).not.toMatch(/model\.bin\.dvc$(?<!production\/model\.bin\.dvc)/m);
      expect(repo.expverJson(["models", "list"]).data.models).toMatchObject([
        { version },
        { version },
        ...(ran ? [{ version: "e0.1.0" }] : []),
      ]);
      expect(repo.expver(["verify", version]).code).toBe(0);
      expect(repo.expver(["undo", "--yes"])).toMatchObject({ code: 0 });
      expect(existsSync(join(repo.root, "models/model.bin"))).toBe(ran);
      if (ran) expect([repo.read("models/model.bin"), repo.read("out/p.csv")]).toEqual(["model 0.1\n", "predictions 0.1\n"]);
      expect(status()).toEqual(before);
      expect(repo.git("status", "--porcelain")).toBe("");
    },
  );

  it("one of whose settings is the one that is there: dvc runs no stage for it, what there is are its numbers and its model", () => {
    const repo = makePipeline({ lr: "0.4" });
    expect(repo.expver(["run", "--yes", "-m", "x", "--", "dvc", "repro", "-q"], { env })).toMatchObject({ code: 0 });
    const swept = repo.expverJson(["sweep", "--yes", "-m", "x", "--grid", "lr=0.3,0.4", "--", "dvc", "repro", "-q"], { env });
    expect(swept).toMatchObject({ code: 0, warnings: [], data: { best: { value: "0.4" }, candidates: 2 } });
    expect([repo.read("models/model.bin"), repo.read("models/production/model.bin")]).toEqual(["model 0.4\n", "model 0.4\n"]);
    expect([repo.git("status", "--porcelain"), jsonOf(dvcCalls(repo, [["status", "--json"]])[0])]).toEqual(["", {}]);
  });

  it("whose stages are not run, only what they call: the pointer that the best run's model gets is no secret", () => {
    const repo = makePipeline();
    const { code, stderr } = repo.expver(["sweep", "--grid", "lr=0.3,0.5", "--metrics", "metrics.json", "--", "sh", "train.sh"]);
    expect([code, stderr.match(/output of stage train in dvc.yaml, which has not run/g)?.length]).toEqual([0, 1]);
  });

  it("that makes what is in production: it stays the stage's, what the others made are candidates", () => {
    const repo = makePipeline({ pipeline: PIPELINE.replace("models/model.bin", "models/production/model.bin") });
    repo.commit("into production", {
      "train.sh": TRAIN.replace("mkdir -p models", "mkdir -p models/production").replace(
        "> models/model.bin",
        "> models/production/model.bin",
      ),
    });
    for (const grid of ["lr=0.3,0.5", "lr=0.2,0.1"]) {
      const swept = repo.expverJson(["sweep", "--yes", "-m", "x", "--grid", grid, "--", "dvc", "repro", "-q"], { env });
      expect(swept).toMatchObject({
        code: 0,
        warnings: [],
        data: { candidates: 2, promotion: { promoted: false, why: expect.stringContaining("stage train makes") } },
      });
      expect([repo.read("models/production/model.bin"), repo.git("status", "--porcelain")]).toEqual([
        `model ${swept.data.best.settings.lr}\n`,
        "",
      ]);
      expect(repo.expver(["verify"]).code).toBe(0);
    }
  });

  it("whose output is the whole models folder keeps no candidates in it, says so, and promotes nothing there", () => {
    const repo = makePipeline({ pipeline: PIPELINE.replace("models/model.bin", "models") });
    const sweep = (grid: string) => repo.expver(["sweep", "--yes", "-m", "x", "--grid", grid, "--", "dvc", "repro", "-q"], { env });
    const { code, stderr } = sweep("lr=0.3,0.2");
    expect([code, stderr]).toEqual([0, expect.stringContaining("models/candidates lies in models, which is an output itself")]);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({
      train: [{ "changed deps": { "params.yaml": { lr: "modified" } } }],
    });
    expect(repo.expver(["models", "promote", "e0.1.0", "--yes"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("expver.yaml"),
    });
    repo.write(
      "expver.yaml",
      `${repo.read("expver.yaml")}models: { candidates: candidates, production: production/models, output: models }\n`,
    );
    repo.commit("places");
    expect(sweep("lr=0.5,0.4")).toMatchObject({ code: 0, stderr: expect.not.stringContaining("no candidates") });
    expect([repo.read("production/models/model.bin"), repo.git("status", "--porcelain")]).toEqual(["model 0.5\n", ""]);
  });
});
