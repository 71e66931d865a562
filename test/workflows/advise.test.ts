/** `expver advise`: the repository's own answers to the three questions, and what is left to ask. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { Advice } from "../../src/workflows/advise/advise.ts";
import type { CleanupAdvice } from "../../src/workflows/advise/cleanup.ts";
import type { DescriptionAdvice } from "../../src/workflows/advise/description.ts";
import type { GetAdvice } from "../../src/workflows/advise/get.ts";
import type { MergeAdvice } from "../../src/workflows/advise/merge.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

let demo: string;

beforeAll(() => {
  const base = openTestRepository(makeFolder("advise"));
  expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  demo = join(base.root, "demo");
});

function aRepository(): TestRepository {
  const copy = join(makeFolder("copy"), "demo");
  cpSync(demo, copy, { recursive: true });
  const repo = openTestRepository(copy);
  repo.git("update-index", "-q", "--refresh");
  return repo;
}

function ask<Data>(repo: TestRepository, ...args: string[]): Data {
  const { code, data, error } = repo.expverJson(["advise", ...args]);
  expect({ code, error }).toEqual({ code: 0, error: null });
  return data as Data;
}

it("asks only what the repository cannot answer", () => {
  const repo = aRepository();
  expect(ask<Advice>(repo)).toMatchObject({ workflow: "sequential", questions: [{ answer: "--experiments one|many" }] });
  expect(ask<Advice>(repo, "--experiments", "one")).toMatchObject({ workflow: "sequential", questions: [], branching: "this branch" });
  expect(ask<Advice>(repo, "--experiments", "many")).toMatchObject({
    workflow: "parallel",
    questions: [{ answer: "--differ params|code|data" }],
  });
  expect(ask<Advice>(repo, "--experiments", "many", "--differ", "params")).toMatchObject({ workflow: "parallel", questions: [] });
  for (const differ of ["code", "data"]) {
    expect(ask<Advice>(repo, "--differ", differ)).toMatchObject({
      workflow: "worktree",
      branching: "a branch per experiment",
      questions: [],
    });
  }
  expect(repo.expverJson(["advise", "--differ", "weather"])).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
});

it("sees a grid in the parameters file", () => {
  const repo = aRepository();
  repo.write("params.yaml", "lr: [0.1, 1e-05]\nmodel: {depth: 2}\n");
  repo.write("expver.yaml", `${repo.read("expver.yaml")}\nparams: params.yaml\n`);
  const { workflow, reasons, commands } = ask<Advice>(repo);
  expect(workflow).toBe("parallel");
  expect(reasons.join(" ")).toContain("lr: 0.1, 1e-05");
  expect(commands[0]).toContain("--grid lr=0.1,1e-05");
  // The demo's last command has a rate of its own, which would win.
  expect(commands[0]).toMatch(/-- node train\.js --lr \{lr\}/);
  expect(commands[0]).toContain("lr 0.1, 1e-05");
  expect(commands[0]).not.toContain("changes in");
});

it("counts on by what has changed since the last version, and says why", () => {
  const cases: [change: (repo: TestRepository) => void, level: string, certainty: string, why: RegExp][] = [
    [() => {}, "patch", "sure", /a rerun/],
    [(repo) => repo.write("README.md", "other words\n"), "patch", "sure", /a rerun/],
    [(repo) => repo.write("train.js", `${repo.read("train.js")}\n// more\n`), "minor", "guess", /train\.js/],
    [(repo) => repo.write("model.js", "export {};\n"), "major", "guess", /model\.js/],
    [(repo) => repo.write("data/train.csv", "a,b\n1,2\n"), "major", "guess", /data\/train\.csv/],
  ];
  for (const [change, level, certainty, why] of cases) {
    const repo = aRepository();
    change(repo);
    const { version } = ask<Advice>(repo);
    expect(version, why.source).toMatchObject({ level, certainty });
    expect(version.reasons.join("; ")).toMatch(why);
    expect(version.next).toBe({ patch: "e0.2.1", minor: "e0.3.0", major: "e1.0.0" }[level]);
  }
});

it("knows parameters of the file that changed, to the digit, and an architecture by its name", () => {
  const repo = aRepository();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}\nparams: params.yaml\n`);
  repo.write("params.yaml", "lr: 1e-05\n");
  expect(ask<Advice>(repo)).toMatchObject({
    version: { level: "minor", certainty: "sure" },
    description: expect.stringContaining("lr 1 → 1e-05"),
  });
  repo.write("params.yaml", "lr: 1.00\n");
  expect(ask<Advice>(repo).description).not.toContain("lr");
  repo.write("params.yaml", "lr: 1\nmodel: {type: mlp}\n");
  expect(ask<Advice>(repo)).toMatchObject({ version: { level: "major", certainty: "sure" } });
});

it("an empty repository gets the first version", () => {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  expect(ask<Advice>(repo)).toMatchObject({ version: { level: "minor", next: "e0.1.0" }, description: "first version" });
});

it("says what a version changed, and what its line lacks", () => {
  const repo = aRepository();
  expect(ask<DescriptionAdvice>(repo, "description", "e0.2.0")).toMatchObject({
    against: "e0.1.0",
    description: "lr 0.1 → 1",
    parts: { model: null, parameter: "lr=1", metric: "accuracy=0.94", text: "larger step" },
  });
  expect(ask<DescriptionAdvice>(repo, "description", "e0.1.0")).toMatchObject({ against: null, description: "first version" });
  expect(repo.expver(["advise", "description", "e9.0.0"]).code).toBe(1);
});

it("says where bytes come from, and that is where they come from", () => {
  const repo = aRepository();
  expect(ask<GetAdvice>(repo, "get", "e0.1.0", "train.js")).toMatchObject({ strategy: "git", files: 1, toFetch: 0 });
  expect(ask<GetAdvice>(repo, "get", "e0.1.0", "models/model.json")).toMatchObject({ strategy: "cache", files: 1, bytes: 870, toFetch: 0 });
  expect(ask<GetAdvice>(repo, "get", "e0.1.0")).toMatchObject({ strategy: "worktree" });
  repo.run("rm", ["-rf", ".dvc/cache/files/md5"]);
  const advice = ask<GetAdvice>(repo, "get", "e0.1.0", "models/model.json");
  expect(advice).toMatchObject({ strategy: "remote", toFetch: 1 });
  expect(repo.expver((advice.commands[0] ?? "").split(" ").slice(1)).code).toBe(1);
});

it("says what could go and what stands in the way", () => {
  const repo = aRepository();
  expect(repo.expver(["checkout", "e0.1.0"]).code).toBe(0);
  expect(repo.expver(["worktree", "create", "side"]).code).toBe(0);
  repo.run("sh", ["-c", "echo note > ../exp-side/notes.txt"]);
  const { items } = ask<CleanupAdvice>(repo, "cleanup");
  expect(items.map(({ command, blockedBy }) => [command, blockedBy.length > 0])).toEqual([
    ["expver cleanup e0.1.0", false],
    ["expver data gc -w -a -T -A --reflog --dry-run", false],
    ["expver worktree remove side", true],
  ]);
  expect(items.at(-1)?.blockedBy.join()).toContain("untracked");
  expect(repo.expver(["worktree", "create", "away"]).code).toBe(0);
  repo.run("rm", ["-rf", "../exp-away"]);
  const withAway = ask<CleanupAdvice>(repo, "cleanup").items;
  expect(withAway.find(({ command }) => command === "expver worktree remove away")?.blockedBy).toEqual([]);
  expect(withAway.find(({ command }) => command.startsWith("expver data gc"))?.blockedBy).toHaveLength(1);
  expect(repo.expver(["worktree", "remove", "away"]).code).toBe(0);
  expect(repo.expver(["cleanup", "e0.1.0"]).code).toBe(0);
  expect(repo.expver(["data", "gc", "-w", "-a", "-T", "-A", "--reflog", "--dry-run"]).code).toBe(0);
});

it("changes nothing", () => {
  const repo = aRepository();
  const before = repo.git("status", "--porcelain") + repo.git("for-each-ref");
  for (const args of [[], ["description"], ["get", "e0.1.0", "data/train.csv"], ["cleanup"]]) ask(repo, ...args);
  expect(repo.git("status", "--porcelain") + repo.git("for-each-ref")).toBe(before);
});

it("says merge or rebase for what an experiment brings, with the evidence", () => {
  const repo = aRepository();
  expect(repo.expver(["worktree", "create", "side"]).code).toBe(0);
  const side = openTestRepository(join(repo.root, "../exp-side"), repo.context.env as Record<string, string>);
  side.write("data/train.csv", `${side.read("data/train.csv")}5.0,3.0,1.5,0.2,setosa\n`);
  expect(side.expver(["run", "--metrics", "metrics.json", "--param", "lr=0.02", "--", "node", "train.js", "--lr", "{lr}"]).code).toBe(0);
  const before = repo.git("status", "--porcelain") + repo.git("for-each-ref");
  const advice = ask<MergeAdvice>(repo, "merge", "side");
  expect(advice.artifacts).toMatchObject([
    { artifact: "results", advice: "merge", certainty: "sure" },
    { artifact: "data", path: "data/train.csv", advice: "merge" },
    { artifact: "model", advice: "candidate", certainty: "sure" },
  ]);
  expect(advice.commands).toEqual(["expver worktree finish side --dry-run"]);
  repo.commit("another test set", { "expver.yaml": repo.read("expver.yaml").replace("accuracy: max", "accuracy: max, recall: max") });
  const [results] = ask<MergeAdvice>(repo, "merge", "side").artifacts;
  expect(results).toMatchObject({
    artifact: "results",
    advice: "rebase",
    evidence: expect.arrayContaining([expect.stringContaining("recall")]),
  });
  expect(ask<MergeAdvice>(repo, "merge", "e0.1.0").artifacts[0]).toMatchObject({ artifact: "results" });
  expect(repo.expver(["advise", "merge", "nothing"]).code).toBe(1);
  expect(repo.git("for-each-ref", "refs/tags")).not.toBe("");
  expect(before).toContain("refs/heads/exp/side");
});

it("goes on from the last run that did well, not from one that failed", () => {
  const repo = aRepository();
  expect(repo.expver(["run", "--", "sh", "-c", "exit 3"]).code).toBe(1);
  expect(ask<Advice>(repo).commands[0]).toMatch(/ -- node train\.js/);
});

it("proposes a script that is there, or says that a command goes there", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  expect(ask<Advice>(repo).commands[0]).toBe("expver run -m 'first version' -- COMMAND");
  repo.write("notes.py", "");
  repo.write("prepare.py", "");
  expect(ask<Advice>(repo).commands[0]).toMatch(/ -- COMMAND$/);
  repo.write("src/train model.py", "");
  expect(ask<Advice>(repo).commands[0]).toMatch(/ -- python 'src\/train model\.py'$/);
  repo.write("dvc.yaml", "stages: {}\n");
  expect(ask<Advice>(repo).commands[0]).toMatch(/ -- dvc repro$/);
});

it("advises the level it says, for a sweep too, and with what the command had", () => {
  const repo = aRepository();
  repo.write("model.js", "export {};\n");
  const { version, commands } = ask<Advice>(repo, "--differ", "params");
  expect(version.level).toBe("major");
  expect(commands[0]).toMatch(/^expver sweep --major --grid lr=1,OTHER .* -- node train\.js --lr \{lr\}/);
});

it("advises nothing about a version that is none, and words that stay words", () => {
  const repo = aRepository();
  for (const words of [
    ["get", "e7.7.7"],
    ["get", "e0.1.0; rm -rf x"],
    ["get", "e0.1.0; rm -rf x", "a"],
  ]) {
    expect(repo.expverJson(["advise", ...words])).toMatchObject({
      code: expect.any(Number),
      error: { code: expect.stringMatching(/E_NOT_FOUND|E_VERSION/) },
    });
  }
});

/** A version on branch `side`, and whether the metric means the same here by now. */
function withSide(repo: TestRepository, folder: string, { accuracy, now }: { accuracy: string; now: string }): MergeAdvice {
  const settings = join(folder, "expver.yaml");
  const script = `mkdir -p models; echo m > models/model.bin; echo '{"accuracy": ${accuracy}}' > metrics.json\n`;
  repo.commit("first", { [settings]: "metrics: { accuracy: max }\n", [join(folder, "train.sh")]: script });
  repo.git("switch", "-q", "-c", "side");
  const run = repo.expver(["-C", folder, "run", "-m", "one", "--metrics", "metrics.json", "--", "sh", "train.sh"]);
  expect(run.stderr + run.code).toMatch(/0$/);
  repo.git("switch", "-q", "-");
  if (now !== "max") repo.commit("the other way", { [settings]: `metrics: { accuracy: ${now} }\n` });
  const { code, data } = repo.expverJson(["-C", folder, "advise", "merge", "side"]);
  expect(code).toBe(0);
  return data as MergeAdvice;
}

