/** What a run records of the packages it ran with, and what the other commands make of that. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gpus } from "../../src/workflows/run/program/gpus.ts";
import { installedPackages } from "../../src/workflows/run/program/installed-packages.ts";
import { pythonOf } from "../../src/workflows/run/program/python.ts";
import { peer } from "../support/peers.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";
import { makeExecutable, writeTree } from "../support/trees.ts";
import { makeExperiment } from "./story.ts";

const PYTHON = peer("python");

describe("the Python a command runs with", () => {
  const cwd = makeFolder("project");
  writeTree(cwd, {
    ".venv/bin/python": "",
    "other/bin/python": "",
    "bin/torchrun": "#!/opt/env/bin/python3.11\nimport torch",
    "bin/accelerate": "#!/usr/bin/env python3\n",
    "bin/dvc": "#!/opt/dvc/bin/python\n",
    "bin/train.sh": "#!/bin/sh\npython train.py\n",
    "sub/x": "",
  });
  const PATH = join(cwd, "bin");
  for (const name of ["torchrun", "accelerate", "dvc", "train.sh"]) makeExecutable(join(PATH, name));
  const active = { PATH, VIRTUAL_ENV: join(cwd, "other") };
  it.each([
    ["python train.py", {}, "python"],
    ["/opt/env/bin/python3.12 -m train", active, "/opt/env/bin/python3.12"],
    ["env LR=1 nohup python3 train.py", {}, "python3"],
    ["timeout 5 bin/train.sh", {}, null],
    ["torchrun --nproc 2 train.py", { PATH }, "/opt/env/bin/python3.11"],
    ["bin/accelerate launch train.py", active, "python3"],
    ["poetry run train", { PATH }, join(cwd, ".venv/bin/python")],
    ["poetry install", active, null],
    ["uv run train.py", active, null],
    ["dvc repro", { PATH }, null],
    ["dvc repro", active, join(cwd, "other/bin/python")],
    ["sh -c true", { PATH }, null],
    ["train.sh", { PATH, CONDA_PREFIX: join(cwd, "other") }, join(cwd, "other/bin/python")],
    ["train.sh", { PATH, VIRTUAL_ENV: join(cwd, "gone") }, null],
    ["docker run image python train.py", active, null],
    ["node train.js", active, null],
    ["no-such-program", { PATH }, null],
    ["", {}, null],
  ])("of `%s` with %o is %s", (command, env, expected) => {
    expect(pythonOf({ argv: command.split(" "), cwd, env })).toBe(expected);
  });

  it.skipIf(process.getuid?.() !== 0)("is looked for past folders of the PATH that nobody else may look into", () => {
    const closed = makeFolder("closed");
    writeTree(closed, { "inside/x": "" });
    chmodSync(closed, 0o700);
    try {
      process.seteuid?.(65534);
      expect(pythonOf({ argv: ["torchrun"], cwd, env: { PATH: `${closed}/inside` } })).toBeNull();
    } finally {
      process.seteuid?.(0);
    }
  });

  it("of a project is that of the nearest .venv above", () => {
    expect(pythonOf({ argv: ["poetry", "run", "train"], cwd: join(cwd, "sub"), env: {} })).toBe(join(cwd, ".venv/bin/python"));
  });
});

it("packages are told by the names their installers left, of two the first, those of a repository with its commit", () => {
  const prefix = makeFolder("prefix");
  writeTree(prefix, {
    "first/Foo_Bar-1.0.dist-info/METADATA": "",
    "first/torch-2.4.0+cu118.dist-info/METADATA": "",
    "first/old-0.9-py3.8.egg-info/PKG-INFO": "",
    "first/older-1.2.egg-info": "",
    "first/editable.egg-info/PKG-INFO": "",
    "first/transformers-4.40.0.dev0.dist-info/direct_url.json": JSON.stringify({
      url: "https://token@github.com/x/y",
      vcs_info: { vcs: "git", commit_id: "0123456789abcdef" },
    }),
    "first/local-1.dist-info/direct_url.json": "no JSON",
    "first/torch/__init__.py": "",
    "second/foo.bar-2.0.dist-info/METADATA": "",
    "conda-meta/cudatoolkit-11.8.0-h6a678d5_0.json": "{}",
    "conda-meta/foo-bar-1.0-py311_0.json": "{}",
    "conda-meta/history": "",
  });
  const path = ["first", "second", "none"].map((folder) => join(prefix, folder));
  expect(Object.entries(installedPackages({ prefix, path }))).toEqual([
    ["conda:cudatoolkit", "11.8.0"],
    ["foo-bar", "1.0"],
    ["local", "1"],
    ["old", "0.9"],
    ["older", "1.2"],
    ["torch", "2.4.0+cu118"],
    ["transformers", "4.40.0.dev0 (0123456789ab)"],
  ]);
});

it("graphics cards are those the driver tells of", () => {
  const folder = makeFolder("nvidia");
  expect(gpus(folder)).toEqual({});
  const card = (model: string) => `Model: \t\t ${model}\nIRQ:   \t\t 36\nGPU UUID: \t GPU-1\n`;
  writeTree(folder, {
    version: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version:  gcc 12.2.0\n",
    "gpus/0000:01:00.0/information": card("NVIDIA A100-SXM4-40GB"),
    "gpus/0000:02:00.0/information": card("NVIDIA A100-SXM4-40GB"),
    "gpus/0000:03:00.0/information": card("NVIDIA T400"),
  });
  expect(gpus(folder)).toEqual({ gpus: "2 x NVIDIA A100-SXM4-40GB, 1 x NVIDIA T400", driver: "535.104.05" });
});

describe.skipIf(PYTHON === null)("a run with a virtual environment", () => {
  let site = "";
  const install = (name: string, version: string | null) => {
    rmSync(join(site, `${name}-1.0.dist-info`), { recursive: true, force: true });
    rmSync(join(site, `${name}-2.0.dist-info`), { recursive: true, force: true });
    if (version !== null) mkdirSync(join(site, `${name}-${version}.dist-info`));
  };
  const experiment = (): TestRepository => {
    const repo = makeExperiment();
    const { stdout } = repo.run(String(PYTHON), ["-c", 'import sys; print("python%d.%d" % sys.version_info[:2])']);
    expect(repo.run(String(PYTHON), ["-m", "venv", "--without-pip", "v"]).code).toBe(0);
    site = join(repo.root, "v/lib", stdout.trim(), "site-packages");
    repo.write("train.py", 'print("accuracy=1")\n');
    repo.commit("python", { ".gitignore": `${repo.read(".gitignore")}/v/\n` });
    return repo;
  };
  const run = (repo: TestRepository, message: string) =>
    expect(repo.expver(["run", "-m", message, "--", "v/bin/python", "train.py"]).code).toBe(0);
  const sets = (repo: TestRepository) =>
    repo.expverJson(["sql", "SELECT versions FROM expver_packages ORDER BY rowid"]).data.rows.map(([text]: [string]) => JSON.parse(text));

  it("is compared, shown, and kept once; undo leaves the set of nobody", () => {
    const repo = experiment();
    install("torch", "1.0");
    run(repo, "one");
    run(repo, "two");
    install("torch", "2.0");
    install("six", "1.0");
    run(repo, "three");
    expect(sets(repo)).toEqual([{ torch: "1.0" }, { six: "1.0", torch: "2.0" }]);

    expect(repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data.packages).toEqual([]);
    const { data } = repo.expverJson(["diff", "e0.1.0", "e0.3.0", "now"]);
    const named = [
      { name: "six", change: "added", versions: [null, "1.0"] },
      { name: "torch", change: "changed", versions: ["1.0", "2.0"] },
    ];
    const difference = { added: 1, removed: 0, changed: 1, named };
    expect(data.packages).toEqual(["e0.3.0", "now"].map((to) => ({ file: null, from: "e0.1.0", to, difference, missing: [] })));
    expect(repo.expver(["diff", "e0.1.0", "e0.3.0"]).stdout).toMatch(
      /\ninstalled packages e0\.1\.0\.\.e0\.3\.0\n(.*\n)+changed +torch +1\.0 +2\.0\n/,
    );

    const shown = repo.expverJson(["show", "e0.3.0"]).data;
    expect(shown.environment.program).toMatch(/^python Python 3\.\d+/);
    expect(shown.packages).toBe(null);
    expect(repo.expver(["show", "e0.1.0"]).stdout).toMatch(/\nran on\n +program +python Python 3.*\n +packages +[0-9a-f]{12} /);
    expect(repo.expver(["show", "e0.3.0", "--packages"]).stdout).toBe("six==1.0\ntorch==2.0\n");

    const undo = () => expect(repo.expver(["undo"]).code).toBe(0);
    undo();
    expect(sets(repo)).toEqual([{ torch: "1.0" }]);
    undo();
    expect(sets(repo)).toEqual([{ torch: "1.0" }]);
    undo();
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("comes with its runs: of a sweep, of another clone, into a database of before", () => {
    const repo = experiment();
    install("torch", "1.0");
    run(repo, "one");
    const other = openTestRepository(makeFolder("clone"), repo.context.env as Record<string, string>);
    other.git("clone", "-q", repo.root, ".");
    writeFileSync(join(other.root, ".dvc/config.local"), `[cache]\n    dir = ${join(repo.root, ".dvc/cache")}\n`);
    other.run("ln", ["-s", join(repo.root, "v"), "v"]);
    expect(other.expver(["data", "checkout"]).code).toBe(0);
    install("torch", "2.0");
    const sweep = ["sweep", "--grid", "lr=1,2", "-m", "two", "-j", "2", "--", join(repo.root, "v/bin/python"), "train.py", "{lr}"];
    expect(other.expver(sweep).code).toBe(0);
    expect(other.expver(["show", "e0.2.0", "--packages"]).stdout).toBe("torch==2.0\n");
    expect(sets(other)).toEqual([{ torch: "1.0" }, { torch: "2.0" }]);
    install("torch", null);
    install("six", "1.0");
    run(repo, "three");
    repo.git("fetch", "-q", "--no-tags", other.root, "HEAD");
    expect(repo.expver(["merge", join(other.root, "results/experiments.db")]).code).toBe(0);
    expect(sets(repo)).toEqual([{ torch: "1.0" }, { six: "1.0" }, { torch: "2.0" }]);
  });

  it("is not known where its database is not in the cache", () => {
    const repo = experiment();
    install("torch", "1.0");
    run(repo, "one");
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    const { error } = repo.expverJson(["show", "e0.1.0", "--packages"]);
    expect(error).toMatchObject({
      code: "E_NOT_FOUND",
      message: expect.stringMatching(/is not known: its results database .* is not in the cache/),
    });
  });

  it("without a record of them is told so", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--", "true"], { env: { VIRTUAL_ENV: "", CONDA_PREFIX: "" } }).code).toBe(0);
    expect(repo.expverJson(["show", "e0.1.0", "--packages"])).toMatchObject({
      error: { code: "E_NOT_FOUND", message: expect.stringContaining("it is not recorded") },
    });
  });
});
