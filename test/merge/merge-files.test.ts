/** `expver merge` on files: what is written, what is not, and what a live writer keeps. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { giveDuckDb, keepsAssets, python, readWithXetrack } from "../results/xetrack.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;
beforeEach(() => {
  repo = makeRepository();
});

/** `track → value of x`. */
function database(name: string, rows: Record<string, number>, { column = "x", mode = "delete" } = {}): string {
  const path = join(repo.root, name);
  rmSync(path, { force: true });
  const db = openDatabase(path, { create: true });
  db.exec(`PRAGMA journal_mode = ${mode};
    CREATE TABLE "default" (track_id TEXT, timestamp TEXT, version TEXT, ${column} REAL, PRIMARY KEY (track_id, timestamp))`);
  for (const [track, x] of Object.entries(rows)) {
    db.run(`INSERT INTO "default" (track_id, timestamp, version, ${column}) VALUES (?, '1', 'e0.1.0', cast(? as real))`, [track, x]);
  }
  db.close();
  return path;
}

function rowsOf(name: string): string[] {
  const db = openDatabase(join(repo.root, name), { readonly: true });
  try {
    return db.all(`SELECT track_id, x FROM "default" ORDER BY track_id`).map(({ track_id, x }) => `${track_id} ${x}`);
  } finally {
    db.close();
  }
}

function files(): string[] {
  return readdirSync(repo.root).filter((name) => name !== ".git");
}

describe("a new file", () => {
  it("holds the rows of all, in the same bytes whatever the order, and leaves the sources as they were", () => {
    const sources = [database("a.db", { a: 1 }), database("b.db", { b: 2 }), database("c.db", { c: 3 })];
    const before = sources.map((path) => readFileSync(path));
    // As in DVC's cache.
    for (const path of sources) chmodSync(path, 0o444);
    expect(repo.expver(["merge", "a.db", "b.db", "c.db", "--output-db", "one.db"]).code).toBe(0);
    expect(repo.expver(["merge", "c.db", "a.db", "b.db", "--output-db", "two.db"]).code).toBe(0);
    expect(rowsOf("one.db")).toEqual(["a 1", "b 2", "c 3"]);
    expect(statSync(join(repo.root, "one.db")).mode & 0o777).toBe(0o644);
    expect(readFileSync(join(repo.root, "two.db"))).toEqual(readFileSync(join(repo.root, "one.db")));
    expect(sources.map((path) => readFileSync(path))).toEqual(before);
    expect(files().sort()).toEqual(["a.db", "b.db", "c.db", "one.db", "two.db"]);
  });

  it("keeps its journal as the base does, or the output that is replaced; no journal of that one is played into it", () => {
    const modeOf = (name: string) => readFileSync(join(repo.root, name))[18];
    database("wal.db", { a: 1 }, { mode: "wal" });
    database("b.db", { b: 2 });
    expect(repo.expver(["merge", "--base-db", "wal.db", "b.db", "--output-db", "new.db"]).code).toBe(0);
    expect(modeOf("new.db")).toBe(2);
    expect(rowsOf("new.db")).toEqual(["a 1", "b 2"]);
    expect(files().filter((name) => name.startsWith("."))).toEqual([]);
    // A program that was killed has left its last row in the journal beside the file.
    const held = openDatabase(join(repo.root, "wal.db"));
    held.exec(`INSERT INTO "default" (track_id, timestamp, x) VALUES ('late', '1', 9.0)`);
    for (const end of ["", "-wal"]) copyFileSync(join(repo.root, `wal.db${end}`), join(repo.root, `old.db${end}`));
    held.close();
    const { data } = repo.expverJson(["merge", "--base-db", "b.db", "new.db", "--output-db", "old.db", "--yes"]);
    expect(modeOf("old.db")).toBe(2);
    copyFileSync(data.database.kept, join(repo.root, "kept.db"));
    expect(rowsOf("kept.db")).toEqual(["a 1", "late 9"]);
    expect(rowsOf("old.db")).toEqual(["a 1", "b 2"]);
    expect(repo.expver(["merge", "--base-db", "b.db", "new.db", "--output-db", "plain.db"]).code).toBe(0);
    expect(modeOf("plain.db")).toBe(1);
  });

  it("is not made by a dry run, nor by a conflict", () => {
    database("a.db", { a: 1 });
    database("b.db", { a: 2 });
    expect(repo.expver(["merge", "a.db", "b.db", "--output-db", "out.db", "--dry-run", "--on-conflict", "ours"]).stdout).toContain(
      "1 decided",
    );
    const refused = repo.expverJson(["merge", "a.db", "b.db", "--output-db", "out.db"]);
    expect(refused).toMatchObject({
      code: 4,
      error: { code: "E_CONFLICT", details: { count: 1, conflicts: [{ column: "x", ours: "1.0", theirs: "2.0" }] } },
    });
    expect(files().sort()).toEqual(["a.db", "b.db"]);
  });

  it("with a bad second database nothing of the first is written", () => {
    database("base.db", { a: 1 });
    database("b.db", { b: 2 });
    writeFileSync(join(repo.root, "bad.db"), "this is no database, it is only long enough to look like one ".repeat(40));
    const before = readFileSync(join(repo.root, "base.db"));
    expect(repo.expverJson(["merge", "--base-db", "base.db", "b.db", "bad.db"])).toMatchObject({ code: 1, error: { code: "E_DATABASE" } });
    expect(readFileSync(join(repo.root, "base.db"))).toEqual(before);
    expect(files().sort()).toEqual(["bad.db", "b.db", "base.db"].sort());
  });

  it("does not replace another file without being told", () => {
    database("a.db", { a: 1 });
    database("b.db", { b: 2 });
    database("precious.db", { p: 9 });
    expect(repo.expverJson(["merge", "--base-db", "a.db", "b.db", "--output-db", "precious.db"])).toMatchObject({ code: 3 });
    expect(rowsOf("precious.db")).toEqual(["p 9"]);
  });
});

