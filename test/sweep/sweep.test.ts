/** `expver sweep` by the built command line: what it leaves, and what it leaves alone. */
import { describe, expect, it } from "vitest";
import { exists, rowsOf, runRows } from "../run/story.ts";
import type { TestRepository } from "../support/repository.ts";
import { leftovers, makeSweepExperiment, rowsByRun } from "./story.ts";

const GRID = ["sweep", "--grid", "lr=0.01,0.1,1", "--grid", "l2=0,1e-3", "--metrics", "metrics.json"];

describe("a sweep", { timeout: 240_000 }, () => {
  it("is one version: rows of every run, the best run's outputs, all models as candidates and the best in the folder", () => {
    const repo = makeSweepExperiment();
    const head = repo.git("rev-parse", "HEAD");
    repo.write("notes.txt", "new");
    const { code, data } = repo.expverJson([...GRID, "--jobs", "3", "--keep", "2", "-m", "lr x l2", "--", "node", "train.js"]);
    expect(code).toBe(0);
    expect(data).toMatchObject({
      counts: "6 runs · 6 finished",
      version: "e0.1.0",
      onBranch: true,
      candidates: 6,
      kept: 2,
      best: { settings: { lr: "0.1", l2: "0" }, value: "0.9" },
      promotion: { promoted: true },
    });
    // One snapshot for all of them, then the candidates, then R with the promotion.
    const [results, candidates, snapshot, start] = repo.git("log", "--format=%H", "-4").split("\n");
    expect([results, start]).toEqual([data.results, head]);
    expect(repo.git("rev-parse", "e0.1.0^{commit}")).toBe(results);
    expect(repo.git("show", "--name-only", "--format=", `${snapshot}`)).toBe("notes.txt");
    expect(repo.git("show", "--name-only", "--format=", `${candidates}`).split("\n")).toEqual([
      "models/.gitignore",
      "models/candidates.dvc",
    ]);
    expect(repo.git("show", "--name-only", "--format=", `${results}`)).toContain("models/production/model.json.dvc");
    const tag = repo.git("tag", "-l", "--format=%(contents)", "e0.1.0");
    expect(tag).toContain("lr=0.1 | l2=0 | accuracy=0.9 | lr x l2");
    expect(tag).toContain("Kind: sweep");
    expect(tag).toContain(`Best-Run: ${data.best.run}`);
    expect(tag.match(/^Run: /gm)?.length).toBe(6);
    // Settings as they were typed, in exactly one row each, all with the three stamps.
    const rows = rowsByRun(repo);
    expect(rows.map(({ lr, l2 }) => `${lr} ${l2}`).sort()).toEqual(["0.01 0", "0.01 0.001", "0.1 0", "0.1 0.001", "1 0", "1 0.001"]);
    expect(new Set(rows.map(({ version, git_commit }) => `${version} ${git_commit}`))).toEqual(new Set([`e0.1.0 ${snapshot}`]));
    expect(rowsOf(repo).length).toBe(6);
    expect(JSON.parse(repo.read("models/model.json"))).toEqual({ lr: 0.1, l2: 0 });
    expect(JSON.parse(repo.read("models/production/model.json"))).toEqual({ lr: 0.1, l2: 0 });
    expect(repo.run("ls", ["models/candidates"]).stdout.trim().split("\n").length).toBe(2);
    expect(repo.git("show", `${candidates}:models/candidates.dvc`)).toContain("nfiles: 6");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(leftovers(repo)).toEqual([]);
    const verified = repo.expver(["verify", "e0.1.0"]);
    expect(verified.code, verified.stdout).toBe(0);
    const { entries } = repo.expverJson(["models", "history"]).data;
    expect(entries).toMatchObject([{ version: "e0.1.0", run: data.best.run, how: "promoted", value: "0.9", commit: results }]);
    // A candidate that is not in the folder any more comes back by its run.
    const last = data.runs.find(({ settings }: { settings: { lr: string; l2: string } }) => settings.lr === "1" && settings.l2 === "0");
    expect(repo.expver(["models", "get", last.run, "-o", "last.json"]).code).toBe(0);
    expect(JSON.parse(repo.read("last.json"))).toEqual({ lr: 1, l2: 0 });
  });

  it("is undone as a whole, and can then be ended again", () => {
    const repo = makeSweepExperiment();
    repo.write("models/model.json", "mine, stored nowhere");
    const head = repo.git("rev-parse", "HEAD");
    expect(repo.expver([...GRID, "--", "node", "train.js"]).code).toBe(0);
    expect(exists(repo, "models/production/model.json")).toBe(true);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(repo.git("rev-parse", "HEAD")).toBe(head);
    expect(repo.git("tag")).toBe("");
    expect(runRows(repo)).toEqual([]);
    expect(rowsOf(repo)).toEqual([]);
    expect(repo.read("models/model.json")).toBe("mine, stored nowhere");
    expect(exists(repo, "models/candidates")).toBe(false);
    expect(exists(repo, "models/production")).toBe(false);
    expect(leftovers(repo)).toEqual([]);
    const again = repo.expverJson(["sweep", "--resume"]);
    expect(again).toMatchObject({ code: 0, data: { version: "e0.1.0", counts: "6 runs · 6 finished" } });
    expect(rowsOf(repo).length).toBe(6);
    expect(repo.expver(["sweep", "--resume"]).stderr).toContain("is over: it is e0.1.0");
  });

  it("takes the lowest of a metric that is to be low, and the best mean over seeds", () => {
    const repo = makeSweepExperiment();
    repo.write("expver.yaml", repo.read("expver.yaml").replace("accuracy: max", "loss: min"));
    repo.commit("loss counts");
    const low = repo.expverJson([...GRID, "--keep", "1", "--", "node", "train.js"]).data;
    expect(low).toMatchObject({ metric: "loss", direction: "min", best: { settings: { lr: "0.1", l2: "0" }, value: "0" } });
    expect(JSON.parse(repo.read("models/production/model.json"))).toEqual({ lr: 0.1, l2: 0 });
    expect(repo.run("ls", ["models/candidates"]).stdout.trim()).toBe(`${low.best.run}_model.json`);
    // Not better than production: it stays.
    const worse = repo.expverJson(["sweep", "--grid", "lr=0.5,0.6", "--metrics", "metrics.json", "--", "node", "train.js"]).data;
    expect(worse).toMatchObject({ best: { settings: { lr: "0.5" } }, promotion: { promoted: false } });
    expect(JSON.parse(repo.read("models/production/model.json"))).toEqual({ lr: 0.1, l2: 0 });
    // The luckiest single run has lr=2; the best mean lr=3.
    repo.write(
      "train.js",
      `const { lr, seed } = JSON.parse(process.env.EXPVER_PARAMS);
      const loss = { 2: [0.01, 0.9, 0.9], 3: [0.2, 0.2, 0.2] }[lr][seed];
      require("fs").writeFileSync("metrics.json", JSON.stringify({ loss }));`,
    );
    const repeated = repo.expverJson(["sweep", "--grid", "lr=2,3", "--repeat", "3", "--metrics", "metrics.json", "--", "node", "train.js"]);
    expect(repeated.data.runs.length).toBe(6);
    expect(repeated.data.best).toMatchObject({ settings: { lr: "3" }, value: "0.2", mean: expect.stringMatching(/^0\.2/) });
    expect(repo.expverJson(["list", "--limit", "1"]).code).toBe(0);
  });

  it("says so when the settings made no difference and the command has none of them", () => {
    const repo = makeSweepExperiment();
    repo.write("same.sh", "echo '{\"accuracy\": 0.5}' > metrics.json\n");
    repo.commit("reads nothing");
    const sweep = (...options: string[]) =>
      repo.expver(["sweep", ...options, "--metrics", "metrics.json", "-m", "x", "--", "sh", "same.sh"]).stderr;
    expect(sweep("--grid", "lr=1,2")).toContain("all 2 runs have the same numbers, and the command has no {lr}: did the program read lr?");
    expect(
      repo.expver(["sweep", "--grid", "lr=1,2", "--metrics", "metrics.json", "-m", "x", "--", "sh", "same.sh", "{lr}"]).stderr,
    ).not.toContain("same numbers");
    expect(sweep("--grid", "lr=1")).not.toContain("same numbers");
    const read =
      'require("fs").writeFileSync("metrics.json", JSON.stringify({ accuracy: Number(JSON.parse(process.env.EXPVER_PARAMS).lr) }))';
    for (const program of [["node", "-e", read], ["true"]]) {
      const { code, stderr } = repo.expver(["sweep", "--grid", "lr=1,2", "--metrics", "metrics.json", "-m", "x", "--", ...program]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("same numbers") });
    }
  });

  it("promotes and prunes nothing by a direction that is only guessed", () => {
    const repo = makeSweepExperiment();
    repo.write("expver.yaml", repo.read("expver.yaml").replace("metrics: { accuracy: max }\n", ""));
    repo.commit("no direction");
    const { code, data, warnings } = repo.expverJson([...GRID, "--keep", "1", "--", "node", "train.js"]);
    expect(code).toBe(0);
    expect(data).toMatchObject({ best: null, promotion: null, candidates: 6, kept: 6, version: "e0.1.0" });
    expect(warnings.map(({ text }) => text).join()).toContain("stands nowhere");
    expect(exists(repo, "models/production")).toBe(false);
    expect(exists(repo, "models/model.json")).toBe(false);

    // Said afterwards: what the runs have recorded counts, without a new sweep.
    expect(repo.expverJson(["list"]).data.versions).toMatchObject([{ version: "e0.1.0", metrics: {}, rank: null }]);
    repo.write("expver.yaml", `${repo.read("expver.yaml")}metrics: { accuracy: max }\n`);
    repo.commit("the direction");
    const { sweep, best } = repo.expverJson(["sweep", "show"]).data;
    const [value] = data.runs
      .map(({ metrics }: { metrics: { accuracy: string } }) => metrics.accuracy)
      .sort()
      .reverse();
    expect([sweep, best.value]).toEqual([data.sweep, value]);
    expect(repo.expverJson(["list"]).data).toMatchObject({
      sort: { metric: "accuracy" },
      versions: [{ version: "e0.1.0", rank: 1, metrics: { accuracy: value }, params: best.settings }],
    });
    // Whoever shows the version shows the same numbers.
    expect(repo.expverJson(["show", "e0.1.0"]).data).toMatchObject({
      metrics: [{ name: "accuracy", value }, { name: "loss" }],
      params: best.settings,
    });
    expect(repo.expver(["run", "--param", "lr=0.2", "--metrics", "metrics.json", "--", "node", "train.js"]).code).toBe(0);
    const [row] = repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data.metrics;
    expect(row).toMatchObject({ name: "accuracy", values: [value, "0.8"], verdicts: ["worse"] });
    expect(repo.expverJson(["report"]).data.markdown).toMatch(new RegExp(`\\| accuracy \\| ${value} \\| 0\\.8 \\| -0\\.1 worse \\|`));
    expect(repo.expverJson(["models", "promote", "--best", "--yes"]).data).toMatchObject({ run: best.run });
  });
});

