/** `data commit` of stages, beside real dvc: what `dvc.lock` says afterwards. */
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TestRepository } from "../support/repository.ts";
import { DVC, makeTwins, runDvc, type Twins } from "../support/twins.ts";

const PIPELINE = `stages:
  train:
    wdir: work
    cmd: cp ../in.txt model.txt && mkdir -p dir && cp ../in.txt dir/f && echo 1 > m.json
    deps: [../in.txt, src, run.sh]
    params: [lr, name, list]
    outs: [model.txt, dir]
    metrics:
    - m.json: { cache: false }
  after:
    cmd: cp work/model.txt out.txt
    deps: [work/model.txt]
    outs: [out.txt]
`;

const FILES = {
  "in.txt": "in",
  "work/src/code.py": "c",
  "work/run.sh": "#!/bin/sh\n",
  "work/params.yaml": "lr: 0.1\nname: one\nlist: [1, 2]\n",
  "dvc.yaml": PIPELINE,
};

function madeTwins(): Twins {
  const twins = makeTwins();
  twins.each((repository) => {
    repository.commit("pipeline", FILES);
    expect(runDvc(repository, ["repro", "-q"])).toMatchObject({ code: 0 });
    repository.commit("made");
  });
  return twins;
}

const writeMore =
  (paths: string[]) =>
  ({ write }: TestRepository): void => {
    for (const path of paths) write(path, "more");
  };

describe.skipIf(DVC === null)("commit of a stage", () => {
  const changes: [string, string[], (repository: TestRepository) => void][] = [
    ["outputs", ["train"], writeMore(["work/model.txt", "work/dir/g", "work/m.json"])],
    ["one output of it", ["work/dir"], writeMore(["work/model.txt", "work/dir/g"])],
    ["dependencies", [], writeMore(["in.txt", "work/src/more.py"])],
    [
      "parameters, and what may be run",
      ["train"],
      ({ write, root }) => {
        write("work/params.yaml", "lr: 1e-3\nname: two words\nlist: [1, 2]\n");
        chmodSync(join(root, "work/run.sh"), 0o755);
      },
    ],
    ["whole numbers with a point", [], ({ write }) => write("work/params.yaml", "lr: 1.0\nname: 'true'\nlist: [1, 2]\n")],
    ["the command", ["after"], ({ write }) => write("dvc.yaml", PIPELINE.replace("cp work/model.txt out", "cp  work/model.txt out"))],
  ];
  it.each(changes)("writes dvc.lock as dvc does: %s", { timeout: 120_000 }, (_what, targets, change) => {
    const twins = madeTwins();
    twins.each(change);
    const before = twins.ours.read("dvc.lock");
    twins.run(["commit", ...targets]);
    expect(twins.ours.read("dvc.lock")).toBe(before);
    twins.run(["commit", "-f", ...targets]);
    expect(twins.ours.read("dvc.lock")).not.toBe(before);
    expect(twins.ours.read("dvc.lock")).toBe(twins.theirs.read("dvc.lock"));
    twins.sameJson(["status", "--json"]);
    expect(twins.ours.expver(["undo"]).code).toBe(0);
    expect(twins.ours.read("dvc.lock")).toBe(before);
  });

  it("is left to dvc where only that can write down what it was made of", () => {
    const { ours } = madeTwins();
    const before = ours.read("dvc.lock");
    ours.write("work/params.yaml", "lr: 0.1\nname: one\nlist: [1, 2, 3]\n");
    expect(ours.expver(["data", "commit", "-f"])).toMatchObject({ code: 0, stderr: expect.stringContaining("dvc commit train") });
    ours.write("work/model.txt", "other");
    expect(ours.expver(["data", "commit", "-f"])).toMatchObject({ code: 1, stderr: expect.stringContaining("dvc commit train") });
    expect(ours.read("dvc.lock")).toBe(before);
    ours.write("work/params.yaml", FILES["work/params.yaml"]);
    rmSync(join(ours.root, "in.txt"));
    expect(ours.expver(["data", "commit", "-f"])).toMatchObject({ code: 1, stderr: expect.stringContaining("dvc commit train") });
    expect(ours.read("dvc.lock")).toBe(before);
  });
});
