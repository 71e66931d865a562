import { expect, it } from "vitest";
import { parseLockFile, renderLockFile } from "../../src/store/pointers/lock-file.ts";
import type { Pointer } from "../../src/store/types.ts";

const MD5 = "3e2b31c72181b87149ff995e7202c0e3";
const lock = (stage: string, ...paths: string[]) =>
  `schema: '2.0'\nstages:\n  ${stage}:\n    cmd: python x.py\n    params:\n      params.yaml:\n        lr: 1e-05\n    outs:\n${paths.map((path) => `    - path: ${path}\n      hash: md5\n      md5: ${MD5}\n      size: 3\n`).join("")}`;

it("reads the outputs of every stage", () => {
  expect(parseLockFile(lock("train", "model.bin"), "pipe/dvc.lock")).toEqual([
    {
      file: "pipe/dvc.lock",
      stage: "train",
      path: "pipe/model.bin",
      hash: MD5,
      hashName: "md5",
      size: 3,
      cache: true,
      push: true,
      isImport: false,
    },
  ]);
});

it("takes from dvc.yaml what is not cached, not pushed, or has its own remote", () => {
  const pipeline = `stages:
  train:
    cmd: python x.py
    wdir: work
    outs:
    - plain
    - keep: {push: false}
    metrics:
    - ./metrics.json: {cache: false}
    plots:
    - curve.csv: {x: step, remote: other}
`;
  const found = parseLockFile(lock("train", "plain", "keep", "metrics.json", "curve.csv"), "dvc.lock", pipeline);
  expect(found.map(({ path, cache, push, remote }) => [path, cache, push, remote])).toEqual([
    ["work/plain", true, true, undefined],
    ["work/keep", true, false, undefined],
    ["work/metrics.json", false, true, undefined],
    ["work/curve.csv", true, true, "other"],
  ]);
});

it("passes over what lies elsewhere and DVC does not keep; what it keeps there is refused", () => {
  const elsewhere = ["/mnt/x", "s3://bucket/y", "../../z"];
  const text = lock("train", ...elsewhere, "plain");
  const pipeline = (flags: string) =>
    `stages:\n  train:\n    cmd: x\n    outs: [plain, ${elsewhere.map((path) => `{"${path}": {${flags}}}`).join(", ")}]\n`;
  const found = parseLockFile(text, "dvc.lock", pipeline("cache: false"));
  expect(found.map(({ path }) => path)).toEqual(["plain"]);
  const after = renderLockFile(text, { pipeline: pipeline("cache: false"), textOf: () => null }, found[0] as Pointer, {
    hash: "a".repeat(32),
    size: 4,
  });
  expect(after.split("\n").filter((line) => !text.includes(line))).toEqual([`      md5: ${"a".repeat(32)}`, "      size: 4"]);
  expect(() => parseLockFile(text, "dvc.lock", pipeline("push: false"))).toThrow(/leads out of the repository/);
});

it("knows the stages of a foreach by their pattern", () => {
  const pipeline = `stages:\n  fit:\n    foreach: [a, b]\n    do:\n      cmd: x\n      wdir: \${item}\n      outs: ["models/\${item}.bin": {cache: false}, all.bin]\n`;
  const found = parseLockFile(lock("fit@b", "models/b.bin", "all.bin"), "dvc.lock", pipeline);
  expect(found.map(({ path, cache }) => [path, cache])).toEqual([
    ["b/models/b.bin", false],
    ["b/all.bin", true],
  ]);
});

it("leaves out what the definition makes no more, and stages of a foreach or matrix that it has no more", () => {
  const made = (pipeline: string, stage: string, ...paths: string[]) =>
    parseLockFile(lock(stage, ...paths), "dvc.lock", `stages:\n  fit:\n    ${pipeline}\n`).map(({ path }) => path);
  expect(made("{cmd: x, outs: [new, ./kept/], metrics: [m: {cache: false}]}", "fit", "old", "kept", "m")).toEqual(["kept", "m"]);
  expect(made("{cmd: x}", "fit", "old")).toEqual([]);
  expect(made("{cmd: x, live: {logs: {summary: true}}}", "fit", "logs")).toEqual(["logs"]);
  const each = (varied: string, stage: string) => made(`{cmd: x, ${varied}, do: {cmd: x, outs: [m]}}`, stage, "m");
  expect(["fit@a", "fit@1", "fit@true", "fit@c"].map((stage) => each("foreach: [a, 1, true]", stage).length)).toEqual([1, 1, 1, 0]);
  expect(["fit@0", "fit@1", "fit@2"].map((stage) => each("foreach: [{x: 1}, 2]", stage).length)).toEqual([1, 1, 0]);
  expect(["fit@a", "fit@b"].map((stage) => each("foreach: {a: 1}", stage).length)).toEqual([1, 0]);
  // What DVC has to resolve, or writes in its own way, is not judged.
  for (const varied of [`foreach: '\${kinds}'`, "foreach: [0.10]", `foreach: ["\${kind}"]`, `matrix: '\${axes}'`])
    expect(each(varied, "fit@b")).toEqual(["m"]);
  const matrix = "{matrix: {lr: [1, 2], net: [small, {size: 3}]}, cmd: x, outs: [m]}";
  expect(["1-small", "2-net1", "2-net0", "3-small"].map((key) => made(matrix, `fit@${key}`, "m").length)).toEqual([1, 1, 0, 0]);
});

it("reads the oldest lock files, stages at the top", () => {
  const text = `train:\n  cmd: x\n  outs:\n  - path: m\n    md5: ${MD5}\n`;
  expect(parseLockFile(text, "dvc.lock")[0]).toMatchObject({ stage: "train", path: "m", hashName: "md5-dos2unix" });
});

it("allows a lock file without stages", () => {
  expect(parseLockFile("schema: '2.0'\nstages:\n", "dvc.lock")).toEqual([]);
});

it.each([
  ["stages: [1]\nschema: '2.0'\n"],
  ["schema: '2.0'\nstages:\n  a: 1\n"],
  ["schema: '2.0'\nstages:\n  a:\n    cmd: x\n    what: 1\n"],
  [lock("a", "../x")],
  [lock("a", ".git/x")],
])("refuses %j", (text) => {
  expect(() => parseLockFile(text, "dvc.lock")).toThrow(expect.objectContaining({ code: "E_POINTER" }));
});