it("a model whose number is NaN is not the best of all, though it were the only one", () => {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  const { artifacts } = withSide(repo, ".", { accuracy: "NaN", now: "max" });
  expect(artifacts.find(({ artifact }) => artifact === "model")).toMatchObject({ advice: "candidate" });
});

it.each([
  { now: "max", advice: /^(merge|nothing)$/ },
  { now: "min", advice: /^rebase$/ },
])("a project below the top: its own expver.yaml says whether the metric was changed ($now)", ({ now, advice }) => {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  repo.write("expver.yaml", "metrics: { loss: min }\n");
  const { artifacts } = withSide(repo, "sub", { accuracy: "0.5", now });
  expect(artifacts[0]?.advice).toMatch(advice);
});

it("the worktree is where it will be made, seen from where one is", () => {
  const repo = aRepository();
  const way = (cwd = ".") => ask<Advice>(repo, "-C", cwd, "--differ", "code").commands[1];
  expect(way()).toBe("cd ../exp-NAME");
  repo.write("sub/x", "");
  expect(way("sub")).toBe("cd ../../exp-NAME");
  repo.write("expver.yaml", `${repo.read("expver.yaml")}worktrees: { dir: trees }\n`);
  expect(way()).toBe("cd trees/exp-NAME");
});

it("what it prints has what the last run was given, and does what that did", () => {
  const repo = aRepository();
  expect(
    repo.expver(["run", "--metrics", "metrics.json", "--param", "a=1,2", "--param", "lr=0.3", "--", "node", "train.js", "--lr", "{lr}"])
      .code,
  ).toBe(0);
  const [run] = ask<Advice>(repo).commands;
  expect(run).toMatch(/ --metrics metrics\.json --param a=1,2 --param lr=0\.3 .* -- node train\.js --lr 0\.3$/);
  const [sweep] = ask<Advice>(repo, "--differ", "params").commands;
  expect(sweep).toMatch(/ --grid lr=0\.3,OTHER --metrics metrics\.json --param a=1,2 --jobs 4 .* -- node train\.js --lr \{lr\}$/);
  repo.run("mkdir", ["sub"]);
  expect(repo.expverJson(["-C", "sub", "advise"]).data.commands[0]).toContain(" --metrics ../metrics.json ");
});

