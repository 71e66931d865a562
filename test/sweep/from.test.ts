/** `sweep --from params.yaml`: the space stands in a file. */
import { expect, it } from "vitest";
import { parametersWith } from "../../src/workflows/sweep/jobs/workspace.ts";
import { partsOf } from "../../src/workflows/sweep/settings/grid-values.ts";
import { runRows } from "../run/story.ts";
import { makeSweepExperiment } from "./story.ts";

const PARAMS = `lr: 0.5
net: { depth: 2 }
sweep:   # what is tried
  grid:
    lr: [1e-1, 0.20]
    net.depth: 3
  list: ["a,b", c]
`;
const COMMAND = ["--metrics", "metrics.json", "--", "node", "train.js"];

it("reads grid, list, ranges, samples and seeds as the flags do; flags win; no run has the section as a parameter", () => {
  const repo = makeSweepExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: conf/params.yaml\n`);
  repo.write("conf/params.yaml", PARAMS.replace(/ {2}list.*\n/, ""));
  repo.write("conf/more.csv", "batch\n8\n16\n");
  repo.commit("parameters");
  const jobsOf = (...args: string[]) =>
    repo.expverJson(["sweep", "--from", "conf/params.yaml", "--dry-run", ...args, ...COMMAND]).data.jobs;
  expect(jobsOf()).toEqual([
    { lr: "1e-1", "net.depth": "3" },
    { lr: "0.20", "net.depth": "3" },
  ]);
  expect(jobsOf("--grid", "lr=7", "--repeat", "2", "--seed", "4").map(({ lr, seed }: Record<string, string>) => `${lr} ${seed}`)).toEqual([
    "7 4",
    "7 5",
  ]);
  const done = repo.expverJson(["sweep", "--from", "conf/params.yaml", ...COMMAND]);
  expect(done).toMatchObject({ code: 0, data: { best: { settings: { lr: "1e-1" } } } });
  expect(
    runRows(repo)
      .map(({ params }) => JSON.parse(String(params)))
      .sort((one, other) => (one.lr < other.lr ? -1 : 1)),
  ).toEqual([
    { lr: "0.20", "net.depth": "3" },
    { lr: "1e-1", "net.depth": "3" },
  ]);
  // A file beside it, samples, a list in place, a choice.
  repo.write(
    "conf/params.yaml",
    "sweep: { list: more.csv, range: { wd: log:1e-4..1e-2, opt: [adam, sgd] }, random: 3, seed: 1, repeat: 1 }\n",
  );
  const drawn = jobsOf();
  expect(drawn.length).toBe(6);
  expect(drawn.every(({ opt }: Record<string, string>) => ["adam", "sgd"].includes(opt ?? ""))).toBe(true);
  expect(jobsOf("--random", "1").length).toBe(2);
  repo.write("conf/params.yaml", "sweep: { list: [{ a: 1 }, { a: 2, b: 'x, y' }] }\n");
  expect(jobsOf()).toEqual([{ a: "1" }, { a: "2", b: "x, y" }]);
});

it("says what is wrong with the section", () => {
  const repo = makeSweepExperiment();
  const saidOf = (text: string) => {
    repo.write("params.yaml", text);
    return repo.expverJson(["sweep", "--from", "params.yaml", "--dry-run", ...COMMAND]).error;
  };
  expect(saidOf(PARAMS)).toMatchObject({ code: "E_CONFIG", message: expect.stringContaining("entry 1 is no mapping") });
  expect(saidOf("lr: 1\n")).toMatchObject({ code: "E_CONFIG", message: "params.yaml has no section sweep" });
  // A parameter of that name is none.
  expect(saidOf("sweep: { angle: 3 }\n")?.message).toBe("params.yaml has no section sweep");
  expect(saidOf("sweep: { grid: { lr: 1 }, ranges: { a: 0..1 } }\n")?.message).toContain("did you mean range?");
  expect(saidOf("sweep: { grid: { lr: [[1, 2], 3] } }\n")?.message).toContain("sweep.grid.lr is one value or a list of values");
  expect(saidOf("sweep: { grid: [lr] }\n")?.message).toContain("sweep.grid is no mapping");
  expect(saidOf("sweep: { grid: { lr: 1 }, random: 3 }\n")).toMatchObject({ code: "E_USAGE" });
  expect(repo.expverJson(["sweep", "--from", "none.yaml", ...COMMAND]).error).toMatchObject({ code: "E_NOT_FOUND" });
});

it("what cannot be changed alone in the parameter file is said before the first run; what comes by `<<` can", () => {
  const repo = makeSweepExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: params.yaml\n`);
  repo.commit("parameters", { "params.yaml": "base: &b {lr: 0.5}\nnet:\n  <<: *b\n  depth: 2\n" });
  const refused = repo.expverJson(["sweep", "--grid", "base.lr=1,2", ...COMMAND]);
  expect(refused.error).toMatchObject({ code: "E_CONFIG", message: "params.yaml: cannot change base.lr without changing more than that" });
  const ofEach = repo.expverJson(["sweep", "--grid", "net.depth=1,2", "--param", "base.lr=1", ...COMMAND]);
  expect(ofEach.error).toEqual(refused.error);
  expect(repo.expverJson(["sweep", "list"]).data.sweeps).toEqual([]);
  const made = repo.expverJson(["sweep", "--grid", "net.lr=1e-1,0.20", "--no-tag", ...COMMAND]);
  expect(made.code, JSON.stringify(made.error)).toBe(0);
  expect(repo.expverJson(["runs", "list"]).data.runs.map(({ params }: { params: object }) => params)).toEqual(
    expect.arrayContaining([{ "base.lr": "0.5", "net.lr": "0.20", "net.depth": "2" }]),
  );
});