describe("into the base", () => {
  it("adds once; repeating touches no byte", () => {
    database("base.db", { a: 1 });
    database("b.db", { b: 2 });
    expect(repo.expverJson(["merge", "--base-db", "base.db", "--exp-db", "b.db"]).data.database).toMatchObject({ changed: true });
    const { mtimeNs, ino } = statSync(join(repo.root, "base.db"), { bigint: true });
    expect(repo.expverJson(["merge", "--base-db", "base.db", "--exp-db", "b.db"]).data.database).toMatchObject({ changed: false });
    expect(statSync(join(repo.root, "base.db"), { bigint: true })).toMatchObject({ mtimeNs, ino });
    expect(rowsOf("base.db")).toEqual(["a 1", "b 2"]);
  });

  it("a rebase asks first, replaces by key, and the last source wins", () => {
    database("base.db", { a: 1, z: 0 });
    database("b.db", { b: 2 });
    database("c.db", { c: 3 });
    const args = ["merge", "--base-db", "base.db", "b.db", "c.db", "--strategy", "rebase", "--key-columns", "version"];
    const asked = repo.expverJson(args);
    expect(asked).toMatchObject({ code: 3, error: { code: "E_CONFIRM" } });
    expect(rowsOf("base.db")).toEqual(["a 1", "z 0"]);
    expect(repo.expver([...args, "--yes"]).code).toBe(0);
    expect(rowsOf("base.db")).toEqual(["c 3"]);
  });

  it("a rebase without its key says the whole line; in a pipeline's stage also how the stage may do it", () => {
    database("base.db", { a: 1 });
    database("b.db", { b: 2 });
    const { error } = repo.expverJson(["merge", "--strategy", "rebase", "--base-db", "base.db", "--exp-db", "b.db"]);
    const line = "expver merge --strategy rebase --base-db base.db --exp-db b.db --key-columns version";
    expect(error).toMatchObject({ code: "E_USAGE", hint: expect.stringContaining(line) });
    const words = line.split(" ").slice(1);
    expect(repo.expver(words)).toMatchObject({ code: 3, stderr: expect.not.stringContaining("dvc.yaml") });
    const inStage = repo.expver(words, { env: { DVC_STAGE: "merge_results" } });
    expect(inStage).toMatchObject({ code: 3, stderr: expect.stringContaining("write --yes into its cmd in dvc.yaml") });
    expect(rowsOf("base.db")).toEqual(["a 1"]);
  });

  it("a table that nobody has is not merged silently", () => {
    database("base.db", { a: 1 });
    database("b.db", { b: 2 });
    const { code, error } = repo.expverJson(["merge", "--base-db", "base.db", "b.db", "--table", "defaults"]);
    expect({ code, error }).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND", hint: "--table default" } });
    expect(readdirSync(repo.root).filter((name) => name.includes("merged"))).toEqual([]);
    expect(repo.expver(["merge", "--base-db", "base.db", "b.db", "--table", "default"]).code).toBe(0);
    expect(rowsOf("base.db")).toEqual(["a 1", "b 2"]);
  });

  it("brings rows in by SQL while a program writes to it: no row is lost, the file stays the same one", async () => {
    const path = database("base.db", { a: 1 }, { mode: "wal" });
    database("b.db", { b: 2 }, { column: "y" });
    const writer = spawn(
      "python3",
      [
        "-c",
        `import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
i = 0
while not os.path.exists("stop"):
    db.execute('INSERT INTO "default" (track_id, timestamp, x) VALUES (?, ?, 1)', ("live", str(i)))
    i += 1
    print(i, flush=True)
    time.sleep(0.02)`,
        path,
      ],
      { cwd: repo.root, stdio: ["ignore", "pipe", "inherit"] },
    );
    let written = "";
    writer.stdout.on("data", (chunk) => (written += chunk));
    const ended = once(writer, "close");
    await once(writer.stdout, "data");
    const { ino } = statSync(path);
    expect(repo.expverJson(["merge", "--base-db", "base.db", "b.db"]).data.database).toMatchObject({ changed: true });
    repo.write("stop", "");
    await ended;
    expect(statSync(path).ino).toBe(ino);
    const db = openDatabase(path);
    expect(db.get(`SELECT count(*) AS n FROM "default" WHERE track_id = 'live'`)?.n).toBe(BigInt(written.trim().split("\n").at(-1) ?? ""));
    expect(db.get(`SELECT y FROM "default" WHERE track_id = 'b'`)?.y).toBe(2);
    expect(db.get("PRAGMA journal_mode")?.journal_mode).toBe("wal");
    db.close();
  });
});

