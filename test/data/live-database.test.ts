/** A database that a real xetrack Tracker is writing is stored whole, without being in its way. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { letGoOfClosed, type OpenOptions, openDatabase } from "../../src/platform/sqlite.ts";
import { makeExperiment, until } from "../run/story.ts";
import { peer } from "../support/peers.ts";
import type { TestRepository } from "../support/repository.ts";

const python = peer("python");
const dvc = peer("dvc");

/** Logs n = 0, 1, 2 … until a file `stop` appears; says then how many rows it logged. */
const WRITER = `
import os, sqlite3, sys, time
from xetrack import Tracker
path, mode = sys.argv[1:]
tracker = Tracker(path)  # its assets set the mode they like; ours comes after
assert tracker.conn.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0] == mode
n = 0
while not os.path.exists("stop"):
    tracker.log({"n": n, "text": "x" * 500})
    n += 1
    with open("written.new", "w") as file: file.write(str(n))
    os.replace("written.new", "written")
open("ended", "w").close()
while not os.path.exists("close"): time.sleep(0.02)
print(n)
`;

function startWriter(repo: TestRepository, path: string, mode: string) {
  const child = spawn(python as string, ["-c", WRITER, path, mode], { cwd: repo.root, env: repo.context.env });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  const written = () => (existsSync(join(repo.root, "written")) ? Number(repo.read("written")) : 0);
  return { ended: new Promise<string>((resolve) => child.on("close", () => resolve(text.trim()))), written };
}

