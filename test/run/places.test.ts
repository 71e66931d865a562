/** Repositories of every kind, and names of every kind: run, then look with git and real dvc. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { checkWhole, makeExperiment, TRAIN } from "./story.ts";

const dvc = peer("dvc");

/** Nothing to commit, nothing that dvc would change. */
function expectClean(repo: TestRepository, cwd = "."): void {
  expect(repo.run("git", ["status", "--porcelain"], { cwd }).stdout).toBe("");
  if (dvc !== null) expect(repo.run(dvc, ["status"], { cwd }).stdout).toContain("up to date");
}

function quiet(repo: TestRepository): TestRepository {
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("quiet");
  return repo;
}

describe("where", () => {
  it("a linked worktree: dvc finds there what the main one has, and what the run has stored", () => {
    const repo = quiet(makeExperiment());
    expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
    repo.git("worktree", "add", "-q", "-b", "side", "../side");
    const { code, data } = repo.expverJson(["run", "--param", "lr=2", "--", "node", "train.js"], { cwd: "../side" });
    expect({ code, version: data.version }).toEqual({ code: 0, version: "e0.2.0" });
    expectClean(repo, "../side");
    expect(repo.read("../side/.dvc/config.local")).toBe(`[cache]\n    dir = ${join(repo.root, ".dvc/cache")}\n`);
    expect(repo.expverJson(["undo"], { cwd: "../side" })).toMatchObject({ code: 0, data: { undone: { command: "run" } } });
  });

  it("a linked worktree whose main one keeps its cache elsewhere, with settings of its own", () => {
    const repo = quiet(makeExperiment());
    const cache = join(makeFolder(), "cache");
    repo.write(".dvc/config.local", `[cache]\n    dir = ${cache}\n`);
    expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
    repo.git("worktree", "add", "-q", "-b", "side", "../side");
    repo.write("../side/.dvc/config.local", "# mine\n[core]\n    autostage = false\n");
    expect(repo.expver(["run", "--", "node", "train.js"], { cwd: "../side" }).code).toBe(0);
    expect(repo.read("../side/.dvc/config.local")).toBe(`# mine\n[core]\n    autostage = false\n[cache]\n    dir = ${cache}\n`);
    expectClean(repo, "../side");
  });

  it("a project that is a submodule", () => {
    const library = quiet(makeExperiment());
    const outer = makeRepository();
    outer.git("submodule", "--quiet", "add", library.root, "exp");
    outer.commit("with experiment");
    expect(outer.expverJson(["run", "--", "node", "train.js"], { cwd: "exp" })).toMatchObject({ code: 0, data: { onBranch: true } });
    expectClean(outer, "exp");
    expect(outer.git("status", "--porcelain").trim()).toBe("M exp");
    expect(outer.git("-C", "exp", "tag")).toBe("e0.1.0");
    expect(outer.expver(["undo"], { cwd: "exp" }).code).toBe(0);
    expect(outer.git("-C", "exp", "rev-parse", "HEAD")).toBe(library.git("rev-parse", "HEAD"));
  });

  it("a repository whose objects are named by sha256", () => {
    const root = join(makeFolder(), "work");
    const outside = openTestRepository(makeFolder());
    outside.run("git", ["init", "-q", "--object-format=sha256", root]);
    const repo = openTestRepository(root);
    repo.write(".gitignore", "metrics.json\n");
    repo.write("train.js", TRAIN);
    expect(repo.expver(["init"]).code).toBe(0);
    for (const text of ["one", "two"]) expect(repo.expver(["run", "-m", text, "--", "node", "train.js"]).code).toBe(0);
    checkWhole(repo, "HEAD", "sha256");
    expectClean(repo);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(repo.git("tag")).toBe("e0.1.0");
  });

  it("variables that point git elsewhere: ours and the program's git see what the shell's does", () => {
    const repo = quiet(makeExperiment());
    const elsewhere = join(makeFolder(), "index");
    repo.run("cp", [".git/index", elsewhere]);
    repo.write("new.py", "1");
    const { data } = repo.expverJson(["run", "--", "node", "train.js"], { env: { GIT_INDEX_FILE: elsewhere } });
    expect(repo.git("show", "--name-only", "--format=", data.snapshot)).toBe("new.py");
    expectClean(repo);
  });
});