it("a parameter whose key has a dot in it is changed where it stands", () => {
  const text = "opt.lr: 0.1\nopt: { b: 1 }\nnet: { a.b: 1, list: [{ x.y: 2 }] }\n";
  const settings = { "opt.lr": "1e-3", "opt.b": "2", "net.a.b": "5", "net.list.0.x.y": "7" };
  const made = "opt.lr: 1.0e-3\nopt: { b: 2 }\nnet: { a.b: 5, list: [{ x.y: 7 }] }\n";
  expect(parametersWith(text, "params.yaml", settings)).toBe(made);
});

it("a list or a mapping of the file is set whole; a word takes the place of neither", () => {
  const text = "layers: [8, 8]\nblock:\n  - 1\n  - 2\nopt: {name: sgd}\nmodel: {depth: 2}\n";
  const settings = { layers: "[64, 32]", block: "[]", opt: "{name: adam, eps: 1e-8}", model: "bert", unknown: "[1]" };
  const made = "layers: [64, 32]\nblock: []\nopt: {name: adam, eps: 1.0e-8}\nmodel: {depth: 2}\n";
  expect(parametersWith(text, "params.yaml", settings)).toBe(made);
});

it("commas inside a list part no values", () => {
  expect(partsOf("[64,32],[128],{a: 1,b: [2,3]}")).toEqual(["[64,32]", "[128]", "{a: 1,b: [2,3]}"]);
  expect(partsOf("0.1,,a]")).toEqual(["0.1", "", "a]"]);
  expect(partsOf("[a,b")).toEqual(["[a", "b"]);
});

it("what --param says is in every run's own parameter file, as the version says it", () => {
  const repo = makeSweepExperiment();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}params: params.yaml\n`);
  repo.commit("parameters", { "params.yaml": "lr: 0.5\nopt: sgd\n" });
  const program = ["--metrics", "metrics.json", "--", "sh", "-c", "cat params.yaml; node train.js"];
  const { code, data } = repo.expverJson(["sweep", "--param", "opt=adam", "--grid", "lr=1,2", ...program]);
  expect(code).toBe(0);
  expect(data.runs).toHaveLength(2);
  expect(repo.expver(["runs", "logs", data.runs[1].run]).stdout).toBe("lr: 2\nopt: adam\n");
  expect(repo.read("params.yaml")).toBe("lr: 0.5\nopt: sgd\n");
});