describe("a run of a sweep", { timeout: 240_000 }, () => {
  it("has its own parameter file, shard, data and environment; the user's files are left alone", () => {
    const repo = makeSweepExperiment();
    repo.write("expver.yaml", `${repo.read("expver.yaml")}params: params.yaml\nlink: [.secret-tools]\n`);
    repo.write("params.yaml", "# mine\nnet: { depth: 2 }\nlr: 0.5\n");
    repo.write(".gitignore", `${repo.read(".gitignore")}.secret-tools\nresults/\n*.ignored\n`);
    repo.write(".secret-tools/tool", "linked");
    repo.write("data.csv", "a,b\n1,2\n");
    expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
    repo.write("sub/.gitkeep", "");
    repo.write(
      "sub/show.js",
      `const fs = require("fs");
      const here = { cwd: process.cwd(), params: fs.readFileSync("../params.yaml", "utf8"), data: fs.readFileSync("../data.csv", "utf8"),
        tool: fs.readFileSync("../.secret-tools/tool", "utf8"), db: process.env.EXPVER_DB, version: process.env.EXPVER_VERSION, argv: process.argv.slice(2) };
      fs.writeFileSync("../data.csv", "spoilt");
      for (const end of ["", ".ignored"]) fs.writeFileSync("leftover-" + process.pid + end, "");
      here.leftovers = fs.readdirSync(".").filter((name) => name.startsWith("leftover")).length;
      here.kept = fs.readFileSync(".gitkeep", "utf8");
      fs.writeFileSync(".gitkeep", "committed by a run");
      require("child_process").execFileSync("git", ["commit", "-q", "-m", "of a run", ".gitkeep"]);
      fs.writeFileSync("../metrics.json", JSON.stringify({ accuracy: 0.5 }));
      console.log(JSON.stringify(here));`,
    );
    repo.commit("more");
    const args = [
      "sweep",
      "--list",
      "list.yaml",
      "--metrics",
      "../metrics.json",
      "--param",
      "mode=x y",
      "--",
      "node",
      "show.js",
      "{net.depth}",
      "{mode}",
    ];
    repo.write("sub/list.yaml", "- {net.depth: 3}\n- {net: {depth: 4}}\n");
    const { code, data } = repo.expverJson(args, { cwd: "sub" });
    expect(code).toBe(0);
    const logs = data.runs.map(({ run }: { run: string }) => JSON.parse(repo.expver(["runs", "logs", run]).stdout));
    expect(logs.map(({ params }: { params: string }) => params)).toEqual([
      "# mine\nnet: { depth: 3 }\nlr: 0.5\n",
      "# mine\nnet: { depth: 4 }\nlr: 0.5\n",
    ]);
    for (const log of logs) {
      expect(log).toMatchObject({ data: "a,b\n1,2\n", tool: "linked", version: "e0.1.0", leftovers: 2, kept: "" });
      expect(log.cwd).toMatch(/\/slots\/1\/sub$/);
      expect(log.db).toMatch(/\/slots\/1\/results\/experiments\.db$/);
    }
    expect(logs.map(({ argv }: { argv: string[] }) => argv)).toEqual([
      ["3", "x y"],
      ["4", "x y"],
    ]);
    expect(repo.read("params.yaml")).toBe("# mine\nnet: { depth: 2 }\nlr: 0.5\n");
    expect(repo.read("data.csv")).toBe("a,b\n1,2\n");
    expect(leftovers(repo)).toEqual([]);
  });

  it("is refused before anything is done when it cannot be meant", () => {
    const repo = makeSweepExperiment();
    const wrong: [string[], string][] = [
      [["sweep", "--", "node", "train.js"], "nothing is varied"],
      [["sweep", "--grid", "lr", "--", "node", "train.js"], "is not of the form"],
      [["sweep", "--grid", "lr=1", "--random", "3", "--", "node", "train.js"], "--random needs ranges"],
      [["sweep", "--grid", "api_key=1,2", "--", "node", "train.js"], "looks like a secret"],
      [["sweep", "--grid", "lr=1,2", "--param", "lr=3", "--", "node", "train.js"], "set by --param and by the sweep"],
      [["sweep", "--grid", "lr=1,2", "--time-limit", "soon", "--", "node", "train.js"], "--time-limit takes a time"],
      [["sweep", "--grid", "lr=1,2", "--partial", "--", "node", "train.js"], "goes with --resume"],
      [["sweep", "--grid", "lr=1,2"], "there is no command"],
      [["sweep", "--resume"], "there is no sweep yet"],
    ];
    for (const [args, text] of wrong) expect(repo.expver(args).stderr).toContain(text);
    const planned = repo.expverJson([...GRID, "--dry-run", "--", "node", "train.js", "{lr}"]);
    expect(planned.data.jobs.length).toBe(6);
    expect(repo.expver(["sweep", "list"]).stdout).toContain("no sweeps yet");
    expect(exists(repo, "results/experiments.db")).toBe(false);
  });
});

