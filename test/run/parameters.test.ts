import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { markOf } from "../../src/workflows/run/outputs/marks.ts";
import { readMetricsFile } from "../../src/workflows/run/outputs/metrics-file.ts";
import { findMetrics } from "../../src/workflows/run/outputs/metrics-text.ts";
import { parameterEnvironment, parseGiven, substitute } from "../../src/workflows/run/parameters/parameters.ts";
import { makeExperiment } from "./story.ts";

it("keeps the text of every value exactly", () => {
  expect(parseGiven(["lr=1e-5", "name=a=b", "n=007", "empty=", "lr=1e-4"])).toEqual({ lr: "1e-4", name: "a=b", n: "007", empty: "" });
});

it("refuses a parameter without a name, showing it", () => {
  expect(() => parseGiven(["0.1"])).toThrow(/"0\.1"/);
  expect(() => parseGiven(["=1"])).toThrow(/name=value/);
});

it("fills in known names only and says which whole arguments it did not know", () => {
  const typed = ["train.py", "--lr={lr}", "{l2}", '{"a": {b}}', "x{lr}y", "--n={n}", "{lr}{lr}"];
  expect(substitute(typed, { lr: "1e-5", l2: "{lr}" })).toEqual({
    argv: ["train.py", "--lr=1e-5", "{lr}", '{"a": {b}}', "x1e-5y", "--n={n}", "1e-51e-5"],
    unknown: ["n"],
  });
});

it("hands parameters over as JSON that any program parses, digits kept", () => {
  const { EXPVER_PARAMS, ...rest } = parameterEnvironment({ lr: "1e-5", "opt.name": 'ad"am', on: "true", n: "007" });
  expect(EXPVER_PARAMS).toBe('{"lr": 1e-5, "opt.name": "ad\\"am", "on": true, "n": "007"}');
  expect(rest).toEqual({ EXPVER_PARAM_LR: "1e-5", EXPVER_PARAM_OPT_NAME: 'ad"am', EXPVER_PARAM_ON: "true", EXPVER_PARAM_N: "007" });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (table) => {
      expect(Object.keys(JSON.parse(parameterEnvironment(table).EXPVER_PARAMS ?? "") as object)).toHaveLength(Object.keys(table).length);
    }),
  );
});

it("reads every number of a metrics file with its digits", () => {
  const json =
    '{\n\t"acc": 0.90, "n": 12345678901234567890, "id": "42", "at": {"k": [1e-05, 2]}, "bad": NaN, "inf": -Infinity, "on": true}';
  const found = { acc: "0.90", n: "12345678901234567890", "at.k.0": "1e-05", "at.k.1": "2", bad: "NaN", inf: "-Infinity" };
  expect(parseMetrics(json, "m.json")).toEqual(found);
  expect(parseMetrics("acc: 0.90\nat: {k: [1e-05, x]}\ninf: -.inf\nname: best\n", "m.yaml")).toEqual({
    acc: "0.90",
    "at.k.0": "1e-05",
    inf: "-Infinity",
  });
  expect(() => parseMetrics("{acc: ", "m.json")).toThrow(/m\.json/);
});

const parseMetrics = (...args: Parameters<typeof findMetrics>) => findMetrics(...args).metrics;

