/** A database that a real xetrack Tracker is writing is stored whole, without being in its way. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
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

function readAll(path: string, options: { immutable?: true; readonly?: true }): { rows: number[]; mode: unknown } {
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

describe.skipIf(!python || !dvc)("a database that is being written", { timeout: 120_000 }, () => {
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
