/** `data status` of pipelines: what each stage depends on, told as real dvc tells it, in one repository that both look at. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { makeTwins, ordered, runExpver } from "../support/twins.ts";

const PIPELINE = `stages:
  prepare:
    cmd: mkdir -p out && cp -r raw/. out && cp one.txt out
    deps: [raw, one.txt]
    params: [split, train.seed]
    outs: [out]
  train:
    cmd: echo trained > model.bin && echo '{"accuracy":1}' > metrics.json
    deps:
    - out
    - sub/code.py
    params:
    - train.lr
    - other.json: [alpha]
    - whole.yaml:
    outs: [model.bin]
    metrics:
    - metrics.json: { cache: false }
  below:
    wdir: sub
    cmd: echo below > below.txt
    deps: [code.py]
    outs: [below.txt]
  each:
    foreach: [a, b]
    do:
      cmd: echo \${item} > each-\${item}.txt
      deps: [one.txt]
      outs: ["each-\${item}.txt"]
`;

const CHANGES: Record<string, (repo: TestRepository) => void> = {
  "a dependency, a file of a folder, a parameter": (repo) => {
    repo.write("one.txt", "changed\n");
    repo.write("raw/b/more.txt", "more\n");
    repo.write("params.yaml", "split: 0.25\ntrain: { seed: 1, lr: 1e-3 }\n");
  },
  "parameters that are gone, new, or spelt otherwise": (repo) => {
    repo.write("params.yaml", "split: 0.20\ntrain: { seed: 1, extra: 3 }\n");
    repo.write("whole.yaml", "one: 1\nthree: 3\n");
    repo.write("other.json", '{"alpha": [1, 2, 4]}\n');
  },
  "files that are gone": (repo) => {
    for (const path of ["one.txt", "params.yaml", "sub/code.py", "model.bin"]) rmSync(join(repo.root, path));
  },
  "another command, a frozen stage, one that is always changed": (repo) => {
    repo.write("one.txt", "changed\n");
    repo.write(
      "dvc.yaml",
      PIPELINE.replace("echo trained", "echo TRAINED")
        .replace("  prepare:\n", "  prepare:\n    frozen: true\n")
        .replace("    wdir: sub\n", "    wdir: sub\n    always_changed: true\n"),
    );
  },
  "stages that never ran, and dependencies and outputs they got since": (repo) => {
    repo.write("there.txt", "there\n");
    repo.write(
      "dvc.yaml",
      `${PIPELINE.replace("deps: [code.py]", "deps: [code.py, ../one.txt, missing.txt]").replace("outs: [below.txt]", "outs: [below.txt, more.txt]")}  never:
    cmd: echo 1
    deps: [one.txt, nowhere.txt, raw]
    params: [split]
    outs: [there.txt, nothing.txt]
    plots: [plot.csv]
`,
    );
  },
  "a stage that is in the lock only": (repo) => {
    repo.write("one.txt", "changed\n");
    repo.write("dvc.yaml", PIPELINE.replace(/ {2}below:[\s\S]*?(?= {2}each:)/, ""));
  },
};

describe.skipIf(!HAS_DVC)("data status says of stages what dvc says", () => {
  let repo: TestRepository;
  beforeAll(() => {
    repo = makeRepository();
    repo.expver(["data", "init"]);
    mkdirSync(join(repo.root, "raw/b"), { recursive: true });
    repo.commit("pipeline", {
      "dvc.yaml": PIPELINE,
      "raw/a.txt": "a\n",
      "raw/b/b.txt": "b\n",
      "one.txt": "1\n",
      "sub/code.py": "print()\n",
      "params.yaml": "split: 0.2\ntrain: { seed: 1, lr: 0.1 }\n",
      "other.json": '{"alpha": [1, 2, 3]}\n',
      "whole.yaml": "one: 1\ntwo: 2\n",
    });
    dvcCalls(repo, [["repro", "-q"]]);
    repo.commit("ran");
  });

  const sortedJson = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sortedJson)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([one], [other]) => (one < other ? -1 : 1))
              .map(([key, inner]) => [key, sortedJson(inner)]),
          )
        : value;

  it("nothing, when they have just run", () => {
    expect(jsonOf(repo.expver(["data", "status", "--json"]))).toEqual({});
    expect(repo.expver(["data", "status"]).stdout).toContain("Data and pipelines are up to date.");
    expect(repo.expver(["data", "status", "-q"]).code).toBe(0);
  });

  it.each(Object.entries(CHANGES))("%s", (_name, change) => {
    change(repo);
    try {
      const [theirs] = dvcCalls(repo, [["status", "--json"]]);
      const ours = repo.expver(["data", "status", "--json"]);
      expect(sortedJson(jsonOf(ours))).toEqual(sortedJson(jsonOf(theirs)));
      expect(jsonOf(ours)).not.toEqual({});
      expect(repo.expver(["data", "status", "-q"]).code).toBe(1);
      const printed = repo.expver(["data", "status"]).stdout;
      for (const path of JSON.stringify(jsonOf(ours)).match(/[\w./]+\.(?:txt|py|yaml)/g) ?? []) expect(printed).toContain(path);
    } finally {
      repo.git("checkout", "-q", "-f", "HEAD");
      repo.git("clean", "-q", "-f", "-d");
      repo.expver(["data", "checkout", "--force"]);
    }
  });

  it("one stage when one is named", () => {
    repo.write("one.txt", "changed\n");
    const [theirs] = dvcCalls(repo, [["status", "--json", "prepare"]]);
    expect(jsonOf(repo.expver(["data", "status", "--json", "prepare"]))).toEqual(jsonOf(theirs));
    repo.git("checkout", "-q", "one.txt");
  });
});

it.skipIf(!HAS_DVC)("list and diff name outputs of stages that never ran, as dvc does", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  repo.commit("one", {
    "dvc.yaml": `stages:
  ran: { cmd: mkdir d && echo 1 > d/x, outs: [d] }
  never:
    cmd: echo
    outs: [n.txt, nd/sub, gone: { cache: false }]
    metrics: [m.json]
`,
  });
  dvcCalls(repo, [["repro", "-q", "ran"]]);
  repo.write("n.txt", "here\n");
  repo.commit("ran");
  repo.git("tag", "one");
  repo.commit("two", { "dvc.yaml": repo.read("dvc.yaml").replace("n.txt", "n2.txt") });
  const same = (calls: string[][]) => {
    const theirs = dvcCalls(repo, calls);
    for (const [index, call] of calls.entries())
      expect([call, jsonOf(repo.expver(["data", ...call]))]).toEqual([call, jsonOf(theirs[index] as (typeof theirs)[number])]);
  };
  const lists = [[], ["-R"], ["--dvc-only"], ["--rev", "one"]].map((more) => ["list", ".", "--json", ...more]);
  const diffs = [[], ["one"], ["one", "HEAD"], ["HEAD", "one"], ["HEAD~2", "one"]].map((revs) => ["diff", "--json", ...revs]);
  same([...lists, ["list", ".", "nd", "--json"], ["list", ".", "nd/sub", "--json"], ...diffs]);
  repo.write("nd/sub/f", "1\n");
  same([["list", ".", "--json", "-R"], ["list", ".", "nd/sub", "--json"], ...diffs, ["diff", "--json", "--targets", "nd/sub"]]);
});

it.skipIf(!HAS_DVC)("status of a stage that has never run, or that makes nothing, is what dvc says of it", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  const pipeline = (dep: string) => `stages:
  one: { cmd: cp ${dep} o, deps: [${dep}], outs: [o] }
  test: { cmd: echo, deps: [o] }
  upload: { cmd: echo, deps: [${dep}] }
`;
  repo.commit("one", { "dvc.yaml": pipeline("a"), "sub/dvc.yaml": pipeline("b"), a: "1\n", "sub/b": "2\n" });
  dvcCalls(repo, [["repro", "-q", "upload"]]);
  repo.write("a", "3\n");
  const calls = ["one", "o", "test", "upload", "dvc.yaml", "sub/dvc.yaml", "sub/dvc.yaml:test", "sub/o", "-d test", "-R sub", "-R ."];
  const asked = calls.map((call) => ["status", "--json", ...call.split(" ")]);
  const theirs = dvcCalls(repo, asked);
  for (const [index, call] of asked.entries())
    expect([call, jsonOf(repo.expver(["data", ...call]))]).toEqual([call, jsonOf(theirs[index] as (typeof theirs)[number])]);
  expect(repo.expver(["data", "status", "-q", "one"]).code).toBe(1);
  expect(repo.expver(["data", "status", "--json", "nosuch"]).code).toBe(1);
});

it.skipIf(!HAS_DVC)("what a stage made before its definition changed is no output any more, as for dvc", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  const each = (keys: string) =>
    `  each:\n    foreach: [${keys}]\n    do:\n      cmd: echo \${item} > \${item}.txt\n      outs: ["\${item}.txt"]\n`;
  const points = (keys: string) =>
    `  point:\n    matrix: {n: [${keys}]}\n    cmd: echo \${item.n} > n\${item.n}\n    outs: ["n\${item.n}"]\n`;
  const one = (out: string) => `  one:\n    cmd: echo 1 > old && echo 2 > new && echo 3 > kept\n    outs: [${out}, kept]\n`;
  repo.commit("pipeline", { "dvc.yaml": `stages:\n${one("old")}${each("a, b")}${points("1, 2")}` });
  dvcCalls(repo, [["repro", "-q"]]);
  repo.commit("ran");
  repo.write("dvc.yaml", `stages:\n${one("new")}${each("b")}${points("2")}`);
  const asked = [
    ["status", "--json"],
    ["data", "status", "--json"],
    ["list", ".", "--dvc-only", "--json"],
    ["diff", "--json"],
  ];
  const theirs = dvcCalls(repo, asked);
  for (const [index, args] of asked.entries())
    expect(ordered(repo.expver(["data", ...args]).stdout), args.join(" ")).toEqual(ordered(theirs[index]?.stdout ?? ""));
});

const EXPRESSIONS = `vars: [more.json, {own: {place: deep/er}}]
stages:
  local:
    vars: [{mine: here.txt}]
    cmd: echo 1 > \${mine}
    outs: ["\${mine}"]
  plain:
    cmd: mkdir -p \${own.place} && echo 1 > \${own.place}/a && echo 2 > kept && echo 3 > \${dir}b && cp \${source} new
    deps: ["\${source}"]
    params: [seed]
    outs: ["\${own.place}/a", kept: {cache: false}, "\${dir}b"]
  each:
    foreach: \${kinds}
    do:
      wdir: \${dir}
      cmd: echo \${item.size} > \${key}
      outs: ["\${key}"]
  point:
    matrix: {kind: "\${names}", on: [true, false]}
    cmd: echo \${item.kind} \${item.on} > \${item.kind}-\${item.on}.txt
    outs: ["\${item.kind}-\${item.on}.txt": {push: false}]
  counted:
    foreach: [{n: 1}, {n: 2}]
    do:
      cmd: mkdir -p c\${item.n} && echo \${lr} > c\${item.n}/f
      outs: ["c\${item.n}/"]
`;
const PARAMS = "dir: w/\nsource: one.txt\nseed: 1\nlr: 0.10\nkinds: {x: {size: 1}, y: {size: 2}}\n";

const EDITS: Record<string, (repo: TestRepository) => void> = {
  "nothing changed": () => {},
  "items that are gone, and new ones": (repo) => {
    repo.write("params.yaml", PARAMS.replace("x: {size: 1}", "z: {size: 1}"));
    repo.write("more.json", '{"names": ["one", "three"]}');
    repo.write("dvc.yaml", EXPRESSIONS.replace(", {n: 2}", ""));
  },
  "other places, sources and commands": (repo) => {
    repo.write("params.yaml", PARAMS.replace("one.txt", "two.txt").replace("seed: 1", "seed: 2").replace("y: {size: 2}", "y: {size: 3}"));
    repo.write("dvc.yaml", EXPRESSIONS.replaceAll("deep/er", "elsewhere"));
  },
  "variables that cannot be read": (repo) => rmSync(join(repo.root, "more.json")),
  "the definition is gone, its lock is left": (repo) => rmSync(join(repo.root, "dvc.yaml")),
};

it.skipIf(!HAS_DVC).each(Object.keys(EDITS))("expressions are resolved as by dvc: %s", { timeout: 120_000 }, (name) => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  mkdirSync(join(repo.root, "w"));
  const files = { "more.json": '{"names": ["one", "two"]}', "params.yaml": PARAMS, "one.txt": "1\n", "two.txt": "2\n" };
  repo.commit("pipeline", { ...files, "w/.gitkeep": "", "dvc.yaml": EXPRESSIONS });
  dvcCalls(repo, [["repro", "-q"]]);
  repo.commit("ran");
  EDITS[name]?.(repo);
  const asked = [["status"], ["data", "status"], ["list", ".", "-R", "--dvc-only"], ["diff"], ["list", ".", "-R", "--rev", "HEAD"]];
  const withJson = asked.map((args) => [...args, "--json"]);
  // Without its variables dvc can say nothing.
  if (name.startsWith("variables")) {
    expect(repo.expver(["data", "status"])).toMatchObject({ code: 0 });
    return;
  }
  const theirs = dvcCalls(repo, withJson);
  for (const [index, args] of withJson.entries())
    expect(ordered(repo.expver(["data", ...args]).stdout), args.join(" ")).toEqual(ordered(theirs[index]?.stdout ?? ""));
});

it.skipIf(!HAS_DVC)("known to part: of a command with a number that Python writes in its own way a change is not seen", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  const pipeline = `stages:\n  one:\n    cmd: echo \${lr} > m\n    outs: [m]\n`;
  repo.commit("pipeline", { "params.yaml": "lr: 0.10\n", "dvc.yaml": pipeline });
  dvcCalls(repo, [["repro", "-q"]]);
  repo.write("dvc.yaml", pipeline.replace("echo", "printf"));
  expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({ one: ["changed command"] });
  expect(jsonOf(repo.expver(["data", "status", "--json"]))).toEqual({});
});

const WITHOUT_DATA = `stages:
  check:
    cmd: test -f one.txt
    deps: [one.txt]
  measure:
    cmd: echo 1 > m.json
    metrics:
    - m.json: { cache: false }
`;

describe.skipIf(!HAS_DVC)("a stage that makes no data and never ran", () => {
  it.each(["check", "measure", "m.json", "dvc.yaml:check"])("is nothing to move: %s", (target) => {
    const twins = makeTwins();
    twins.each((repo) => repo.commit("pipeline", { "one.txt": "1\n", "dvc.yaml": WITHOUT_DATA }));
    twins.run(["remote", "add", "-q", "-d", "store", "../../store"]);
    for (const verb of ["push", "fetch", "pull", "checkout"]) twins.same([verb, target]);
    twins.same(["status", "--cloud", target]);
    expect(runExpver(twins.ours, ["commit", "-f", target]).code).toBe(1);
  });
});