describe("what a sweep leaves on the disk", { timeout: 240_000 }, () => {
  const shards = (repo: TestRepository) => repo.run("find", [".git/expver", "-name", "shard.db"]).stdout.split("\n").filter(Boolean);
  const packed = (repo: TestRepository) => repo.run("find", [".git/expver/sweeps", "-name", "*.db"]).stdout.split("\n").filter(Boolean);

  it("shards go once it has ended; undone it can be ended again, by rows in one file and rows that stayed", () => {
    const repo = makeSweepExperiment();
    repo.write(
      "train.js",
      `if (process.env.EXPVER_PARAM_LR === "1" && !require("fs").existsSync(${JSON.stringify(`${repo.root}/go`)})) process.exit(1);\n${repo.read("train.js")}`,
    );
    repo.commit("fails at first");
    expect(repo.expver(["sweep", "--grid", "lr=0.1,1", "--metrics", "metrics.json", "--fail-fast", "--", "node", "train.js"]).code).toBe(1);
    // Failed, but nothing is missing: it is over.
    expect([shards(repo).length, packed(repo).length]).toEqual([0, 1]);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(rowsOf(repo)).toEqual([]);
    repo.write("go", "");
    const again = repo.expverJson(["sweep", "--resume", "--retry-failed"]);
    expect(again).toMatchObject({ code: 0, data: { counts: "2 runs · 2 finished" } });
    expect(
      rowsByRun(repo)
        .map(({ lr, status }) => `${lr} ${status}`)
        .sort(),
    ).toEqual(["0.1 finished", "1 finished"]);
    expect([shards(repo).length, packed(repo).length]).toEqual([0, 1]);
    expect(leftovers(repo)).toEqual([]);
  });

  it("killed while they are put together, before or after they go: the rows are once in the database, and the next sweep tidies up", () => {
    const repo = makeSweepExperiment();
    const args = ["sweep", "--grid", "lr=0.1,0.2", "--metrics", "metrics.json", "--no-promote", "--", "node", "train.js"];
    expect(repo.expver(args).code).toBe(0);
    // As after a kill: the rows are in the one file, and a shard is there all the same.
    const [one = ""] = packed(repo);
    const run = repo.expverJson(["sweep", "show"]).data.runs[0].run;
    repo.run("cp", [one, `.git/expver/runs/${run}/shard.db`]);
    repo.run("cp", [one, one.replace("all-rows.db", "packing.db")]);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(repo.expver(["sweep", "--resume"]).code).toBe(0);
    expect(rowsOf(repo).length).toBe(2);
    expect([shards(repo).length, packed(repo).length]).toEqual([0, 1]);
  });
});