describe("what", () => {
  it("line endings and filters: S has what `git add` would have made, and nothing shows as changed", () => {
    const repo = quiet(makeExperiment());
    repo.git("config", "core.autocrlf", "true");
    repo.git("config", "filter.upper.clean", "tr a-z A-Z");
    repo.git("config", "filter.upper.smudge", "cat");
    repo.write(".gitattributes", "*.upper filter=upper\n");
    repo.write("windows.txt", "a\r\nb\r\n");
    repo.write("text.upper", "hello");
    const { data } = repo.expverJson(["run", "--", "node", "train.js"]);
    expect(data.changed_during_run).toEqual([]);
    expect(repo.run("git", ["show", `${data.snapshot}:windows.txt`]).stdout).toBe("a\nb\n");
    expect(repo.git("show", `${data.snapshot}:text.upper`)).toBe("HELLO");
    expect(repo.read("windows.txt")).toBe("a\r\nb\r\n");
    expectClean(repo);
    expect(repo.expverJson(["run", "--", "node", "train.js"]).data).toMatchObject({ snapshot: data.results, changed_during_run: [] });
  });

  it("a checkout that ends lines with CRLF: no pointer of the results or of changed inputs is stored so", () => {
    const repo = quiet(makeExperiment());
    repo.write("data.csv", "1");
    expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
    repo.commit("data");
    expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
    repo.git("config", "core.autocrlf", "true");
    repo.git("rm", "-rq", "--cached", ".");
    repo.git("reset", "-q", "--hard");
    expect(repo.read("data.csv.dvc")).toContain("\r\n");
    repo.write("data.csv", "2");
    const { code, data } = repo.expverJson(["run", "--", "node", "train.js"]);
    expect(code).toBe(0);
    expect(repo.git("show", "--name-only", "--format=", data.snapshot)).toBe("data.csv.dvc");
    for (const path of ["data.csv.dvc", "results/experiments.db.dvc", "models/model.json.dvc"])
      expect(repo.run("git", ["show", `HEAD:${path}`]).stdout).not.toContain("\r");
    expect(data.changed_during_run).toEqual([]);
    expectClean(repo);
  });

  it("names with newlines, dashes, quotes and blanks are taken; one that is not UTF-8 is held back and named", () => {
    const repo = quiet(makeExperiment());
    const odd = ["new\nline.txt", "-dash.txt", "quo\"te '.txt", " blank ", "ü.txt"];
    for (const name of odd) repo.write(name, "1");
    writeFileSync(Buffer.concat([Buffer.from(`${repo.root}/bad`), Buffer.from([0xff, 0xfe])]), "1");
    const { data, warnings } = repo.expverJson(["run", "--", "node", "train.js"]);
    const taken = repo.run("git", ["show", "-z", "--name-only", "--format=", data.snapshot]).stdout;
    expect(taken.split("\0").filter(Boolean).sort()).toEqual([...odd].sort());
    expect(data.heldBack).toMatchObject([{ path: "bad\uFFFD\uFFFD", reason: "name" }]);
    expect(warnings.map(({ hint }) => hint).join()).toContain("rename it");
    expect(repo.git("status", "--porcelain")).toBe('?? "bad\\377\\376"');
  });

  it("the plan names models that are known, else the folder they will be in", () => {
    const repo = makeExperiment();
    const tracked = () =>
      repo.expverJson(["run", "--dry-run", "--", "true"]).data.steps.find(({ verb }: { verb: string }) => verb === "track");
    expect(tracked().target).toBe("models/model.json, results/experiments.db, reports/*.json");
    repo.write("expver.yaml", "metrics: { accuracy: max }\n");
    expect(tracked().target).toBe("models/, results/experiments.db");
    expect(repo.expver(["run", "--", "node", "train.js"]).stderr).toContain("then: track models/, results/experiments.db");
    expect(tracked().target).toBe("models/model.json, results/experiments.db");
  });

  it("a run of which nothing is known is the first version", () => {
    const repo = makeExperiment();
    expect(repo.expverJson(["run", "--", "sh", "-c", "true"]).data.tagLine).toBe("first version");
    expect(repo.expverJson(["run", "--param", "lr=1", "--", "true"]).data.tagLine).toMatch(/^lr=1\b/);
  });
});
