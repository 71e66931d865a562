/** Consistent copies of databases that others read and write meanwhile. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/platform/sqlite.ts";
import { copyDatabase } from "../../src/results/copy.ts";
import { makeFolder } from "../support/repository.ts";

const SQLITE = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");

function makeDatabase(mode = "delete"): { folder: string; path: string; copy: string; db: Database } {
  const folder = makeFolder("copy");
  const path = join(folder, "live.db");
  const db = openDatabase(path, { create: true });
  expect(db.get(`PRAGMA journal_mode = ${mode}`)).toEqual({ journal_mode: mode });
  db.exec("CREATE TABLE t (n, x); INSERT INTO t VALUES (0, NULL)");
  return { folder, path, copy: join(folder, "copy.db"), db };
}

function rowsIn(path: string): number[] {
  const db = openDatabase(path, { immutable: true });
  try {
    expect(db.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
    return db.arrays("SELECT n FROM t ORDER BY n").map(([n]) => Number(n));
  } finally {
    db.close();
  }
}

/** Of which parts are in the file already. */
const UNFINISHED =
  "PRAGMA cache_size = 1; BEGIN; WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 2000) INSERT INTO t SELECT n, randomblob(500) FROM k";

/** Another process: locks are between processes. */
function elsewhere(path: string, program: string) {
  const preface = `const { DatabaseSync } = require(${JSON.stringify(SQLITE)}); const db = new DatabaseSync(process.argv[1], { timeout: 0 });`;
  return spawnSync(process.execPath, ["-e", preface + program, path], { encoding: "utf8" });
}

describe.each(["delete", "truncate", "persist", "wal"])("journal mode %s", (mode) => {
  it("the copy has every committed row, the file keeps its mode, and nothing is left beside either", () => {
    const { folder, path, copy, db } = makeDatabase(mode);
    db.exec("INSERT INTO t VALUES (1, NULL)");
    expect(copyDatabase(path, copy)).toEqual({ equalBytes: true });
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    expect(rowsIn(copy)).toEqual([0, 1]);
    expect(db.get("PRAGMA journal_mode")).toEqual({ journal_mode: mode });
    db.exec("INSERT INTO t VALUES (2, NULL)");
    expect(rowsIn(copy)).toEqual([0, 1]);
    db.close();
    expect(readdirSync(folder).filter((name) => /copy.*[.-](tmp|wal|shm|journal)$/.test(name))).toEqual([]);
  });

  it("somebody reads meanwhile: he goes on, and his lock is still there afterwards", () => {
    const { path, copy, db } = makeDatabase(mode);
    db.exec("BEGIN");
    expect(db.get("SELECT count(*) AS n FROM t")).toEqual({ n: 1n });
    expect(copyDatabase(path, copy)).toEqual({ equalBytes: true });
    expect(rowsIn(copy)).toEqual([0]);
    // With rollback journals a reader keeps others from writing; a lock that was dropped would not.
    const { status } = elsewhere(path, "db.exec('BEGIN EXCLUSIVE'); db.exec('INSERT INTO t VALUES (9, NULL)'); db.exec('COMMIT');");
    expect(status === 0).toBe(mode === "wal");
    expect(db.get("SELECT count(*) AS n FROM t")).toEqual({ n: 1n });
    db.exec("COMMIT");
    db.close();
  });
});

/** While `work` copies: what another process can do then, by a `cp` that comes first in PATH. */
function duringCopy(folder: string, program: string, work: () => void): string[] {
  const [bin, said, path] = [join(folder, "bin"), join(folder, "said"), process.env.PATH];
  mkdirSync(bin);
  const preface = `const { DatabaseSync } = require(${JSON.stringify(SQLITE)}); const db = new DatabaseSync(${JSON.stringify(join(folder, "live.db"))}, { timeout: 0 });`;
  const told = `const tell = (what) => { let said = "done"; try { db.exec(what); } catch (error) { said = error.message; } require("fs").appendFileSync(${JSON.stringify(said)}, said + "\\n"); };`;
  writeFileSync(join(bin, "program.cjs"), `${preface}${told}${program}`);
  writeFileSync(join(bin, "cp"), `#!/bin/sh\n"${process.execPath}" "${bin}/program.cjs" || exit 1\nPATH=$OLD_PATH exec cp "$@"\n`, {
    mode: 0o755,
  });
  Object.assign(process.env, { PATH: `${bin}:${path}`, OLD_PATH: path });
  try {
    work();
  } finally {
    process.env.PATH = path;
    delete process.env.OLD_PATH;
  }
  return readFileSync(said, "utf8").trim().split("\n");
}