it("says what is in the way of a run, and what the run would leave out", () => {
  const repo = aRepository();
  repo.write("data/new.bin", "x".repeat(2 ** 20 + 1));
  repo.run("rm", ["data/train.csv"]);
  repo.git("checkout", "-q", "--detach");
  const warnings = ask<Advice>(repo).warnings.join("\n");
  expect(warnings).toContain("expver data pull data/train.csv");
  expect(warnings).toContain("expver data add data/new.bin");
  expect(warnings).toContain("git switch -c");
  repo.write(".git/MERGE_HEAD", repo.git("rev-parse", "HEAD"));
  const merging = ask<Advice>(repo).warnings.join("\n");
  expect(merging).toContain("git merge --continue");
  expect(merging).not.toContain("git switch -c");
  const fresh = makeRepository();
  expect(ask<Advice>(fresh).commands[0]).toBe("expver init");
});

it("before an experiment's worktree is made, what it is to have is committed", () => {
  const repo = makeRepository();
  repo.commit("a program", { "train.sh": "true\n" });
  repo.write("more.sh", "true\n");
  const asked = ["--differ", "code", "--command", "bash train.sh"];
  const { commands, warnings } = ask<Advice>(repo, ...asked);
  expect(warnings.join()).toMatch(/more\.sh; a new worktree begins without it/);
  const [init = "", commit = "", ...others] = commands;
  expect(repo.expver(init.split(" ").slice(1)).code).toBe(0);
  expect(ask<Advice>(repo, ...asked).commands).toEqual([commit, ...others]);
  repo.run("sh", ["-c", commit]);
  expect(ask<Advice>(repo, ...asked).commands).toEqual(others);
  expect(repo.expver(["worktree", "create", "new"]).code).toBe(0);
  const there = openTestRepository(join(repo.root, "../exp-new"));
  expect(there.expver(["run", "-m", "first", "--", "bash", "train.sh"]).code).toBe(0);
});

