/** `expver list` with filter, sorts, columns, groups, tree and forms, by the built command line. */
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

interface Recorded {
  metrics?: string[];
  params?: string[];
  trailers?: string[];
  text?: string;
}

function record(repo: TestRepository, name: string, { metrics = [], params = [], trailers = [], text = "text" }: Recorded): void {
  const lines = ["Kind: run", ...params.map((one) => `Param: ${one}`), ...metrics.map((one) => `Metric: ${one}`), ...trailers];
  const runs = trailers.some((line) => line.startsWith("Run: ")) ? [] : [`Run: run-${name}`];
  repo.git("tag", "-a", name, "--cleanup=verbatim", "-m", `${text}\n\n${[...lines, ...runs].join("\n")}\n`);
}

/** Three settings with two seeds each, a loss that is missing once, and a remote. */
function study(): TestRepository {
  const repo = makeRepository();
  repo.write("expver.yaml", "metrics: { accuracy: max, loss: min }\n");
  repo.commit("first");
  const rows: [string, string, string, string | null][] = [
    ["0.1", "1", "0.80", "0.5"],
    ["0.1", "2", "0.90", "0.4"],
    ["1e-1", "3", "0.85", null],
    ["1", "1", "0.95", "0.1"],
    ["1", "2", "0.55", "0.2"],
  ];
  for (const [index, [lr, seed, accuracy, loss]] of rows.entries()) {
    record(repo, `e0.${index + 1}.0`, {
      params: [`lr=${lr}`, `seed=${seed}`, "model=bert"],
      metrics: [`accuracy=${accuracy} max`, ...(loss === null ? [] : [`loss=${loss} min`])],
      text: `number ${index + 1}`,
    });
  }
  return repo;
}

const names = (repo: TestRepository, ...words: string[]) =>
  repo
    .expverJson(["list", ...words])
    .data.versions.map(({ version }: { version: string }) => version.split(".")[1])
    .join("");

describe("expver list", () => {
  it("filters by metrics, parameters and facts, and says how many it left out", () => {
    const repo = study();
    expect(names(repo, "--where", 'accuracy >= 0.85 and model ~ "BERT"')).toBe("423");
    expect(names(repo, "--where", "loss is missing or lr = 1.0 and not seed in (1)")).toBe("35");
    expect(names(repo, "--where", "version > e0.3.0 and branch = yes and published is missing")).toBe("45");
    expect(names(repo, "--where", "description ~ 'number [12]' and kind = run and runs = 1 and data is missing")).toBe("21");
    const { stdout } = repo.expver(["list", "--where", "lr = 1"]);
    expect(stdout.split("\n")[0]).toBe("2 of 5 versions where lr = 1, best accuracy first (highest is best)");
    expect(repo.expver(["list", "--where", "lr > > 1"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("\n  lr > > 1\n       ^"),
    });
  });

  it("sorts by several names, each the other way round with -; ranks stay those of the metric", () => {
    const repo = study();
    expect(names(repo, "--sort", "lr,-accuracy")).toBe("13254");
    expect(names(repo, "--sort", "-lr,seed")).toBe("45123");
    expect(names(repo, "--sort", "seed,-version")).toBe("14253");
    expect(names(repo, "--sort=-loss")).toBe("12543");
    expect(names(repo, "--sort", "loss,accuracy")).toBe("45213");
    const { data } = repo.expverJson(["list", "--sort=-accuracy", "-n", "2"]);
    expect(data.versions.map(({ rank }: { rank: number }) => rank)).toEqual([5, 4]);
    expect(repo.expver(["list", "--sort", "lr,-loss"]).stdout).toMatch(
      /^5 versions, lowest lr first, then worst loss first \(lowest is best\)\n/,
    );
    expect(repo.expver(["list", "--sort", "lr,nope"])).toMatchObject({ code: 1, stderr: expect.stringContaining('"nope"') });
  });

  it("shows exactly the columns asked for, or those that differ", () => {
    const repo = study();
    const head = (...words: string[]) =>
      repo
        .expver(["list", ...words])
        .stdout.split("\n")[1]
        ?.split(/\s+/);
    expect(head("--columns", "seed,loss,description")).toEqual(["#", "version", "seed", "loss", "description"]);
    expect(head("--differing")).toEqual(["#", "version", "accuracy", "loss", "lr", "seed"]);
    // 0.1 and 1e-1 are one number.
    expect(head("--differing", "--where", "version < e0.4.0")).toEqual(["#", "version", "accuracy", "loss", "seed"]);
    expect(repo.expver(["list", "--columns", "sed"])).toMatchObject({ code: 1, stderr: expect.stringContaining("--columns seed") });
  });

  it("writes CSV, Markdown and JSON lines with every digit and awkward texts whole", () => {
    const repo = makeRepository();
    repo.commit("first");
    record(repo, "e0.1.0", {
      params: ['note="a, b \\"c\\""', "x=1"],
      metrics: ["x=0.10000000000000000001 max"],
      text: "pipes | and *stars*",
    });
    expect(repo.expver(["list", "--csv", "--columns", "metric.x,param.x,note"]).stdout).toBe(
      'version,metric.x,param.x,note\ne0.1.0,0.10000000000000000001,1,"a, b ""c"""\n',
    );
    expect(repo.expver(["list", "--md", "--columns", "x,description"]).stdout).toMatch(
      /^\| version \| x \| description \|\n\| --- \| --- \| --- \|\n\| e0\.1\.0 \| 0\.10000000000000000001 \| .*\\\*stars\\\* \|\n$/,
    );
    const lines = repo.expver(["list", "--jsonl"]).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ version: "e0.1.0", metrics: { x: "0.10000000000000000001" } }]);
    expect(repo.expver(["list", "--csv", "--md"])).toMatchObject({ code: 2 });
  });

  it("draws major and minor numbers as a tree", () => {
    const repo = makeRepository();
    repo.commit("first");
    for (const name of ["e0.1.0", "e0.1.1", "e0.2.0", "e1.0.0"]) record(repo, name, { metrics: ["f1=0.5 max"], text: name });
    const labels = repo
      .expver(["list", "--tree"])
      .stdout.split("\n")
      .slice(2)
      .map((line) => /^([│├└─ ]*\S*)/.exec(line)?.[1]);
    expect(labels).toEqual(["e0", "├─ e0.1", "│  ├─ e0.1.0", "│  └─ e0.1.1", "└─ e0.2.0", "e1", "└─ e1.0.0", ""]);
  });

  it("marks versions whose bytes are not in the cache", () => {
    const repo = makeRepository();
    repo.write("expver.yaml", "");
    repo.write("data/a.txt", "a\n");
    expect(repo.expver(["init"]).code).toBe(0);
    expect(repo.expver(["data", "add", "data/a.txt"]).code).toBe(0);
    repo.commit("data");
    const hash = /md5: (\w+)/.exec(repo.read("data/a.txt.dvc"))?.[1];
    record(repo, "e0.1.0", { trailers: [`Data: ${hash} 2 data/a.txt`] });
    record(repo, "e0.2.0", { trailers: [`Data: ${hash} 2 data/a.txt`, `Model: ${"0".repeat(32)} 5 models/m.bin`] });
    const { data } = repo.expverJson(["list", "--sort", "version"]);
    expect(data.versions.map(({ lacking }: { lacking: string[] }) => lacking)).toEqual([["models/m.bin"], []]);
    expect(repo.expver(["list"]).stdout).toMatch(/e0\.2\.0 .*data not here/);
    expect(names(repo, "--where", "cached = no")).toBe("2");
  });
});

