/** `expver init` and the first runs in a repository that real dvc and real xetrack have made. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const dvc = peer("dvc");
const python = peer("python");

const TRAIN = `
from xetrack import Tracker
import os, yaml
lr = yaml.safe_load(open("params.yaml"))["lr"]
os.makedirs("models", exist_ok=True)
open("models/clf.bin", "w").write("model of %s" % lr)
Tracker("logs/track.db", params={"lr": lr}, table="predictions").log({"acc": 0.5 + lr})
`;
const PIPELINE = `# the pipeline
stages:
  prep:
    cmd: python src/prep.py   # doubles
    deps: [data/train.csv, src/prep.py]
    outs:
      - data/prep.csv
`;

/** Comments in every file that can have one, several pointers, a pipeline, a database under a name of its own. */
function makeTheirs(): TestRepository {
  const bin = dirname(python ?? "");
  const repo = makeRepository({ env: { PATH: `${bin}${delimiter}${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: "1" } });
  const must = (program: string, ...args: string[]) => expect(repo.run(program, args), args.join(" ")).toMatchObject({ code: 0 });
  must("dvc", "init", "-q");
  must("dvc", "remote", "add", "-q", "-d", "storage", "../storage");
  repo.write(".dvc/config", `# our storage\n${repo.read(".dvc/config")}`);
  repo.write("data/train.csv", "1,2\n");
  for (const name of ["1", "2", "3"]) repo.write(`data/raw/${name}.txt`, name);
  must("dvc", "add", "-q", "data/train.csv", "data/raw");
  repo.write("src/prep.py", 'open("data/prep.csv", "w").write(open("data/train.csv").read() * 2)\n');
  repo.write("train.py", TRAIN);
  repo.write("params.yaml", "lr: 0.1 # the rate\n");
  repo.write("dvc.yaml", PIPELINE);
  repo.write("logs/.keep", "");
  must("python", "train.py");
  must("dvc", "add", "-q", "models/clf.bin", "logs/track.db");
  must("dvc", "repro", "-q");
  repo.commit("as dvc and xetrack made it");
  expectUpToDate(repo);
  return repo;
}

function expectUpToDate(repo: TestRepository, cwd = "."): void {
  expect(repo.run("dvc", ["status"], { cwd }).stdout).toContain("up to date");
}

function expectClean(repo: TestRepository, cwd = "."): void {
  expect(repo.run("git", ["status", "--porcelain"], { cwd }).stdout).toBe("");
  expectUpToDate(repo, cwd);
}

/** Of every file Git or dvc knows. */
function digests(repo: TestRepository): Record<string, string> {
  const paths = [
    ...repo.git("ls-files").split("\n"),
    "data/train.csv",
    "data/prep.csv",
    "models/clf.bin",
    "logs/track.db",
    "data/raw/1.txt",
  ];
  const digest = (path: string) =>
    createHash("md5")
      .update(readFileSync(join(repo.root, path)))
      .digest("hex");
  return Object.fromEntries(paths.map((path) => [path, digest(path)]));
}

describe.skipIf(dvc === null || python === null)("a repository of real dvc and xetrack", () => {
  it("is adopted without a changed byte, once, from anywhere in it; then runs go on where it was", () => {
    const repo = makeTheirs();
    const before = digests(repo);
    const made = repo.expverJson(["init"], { cwd: "src" });
    expect(made).toMatchObject({
      code: 0,
      data: {
        root: repo.root,
        written: ["expver.yaml", ".gitignore", ".gitattributes"],
        adopted: { database: "logs/track.db", tables: ["predictions"], params: "params.yaml", models: ["models"] },
      },
    });
    expect(digests(repo)).toEqual(before);
    expect(repo.git("status", "--porcelain")).toBe("?? .gitattributes\n?? .gitignore\n?? expver.yaml");
    expectUpToDate(repo);
    for (const cwd of [".", "src"]) expect(repo.expverJson(["init"], { cwd })).toMatchObject({ code: 0, data: { written: [] } });
    repo.commit("expver");

    const first = repo.expverJson(["run", "-m", "first", "--", "python", "train.py"]);
    expect(first.data).toMatchObject({ version: "e0.1.0", rows: 1, params: { lr: "0.1" }, metrics: { acc: "0.6" }, onBranch: true });
    expectClean(repo);
    expect(repo.read(".dvc/config")).toContain("# our storage");
    expect(repo.read("dvc.yaml")).toBe(PIPELINE);

    repo.write("params.yaml", "lr: 0.2 # the rate\n");
    repo.write("data/train.csv", "1,2\n3,4\n");
    const second = repo.expverJson(["run", "-m", "pipeline", "--", "dvc", "repro", "-q"]);
    expect(second.data).toMatchObject({ version: "e0.2.0", changed_during_run: [] });
    expectClean(repo);
    expect(repo.git("show", "--name-only", "--format=", second.data.results).split("\n")).toEqual(["dvc.lock", "logs/track.db.dvc"]);
    expect(repo.git("show", "--name-only", "--format=", second.data.snapshot).split("\n")).toEqual(["data/train.csv.dvc", "params.yaml"]);

    // What the pipeline has made was not read.
    const { inputs, outputs } = repo.expverJson(["lineage", "e0.2.0"]).data;
    const paths = (sources: { path: string }[]) => sources.map(({ path }) => path);
    expect(paths(inputs)).toEqual(["data/raw", "data/train.csv"]);
    expect(outputs).toMatchObject([{ path: "data/prep.csv", madeBy: "e0.2.0" }]);
    const shown = repo.expverJson(["show", "e0.2.0"]).data.artifacts;
    expect(shown.find(({ path }: { path: string }) => path === "data/prep.csv")).toMatchObject({ role: "output" });

    // What was changed before the run is changed again; the pipeline's lock and output are those of before.
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(repo.read("data/prep.csv")).toBe("1,2\n1,2\n");
    expect(repo.git("status", "--porcelain").trim()).toBe("M data/train.csv.dvc\n M params.yaml"); // dvc wrote that pointer, not we
    expect(repo.run("dvc", ["status", "data/train.csv.dvc", "logs/track.db.dvc", "models/clf.bin.dvc"]).stdout).toContain("up to date");
  });

  it("is adopted in a linked worktree, where dvc then finds the data of the main one", () => {
    const repo = makeTheirs();
    repo.git("worktree", "add", "-q", "-b", "side", "../side");
    const made = repo.expverJson(["init"], { cwd: "../side" });
    expect(made.data.written).toEqual([".dvc/config.local", "expver.yaml", ".gitignore", ".gitattributes"]);
    // Nothing is checked out yet: the database is known by its pointer and its bytes in the cache.
    expect(made.data.adopted).toMatchObject({ database: "logs/track.db", tables: ["predictions"] });
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.run("dvc", ["checkout", "-q"], { cwd: "../side" }).code).toBe(0);
    expectUpToDate(repo, "../side");
    repo.run("git", ["add", "-A"], { cwd: "../side" });
    repo.run("git", ["commit", "-qm", "expver"], { cwd: "../side" });
    const run = repo.expverJson(["run", "--", "python", "train.py"], { cwd: "../side" });
    expect(run.data).toMatchObject({ version: "e0.1.0", onBranch: true });
    expectClean(repo, "../side");
    expectClean(repo);
  });
});