it("reads one number of each column of a file with a row for each epoch: the last one written, or what aggregate says, digits kept", () => {
  const csv =
    '\ufeff epoch,  train/loss ,"val, acc",lr,name,batch\r\n0,0.90,0.5,1e-3,a,8\r\n1,0.50,0.80,1e-3,b,8\r\n2,,0.70,1e-3,,8\r\n\r\n';
  const last = { "train/loss": "0.50", "val, acc": "0.70", lr: "1e-3", batch: "8" };
  expect(parseMetrics(csv, "out/results.csv")).toEqual(last);
  expect(parseMetrics(csv.replaceAll('"val, acc"', "val").replaceAll(",", "\t"), "r.tsv")).toMatchObject({ val: "0.70" });
  const best = { metrics: { "val, acc": "max", epoch: "max" }, aggregate: { "val, acc": "best", "train/loss": "mean" } } as const;
  expect(parseMetrics(csv, "r.csv", best)).toEqual({ ...last, epoch: "2", "train/loss": "0.7", "val, acc": "0.80" });
  const lines = '{"step": 1, "eval": {"loss": 0.90}, "name": "7"}\n{"step": 2, "eval": {"loss": NaN}}\n\n{"step": 3, "acc": 0.10}\n';
  expect(parseMetrics(lines, "m.jsonl")).toEqual({ "eval.loss": "NaN", acc: "0.10" });
  expect(parseMetrics(lines, "m.jsonl", { metrics: { "eval.loss": "min" }, aggregate: { "eval.loss": "best" } })).toMatchObject({
    "eval.loss": "0.90",
  });
  expect(() => findMetrics(`${lines}{"a": \n`, "m.jsonl")).toThrow(/m\.jsonl:5: not valid JSON/);
  expect(findMetrics(`${lines}{"acc": 0.2`, "m.jsonl")).toEqual({ metrics: parseMetrics(lines, "m.jsonl"), isCut: true });
  expect(parseMetrics("", "m.csv")).toEqual({});
});

it.each([
  ["blank lines", "\n \r\nepoch,acc\n1,0.5\n2,0.60\n"],
  ["comments", "# made by a tool, 2024\n\n#1,2\nepoch,acc\n1,0.5\n# half-way, 7\n2,0.60\n# 9,9\n"],
  ["NumPy's names", "# epoch,acc\n1,0.5\n2,0.60\n"],
])("a table that begins with %s is read", (_what, csv) => expect(parseMetrics(csv, "log.csv")).toEqual({ acc: "0.60" }));

it("a list with a row for each step has one number for each name, where it stands; another list a number for each of its members", () => {
  const log = '[{"epoch": 1.0, "loss": 0.90, "step": 10}, {"epoch": 1.0, "eval_loss": 0.70, "step": 10}, {"step": 20, "loss": 0.50}]';
  const state = `{"best_metric": 0.70, "epoch": 2.0, "log_history": ${log}, "by": {"class": [{"f1": 0.1}, {"f1": 0.2}]}}`;
  const others = { best_metric: "0.70", epoch: "2.0", "by.class.0.f1": "0.1", "by.class.1.f1": "0.2" };
  expect(parseMetrics(state, "trainer_state.json")).toEqual({
    ...others,
    "log_history.loss": "0.50",
    "log_history.eval_loss": "0.70",
    "log_history.epoch": "1.0",
  });
  const best = { metrics: { "log_history.loss": "max" }, aggregate: { "log_history.loss": "best" } } as const;
  expect(parseMetrics(state, "trainer_state.json", best)).toMatchObject({ "log_history.loss": "0.90" });
  expect(parseMetrics(log, "log.json")).toEqual({ loss: "0.50", eval_loss: "0.70", epoch: "1.0" });
  const lines = log.slice(1, -1).replaceAll("}, ", "}\n");
  expect(parseMetrics(`${lines}\n{"loss": 0.4`, "metrics.json")).toEqual(parseMetrics(log, "log.json"));
});

it("a history by columns has one number for each; scores of classes have all of theirs", () => {
  const keras = '{"loss": [0.9, 0.50], "val_loss": [0.8, NaN], "accuracy": [0.5, 0.60]}';
  expect(parseMetrics(keras, "history.json")).toEqual({ loss: "0.50", val_loss: "NaN", accuracy: "0.60" });
  const best = { metrics: { loss: "min" }, aggregate: { loss: "max" } } as const;
  expect(parseMetrics(keras, "history.json", best)).toMatchObject({ loss: "0.9" });
  const xgboost = '{"validation_0": {"mlogloss": [0.9, 0.50], "auc": [0.5, 0.60]}}';
  expect(parseMetrics(xgboost, "evals_result.json")).toEqual({ "validation_0.mlogloss": "0.50", "validation_0.auc": "0.60" });
  const other = { "f1.0": "0.1", "f1.1": "0.2" };
  expect(parseMetrics('{"f1": [0.1, 0.2]}', "m.json")).toEqual(other);
  expect(parseMetrics('{"f1": [0.1, 0.2], "loss": 0.5}', "m.json")).toEqual({ ...other, loss: "0.5" });
  expect(parseMetrics('{"f1": [0.1, 0.2], "loss": [0.5]}', "m.json")).toEqual({ ...other, "loss.0": "0.5" });
  expect(parseMetrics("{}", "m.json")).toEqual({});
});