describe("groups across seeds", () => {
  it("show means to the last digit that their deviation leaves, however large they are", () => {
    const repo = makeRepository();
    repo.commit("first");
    record(repo, "e0.1.0", { trailers: ["Param: lr=1", "Metric: bytes=1234567890 min"] });
    record(repo, "e0.2.0", { trailers: ["Param: lr=1", "Metric: bytes=1234569999 min"] });
    const { stdout } = repo.expver(["list", "--group-by", "lr"]);
    expect(stdout).toMatch(/\n1 +1 +2 +1234568945 +1491 /);
  });

  it("are the runs that have everything but the seed alike, best mean first by the metric's direction", () => {
    const repo = study();
    const { groups } = repo.expverJson(["list", "--group-by", "all but seed"]).data;
    expect(groups).toMatchObject({ names: ["model", "lr", "data"], confidence: 0.95, unread: [] });
    expect(groups.groups).toMatchObject([
      { rank: 1, by: { lr: "0.1", model: "bert", data: null }, runs: 3, best: { version: "e0.2.0", value: "0.90" } },
      { rank: 2, by: { lr: "1" }, runs: 2, best: { version: "e0.4.0", value: "0.95" } },
    ]);
    const [first] = groups.groups;
    expect(first.metrics.accuracy.mean).toBeCloseTo(0.85, 12);
    expect(first.metrics.accuracy.deviation).toBeCloseTo(0.05, 12);
    expect(first.metrics.loss.n).toBe(2);
    const byLoss = repo.expverJson(["list", "--group-by", "lr", "--sort", "loss"]).data.groups.groups;
    expect(byLoss.map(({ by }: { by: { lr: string } }) => by.lr)).toEqual(["1", "0.1"]);
    const text = repo.expver(["list", "--group-by", "lr", "--confidence", "0.9"]).stdout;
    expect(text).toMatch(/^2 groups of 5 versions, best mean accuracy first/);
    expect(text).toMatch(/\n1 +0\.1 +3 +0\.8500 +0\.0500 +0\.7657 to 0\.9343 /);
    expect(repo.expver(["list", "--group-by", "lr", "--csv"]).stdout).toMatch(/^lr,runs,accuracy n,accuracy mean,.*\n0\.1,3,3,0\.85/);
    expect(repo.expver(["list", "--group-by", "all but sed"])).toMatchObject({ code: 1, stderr: expect.stringContaining("seed") });
    expect(repo.expver(["list", "--group-by", "lr", "--confidence", "95"]).code).toBe(2);
  });

  it("count every finished run of a version of several, from its own database, and say when that is not here", () => {
    const repo = makeRepository();
    expect(repo.expver(["init"]).code).toBe(0);
    repo.write("results/keep", "");
    const db = openDatabase(`${repo.root}/results/experiments.db`, { create: true });
    db.run(
      "CREATE TABLE expver_runs (run_id TEXT PRIMARY KEY, version TEXT, status TEXT, command TEXT, params TEXT, metrics TEXT, start TEXT, end TEXT, exit_code INTEGER)",
    );
    const runs: [string, string, string, string][] = [
      ["a", "finished", '{"lr":"0.1","seed":"1"}', '{"accuracy":"0.5"}'],
      ["b", "finished", '{"lr":"0.1","seed":"2"}', '{"accuracy":"0.7"}'],
      ["c", "failed", '{"lr":"0.1","seed":"3"}', "{}"],
    ];
    for (const [id, status, params, metrics] of runs) {
      db.run("INSERT INTO expver_runs (run_id, version, status, command, params, metrics, start) VALUES (?,?,?,?,?,?,?)", [
        id,
        "e0.1.0",
        status,
        "x",
        params,
        metrics,
        "2026-03-01T12:00:00Z",
      ]);
    }
    db.close();
    expect(repo.expver(["data", "add", "results/experiments.db"]).code).toBe(0);
    repo.commit("results");
    record(repo, "e0.1.0", {
      metrics: ["accuracy=0.7 max"],
      params: ["lr=0.1", "seed=2"],
      trailers: ["Run: a", "Run: b", "Run: c", "Best-Run: b"],
    });
    const groups = () => repo.expverJson(["list", "--group-by", "all but seed"]).data.groups;
    expect(groups()).toMatchObject({ unread: [], groups: [{ runs: 2, best: { run: "b", value: "0.7" } }] });
    expect(groups().groups[0].metrics.accuracy.mean).toBeCloseTo(0.6, 12);
    // Another name for the same version measures nothing anew.
    repo.git("tag", "e0.9.0", "e0.1.0");
    expect(groups().groups).toMatchObject([{ runs: 2, versions: ["e0.1.0", "e0.9.0"], metrics: { accuracy: { n: 2 } } }]);
    repo.git("tag", "-d", "e0.9.0");
    repo.run("rm", ["-rf", ".dvc/cache"]);
    expect(groups()).toMatchObject({ unread: ["e0.1.0"], groups: [{ runs: 1, metrics: { accuracy: { n: 1, mean: 0.7 } } }] });
    expect(repo.expver(["list", "--group-by", "all but seed"]).stdout).toContain("counted as one run");
  });
});

