/** Stages as anybody may have written them: nothing outside is looked at, and no text makes it hang. */
import { expect, it } from "vitest";
import { readStages } from "../../src/pipelines/stages.ts";

it("leaves paths outside and URLs to dvc, wherever the pipeline stands", () => {
  const pipeline = `stages:
  one:
    wdir: work
    cmd: x
    deps: [in.txt, ../../up.txt, ../../../out.txt, /etc/passwd, "s3://bucket/x"]
    params: [lr, { ../../../secret.yaml: [a] }, { /etc/x.yaml: }]
    outs: [out.txt, /tmp/out, ../../../o]
`;
  const [stage] = readStages("a/b/dvc.lock", { pipeline, lock: null });
  expect(stage?.files.map(({ path }) => path)).toEqual(["a/b/work/in.txt", "a/up.txt", "out.txt"]);
  expect(stage?.params.map(({ path }) => path)).toEqual(["a/b/work/params.yaml", "secret.yaml"]);
  expect(stage?.newOutputs).toEqual([
    { path: "a/b/work/out.txt", isCached: true },
    { path: "o", isCached: true },
  ]);
  const [top] = readStages("dvc.lock", { pipeline, lock: null });
  expect(top?.files.map(({ path }) => path)).toEqual(["work/in.txt"]);
  expect(top?.params.map(({ path }) => path)).toEqual(["work/params.yaml"]);
});

it("what is no pipeline is refused, as is one that grows without end; an empty one has no stages", () => {
  for (const pipeline of ["", "stages: {}", "vars: []"]) expect(readStages("dvc.lock", { pipeline, lock: "stages: 7" })).toEqual([]);
  for (const pipeline of ["[]", "stages: 3", "stages: [a]", "stages: {a: 1}", "stages: {a: {foreach: [1], do: 3}}"])
    expect(() => readStages("dvc.lock", { pipeline, lock: null })).toThrow(/^dvc\.yaml: .* is no mapping/);
  const bomb = Array.from(
    { length: 30 },
    (_, level) =>
      `a${level}: &a${level} [${Array(9)
        .fill(level === 0 ? "x" : `*a${level - 1}`)
        .join(", ")}]`,
  ).join("\n");
  expect(() => readStages("dvc.lock", { pipeline: `${bomb}\nstages: {x: *a29}\n`, lock: null })).toThrow(/alias/i);
});