/** The object the pointer names: where it is, and its rows. */
function stored(repo: TestRepository, path: string): { object: string; rows: number[] } {
  const md5 = /md5: (\w+)/.exec(repo.read(`${path}.dvc`))?.[1] ?? "";
  const object = join(repo.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
  return { object, rows: readAll(object, { immutable: true }).rows };
}

function readAll(path: string, options: OpenOptions): { rows: number[]; mode: unknown } {
  const db = openDatabase(path, options);
  try {
    expect(db.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
    const rows = db.arrays('SELECT n FROM "default" ORDER BY n').map(([n]) => Number(n));
    return { rows, mode: db.get("PRAGMA journal_mode")?.journal_mode };
  } finally {
    db.close();
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe.skipIf(!python || !dvc)("a database that is being written", { timeout: 300_000 }, () => {
  it.each([
    ["results/experiments.db", "delete"],
    ["results/experiments.db", "wal"],
    ["other/live.db", "delete"],
    ["other/live.db", "wal"],
  ])("%s with journal mode %s: data add and data commit store every row there was, and none is lost", async (path, mode) => {
    const repo = makeExperiment();
    const writer = startWriter(repo, path, mode);
    await until(() => writer.written() > 20);
    for (const args of [
      ["add", path],
      ["commit", "--force", path],
    ]) {
      const before = writer.written();
      const answer = repo.expver(["data", ...args]);
      expect(answer, answer.stderr).toMatchObject({ code: 0 });
      const after = writer.written();
      const { rows } = stored(repo, path);
      expect(rows).toEqual(upTo(rows.length));
      expect(rows.length).toBeGreaterThanOrEqual(before);
      expect(rows.length).toBeLessThanOrEqual(after + 1);
      await until(() => writer.written() > after + 5);
    }
    repo.write("stop", "");
    // All of it is written, with WAL part of it only into the -wal, and the writer still has the file open.
    await until(() => existsSync(join(repo.root, "ended")));
    expect(repo.expver(["data", "commit", "--force", path]).code).toBe(0);
    expect(stored(repo, path).rows).toEqual(upTo(writer.written()));
    repo.write("close", "");
    const count = Number(await writer.ended);
    expect(readAll(join(repo.root, path), { readonly: true })).toEqual({ rows: upTo(count), mode });
    expect(repo.expver(["data", "commit", "--force", path]).code).toBe(0);
    const last = stored(repo, path);
    expect(last.rows).toEqual(upTo(count));
    expect(repo.run("cmp", [last.object, path]).code).toBe(0);
    expect(repo.run(dvc as string, ["status", "--json"]).stdout.trim()).toBe("{}");
    expect(repo.expver(["data", "status", "--json"]).stdout.trim()).toBe("{}");
  });
});

it.each([["add"], ["commit", "--force"]])(
  "data %s stores rows that are so far only in the -wal of a database somebody has open",
  (...again) => {
    const repo = makeExperiment();
    const path = "live.db";
    const db = openDatabase(join(repo.root, path), { create: true });
    db.exec('PRAGMA journal_mode = wal; CREATE TABLE "default" (n)');
    for (const n of [0, 1, 2]) {
      db.exec(`INSERT INTO "default" VALUES (${n})`);
      expect(repo.expver(["data", ...(n === 0 ? ["add"] : again), path]).code).toBe(0);
      expect(stored(repo, path).rows).toEqual(upTo(n + 1));
    }
    db.close();
  },
);

describe("data checkout of a database", () => {
  const SQLITE = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");
  const path = "live.db";

  const elsewhere = (program: string) => [
    "-e",
    `const { DatabaseSync } = require(${JSON.stringify(SQLITE)}); const db = new DatabaseSync("${path}"); ${program}`,
  ];
  /** In a process of its own: the driver of Node 20 keeps a file open after it was closed. */
  const act = (repo: TestRepository, program: string) => repo.run(process.execPath, elsewhere(program)).stdout.trim();
  const insert = (n: number) => `db.exec('INSERT INTO "default" VALUES (${n})');`;
  const rows = (repo: TestRepository) =>
    act(
      repo,
      `console.log(db.prepare('SELECT group_concat(n) AS all_n FROM "default"').get().all_n, db.prepare("PRAGMA integrity_check").get().integrity_check)`,
    );
  /** Leaves a committed row in the `-wal` only. */
  const KILLED = `db.exec("PRAGMA wal_autocheckpoint = 0"); ${insert(2)} process.kill(process.pid, "SIGKILL")`;

  /** Two versions, one row and two; the file is the second, the pointer says the first. */
  function twoVersions(mode: "delete" | "wal"): TestRepository {
    const repo = makeExperiment();
    act(repo, `db.exec('PRAGMA journal_mode = ${mode}; CREATE TABLE "default" (n)'); ${insert(0)} db.close()`);
    expect(repo.expver(["data", "add", path]).code).toBe(0);
    repo.commit("one");
    act(repo, `${insert(1)} db.close()`);
    expect(repo.expver(["data", "commit", "--force", path]).code).toBe(0);
    repo.git("checkout", "-q", "HEAD", "--", `${path}.dvc`);
    return repo;
  }

  it("is refused while a program has it open, and works when it has ended", async () => {
    const repo = twoVersions("delete");
    const child = spawn(process.execPath, elsewhere(`require("fs").writeFileSync("open", ""); process.stdin.resume()`), { cwd: repo.root });
    const ended = new Promise((resolve) => child.on("close", resolve));
    await until(() => existsSync(join(repo.root, "open")));
    expect(repo.expver(["data", "checkout", path])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(new RegExp(`E_IN_USE.*${path}.*${child.pid}`)),
    });
    expect(rows(repo)).toBe("0,1 ok");
    child.kill();
    await ended;
    expect(repo.expver(["data", "checkout", path]).code).toBe(0);
    expect(rows(repo)).toBe("0 ok");
  });

  it("is not undone while a program has it open, nor over what a killed one left in the -wal; a get that replaced one neither", async () => {
    const repo = twoVersions("wal");
    expect(repo.expver(["data", "checkout", path]).code).toBe(0);
    const child = spawn(process.execPath, elsewhere(`require("fs").writeFileSync("open", ""); process.stdin.resume()`), { cwd: repo.root });
    const ended = new Promise((resolve) => child.on("close", resolve));
    await until(() => existsSync(join(repo.root, "open")));
    expect(repo.expver(["undo"])).toMatchObject({ code: 4, stderr: expect.stringContaining("open in a process") });
    child.kill();
    await ended;
    const refused = { code: 4, stderr: expect.stringContaining("what a killed program left in its -wal") };
    act(repo, KILLED);
    expect(repo.expver(["undo"])).toMatchObject(refused);
    expect(repo.expver(["get", "HEAD", path, "-o", path, "--force"]).code).toBe(0);
    act(repo, KILLED);
    expect(repo.expver(["undo"])).toMatchObject(refused);
    expect(rows(repo)).toBe("0,2 ok");
  });

  it("does not lose rows a killed program left in the -wal, and does not mix them into another version", () => {
    const repo = twoVersions("wal");
    act(repo, KILLED);
    const refused = repo.expver(["data", "checkout", path]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("E_UNSAVED");
    expect(rows(repo)).toBe("0,1,2 ok");
    act(repo, KILLED);
    expect(repo.expver(["data", "checkout", "--force", path]).code).toBe(0);
    expect(rows(repo)).toBe("0 ok");
    const trash = repo.run("find", [".git/expver/trash", "-name", path]).stdout.trim();
    repo.run("mv", [trash, path]);
    expect(rows(repo)).toBe("0,1,2,2 ok");
  });

  it("does not let the -wal of a file that is gone into the one it makes", () => {
    const repo = twoVersions("wal");
    act(repo, KILLED);
    repo.run("rm", [path]);
    expect(repo.expver(["data", "checkout", path]).code).toBe(0);
    expect(rows(repo)).toBe("0 ok");
    expect(repo.run("find", [".git/expver/trash", "-name", `${path}-wal`]).stdout).not.toBe("");
  });

  it("sees a killed program's half-written transaction as what it is: nothing", () => {
    const repo = twoVersions("delete");
    const spill = `db.exec("PRAGMA cache_size = 1; BEGIN; WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 2000) INSERT INTO \\"default\\" SELECT randomblob(500) FROM k"); process.kill(process.pid, "SIGKILL");`;
    act(repo, spill);
    expect(existsSync(join(repo.root, `${path}-journal`))).toBe(true);
    expect(repo.expver(["data", "checkout", path]).code).toBe(0);
    expect(rows(repo)).toBe("0 ok");
  });
});

function makeDatabase(repo: TestRepository, path: string): Promise<void> {
  const db = openDatabase(join(repo.root, path), { create: true });
  db.exec('PRAGMA journal_mode = wal; CREATE TABLE "default" (n INTEGER); INSERT INTO "default" VALUES (0)');
  db.close();
  return letGoOfClosed();
}

/** Its row is in the `-wal` only. */
function addKilled(repo: TestRepository, path: string, n: number): void {
  const sqlite = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");
  const program = `new (require(${JSON.stringify(sqlite)}).DatabaseSync)(process.argv[1]).exec('INSERT INTO "default" VALUES (${n})')`;
  const at = join(repo.root, path);
  expect(spawnSync(process.execPath, ["-e", `${program}; process.kill(process.pid, "SIGKILL")`, at]).signal).toBe("SIGKILL");
  expect(existsSync(`${at}-wal`)).toBe(true);
}

it("what a killed program has left beside a database goes with it when it is moved or removed; one that is open stays where it is", async () => {
  const repo = makeExperiment();
  await makeDatabase(repo, "scores.db");
  const rows = (path: string) => readAll(join(repo.root, path), { immutable: true }).rows;
  expect(repo.expver(["data", "add", "scores.db"]).code).toBe(0);
  addKilled(repo, "scores.db", 1);
  for (const args of [
    ["move", "scores.db", "moved.db"],
    ["remove", "scores.db.dvc", "--outs"],
  ]) {
    expect(repo.expver(["data", ...args, "--dry-run"]).code).toBe(0);
    expect([rows("scores.db"), existsSync(join(repo.root, "scores.db-wal"))]).toEqual([[0], true]);
  }
  expect(repo.expver(["data", "move", "scores.db", "moved.db"]).code).toBe(0);
  expect([rows("moved.db"), existsSync(join(repo.root, "scores.db-wal"))]).toEqual([[0, 1], false]);
  addKilled(repo, "moved.db", 2);
  expect(repo.expver(["data", "remove", "moved.db.dvc", "--outs"]).code).toBe(0);
  expect(existsSync(join(repo.root, "moved.db-wal"))).toBe(false);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(rows("moved.db")).toEqual([0, 1, 2]);
  const open = openDatabase(join(repo.root, "moved.db"));
  expect(open.get('SELECT count(*) AS n FROM "default"')).toEqual({ n: 3n });
  for (const args of [
    ["move", "moved.db", "third.db"],
    ["remove", "moved.db.dvc", "--outs"],
  ]) {
    expect(repo.expverJson(["data", ...args])).toMatchObject({ code: 1, error: { code: "E_IN_USE", details: { pids: [process.pid] } } });
  }
  open.close();
});

it.each([
  ["import-url", "-f", "other.db", "scores.db"],
  ["get-url", "-f", "other.db", "scores.db"],
  ["move", "other.db", "scores.db"],
])("what a killed program has left beside a database is not played into what takes its place, and undo has it: %s", async (...args) => {
  const repo = makeExperiment();
  for (const path of ["other.db", "scores.db"]) await makeDatabase(repo, path);
  if (args[0] === "move") expect(repo.expver(["data", "add", "other.db"]).code).toBe(0);
  addKilled(repo, "scores.db", 1);
  const rows = () => readAll(join(repo.root, "scores.db"), {}).rows;
  expect(repo.expver(["data", ...args])).toMatchObject({ code: 0 });
  expect(rows()).toEqual([0]);
  await letGoOfClosed();
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(rows()).toEqual([0, 1]);
});

it.each([
  ["import-url", "other.db", "scores.db"],
  ["get-url", "other.db", "scores.db"],
  ["move", "other.db", "scores.db"],
])("what was kept beside a database that is gone is kept apart from what takes its place: %s", async (...args) => {
  const repo = makeExperiment();
  for (const path of ["other.db", "scores.db"]) await makeDatabase(repo, path);
  if (args[0] === "move") expect(repo.expver(["data", "add", "other.db"]).code).toBe(0);
  addKilled(repo, "scores.db", 1);
  repo.run("rm", ["scores.db"]);
  expect(repo.expver(["data", ...args])).toMatchObject({ code: 0 });
  expect(readAll(join(repo.root, "scores.db"), {}).rows).toEqual([0]);
  await letGoOfClosed();
  expect(repo.run("find", [".git/expver/trash", "-name", "scores.db-wal"]).stdout).not.toBe("");
  if (args[0] === "get-url") return;
  expect(repo.expver(["undo"]).code).toBe(0);
  expect([existsSync(join(repo.root, "scores.db")), existsSync(join(repo.root, "scores.db-wal"))]).toEqual([false, true]);
});