it("a table may be called otherwise (Keras' training.log); other texts are read as YAML", () => {
  expect(parseMetrics("epoch,accuracy,loss\n0,0.5,0.9\n1,0.60,0.70\n", "training.log")).toEqual({ accuracy: "0.60", loss: "0.70" });
  expect(parseMetrics("acc: 0.5\nloss: 0.7\n", "numbers.txt")).toEqual({ acc: "0.5", loss: "0.7" });
  expect(parseMetrics("{acc: 0.5, loss: 0.7}\n", "numbers")).toEqual({ acc: "0.5", loss: "0.7" });
  expect(parseMetrics("a,b\n", "numbers.txt")).toEqual({});
});

it("tells a file that was written since from a stale or missing one", () => {
  const config = { metrics: {}, aggregate: {} };
  const folder = mkdtempSync(join(tmpdir(), "expver-metrics-"));
  try {
    const path = join(folder, "metrics.json");
    expect(readMetricsFile(path, { name: "m.json", before: markOf(path), config })).toEqual({ state: "missing" });
    writeFileSync(path, '{"acc": 1}');
    const before = markOf(path);
    expect(readMetricsFile(path, { name: "m.json", before, config })).toEqual({ state: "stale" });
    writeFileSync(path, '{"acc": 2}');
    expect(readMetricsFile(path, { name: "m.json", before, config })).toEqual({ state: "read", metrics: { acc: "2" } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("a parameter file that readers of YAML 1.1 and 1.2 read differently is warned of; diff compares numbers, however they are written", () => {
  const repo = makeExperiment();
  repo.write("params.yaml", "lr: 1e-4\nname: '1e-4'\nflag: yes\n");
  repo.write("expver.yaml", "params: params.yaml\n");
  const { warnings } = repo.expverJson(["run", "--", "true"]);
  expect(warnings).toContainEqual({
    text: "params.yaml has values that YAML 1.1 and 1.2 read differently: lr: 1e-4 (a text to Python's PyYAML), flag: yes (a boolean to Python's PyYAML)",
    hint: "Write what both read alike, such as lr: 1.0e-4, or quote what is a text.",
  });
  repo.write("params.yaml", "lr: 0.0001\nname: '1e-4'\nflag: true\n");
  expect(
    repo
      .expverJson(["run", "--", "true"])
      .warnings.map(({ text }) => text)
      .join(),
  ).not.toContain("read differently");
  const { params } = repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data;
  expect(params.filter(({ differs }: { differs: boolean }) => differs).map(({ name }: { name: string }) => name)).toEqual(["flag"]);
});

it("more parameters than an environment or a table takes: the run's record and the tag have all of them", () => {
  const repo = makeExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: params.yaml\n`);
  const names = Array.from({ length: 6000 }, (_, index) => `layer${index}`);
  repo.write("params.yaml", names.map((name, index) => `${name}: {width: ${index}}\n`).join(""));
  repo.commit("many");
  const program = "require('fs').writeFileSync('metrics.json', JSON.stringify({ accuracy: 0.5, given: process.env.EXPVER_PARAM_LR }))";
  for (const version of ["e0.1.0", "e0.2.0"]) {
    const made = repo.expverJson(["run", "-m", "one", "--param", "lr=7", "--metrics", "metrics.json", "--", "node", "-e", program]);
    expect({ code: made.code, version: made.data?.version }, JSON.stringify(made.error)).toEqual({ code: 0, version });
    expect(made.warnings[0]?.text).toContain("params.yaml has too many parameters for the environment");
    const { params, metrics } = repo.expverJson(["show", version]).data;
    expect(Object.keys(params)).toHaveLength(6001);
    expect(JSON.stringify(metrics)).toContain("0.5");
  }
  expect(repo.expver(["verify"]).code).toBe(0);
  const log = repo.expverJson(["log", ...Array.from({ length: 600 }, (_, index) => `c${index}=1`)]);
  expect(log.error).toMatchObject({ code: "E_DATABASE", message: expect.stringContaining("has 2000 columns") });
});

it("a parameter file that the program writes, as Hydra does, says what this run had, not the one before; given ones stay; in a sweep too", () => {
  const repo = makeExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: out/config.yaml\n`);
  const writes = "const [depth, lr] = process.argv.slice(2); const fs = require('fs'); fs.mkdirSync('out', { recursive: true });";
  repo.write("hydra.js", `${writes} fs.writeFileSync('out/config.yaml', 'net: {depth: ' + depth + '}\\nlr: ' + lr + '\\n');`);
  repo.commit("program");
  const paramsOf = (...args: string[]) => repo.expverJson(["run", "-m", "one", ...args]).data.params;
  expect(paramsOf("--", "node", "hydra.js", "3", "0.10")).toEqual({ "net.depth": "3", lr: "0.10" });
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(paramsOf("--param", "seed=1", "--", "node", "hydra.js", "4", "{seed}")).toEqual({ "net.depth": "4", lr: "1", seed: "1" });
  expect(repo.expverJson(["show", "e0.2.0"]).data.params).toMatchObject({ "net.depth": "4", lr: "1", seed: "1" });
  // It did not write it: what is there is what it was run with.
  expect(paramsOf("--", "node", "train.js")).toEqual({ "net.depth": "4", lr: "1" });
  repo.expver(["sweep", "--grid", "lr=7,8", "--repeat", "1", "-m", "both", "--", "node", "hydra.js", "5", "{lr}"]);
  const runs = repo.expverJson(["runs", "list"]).data.runs as { version: string; params: object }[];
  const ofSweep = runs.filter(({ version }) => version === "e0.4.0").map(({ params }) => params);
  expect(ofSweep).toEqual(expect.arrayContaining([expect.objectContaining({ "net.depth": "5", lr: "7" })]));
  expect(ofSweep).toEqual(expect.arrayContaining([expect.objectContaining({ "net.depth": "5", lr: "8" })]));
});

it("a parameter file of the snapshot that changes meanwhile is the next run's: it says what it said at the start, which is told", () => {
  const repo = makeExperiment();
  repo.commit("parameters", { "params.yaml": "lr: 0.1\n" });
  const edit = "require('fs').writeFileSync('params.yaml', 'lr: 0.2\\n')";
  const { data, warnings } = repo.expverJson(["run", "-m", "one", "--", "node", "-e", edit]);
  expect(data.params).toEqual({ lr: "0.1" });
  expect(warnings).toContainEqual({
    text: "params.yaml was changed while the run went on: its parameters are those that it had at the start",
    hint: "Where the program itself writes it, let Git ignore the file: then what it says at the end counts.",
  });
  const loop = repo.expverJson(["run", "-m", "loop", "--", "sh", "-c", "rm params.yaml; ln -s params.yaml params.yaml"]);
  expect({ error: loop.error, params: loop.data?.params }).toEqual({ error: null, params: { lr: "0.2" } });
  repo.run("rm", ["params.yaml"]);
  repo.write("params.yaml", "lr: 0.2\n");
  const broken = repo.expverJson(["run", "-m", "two", "--", "node", "-e", edit.replace("lr:", "{")]);
  expect(broken.data.params).toEqual({ lr: "0.2" });
  expect(broken.warnings.map(({ text }) => text).join()).toContain("parameters are those of the start");
});

it("so does one that no commit has, with --no-commit, when Git does not ignore it", () => {
  const repo = makeExperiment();
  repo.write("params.yaml", "lr: 0.1\n");
  const edit = "const fs = require('fs'); fs.rmSync('params.yaml'); fs.writeFileSync('params.yaml', 'lr: 9\\n')";
  const { data, warnings } = repo.expverJson(["run", "--no-commit", "--", "node", "-e", edit]);
  expect(data.params).toEqual({ lr: "0.1" });
  expect(warnings.map(({ text }) => text).join()).toContain("params.yaml was changed while the run went on");
});

it("one that is written again with the same hidden values has not changed, and what has is said once of a sweep", () => {
  const repo = makeExperiment();
  repo.commit("parameters", { "params.yaml": "lr: 0.1\napi_key: abcdef\n" });
  const warned = (added: string) => {
    const edit = `const fs = require('fs'); const text = fs.readFileSync('params.yaml', 'utf8'); fs.rmSync('params.yaml'); fs.writeFileSync('params.yaml', text + '${added}')`;
    const { warnings } = repo.expverJson(["sweep", "--grid", "lr=1,2", "-m", "both", "--", "node", "-e", edit]);
    return warnings.filter(({ text }) => text.includes("was changed while the run went on")).length;
  };
  expect([warned(""), warned("n: 1\\n")]).toEqual([0, 1]);
});

it("what a program writes into the folder of its model is part of that: no ignore file is put there", () => {
  const repo = makeExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: models/m/config.yaml\n`);
  repo.write("expver.yaml", repo.read("expver.yaml").replace(/^models:.*\n/m, ""));
  repo.write("expver.yaml", `${repo.read("expver.yaml")}models: { output: models/m }\n`);
  const writes = "const fs = require('fs'); fs.mkdirSync('models/m', { recursive: true });";
  repo.write(
    "write.js",
    `${writes} fs.writeFileSync('models/m/config.yaml', 'lr: 1\\n'); fs.writeFileSync('models/m/m.json', '{"accuracy": 1}');`,
  );
  repo.commit("program");
  const { data } = repo.expverJson(["run", "-m", "one", "--metrics", "models/m/m.json", "--", "node", "write.js"]);
  expect(data).toMatchObject({ params: { lr: "1" }, metrics: { accuracy: "1" } });
  expect(repo.git("ls-files", "models/m")).toBe("");
  expect(readdirSync(join(repo.root, "models/m")).sort()).toEqual(["config.yaml", "m.json"]);
  expect(repo.git("status", "--porcelain")).toBe("");
});

it("a metrics file of more than 512 MB is refused with what to do, not as a bug that keeps every later run from starting", () => {
  const folder = mkdtempSync(join(tmpdir(), "expver-metrics-"));
  const path = join(folder, "m.csv");
  writeFileSync(path, "");
  truncateSync(path, 2 ** 29 + 1);
  const read = () => readMetricsFile(path, { name: "m.csv", before: "", config: { metrics: {}, aggregate: {} } });
  try {
    expect(read).toThrow(expect.objectContaining({ code: "E_IO", message: "cannot read m.csv: it is larger than 512 MB" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  ["params.toml", "lr = 1e-5\n[a]\nb = [1\n"],
  ["params.py", "LR = 1e-5\nA = dict(b=[2])\n"],
  ["params.yaml", "- a\n- b\n"],
])("a parameter file of which nothing is read is said: %s", (file, text) => {
  const repo = makeExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: ${file}\n`);
  repo.commit("parameters", { [file]: text });
  const { code, warnings } = repo.expverJson(["run", "-m", "one", "--", "node", "train.js"]);
  expect({ code, texts: warnings.map((one) => one.text) }).toEqual({
    code: 0,
    texts: expect.arrayContaining([`no parameters are read from ${file}: they come from the names in a YAML or JSON file`]),
  });
  expect(repo.expver(["tag", "-m", "again"]).code).toBe(0);
});

it("params.yaml that came after init is read by run, sweep, list and diff unless expver.yaml says that none is", () => {
  const repo = makeExperiment();
  repo.expver(["run", "-m", "none yet", "--", "node", "train.js"]);
  repo.commit("parameters", { "params.yaml": "lr: 0.1\nnet: {depth: 2}\n" });
  const made = repo.expverJson(["run", "-m", "some", "--", "node", "train.js"]);
  expect(made.data.params).toEqual({ lr: "0.1", "net.depth": "2" });
  repo.write("params.yaml", "lr: 0.1\nnet: {depth: 3}\n");
  const { params } = repo.expverJson(["diff", "e0.2.0", "now"]).data;
  expect(params.filter(({ differs }: { differs: boolean }) => differs)).toMatchObject([{ name: "net.depth", values: ["2", "3"] }]);
  const shown = "console.log(require('fs').readFileSync('params.yaml', 'utf8'))";
  repo.expver(["sweep", "--grid", "net.depth=4", "-m", "deeper", "--", "node", "-e", shown]);
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: null\n`);
  expect(repo.expverJson(["run", "-m", "off", "--", "node", "train.js"]).data.params).toEqual({});
  const listed = repo.expverJson(["list"]).data.versions as { version: string; params: object }[];
  expect(Object.fromEntries(listed.map((one) => [one.version, one.params]))).toEqual({
    "e0.1.0": {},
    "e0.2.0": { lr: "0.1", "net.depth": "2" },
    "e0.3.0": { lr: "0.1", "net.depth": "4" },
    "e0.4.0": {},
  });
});

it("two values that go by one name are said, with the one that is recorded", () => {
  const repo = makeExperiment();
  repo.commit("parameters", { "params.yaml": "a.b: 1\na: {b: 2, c: [3]}\na.c.0: 4\nd: 5\n" });
  const { data, warnings } = repo.expverJson(["run", "-m", "one", "--", "node", "train.js"]);
  expect(data.params).toEqual({ "a.b": "2", "a.c.0": "4", d: "5" });
  expect(warnings).toContainEqual({
    text: "params.yaml has more than one value of a.b (1, 2), a.c.0 (3, 4): the version has the last one only",
    hint: "A key a.b and keys below one another are one name. Keep one of them, or rename it.",
  });
});

it("says so where params.yaml has another value, which a program that reads it runs with", () => {
  const repo = makeExperiment();
  repo.write("params.yaml", "lr: 1e-1\nopt: {name: adam}\napi_key: a\nlayers: [8, 8.0]\npython: 3.10\n");
  const said = (...words: string[]) =>
    repo
      .expverJson(["run", "--dry-run", ...words])
      .warnings.map(({ text }: { text: string }) => text)
      .filter((text: string) => text.includes("--param"));
  expect(said("--param", "lr=0.1", "--param", "opt.name=adam", "--param", "new=1", "--", "node", "train.js")).toEqual([]);
  expect(said("--param", "lr=0.4", "--", "node", "train.js", "--lr={lr}")).toEqual([]);
  // No mapping: a text.
  expect(repo.expver(["run", "--dry-run", "--param", "new={a: 1, a: 2}", "--", "node", "train.js"]).code).toBe(0);
  expect(said("--param", "layers=[8.0, 8]", "--param", "opt=sgd", "--", "node", "train.js")).toEqual([]);
  expect(said("--param", "layers=[8]", "--", "node", "train.js")).toMatchObject([
    expect.stringContaining("params.yaml says layers.0: 8, layers.1: 8.0: "),
  ]);
  expect(said("--param", "python=3.10", "--", "node", "train.js")).toEqual([]);
  expect(said("--param", "python=3.1", "--", "node", "train.js")).toMatchObject([
    expect.stringContaining("params.yaml says python: 3.10: "),
  ]);
  expect(said("--param", "lr=0.4", "--param", "opt.name=sgd", "--param", "api_key=b", "--", "node", "train.js")).toEqual([
    "params.yaml says lr: 1e-1, opt.name: adam, api_key: a program that reads the file runs with that, and not with what --param says",
  ]);
});

it("may be called as every object's own: constructor, toString", () => {
  const repo = makeExperiment();
  expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
  const given = ["--param", "constructor=2", "--param", "toString=x"];
  expect(repo.expverJson(["run", ...given, "--metrics", "metrics.json", "--", "node", "train.js"]).data).toMatchObject({
    version: "e0.2.0",
  });
  const { versions } = repo.expverJson(["list", "--sort", "constructor"]).data;
  expect(versions.map(({ version }: { version: string }) => version)).toEqual(["e0.2.0", "e0.1.0"]);
  const { code, stdout } = repo.expver(["report"]);
  expect(code).toBe(0);
  expect(stdout).not.toContain("native code");
  expect(repo.expverJson(["models", "promote", "e0.1.0", "--min", "constructor=1"])).toMatchObject({ code: 4, error: { code: "E_GATE" } });
});