it("says what is missing: no target, no source, the base as its own source, a folder that is not there", () => {
  database("a.db", { a: 1 });
  copyFileSync(join(repo.root, "a.db"), join(repo.root, "b.db"));
  const codeOf = (...args: string[]) => repo.expverJson(["merge", ...args]).error?.code;
  expect(codeOf("a.db")).toBe("E_USAGE");
  expect(codeOf("--base-db", "a.db")).toBe("E_USAGE");
  expect(codeOf("--base-db", "a.db", "./a.db")).toBe("E_USAGE");
  expect(codeOf("--base-db", "a.db", "none.db")).toBe("E_NOT_FOUND");
  expect(codeOf("a.db", "b.db", "--output-db", "none/out.db")).toBe("E_NOT_FOUND");
  expect(codeOf("--base-db", "a.db", "b.db", "--strategy", "rebase")).toBe("E_USAGE");
  expect(codeOf("--base-db", "a.db", "b.db", "--strategy", "squash")).toBe("E_USAGE");
});

describe.skipIf(python === null)("with real xetrack", () => {
  const track = (name: string, body: string) => {
    const script = `from xetrack import Tracker\nimport numpy as np\nt = Tracker(db=${JSON.stringify(name)}, engine="sqlite")\n${body}`;
    const { code, stdout, stderr } = repo.run(python ?? "", ["-c", script]);
    expect(code === 0 ? "" : stderr).toBe("");
    return stdout.trim();
  };

  it.skipIf(!keepsAssets)(
    "assets of both sides are found by its own Tracker; counts are those of the cells; a name leads to the newest",
    () => {
      track("a.db", "t.log({'acc': 0.5, 'weights': np.arange(3)})\nt.log({'acc': 0.5, 'weights': np.arange(3)})");
      track("b.db", "t.log({'acc': 0.6, 'weights': np.arange(4)})\nt.log({'acc': 0.6, 'weights': np.arange(3)})");
      for (const order of [
        ["a.db", "b.db"],
        ["b.db", "a.db"],
      ]) {
        expect(repo.expver(["merge", ...order, "--output-db", "out.db", "--yes"]).code).toBe(0);
        const look = `a = t.assets\nprint(sorted(len(a.get_from_hash(h)) for h in a.assets.keys()), sorted(a.counts.values()), len(a.get_from_key("weights")))`;
        expect(track("out.db", look)).toBe("[3, 4] [1, 3] 3");
        expect(readWithXetrack(repo, { table: "default", database: "out.db" })).toHaveLength(4);
      }
    },
  );

  it.each(["sqlite", "duckdb"] as const)("its Reader reads the merged database with its %s engine", (engine) => {
    giveDuckDb(repo);
    // A first None makes a TEXT column, a first whole number an INTEGER one.
    track("a.db", "t.log({'acc': 0.5, 'note': None, 'more': None})");
    track("b.db", "t.log({'acc': 1, 'note': 'x', 'more': 1e-5})");
    expect(repo.expver(["merge", "a.db", "b.db", "--output-db", "out.db"]).code).toBe(0);
    const rows = readWithXetrack(repo, { table: "default", database: "out.db", engine });
    expect(rows.map(({ acc, note, more }) => [acc, note, more])).toEqual([
      [0.5, null, null],
      [1, "x", 1e-5],
    ]);
  });
});