describe("--edit", () => {
  const swept = (...more: string[]) => ["sweep", "--grid", "lr=0.1,0.5", "--metrics", "metrics.json", ...more, "--", "node", "train.js"];
  const editor = (script: string) => ({ env: { GIT_EDITOR: `f() { ${script}; }; f` } });

  it("opens the editor on what the sweep varies once the best is known, and takes what is left in it", () => {
    const repo = makeSweepExperiment();
    const { code, data } = repo.expverJson(swept("-e"), editor('cat "$1" > ../seen.txt; echo "two rates" > "$1"'));
    expect([code, data.version]).toEqual([0, "e0.1.0"]);
    expect(repo.read("../seen.txt")).toMatch(
      /^2 runs over lr\n\n# The description of e0\.1\.0: .*\n# {3}.*lr=0\.1 \| accuracy=0\.9 \| …\n/,
    );
    expect(repo.git("tag", "-l", "--format=%(contents:subject)", "e0.1.0")).toMatch(/ \| two rates$/);
  });

  it("without words there is no version yet: --resume makes it, and runs nothing again", () => {
    const repo = makeSweepExperiment();
    const { code, error } = repo.expverJson(swept("-e"), editor(': > "$1"'));
    expect([code, error?.code]).toEqual([1, "E_NO_DESCRIPTION"]);
    expect(repo.git("tag", "-l")).toBe("");
    expect(leftovers(repo)).toEqual([]);
    const sweep = String(error?.details?.sweep);
    expect(error?.hint).toContain(`expver sweep --resume ${sweep} -m TEXT`);
    const again = repo.expverJson(["sweep", "--resume", sweep, "-m", "said later"]);
    expect(again).toMatchObject({ code: 0, data: { version: "e0.1.0" } });
    expect(repo.git("tag", "-l", "--format=%(contents:subject)", "e0.1.0")).toMatch(/ \| said later$/);
    expect(rowsByRun(repo)).toHaveLength(2);
  });
});