it.each([
  ["delete", 0o644],
  ["wal", 0o644],
  ["delete", 0o444],
])("while the bytes are copied nobody writes, and everybody reads, in journal mode %s, file mode %o", (mode, fileMode) => {
  const { folder, path, copy, db } = makeDatabase(mode);
  db.close();
  chmodSync(path, fileMode);
  const program = 'tell("INSERT INTO t VALUES (7, NULL)"); tell("SELECT * FROM t");';
  expect(duringCopy(folder, program, () => copyDatabase(path, copy))).toEqual([expect.stringMatching(/locked|readonly/), "done"]);
  expect(rowsIn(copy)).toEqual([0]);
});

it("rows that a reader keeps from leaving the -wal are in the copy, too, whose bytes are other ones then", () => {
  const { path, copy, db } = makeDatabase("wal");
  const reader = openDatabase(path, { readonly: true });
  reader.exec("BEGIN");
  expect(reader.get("SELECT count(*) AS n FROM t")).toEqual({ n: 1n });
  db.exec("INSERT INTO t VALUES (1, NULL)");
  expect(copyDatabase(path, copy)).toEqual({ equalBytes: false });
  expect(rowsIn(copy)).toEqual([0, 1]);
  reader.close();
  db.close();
});

it("a writer that was killed in a transaction: the copy is as before it", () => {
  const { path, copy, db } = makeDatabase();
  db.close();
  const { signal } = elsewhere(path, `db.exec("${UNFINISHED}"); process.kill(process.pid, "SIGKILL");`);
  expect(signal).toBe("SIGKILL");
  expect(existsSync(`${path}-journal`)).toBe(true);
  copyDatabase(path, copy);
  expect(rowsIn(copy)).toEqual([0]);
  expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
});

it("a read-only file is copied as it is", () => {
  const { path, copy, db } = makeDatabase();
  db.close();
  chmodSync(path, 0o444);
  expect(copyDatabase(path, copy)).toEqual({ equalBytes: true });
  expect(rowsIn(copy)).toEqual([0]);
});

it("what killed writers left beside a read-only file is heeded: rows of a -wal are in the copy, those of an unfinished transaction are not", () => {
  const kill = 'process.kill(process.pid, "SIGKILL")';
  const wal = makeDatabase();
  wal.db.close();
  const written = elsewhere(wal.path, `db.exec("PRAGMA journal_mode = wal; INSERT INTO t VALUES (1, NULL)"); ${kill};`);
  expect(written.signal).toBe("SIGKILL");
  expect(statSync(`${wal.path}-wal`).size).toBeGreaterThan(0);
  chmodSync(wal.path, 0o444);
  expect(copyDatabase(wal.path, wal.copy)).toEqual({ equalBytes: false });
  expect(rowsIn(wal.copy)).toEqual([0, 1]);

  const { path, copy, db } = makeDatabase();
  db.close();
  expect(elsewhere(path, `db.exec("${UNFINISHED}"); ${kill};`).signal).toBe("SIGKILL");
  chmodSync(path, 0o444);
  copyDatabase(path, copy);
  expect(rowsIn(copy)).toEqual([0]);
});

it("what is not there, or no database, gives no copy and leaves nothing", () => {
  const { folder, path, copy } = makeDatabase();
  expect(() => copyDatabase(join(folder, "no.db"), copy)).toThrow(expect.objectContaining({ code: "E_NOT_FOUND" }));
  const text = spawnSync("sh", ["-c", 'yes text | head -c 4096 > "$1"', "sh", join(folder, "text.db")]);
  expect(text.status).toBe(0);
  mkdirSync(join(folder, "taken/inside"), { recursive: true });
  expect(() => copyDatabase(path, join(folder, "taken"))).toThrow();
  expect(readdirSync(folder).sort()).toEqual([path.split("/").at(-1), "taken", "text.db"]);
  expect(() => copyDatabase(join(folder, "text.db"), copy)).toThrow(expect.objectContaining({ code: "E_DATABASE" }));
  expect(readdirSync(folder).sort()).toEqual([path.split("/").at(-1), "taken", "text.db"]);
});
