import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { exists, inBackground, makeExperiment, rowsOf, runRows, until } from "../run/story.ts";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, openTestRepository } from "../support/repository.ts";

// As on a cluster where nobody sees processes of others.
const HIDING = 'mount -t proc -o hidepid=1,gid=65534 proc /proc && setpriv --bounding-set -sys_ptrace "$@"; exit $?';
const UNSEEN = ["unshare", "--mount", "sh", "-c", HIDING, "sh"];
const CAN_HIDE = spawnSync(UNSEEN[0] as string, [...UNSEEN.slice(1), "true"]).status === 0;

describe("expver log", () => {
  it("while another program keeps the database, says what it waits for and hears Ctrl-C; nothing of it is left", async () => {
    const repo = makeExperiment();
    expect(repo.expver(["log", "a=1"]).code).toBe(0);
    const other = openDatabase(join(repo.root, "results/experiments.db"));
    other.exec("BEGIN EXCLUSIVE");
    try {
      for (const args of [
        ["run", "--yes", "--", "true"],
        ["log", "a=2"],
      ]) {
        const child = spawn(process.execPath, [MAIN, ...args], { cwd: repo.root, env: repo.context.env as NodeJS.ProcessEnv });
        let said = "";
        child.stderr.on("data", (text: Buffer) => {
          said += text;
        });
        const ended = new Promise((done) => child.on("close", (code, signal) => done([code, signal])));
        await until(() => said.includes("waiting for the program that writes to"));
        child.kill("SIGINT");
        expect([args, await ended]).toEqual([args, [null, "SIGINT"]]);
      }
    } finally {
      other.exec("ROLLBACK");
      other.close();
    }
    expect(repo.expver(["run", "--yes", "-m", "again", "--", "true"])).toMatchObject({ code: 0 });
    expect(rowsOf(repo)).toMatchObject([{ a: 1n }, { version: "e0.1.0" }]);
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it.each([
    ["started by nohup, when the terminal closes", { command: [process.execPath], env: { _: "/usr/bin/nohup" }, signal: "SIGHUP" }],
    ["started by a process that may not be looked at", { command: [...UNSEEN, process.execPath], env: {}, signal: null }],
  ] as const)("waits on for it, %s", async (_how, { command, env, signal }) => {
    if (command.length > 1 && !CAN_HIDE) return;
    const repo = makeExperiment();
    expect(repo.expver(["log", "a=1"]).code).toBe(0);
    const other = openDatabase(join(repo.root, "results/experiments.db"));
    other.exec("BEGIN EXCLUSIVE");
    const [program = "", ...args] = [...command, MAIN, "log", "a=2"];
    const child = spawn(program, args, { cwd: repo.root, env: { ...repo.context.env, ...env } as NodeJS.ProcessEnv });
    let said = "";
    child.stderr.on("data", (text: Buffer) => {
      said += text;
    });
    const ended = new Promise((done) => child.on("close", (code, killed) => done([code, killed])));
    await Promise.race([ended, until(() => said.includes("waiting for the program that writes to"))]);
    if (signal !== null) child.kill(signal);
    other.exec("ROLLBACK");
    other.close();
    expect([await ended, said]).toEqual([[0, null], expect.not.stringContaining("error")]);
    expect(rowsOf(repo)).toMatchObject([{ a: 1n }, { a: 2n }]);
  });

  it("in a bare repository is refused unless it names a database: rows would lie among Git's own files", () => {
    const repo = makeExperiment();
    repo.git("clone", "-q", "--bare", ".", "../bare.git");
    const cwd = "../bare.git";
    expect(repo.expverJson(["log", "a=1"], { cwd })).toMatchObject({ code: 1, error: { code: "E_GIT" } });
    expect(existsSync(join(repo.root, cwd, "results"))).toBe(false);
    expect(repo.expver(["log", "a=1", "--db", "../rows.db"], { cwd }).code).toBe(0);
  });

  it("appends one row under a new track, exact and without secrets, and says which", () => {
    const repo = makeExperiment();
    const values = ["accuracy=0.930", "loss=1e-05", "big=9007199254740993", "n=nan", "i=-inf", "id=007", "on=true", "api_key=s3cr3t", "e="];
    const { code, data } = repo.expverJson(["log", ...values]);
    expect(code).toBe(0);
    expect(data).toMatchObject({
      database: join(repo.root, "results/experiments.db"),
      table: "default",
      values: { accuracy: "0.93", loss: "1e-05", big: "9007199254740993", n: "NaN", i: "-Infinity", id: "007", on: "1", api_key: "***" },
    });
    const { track_id, timestamp } = data;
    expect(rowsOf(repo)).toEqual([
      {
        track_id,
        timestamp,
        accuracy: 0.93,
        loss: 1e-5,
        big: 2n ** 53n + 1n,
        n: "NaN",
        i: -Infinity,
        id: "007",
        on: 1n,
        api_key: "***",
        e: "",
      },
    ]);
    const more = repo.expver(["log", "--track-id", track_id, "--table", "epochs", "epoch=1"]);
    expect(more.stdout).toBe(`epochs  ${track_id}  epoch=1\n`);
    expect(rowsOf(repo, "epochs")).toMatchObject([{ track_id, epoch: 1n }]);
  });

  it("goes into the table of xetrack before 0.4 until a later one has made its own", () => {
    const repo = makeExperiment();
    const change = (...sql: string[]) => {
      mkdirSync(join(repo.root, "results"), { recursive: true });
      const db = openDatabase(join(repo.root, "results/experiments.db"), { create: true });
      for (const one of sql) db.exec(one);
      db.close();
    };
    // As xetrack 0.3.4 leaves it.
    change(
      'CREATE TABLE events("timestamp" VARCHAR, track_id VARCHAR, lr FLOAT, ok BOOLEAN, PRIMARY KEY("timestamp", track_id))',
      "INSERT INTO events VALUES('2026-11-29 01:00:21.919138', 'outstanding-hare-0374', 0.1, 1)",
    );
    const log = () => repo.expver(["log", "accuracy=0.5"]).stdout.split(" ")[0];
    expect(log()).toBe("events");
    change('CREATE TABLE "default" (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp))');
    expect(log()).toBe("default");
    expect(rowsOf(repo, "events")).toHaveLength(2);
    change("ALTER TABLE events RENAME TO mine");
    expect(log()).toBe("mine");
  });

  it("reads a file of values: nested, numbers as written, quoted ones as text; what is typed comes first", () => {
    const repo = makeExperiment();
    repo.write("m.json", '{"acc": 0.90, "big": 9007199254740993, "id": "42", "on": false, "no": null, "at": {"k": [1e-05, NaN]}, "lr": 1}');
    const { data } = repo.expverJson(["log", "--file", "m.json", "lr=0.5"]);
    expect(data.values).toEqual({ acc: "0.9", big: "9007199254740993", id: "42", on: "0", "at.k.0": "1e-05", "at.k.1": "NaN", lr: "0.5" });
    expect(rowsOf(repo)).toMatchObject([{ id: "42", big: 2n ** 53n + 1n, at_k_0: 1e-5, on: 0n }]);
    repo.write("m.yaml", "acc: 0.5\nworst: .nan\nname: resnet\nnone: null\n");
    expect(repo.expverJson(["log", "--file", "m.yaml"]).data.values).toEqual({ acc: "0.5", worst: "NaN", name: "resnet" });
    expect(repo.expverJson(["log", "--file", "no.json"])).toMatchObject({ code: 1, error: { code: "E_IO" } });
    repo.write("m.json", "{");
    expect(repo.expverJson(["log", "--file", "m.json"])).toMatchObject({ code: 1, error: { code: "E_CONFIG" } });
  });

  it("--dry-run shows row and new columns and writes nothing", () => {
    const repo = makeExperiment();
    const plan = repo.expverJson(["log", "--dry-run", "accuracy=0.9", "password=x"]);
    expect(plan.data).toMatchObject({
      destructive: false,
      steps: [
        { verb: "add columns", target: "default", detail: "accuracy, password" },
        { verb: "append", target: "default", count: 1, detail: expect.stringMatching(/: accuracy=0\.9 {2}password=\*\*\*$/) },
      ],
    });
    expect(exists(repo, "results/experiments.db")).toBe(false);
  });

  it("needs values, and a database", () => {
    const repo = makeExperiment();
    expect(repo.expverJson(["log"])).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
    expect(repo.expverJson(["log", "accuracy"])).toMatchObject({ code: 2, error: { message: '"accuracy" is not of the form name=value' } });
    expect(repo.expverJson(["log", "timestamp=1"])).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
    const nowhere = openTestRepository(makeFolder("nowhere"));
    expect(nowhere.expverJson(["log", "a=1"])).toMatchObject({ code: 1, error: { code: "E_NO_PROJECT" } });
    expect(nowhere.expverJson(["log", "--db", "new/mine.db", "a=1"])).toMatchObject({ code: 0, data: { table: "default" } });
    expect(existsSync(join(nowhere.root, "new/mine.db"))).toBe(true);
  });

  it("first brings in rows of HEAD's version that the file lacks, or refuses when it cannot tell", () => {
    const repo = makeExperiment();
    repo.expver(["run", "--param", "lr=1", "--", "true"]);
    repo.run("rm", ["results/experiments.db"]);
    const dry = repo.expverJson(["log", "--dry-run", "accuracy=0.9"]);
    expect(dry.data.steps[0]).toMatchObject({ verb: "bring in" });
    expect(repo.expverJson(["log", "accuracy=0.9"]).code).toBe(0);
    expect(rowsOf(repo)).toMatchObject([{ lr: 1n, version: "e0.1.0" }, { accuracy: 0.9 }]);
    repo.run("rm", ["-r", "results/experiments.db", ".dvc/cache/files"]);
    expect(repo.expverJson(["log", "accuracy=0.8"])).toMatchObject({ code: 4, error: { code: "E_DATABASE_BEHIND" } });
    expect(exists(repo, "results/experiments.db")).toBe(false);
  });
});

describe("expver log inside a run", () => {
  it("writes rows that are the run's own: its track, its stamps, its numbers; from another folder too", () => {
    const repo = makeExperiment();
    repo.write("expver.yaml", "metrics: { accuracy: max }\nresults: { table: predictions }\n");
    const log = (values: string) => `${process.execPath} ${MAIN} log ${values}`;
    repo.write("job.sh", `${log("epoch=1 accuracy=0.5")}\ncd / && ${log("epoch=2 accuracy=0.75")}\n`);
    const { data } = repo.expverJson(["run", "--", "sh", "job.sh"]);
    expect(data).toMatchObject({ rows: 2, version: "e0.1.0", metrics: { accuracy: "0.75" } });
    expect(rowsOf(repo, "predictions")).toMatchObject(
      [1n, 2n].map((epoch) => ({ track_id: data.run_id, epoch, version: "e0.1.0", git_commit: data.snapshot })),
    );
    expect(repo.git("cat-file", "-p", "e0.1.0")).toContain("accuracy=0.75");
  });

  it("from another shell while a run goes on: the row is not the run's, unless one says so", async () => {
    const repo = makeExperiment();
    repo.write("expver.yaml", "metrics: { a: max }\n");
    const scrubbed = `env -i ${process.execPath} ${MAIN} log a=5`;
    repo.write("wait.sh", `touch running\nwhile [ ! -e go ]; do sleep 0.02; done\n${scrubbed}\n`);
    repo.write(".gitignore", `${repo.read(".gitignore")}running\ngo\n`);
    repo.commit("wait");
    const run = inBackground(repo, ["--json", "run", "--", "sh", "wait.sh"]);
    await until(() => exists(repo, "running"));
    const told = repo.expver(["log", "a=1"]);
    expect(told.stderr).toMatch(/warning: run \S+ goes on in this worktree: it does not count this row as its own/);
    const track = told.stdout.split(/\s+/)[1] ?? "";
    expect(repo.expver(["log", "a=2", "--track-id", track, "--db", "results/experiments.db"]).stderr).toBe("");
    const [, id = ""] = /--track-id (\S+)/.exec(told.stderr) ?? [];
    expect(repo.expver(["log", "a=3", "--track-id", id]).stderr).toBe("");
    expect(repo.expver(["log", "a=4", "--track-id", "mine"]).stderr).toContain("it counts this row as its own");
    expect(repo.expver(["log", "a=6", "--db", "results/experiments.db"]).stderr).toContain("does not count this row as its own");
    expect(repo.expver(["log", "a=9", "--db", "mine.db"]).stderr).toBe("");
    repo.write("go", "");
    await run.ended;
    expect(repo.expver(["log", "a=1"]).stderr).toBe("");
    expect(rowsOf(repo)).toMatchObject([
      ...[1, 2].map((a) => ({ a: BigInt(a), version: null, track_id: track })),
      { a: 3n, version: "e0.1.0", track_id: id },
      { a: 4n, version: "e0.1.0", track_id: "mine" },
      { a: 6n, version: null },
      { a: 5n, version: "e0.1.0" },
      { a: 1n, version: null },
    ]);
    expect(repo.expverJson(["show", "e0.1.0"]).data).toMatchObject({ runs: { runs: [{ rows: 3 }] } });
    expect(repo.expver(["verify", "e0.1.0"]).code).toBe(0);
  });

  it("a read-only database: a link, one of ours, another user's", () => {
    const repo = makeExperiment();
    repo.expver(["log", "a=1"]);
    const file = join(repo.root, "results/experiments.db");
    chmodSync(file, 0o444);
    expect(repo.expverJson(["log", "a=2"]).error).toMatchObject({
      code: "E_DATABASE_READONLY",
      hint: `Let it be written: chmod u+w ${file}`,
    });
    linkSync(file, join(repo.root, "../object"));
    expect(repo.expverJson(["log", "a=2"]).error).toMatchObject({ message: expect.stringContaining("link into the data cache") });
  });

  it("goes on when the run's expver was killed, and the rows are the run's", async () => {
    const repo = makeExperiment();
    const log = `${process.execPath} ${MAIN} log`;
    repo.write("job.sh", `touch running\nwhile [ ! -e go ]; do sleep 0.02; done\n${log} accuracy=0.9 && touch logged\n`);
    repo.write(".gitignore", `${repo.read(".gitignore")}running\ngo\nlogged\n`);
    repo.commit("job");
    const run = inBackground(repo, ["run", "--", "sh", "job.sh"]);
    const runs = () => readdirSync(join(repo.root, ".git/expver/runs"));
    await until(() => exists(repo, "running") && runs().some((id) => exists(repo, `.git/expver/runs/${id}/process.json`)));
    run.kill("SIGKILL");
    await run.ended;
    repo.write("go", "");
    await until(() => exists(repo, "logged"));
    await until(() => repo.expverJson(["runs", "list"]).data.runs[0].status === "lost");
    repo.expver(["doctor", "--fix"]);
    expect(rowsOf(repo)).toMatchObject([{ accuracy: 0.9, track_id: runRows(repo)[0]?.run_id, git_commit: repo.git("rev-parse", "HEAD") }]);
  });
});

it("many at once lose nothing", { timeout: 300_000 }, async () => {
  const folder = makeFolder("log");
  const calls = Array.from({ length: 24 }, (_, n) => ["log", "--db", "r.db", "--track-id", "fixed", `n=${n}`, `own_${n % 8}=${n}`]);
  const codes = await Promise.all(
    calls.map((args) => new Promise((resolve) => spawn(process.execPath, [MAIN, ...args], { cwd: folder }).on("close", resolve))),
  );
  expect(codes).toEqual(calls.map(() => 0));
  const db = openDatabase(join(folder, "r.db"), { readonly: true });
  const rows = db.all('SELECT * FROM "default"');
  db.close();
  expect(rows.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(calls.map((_, n) => n));
  for (const row of rows) expect(row[`own_${Number(row.n) % 8}`]).toBe(row.n);
});