it("an experiment's own worktree: brought to where it came from, by commands that can be typed one after the other", () => {
  const repo = aRepository();
  const { next } = repo.expverJson(["worktree", "create", "side"]).data as { next: string[] };
  expect(next.at(-1)).toBe(`cd ${repo.root} && expver worktree finish side`);
  const side = openTestRepository(join(repo.root, "../exp-side"));
  const { commands, warnings } = ask<Advice>(side);
  expect(commands.slice(-2)).toEqual(["expver check side", `cd ${repo.root} && expver worktree finish side`]);
  expect(warnings.join()).not.toContain("exp-side");
  expect(ask<Advice>(repo, "--differ", "code").commands.at(-1)).toBe(`cd ${repo.root} && expver worktree finish NAME`);
});

it("a project below the top: into its folder of the new worktree", () => {
  const repo = aRepository();
  repo.commit("a project of its own", { "sub/expver.yaml": "publish: ask\n" });
  const { commands } = repo.expverJson(["-C", "sub", "advise", "--differ", "code"]).data as Advice;
  expect(commands.find((one) => one.startsWith("cd "))).toBe("cd ../../exp-NAME/sub");
  const { next } = repo.expverJson(["-C", "sub", "worktree", "create", "side"]).data as { next: string[] };
  expect(next[0]).toBe(`cd ${join(repo.root, "../exp-side/sub")}`);
});