it("runs list takes the same filter", () => {
  const repo = makeRepository();
  repo.write("results/keep", "");
  repo.commit("first");
  const db = openDatabase(`${repo.root}/results/experiments.db`, { create: true });
  db.run(
    "CREATE TABLE expver_runs (run_id TEXT PRIMARY KEY, version TEXT, status TEXT, command TEXT, params TEXT, metrics TEXT, start TEXT, end TEXT)",
  );
  for (const [id, status, lr] of [
    ["a", "finished", "0.1"],
    ["b", "failed", "0.1"],
    ["c", "failed", "1"],
  ]) {
    db.run("INSERT INTO expver_runs (run_id, status, command, params, metrics, start, end) VALUES (?,?,?,?,?,?,?)", [
      id ?? "",
      status ?? "",
      "x",
      `{"lr":"${lr}"}`,
      "{}",
      "2026-03-01T12:00:00Z",
      "2026-03-01T12:01:00Z",
    ]);
  }
  db.close();
  const { data } = repo.expverJson(["runs", "list", "--where", "status = failed and lr < 0.5 and seconds = 60"]);
  expect(data).toMatchObject({ runs: [{ run_id: "b" }], total: 3, leftOut: 0 });
  expect(repo.expver(["runs", "list", "--where", "lr > 5"]).stdout).toBe("none of 3 runs\n");
  const again = openDatabase(`${repo.root}/results/experiments.db`);
  again.run("ALTER TABLE expver_runs ADD COLUMN git_commit TEXT");
  again.run("ALTER TABLE expver_runs ADD COLUMN dvc_hash TEXT");
  again.run("UPDATE expver_runs SET version = 'e0.10.0', git_commit = ?, dvc_hash = ? WHERE run_id = 'a'", [
    "ab".repeat(20),
    "cd".repeat(16),
  ]);
  again.run("UPDATE expver_runs SET version = 'e0.9.0' WHERE run_id = 'b'");
  again.close();
  // As in the list of versions: by number, and hashes as they are shown.
  const found = (where: string) =>
    repo.expverJson(["runs", "list", "--where", where]).data.runs.map(({ run_id: id }: { run_id: string }) => id);
  expect(found("version > e0.9.0")).toEqual(["a"]);
  expect(found("version <= 0.9.0")).toEqual(["b"]);
  expect(found("commit = abababab and data = cdcdcd")).toEqual(["a"]);
});
