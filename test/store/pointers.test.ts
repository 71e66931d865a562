import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { dataHash, inputPointers } from "../../src/store/pointers/data-hash.ts";
import { readPointers, readPointersAt } from "../../src/store/pointers/pointers.ts";
import { takeMarks } from "../../src/workflows/run/outputs/marks.ts";
import { placesOf } from "../../src/workflows/run/places.ts";
import { countGit } from "../support/git-counter.ts";
import { makeRepository } from "../support/repository.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);
const pointer = (hash: string, name: string) => `outs:\n- md5: ${hash}\n  size: 1\n  hash: md5\n  path: ${name}\n`;

function repositoryWithPointers() {
  const repository = makeRepository();
  repository.commit("data", {
    "expver.yaml": "",
    "data/train x.csv.dvc": pointer(A, "train x.csv"),
    "models/model.bin.dvc": pointer(B, "model.bin"),
    "results/experiments.db.dvc": pointer(B, "experiments.db"),
    "pipe/dvc.yaml": "stages:\n  prep:\n    cmd: x\n    wdir: sub\n    outs: [out.bin]\n",
    "pipe/dvc.lock": `schema: '2.0'\nstages:\n  prep:\n    cmd: x\n    outs:\n    - path: out.bin\n      hash: md5\n      md5: ${B}\n      size: 3\n`,
  });
  return repository;
}

it("reads pointer files and stage outputs of the worktree and of a commit alike", () => {
  const repository = repositoryWithPointers();
  const project = openProject(repository.context);
  const now = readPointers(project);
  expect(now.map(({ path }) => path).sort()).toEqual([
    "data/train x.csv",
    "models/model.bin",
    "pipe/sub/out.bin",
    "results/experiments.db",
  ]);
  expect(readPointersAt(project, "HEAD")).toEqual(now);
  expect(now.find(({ path }) => path === "data/train x.csv")?.hash).toBe(A);
});

it("takes as inputs what is neither result nor model, nor made by the stages a command runs", () => {
  const project = openProject(repositoryWithPointers().context);
  const pointers = readPointers(project);
  expect(inputPointers(project, pointers).map(({ path }) => path)).toEqual(["data/train x.csv", "pipe/sub/out.bin"]);
  expect(inputPointers(project, pointers, { runsStages: true }).map(({ path }) => path)).toEqual(["data/train x.csv"]);
});

it.each([
  ["data/**", ["data"]],
  ["data/*", ["data"]],
  ["data", ["data"]],
  ["data/*.csv", []],
  ["one/**", []],
  ["./", ["data", "models", "one"]],
  [".", ["data", "models", "one"]],
])("data: [%s] names a folder that is tracked as a whole where all in it is named", (glob, inputs) => {
  const repository = makeRepository();
  repository.commit("data", {
    "expver.yaml": `data: ['${glob}']\n`,
    "data.dvc": pointer(`${A}.dir`, "data"),
    "models.dvc": pointer(`${B}.dir`, "models"),
    "one.dvc": pointer(A, "one"),
  });
  const project = openProject(repository.context);
  expect(inputPointers(project, readPointers(project)).map(({ path }) => path)).toEqual(inputs);
});

it.each(["exp[1]", "a{b", "x*", "q?,"])("globs mean what they say in a project whose folder is called %s", (folder) => {
  const repository = makeRepository();
  repository.commit("data", {
    [`${folder}/expver.yaml`]: "data: ['*.csv']\ntrack: ['reports/*.json']\n",
    [`${folder}/a.csv.dvc`]: pointer(A, "a.csv"),
    [`${folder}/b.dvc`]: pointer(B, "b"),
  });
  const project = openProject({ ...repository.context, cwd: join(repository.root, folder) });
  expect(inputPointers(project, readPointers(project)).map(({ path }) => path)).toEqual([`${folder}/a.csv`]);
  const files = takeMarks(project, placesOf(project, null), []).files;
  repository.write(`${folder}/reports/a.json`, "{}");
  expect([files, Object.keys(takeMarks(project, placesOf(project, null), []).files)]).toEqual([{}, [`${folder}/reports/a.json`]]);
});

it("shows one input's own hash, and one for several whatever their order", () => {
  const pointers = readPointers(openProject(repositoryWithPointers().context));
  expect(dataHash([])).toBeNull();
  expect(dataHash(pointers.slice(0, 1))).toBe(A);
  const [one, two] = pointers.slice(0, 2).map(({ path, hash }) => `{"md5": "${hash}", "relpath": "${path}"}`);
  expect(dataHash(pointers.slice(0, 2))).toBe(`${createHash("md5").update(`[${one}, ${two}]`).digest("hex")}.dir`);
  expect(dataHash(pointers)).toBe(dataHash([...pointers].reverse()));
});

it("waits for nobody to write into a pipe", () => {
  const repository = makeRepository();
  repository.write("d.dvc", "outs: []\n");
  repository.commit("a pointer");
  repository.run("rm", ["d.dvc"]);
  repository.run("mkfifo", ["d.dvc"]);
  expect(readPointers(openProject(repository.context))).toEqual([]);
});

it("names the file of a pointer that leads out", () => {
  const repository = makeRepository();
  repository.commit("bad", { "expver.yaml": "", "x.dvc": pointer(A, "../../x") });
  expect(() => readPointers(openProject(repository.context))).toThrow(/x\.dvc: path leads out of the repository/);
});

it("leaves out a DVC repository further down, and its own when it stands in one", () => {
  const repository = makeRepository();
  repository.commit("two", {
    ".dvc/config": "",
    "a.dvc": pointer(A, "a"),
    "inner/.dvc/config": "",
    "inner/b.dvc": pointer(B, "b"),
    "inner2/c.dvc": pointer(B, "c"),
  });
  const outer = openProject(repository.context);
  const inner = openProject({ ...repository.context, cwd: `${repository.root}/inner` });
  for (const [project, paths] of [
    [outer, ["a", "inner2/c"]],
    [inner, ["inner/b"]],
  ] as const) {
    expect(readPointers(project).map(({ path }) => path)).toEqual(paths);
    expect(readPointersAt(project, "HEAD").map(({ path }) => path)).toEqual(paths);
  }
});

it("reads a commit with two git processes, whatever their number", () => {
  const counter = countGit();
  const repository = makeRepository();
  repository.commit("many", Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`d${n}.dvc`, pointer(A, `d${n}`)])));
  const project = openProject({ ...repository.context, env: { ...repository.context.env, PATH: counter.path } });
  counter.reset();
  expect(readPointersAt(project, "HEAD")).toHaveLength(50);
  expect(counter.calls()).toHaveLength(2);
});

it.each([
  ["list", "."],
  ["list", ".", "-R"],
  ["diff", "HEAD"],
])("data %s %s asks Git once which files there are", (...words) => {
  const counter = countGit();
  const repository = makeRepository();
  repository.commit("some", { ".dvc/config": "", "d.dvc": pointer(A, "d"), "dvc.yaml": "stages:\n  s:\n    cmd: make\n    outs: [o]\n" });
  counter.reset();
  expect(repository.expver(["data", ...words], { env: { PATH: counter.path } })).toMatchObject({ code: 0 });
  expect(counter.calls().filter((call) => call.includes("ls-files"))).toHaveLength(1);
});
