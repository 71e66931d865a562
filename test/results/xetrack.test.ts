/** The real xetrack as referee: it reads what we wrote, and what it wrote during a run is the run's. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { openTrack } from "../../src/results/track.ts";
import { makeExperiment, rowsOf } from "../run/story.ts";
import { MAIN } from "../support/command-line.ts";
import type { TestRepository } from "../support/repository.ts";
import { callXt, giveDuckDb, keepsAssets, python, readWithXetrack, xt } from "./xetrack.ts";

const LIBRARY = join(import.meta.dirname, "../../dist/index.js");

describe.skipIf(!python)("xetrack reads", { timeout: 300_000 }, () => {
  let repo: TestRepository;

  beforeAll(() => {
    repo = makeExperiment();
    giveDuckDb(repo);
    expect(repo.expver(["run", "--param", "lr=1e-5", "--metrics", "metrics.json", "--", "node", "train.js"]).code).toBe(0);
    repo.expver(["log", "accuracy=1", "note=from a shell", "big=9007199254740993", "worst=inf"]);
    repo.expver(["log", "--table", "shell", "--track-id", "t", "loss=1", "id=7"]);
    repo.expver(["log", "--table", "shell", "--track-id", "t", "loss=1e-05", "id=007"]);
    const t = openTrack(repo.context, { table: "library", params: { model: "mlp" } });
    for (const loss of [3, 0.5, Number.NaN, 0.25]) t.log({ loss, order: 1, "a b": true, when: new Date(0), list: [1, "x"] });
    t.close();
  });

  const numberOf = (value: unknown) => (value === null || value === "NaN" ? value : Number(value));

  it.each(["sqlite", "duckdb"] as const)("tables of a run, of `expver log` and of track() with its %s engine", (engine) => {
    const read = (table: string) => readWithXetrack(repo, { table, engine });
    const [own, shell] = read("default");
    expect(own).toMatchObject({ lr: 1e-5, accuracy: 0.8667, version: "e0.1.0", git_commit: repo.git("rev-parse", "e0.1.0^{commit}^") });
    expect(shell).toMatchObject({ accuracy: 1, note: "from a shell", worst: "inf", version: null });
    expect(read("shell").map(({ loss, id }) => [loss, id])).toEqual([
      [1, engine === "duckdb" ? "7" : 7],
      [1e-5, "007"],
    ]);
    const rows = read("library");
    expect(rows.map(({ loss }) => numberOf(loss))).toEqual([3, 0.5, "NaN", 0.25]);
    for (const row of rows) {
      expect(row).toMatchObject({ model: "mlp", order: 1, a_b: 1, when: "1970-01-01T00:00:00.000Z", list: '[1,"x"]' });
    }
  });

  it("xt shows every table with both engines: head, tail, columns, ls, sql", () => {
    const database = "results/experiments.db";
    const cases = ["sqlite", "duckdb"].flatMap((engine) => ["default", "shell", "library"].map((table) => ({ engine, table })));
    const calls = cases.flatMap(({ engine, table }) => {
      const name = engine === "duckdb" ? `db."${table}"` : `"${table}"`;
      const commands = [
        ["head", database, "--n", "9"],
        ["tail", database, "--n", "9"],
        ["ls", database, "track_id", "--unique"],
        ["sql", database, `SELECT track_id, count(*) FROM ${name} GROUP BY 1`],
        ["columns", database],
      ];
      return commands.map((args) => [...args, "--engine", engine, "--table", table]);
    });
    const answers = callXt(repo, calls);
    expect(answers.filter(({ code }) => code !== 0)).toEqual([]);
    for (const [index, { table }] of cases.entries()) {
      const [columns, ...others] = answers.slice(5 * index, 5 * index + 5).reverse();
      expect(columns?.output).toContain("'timestamp'");
      for (const { track_id: id } of rowsOf(repo, table)) for (const { output } of others) expect(output).toContain(id);
    }
    expect(repo.run(xt as string, ["head", database])).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("track_id") });
  });

  it.skipIf(!keepsAssets)("xt copies every row into a database of its own", () => {
    const [copied] = callXt(repo, [["copy", "results/experiments.db", "copy.db", "--table", "default", "--table", "shell"]]);
    expect(copied?.output).toContain("Successfully copied 4 events");
    expect(readWithXetrack(repo, { table: "shell", database: "copy.db" }).map(({ loss }) => loss)).toEqual([1, 1e-5]);
  });
});

const PROGRAMS: [what: string, program: string, rows: number][] = [
  ["the default table", `t = Tracker(db, params={"lr": 0.001}); t.log({"accuracy": 0.5}); t.log({"accuracy": 0.75})`, 2],
  ["a table of its own", `t = Tracker(db, table="epochs"); t.log({"epoch": 1, "loss": 0.25})`, 1],
  ["its DuckDB engine", `t = Tracker(db, engine="duckdb", table="fast"); t.log({"loss": 0.5, "ok": True}); t.log({"loss": 0.25})`, 2],
  ["the DuckDB engine in the default table", `t = Tracker(db, engine="duckdb"); t.log({"accuracy": 0.25})`, 1],
  [
    "several trackers",
    `for n in range(3): Tracker(db, table=["default", "epochs", "third"][n]).log({"loss": n / 2}); Tracker(db).log({"accuracy": 0.1 * n})`,
    6,
  ],
  ["a fixed track id", `t = Tracker(db, track_id="mine"); t.log({"accuracy": 0.5})`, 1],
  ["the same track id again", `t = Tracker(db, track_id="mine"); t.log({"accuracy": 0.6}); t.log({"accuracy": 0.7})`, 2],
  [
    "a tracker in a sub-process",
    `import subprocess, sys; subprocess.run([sys.executable, "-c", "import os; from xetrack import Tracker; Tracker(os.environ['EXPVER_DB']).log({'accuracy': 0.3})"], check=True)`,
    1,
  ],
  ["an object, stored as an asset", `class Model: pass\nt = Tracker(db); t.log({"accuracy": 0.4, "fitted": Model()})`, 1],
  ["a tracked function", `t = Tracker(db); t.track(lambda a: {"accuracy": a}, args=[0.45], params={"seed": 7})`, 1],
];

describe.skipIf(!python)("rows xetrack's Tracker writes during a run carry the three stamps", { timeout: 300_000 }, () => {
  let repo: TestRepository;
  let version = 0;

  beforeAll(() => {
    repo = makeExperiment();
    giveDuckDb(repo);
    repo.write("data.csv", "1,2\n");
    expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
    repo.commit("data");
  });

  it.each(PROGRAMS)("%s", (_what, program, count) => {
    repo.write("train.py", `import os\nfrom xetrack import Tracker\ndb = os.environ["EXPVER_DB"]\n${program}\n`);
    const { code, data } = repo.expverJson(["run", "--", python as string, "train.py"]);
    version += 1;
    expect(code).toBe(0);
    expect(data).toMatchObject({ version: `e0.${version}.0`, rows: count });
    const stamps = [data.version, data.snapshot, repo.run("md5sum", ["data.csv"]).stdout.slice(0, 32)];
    const rows = tablesOf(repo).flatMap((table) => rowsOf(repo, table));
    const ours = rows.filter((row) => row.version === data.version);
    expect(ours.map(({ version: v, git_commit, dvc_hash }) => [v, git_commit, dvc_hash])).toEqual(Array(count).fill(stamps));
    expect(rows.filter((row) => row.version === null || row.git_commit === null || row.dvc_hash === null)).toEqual([]);
  });

  it.skipIf(!keepsAssets)("and its assets are still there, by their hashes", () => {
    const rows = readWithXetrack(repo, { table: "default" });
    const hashes = rows.flatMap(({ fitted }) => (fitted === null ? [] : [String(fitted)]));
    expect(hashes).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    const [listed, exported] = callXt(repo, [
      ["assets", "ls", "results/experiments.db"],
      ["assets", "export", "results/experiments.db", hashes[0] ?? "", "model.pickle"],
    ]);
    expect(listed?.output).toContain(`fitted: ${hashes[0]}`);
    expect(exported).toMatchObject({ code: 0 });
    expect(readFileSync(join(repo.root, "model.pickle")).length).toBeGreaterThan(20);
  });

  it("and its DuckDB engine goes on reading them", () => {
    expect(readWithXetrack(repo, { table: "fast", engine: "duckdb" }).map(({ loss }) => loss)).toEqual([0.5, 0.25]);
  });

  it("NumPy scalars it was given as parameters, which it stores as bytes, are numbers; one it logged is an object to it, which is told", () => {
    repo.write(
      "train.py",
      `import os, numpy as np
from xetrack import Tracker
params = {"lr": np.float32(0.1), "n": np.int64(7), "flag": np.bool_(True)}
Tracker(os.environ["EXPVER_DB"], params=params).log({"accuracy": np.float32(0.5), "loss": 1.5})
`,
    );
    const { data, warnings } = repo.expverJson(["run", "-m", "numpy", "--", python as string, "train.py"]);
    version += 1;
    expect(data.params).toEqual({ lr: "0.1", n: "7", flag: "1" });
    expect(data.metrics).toEqual(keepsAssets ? { loss: "1.5" } : { accuracy: "0.5", loss: "1.5" });
    const told = "Log what Python calls a number: float(accuracy). NumPy's float32 and int64, and tensors, are none.";
    expect(warnings.some(({ hint }) => hint === told)).toBe(Boolean(keepsAssets));
  });

  it("parameters and metrics are told apart in the tag, assets and bookkeeping left out", () => {
    repo.write("expver.yaml", "metrics: { accuracy: max, regret: min }\n");
    repo.write(
      "train.py",
      `import os
from xetrack import Tracker
class Model: pass
t = Tracker(os.environ["EXPVER_DB"], params={"model": "mlp", "lr": 1e-05, "layers": 3})
t.log({"accuracy": 0.5, "regret": 9})
t.log({"accuracy": 0.9, "regret": 2.5, "fitted": Model(), "val_loss": 0.125})
`,
    );
    const { data } = repo.expverJson(["run", "-m", "told apart", "--", python as string, "train.py"]);
    expect(data.metrics).toEqual({ accuracy: "0.9", regret: "2.5", val_loss: "0.125" });
    const { fitted, ...params } = data.params;
    expect(params).toEqual({ model: "mlp", lr: "1e-05", layers: "3" });
    if (keepsAssets) expect(fitted).toBeUndefined();
    const tag = repo.git("cat-file", "-p", data.version);
    for (const line of ["Param: lr=1e-05", "Param: layers=3", "Param: model=mlp", "Metric: accuracy=0.9 max", "Metric: regret=2.5 min"]) {
      expect(tag.split("\n")).toContain(line);
    }
    expect(tag.split("\n").find((line) => line.includes("told apart"))).toMatch(
      /^model=mlp \| .*lr=1e-05.* \| accuracy=0\.9 \| data=\w{6} \| told apart$/,
    );
  });
});

it.skipIf(!python)(
  "track(), `expver log` and xetrack write one table at once, with new columns and wider ones: nothing is lost",
  {
    timeout: 300_000,
  },
  async () => {
    const repo = makeExperiment();
    giveDuckDb(repo);
    repo.expver(["log", "who=first", "n=0", "loss=0"]);
    const ROWS = 30;
    const javascript = `import { track } from ${JSON.stringify(LIBRARY)};
    const me = process.argv[1];
    const t = track({ trackId: "same" });
    for (let n = 0; n < ${ROWS}; n++) t.log({ who: me, n, loss: n / 2, ["col_" + me + "_" + (n % 5)]: n });`;
    const pythonProgram = `import sys
from xetrack import Tracker
me = sys.argv[1]
t = Tracker("results/experiments.db")
for n in range(${ROWS}): t.log({"who": me, "n": n, "loss": n / 2, f"col_{me}_{n % 5}": n})`;
    const shell = `for n in $(seq 0 9); do ${process.execPath} ${MAIN} log who=$1 n=$n loss=0.$n col_$1_$n=$n >/dev/null || exit 1; done`;
    const writers: [name: string, program: string, args: string[], rows: number][] = [
      ...["js1", "js2"].map((name): [string, string, string[], number] => [
        name,
        process.execPath,
        ["--input-type=module", "-e", javascript],
        ROWS,
      ]),
      ...["py1", "py2"].map((name): [string, string, string[], number] => [name, python as string, ["-c", pythonProgram], ROWS]),
      ["sh1", "sh", ["-c", shell, "sh"], 10],
    ];
    const ends = writers.map(
      ([name, program, args]) =>
        new Promise<string>((resolve) => {
          const child = spawn(program, [...args, name], { cwd: repo.root, env: repo.context.env });
          let text = "";
          child.stderr.on("data", (chunk) => {
            text += chunk;
          });
          child.on("close", (code) => resolve(`${name} ${code} ${text}`));
        }),
    );
    expect(await Promise.all(ends)).toEqual(writers.map(([name]) => `${name} 0 `));
    const rows = rowsOf(repo);
    for (const [name, , , count] of writers) {
      const own = rows.filter(({ who }) => who === name).sort((one, other) => Number(one.n) - Number(other.n));
      expect(own.map(({ n }) => Number(n))).toEqual(Array.from({ length: count }, (_, n) => n));
      for (const { n, loss, ...row } of own) {
        expect(Number(loss)).toBe(name === "sh1" ? Number(`0.${n}`) : Number(n) / 2);
        expect(Number(row[`col_${name}_${name === "sh1" ? n : Number(n) % 5}`])).toBe(Number(n));
      }
    }
    expect(readWithXetrack(repo, { table: "default", engine: "duckdb" })).toHaveLength(rows.length);
  },
);

function tablesOf(repo: TestRepository): string[] {
  const db = openDatabase(join(repo.root, "results/experiments.db"), { readonly: true });
  try {
    const sql = "SELECT m.name FROM sqlite_schema AS m WHERE 'timestamp' IN (SELECT name FROM pragma_table_info(m.name))";
    return db.arrays(sql).map(([name]) => String(name));
  } finally {
    db.close();
  }
}
