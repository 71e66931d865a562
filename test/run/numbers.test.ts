/** Where a run's numbers come from, and what becomes of the file they come in. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { rowsOf } from "./story.ts";

const PROGRAM = 'require("fs").writeFileSync("metrics.json", JSON.stringify({ accuracy: Number(process.argv[2]) }))\n';

function begin(): TestRepository {
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.commit("first", { "train.js": PROGRAM });
  return repo;
}

function run(
  repo: TestRepository,
  ...words: string[]
): {
  data: { run_id: string; snapshot: string; results: string; version: string; metrics: Record<string, string> };
  texts: string[];
  hints: string;
} {
  const { code, data, warnings } = repo.expverJson(["run", ...words]);
  expect(code).toBe(0);
  return { data, texts: warnings.map(({ text }: { text: string }) => text), hints: JSON.stringify(warnings) };
}

const changed = (repo: TestRepository, from: string, to: string) => repo.git("diff", "--name-only", from, to).split("\n");

it("a run or a sweep without any number says so, and what to type; it is a version all the same", () => {
  const repo = begin();
  const silent = run(repo, "--", "node", "train.js", "0.5");
  expect(silent.texts).toContainEqual(expect.stringMatching(/^run \S+ left no number/));
  expect(silent.hints).toContain("It wrote metrics.json, which has");
  expect(repo.git("tag")).toBe("e0.1.0");
  rmSync(join(repo.root, "metrics.json"));
  const { hints } = run(repo, "--no-tag", "--", "node", "-e", "0");
  for (const way of ["--metrics FILE", "expver log accuracy=0.9", "xetrack"]) expect(hints).toContain(way);
  expect(run(repo, "--metrics", "metrics.json", "--", "node", "train.js", "0.5").texts).toEqual([]);
  const swept = repo.expverJson(["sweep", "--grid", "x=1,2", "--", "node", "train.js", "{x}"]);
  const left = { text: expect.stringMatching(/^sweep \S+ left no number/) };
  expect(swept).toMatchObject({ code: 0, warnings: expect.arrayContaining([expect.objectContaining(left)]) });
  const empty = run(repo, "--metrics", "m.json", "--", "node", "-e", 'require("fs").writeFileSync("m.json", "{}")');
  expect(empty.texts).toEqual(["the metrics file m.json has no number"]);
});

it("a run of several trackers says whose number is the run's, unless expver.yaml says which counts; of a sweep it is said once", () => {
  const repo = begin();
  const folds = `import { track } from "${join(import.meta.dirname, "../../dist/index.js")}";
    for (const accuracy of [0.9, 0.4]) { const one = track({ trackId: "fold" + accuracy + process.env.EXPVER_RUN_ID }); one.log({ accuracy }); one.close(); }`;
  repo.write("folds.mjs", folds);
  const told = (words: string[]) =>
    repo.expverJson(words).warnings.flatMap(({ text, hint }) => (text.includes("trackers") ? [[text, hint]] : []));
  expect(told(["run", "-m", "folds", "--", "node", "folds.mjs"])).toEqual([
    [
      expect.stringMatching(/^run \S+ has 2 trackers, each with its own accuracy: the run's is that of the last, 0\.4$/),
      "Say in expver.yaml which counts: aggregate: { accuracy: mean }, or best, min, max, sum; last, if this is meant.",
    ],
  ]);
  expect(told(["sweep", "--grid", "seed=1,2", "-m", "both", "--", "node", "folds.mjs"])).toHaveLength(1);
  repo.write("expver.yaml", `${repo.read("expver.yaml")}aggregate: { accuracy: mean }\n`);
  expect(told(["run", "-m", "mean", "--", "node", "folds.mjs"])).toEqual([]);
  expect(repo.expverJson(["show", "e0.3.0"]).data.metrics).toMatchObject([{ name: "accuracy", value: "0.65" }]);
});

it("the metrics file is no change to anybody: ignored from the first version on, and taken back with it", () => {
  const repo = begin();
  const before = repo.read(".gitignore");
  const first = run(repo, "--metrics", "metrics.json", "--", "node", "train.js", "0.5");
  expect(changed(repo, first.data.snapshot, first.data.results)).toContain(".gitignore");
  expect(repo.read(".gitignore")).toBe(`${before}/metrics.json\n`);
  expect(repo.git("status", "--porcelain")).toBe("");
  const second = run(repo, "--", "node", "train.js", "0.6");
  expect(second.data.snapshot).toBe(first.data.results);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(repo.read(".gitignore")).toBe(before);
});

it("one that Git tracks is in every version as the run wrote it, and one run makes one commit of it", () => {
  const repo = begin();
  repo.commit("tracked", { "metrics.json": "{}\n" });
  const ignored = repo.read(".gitignore");
  for (const [version, value] of [
    ["e0.1.0", "0.5"],
    ["e0.2.0", "0.6"],
  ] as const) {
    const { data } = run(repo, "--metrics", "metrics.json", "--", "node", "train.js", value);
    expect(repo.git("show", `${version}:metrics.json`)).toBe(`{"accuracy":${value}}`);
    expect(changed(repo, `${data.results}^`, data.results)).toContain("metrics.json");
    expect(repo.git("status", "--porcelain")).toBe("");
  }
  expect(repo.read(".gitignore")).toBe(ignored);
  expect(repo.git("rev-list", "--count", "HEAD")).toBe("4");
});

it("a number or a parameter that is called as what says which row it is, is known of the run and is no cell of it", () => {
  const repo = begin();
  const program = 'require("fs").writeFileSync("metrics.json", JSON.stringify({ accuracy: 0.5, timestamp: 1700000000, Track_ID: 7 }))';
  const { data } = run(repo, "--metrics", "metrics.json", "--param", "version=2", "--param", "git.commit=x", "--", "node", "-e", program);
  expect(data).toMatchObject({
    version: "e0.1.0",
    params: { version: "2", "git.commit": "x" },
    metrics: { accuracy: "0.5", timestamp: "1700000000", Track_ID: "7" },
  });
  expect(rowsOf(repo)).toEqual([
    expect.objectContaining({ track_id: data.run_id, version: "e0.1.0", git_commit: data.snapshot, accuracy: 0.5 }),
  ]);
  expect(repo.expverJson(["show", "e0.1.0"]).data.params).toMatchObject({ version: "2" });
});

it.each(["loss REAL NOT NULL", "accuracy REAL UNIQUE", "accuracy REAL CHECK (accuracy > 1)"])(
  "a table with a rule (%s) that the run's own row breaks is left alone: the row goes into xetrack's",
  (column) => {
    const repo = begin();
    const db = openResults(join(repo.root, "results/experiments.db"), { create: true });
    db.exec(`CREATE TABLE others (track_id TEXT, timestamp TEXT, ${column}, PRIMARY KEY (track_id, timestamp))`);
    if (column.endsWith("UNIQUE")) db.exec("INSERT INTO others VALUES ('a', '1', 0.5)");
    db.close();
    const before = rowsOf(repo, "others").length;
    const { data } = run(repo, "--metrics", "metrics.json", "--", "node", "train.js", "0.5");
    expect(data).toMatchObject({ version: "e0.1.0", metrics: { accuracy: "0.5" } });
    expect([rowsOf(repo, "others").length, rowsOf(repo, "default")]).toEqual([before, [expect.objectContaining({ accuracy: 0.5 })]]);
  },
);

it("a program that makes the table of the results anew, as pandas does, still has a version; what is logged there is refused", () => {
  const repo = begin();
  repo.commit("a table", { "expver.yaml": "results: { table: scores }\n" });
  const sqlite = JSON.stringify(join(import.meta.dirname, "../../node_modules/@photostructure/sqlite"));
  const anew = `const { DatabaseSync } = require(${sqlite});
    new DatabaseSync(process.env.EXPVER_DB).exec("DROP TABLE scores; CREATE TABLE scores (id INTEGER); INSERT INTO scores VALUES (7)");`;
  expect(run(repo, "--param", "lr=0.5", "--", "node", "-e", anew).data).toMatchObject({ version: "e0.1.0" });
  expect([rowsOf(repo, "scores"), rowsOf(repo, "default")]).toEqual([[{ id: 7n }], [expect.objectContaining({ lr: 0.5 })]]);
  expect(repo.expverJson(["log", "loss=1"])).toMatchObject({ error: { code: "E_DATABASE", message: expect.stringContaining("scores") } });
});

it("a number that goes by a parameter's name is none where it says the same, and told beside it where it does not", () => {
  const repo = begin();
  repo.commit("parameters", { "params.yaml": "loss: mse\nlr: 1e-1\n", "expver.yaml": "metrics: { loss: min }\nparams: params.yaml\n" });
  const program = 'require("fs").writeFileSync("metrics.json", JSON.stringify({ loss: 0.25, lr: 0.1 }))';
  const { data } = run(repo, "--metrics", "metrics.json", "--", "node", "-e", program);
  expect(data).toMatchObject({ params: { loss: "mse", lr: "1e-1" }, metrics: { loss: "0.25" }, primaryMetric: "loss" });
  expect(data.metrics).not.toHaveProperty("lr");
  const tag = repo.git("cat-file", "-p", data.version);
  expect(tag).toContain("Metric: loss=0.25 min");
  expect(repo.expver(["list"]).stdout).toMatch(/^# {2}version +metric\.loss +param\.loss +lr /m);
  // A rate that decays is the parameter, and what goes by a metric's name is measured.
  repo.commit("more", { "params.yaml": "loss: mse\nlr: 1e-1\naccuracy: 0.9\n" });
  const other = 'require("fs").writeFileSync("metrics.json", JSON.stringify({ loss: 1, lr: 0.05, accuracy: 0.8 }))';
  expect(run(repo, "--metrics", "metrics.json", "--", "node", "-e", other).data.metrics).toEqual({ loss: "1", accuracy: "0.8" });
});

it("a nested number is told once, by the file's name or by that of its column, whichever expver.yaml has; the telling ones come first", () => {
  const repo = begin();
  const program = 'require(\'fs\').writeFileSync(\'m.json\', \'{"n": 3, "val": {"f1": 0.5, "loss": 1e-3}, "ACC": 0.7}\')';
  const metricsOf = () =>
    Object.entries(repo.expverJson(["run", "-m", "x", "--metrics", "m.json", "--", "node", "-e", program]).data.metrics);
  repo.expver(["log", "Acc=0.1"]);
  expect(metricsOf()).toEqual([
    ["ACC", "0.7"],
    ["val.f1", "0.5"],
    ["val.loss", "1e-3"],
    ["n", "3"],
  ]);
  repo.write("expver.yaml", "metrics: { val_f1: max, val.loss: min }\n");
  expect(Object.keys(Object.fromEntries(metricsOf())).sort()).toEqual(["ACC", "n", "val.loss", "val_f1"]);
  expect(repo.git("cat-file", "tag", "e0.2.0").match(/^Metric: .*$/gm)).toEqual([
    "Metric: val_f1=0.5 max",
    "Metric: val.loss=1e-3 min",
    "Metric: ACC=0.7",
    "Metric: n=3",
  ]);
});

it("of JSON lines whose last one is cut off those before it count, and it is said", () => {
  const repo = begin();
  const write = 'require("fs").writeFileSync("log.jsonl", process.argv[1])';
  const { data, texts } = run(repo, "--metrics", "log.jsonl", "--", "node", "-e", write, '{"accuracy": 0.50}\n{"accuracy": 0.');
  expect(data).toMatchObject({ version: "e0.1.0", metrics: { accuracy: "0.50" } });
  expect(texts).toContain("the last line of the metrics file log.jsonl is cut off: those before it count");
});

it("a glob names the metrics file wherever it is this time: of those written since the start the last, and several are said", () => {
  const repo = begin();
  const write = `const fs = require("fs"); for (const word of process.argv.slice(1)) {
    const [n, value] = word.split("=");
    fs.mkdirSync("out/version_" + n, { recursive: true });
    fs.writeFileSync("out/version_" + n + "/metrics.json", JSON.stringify({ accuracy: Number(value) }));
    fs.utimesSync("out/version_" + n + "/metrics.json", new Date(), Date.now() / 1000 - n / 100);
  }`;
  const glob = ["--metrics", "out/*/metrics.json"];
  const first = run(repo, ...glob, "--", "node", "-e", write, "0=0.1");
  expect([first.data.metrics, first.texts]).toEqual([{ accuracy: "0.1" }, []]);
  expect(run(repo, ...glob, "--", "node", "-e", write, "1=0.2").data.metrics).toEqual({ accuracy: "0.2" });
  expect(run(repo, ...glob, "--", "node", "-e", write, "0=0.1", "1=0.3", "2=0.4")).toMatchObject({
    data: { metrics: { accuracy: "0.1" } },
    texts: ["3 files that --metrics names were written: the numbers are those of out/version_0/metrics.json, the last of them"],
    hints: expect.stringContaining("A narrower glob leaves out out/version_1/metrics.json, out/version_2/metrics.json."),
  });
  expect(run(repo, ...glob, "--", "node", "-e", "0").texts).toEqual([
    "the metrics file out/version_0/metrics.json was not written during the run and counts for nothing",
  ]);
  // They are code of none, with the glob or without it.
  run(repo, "--", "node", "-e", write, "3=0.5");
  expect(repo.git("ls-files", "out")).toBe("");
  expect(run(repo, "--metrics", "other/*.json", "--", "node", "-e", "0").texts).toContain("the metrics file other/*.json does not exist");
  const swept = repo.expverJson(["sweep", "--grid", "n=7,8", ...glob, "--", "node", "-e", write, "{n}=0.5"]).data;
  expect(swept.runs.map((one: { metrics: Record<string, string> }) => one.metrics)).toEqual([{ accuracy: "0.5" }, { accuracy: "0.5" }]);
  // A name with a bracket in it names itself, too.
  const named = ["--metrics", "m[1].json", "--", "node", "-e", 'require("fs").writeFileSync("m[1].json", `{"accuracy": 0.6}`)'];
  expect(run(repo, ...named).data.metrics).toEqual({ accuracy: "0.6" });
  expect(run(repo, ...named).data.metrics).toEqual({ accuracy: "0.6" });
});
