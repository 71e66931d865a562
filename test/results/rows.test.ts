import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/platform/sqlite.ts";
import { bringInRows } from "../../src/results/bring-in.ts";
import { openResults } from "../../src/results/database.ts";
import { addStampColumns, appendRow, restampRows, rowsSince, snapshotTo, stampRows } from "../../src/results/rows.ts";
import { createShard, schemaOf } from "../../src/results/shard.ts";

let folder: string;
let path: string;
let copy: string;
const open: Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "expver-rows-"));
  path = join(folder, "it's a #1 %20.db");
  copy = join(folder, "before.db");
});
afterEach(() => {
  for (const db of open.splice(0)) db.close();
  rmSync(folder, { recursive: true });
});

function results(): Database {
  const db = openResults(path, { create: true });
  open.push(db);
  return db;
}

const STAMPS = { version: "e0.1.0", git_commit: "abc", dvc_hash: null };

describe("openResults", () => {
  it("makes no database of a mistyped path", () => {
    expect(() => openResults(path)).toThrow(/there is no database/);
    expect(() => openResults(path, { readonly: true })).toThrow(/there is no database/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses writing when opened for reading", () => {
    results();
    const reader = openResults(path, { readonly: true });
    open.push(reader);
    expect(() => appendRow(reader, "default", { trackId: "a", values: {} })).toThrow(
      expect.objectContaining({ code: "E_DATABASE_READONLY" }),
    );
  });
});

describe("appendRow", () => {
  it("keeps the class and every digit of a value", () => {
    const db = results();
    const values = { f: 1, tiny: 1e-5, big: 9007199254740993n, inf: -Infinity, nan: "NaN", text: "a\0b", bytes: new Uint8Array([0, 1]) };
    appendRow(db, "default", { trackId: "a", values });
    const row = db.get(`SELECT f, typeof(f) AS class, tiny, big, inf, nan, hex(text) AS text, bytes FROM "default"`);
    expect(row).toEqual({
      f: 1,
      class: "real",
      tiny: 1e-5,
      big: 9007199254740993n,
      inf: -Infinity,
      nan: "NaN",
      text: "610062",
      bytes: new Uint8Array([0, 1]),
    });
  });

  it("gives rows of the same instant different timestamps, in order", () => {
    const db = results();
    const at = new Date("2031-11-24T10:00:00Z");
    const keys = [1, 2, 3].map(() => appendRow(db, "default", { trackId: "a", values: {}, at }).first);
    expect(new Set(keys).size).toBe(3);
    expect([...keys].sort()).toEqual(keys);
    expect(keys[0]).toMatch(/^2031-11-24 \d\d:\d\d:00\.\d{6}$/);
  });

  it("lets a first null fix no type, uses a column in other case, and loses no key to a rename", () => {
    const db = results();
    appendRow(db, "odd table", { trackId: "a", values: { Loss: null } });
    appendRow(db, "odd table", { trackId: "a", values: { Loss: 9.5, "a-b": 1n, a_b: 2n, order: 3n } });
    appendRow(db, "odd table", { trackId: "a", values: { loss: 10 } });
    const rows = db.all(`SELECT Loss, typeof(Loss) AS class, a_b, a_b_2, "order" FROM "odd table" ORDER BY Loss DESC`);
    expect(rows).toEqual([
      { Loss: 10, class: "real", a_b: null, a_b_2: null, order: null },
      { Loss: 9.5, class: "real", a_b: 1n, a_b_2: 2n, order: 3n },
      { Loss: null, class: "null", a_b: null, a_b_2: null, order: null },
    ]);
  });

  it("keeps names short, also of two that are the same as far as they are kept", () => {
    const db = results();
    const long = "layer.".repeat(20);
    appendRow(db, "default", { trackId: "a", values: { [`${long}weight`]: 1n, [`${long}bias`]: 2n } });
    const short = "layer_".repeat(20);
    expect(Object.entries(db.get(`SELECT * FROM "default"`) ?? {}).slice(2)).toEqual([
      [short.slice(0, 64), 1n],
      [`${short.slice(0, 60)}_2`, 2n],
    ]);
  });

  it("refuses a value that a column lets come only once", () => {
    const db = results();
    db.exec("CREATE TABLE seeds (track_id TEXT, timestamp TEXT, seed INTEGER UNIQUE, PRIMARY KEY (track_id, timestamp))");
    appendRow(db, "seeds", { trackId: "a", values: { seed: 1n } });
    expect(() => appendRow(db, "seeds", { trackId: "b", values: { seed: 1n } })).toThrow(/UNIQUE constraint failed: seeds.seed/);
  });

  it("refuses the two names that are the row's key", () => {
    expect(() => appendRow(results(), "default", { trackId: "a", values: { timestamp: 1n } })).toThrow(/cannot be logged/);
  });
});

describe("rowsSince", () => {
  it("finds new rows, new tables, and tracks that went on", () => {
    const db = results();
    appendRow(db, "default", { trackId: "fixed", values: { a: 1n } });
    snapshotTo(path, copy);
    const [one, two] = [1n, 2n].map((a) => appendRow(db, "default", { trackId: "fixed", values: { a, fresh: 1n } }));
    const other = appendRow(db, "metrics", { trackId: "other", values: {} });
    expect(rowsSince(db, copy)).toEqual({
      added: [{ table: "default", track_id: "fixed", first: one?.first, last: two?.first, rows: 2 }, other],
      vanished: 0,
      changed: 0,
    });
  });

  it("keeps stretches apart when an old row lies between new ones", () => {
    const db = results();
    const at = (second: number) => new Date(Date.UTC(2036, 0, 1, 0, 0, second));
    db.exec(`CREATE TABLE t (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp))`);
    db.exec(`INSERT INTO t VALUES ('x', '2020-01-02')`);
    snapshotTo(path, copy);
    db.exec(`INSERT INTO t VALUES ('x', '2020-01-01'), ('x', '2020-01-03'), ('x', '2020-01-04')`);
    appendRow(db, "t", { trackId: "y", values: {}, at: at(1) });
    expect(rowsSince(db, copy).added.map(({ track_id, rows }) => [track_id, rows])).toEqual([
      ["x", 1],
      ["x", 2],
      ["y", 1],
    ]);
  });

  it("keeps a stretch whole where an old row of another track lies in it", () => {
    const db = results();
    db.exec("CREATE TABLE t (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp)); INSERT INTO t VALUES ('y', '2')");
    snapshotTo(path, copy);
    db.exec("INSERT INTO t VALUES ('x', '1'), ('x', '3'), ('y', '4')");
    expect(rowsSince(db, copy).added.map(({ track_id, rows }) => [track_id, rows])).toEqual([
      ["x", 2],
      ["y", 1],
    ]);
  });

  it("sees a number that became text with its column, in a table with a key", () => {
    const db = results();
    const table = (type: string) => `CREATE TABLE t (track_id TEXT, timestamp TEXT, x ${type}, PRIMARY KEY (track_id, timestamp))`;
    db.exec(`${table("INTEGER")}; INSERT INTO t VALUES ('a', '1', 1)`);
    snapshotTo(path, copy);
    db.exec(`DROP TABLE t; ${table("TEXT")}; INSERT INTO t VALUES ('a', '1', '1')`);
    expect(rowsSince(db, copy)).toEqual({ added: [], vanished: 0, changed: 1 });
  });

  it("counts everything when there was no database", () => {
    snapshotTo(path, copy);
    const row = appendRow(results(), "default", { trackId: "a", values: {} });
    expect(rowsSince(results(), copy)).toEqual({ added: [row], vanished: 0, changed: 0 });
  });

  it("counts rows that vanished or changed, but no added columns and no stamps", () => {
    const db = results();
    for (const trackId of ["a", "b", "c", "d"]) appendRow(db, "default", { trackId, values: { score: 1n } });
    appendRow(db, "gone", { trackId: "z", values: {} });
    snapshotTo(path, copy);
    addStampColumns(db);
    db.exec(`UPDATE "default" SET version = 'e1' WHERE track_id = 'd'`);
    expect(rowsSince(db, copy)).toEqual({ added: [], vanished: 0, changed: 0 });
    db.exec(`DELETE FROM "default" WHERE track_id = 'a'; UPDATE "default" SET score = 2 WHERE track_id = 'b'; DROP TABLE gone`);
    expect(rowsSince(db, copy)).toEqual({ added: [], vanished: 2, changed: 1 });
  });

  it("sees values lost with a column, and which rows had one", () => {
    const db = results();
    for (const [trackId, score] of [
      ["a", 1n],
      ["b", null],
      ["c", 3n],
    ] as const)
      appendRow(db, "default", { trackId, values: { score, kept: 1n } });
    snapshotTo(path, copy);
    db.exec(`ALTER TABLE "default" DROP COLUMN score`);
    expect(rowsSince(db, copy)).toEqual({ added: [], vanished: 0, changed: 2 });
  });

  it("sees values lost with a table that was made anew", () => {
    const db = results();
    appendRow(db, "t", { trackId: "a", values: { score: 1n } });
    snapshotTo(path, copy);
    db.exec(`CREATE TABLE u AS SELECT track_id, timestamp FROM t; DROP TABLE t; ALTER TABLE u RENAME TO t`);
    expect(rowsSince(db, copy)).toMatchObject({ vanished: 0, changed: 1 });
  });

  it("sees another case where a column takes it for the same, in a table with a key and in one without", () => {
    const db = results();
    for (const [table, key] of [
      ["keyed", ", PRIMARY KEY (track_id, timestamp)"],
      ["free", ""],
    ]) {
      db.exec(`CREATE TABLE ${table} (track_id TEXT, timestamp TEXT, label TEXT COLLATE NOCASE${key})`);
      db.exec(`INSERT INTO ${table} VALUES ('a', '2026-01-01 00:00:00.000000', 'A')`);
    }
    snapshotTo(path, copy);
    for (const table of ["keyed", "free"]) {
      db.exec(`UPDATE ${table} SET label = 'a'`);
      expect(rowsSince(db, copy)).toMatchObject({ vanished: 0, changed: table === "keyed" ? 1 : 2 });
    }
  });
});

it("tracks that a column takes for one are two", () => {
  const db = results();
  db.exec(`CREATE TABLE t (track_id TEXT COLLATE NOCASE, timestamp TEXT, score)`);
  db.exec(`INSERT INTO t VALUES ('a', '1', 1), ('a', '2', 2), ('A', '2', 2)`);
  snapshotTo(path, copy);
  db.exec(`DELETE FROM t WHERE track_id = 'A' COLLATE BINARY`);
  db.exec(`INSERT INTO t VALUES ('A', '1', 1), ('a', '3', 3), ('b', '4', 4), ('B', '4', 4)`);
  const row = (track_id: string, at: string) => ({ table: "t", track_id, first: at, last: at, rows: 1 });
  expect(rowsSince(db, copy)).toEqual({ added: [row("A", "1"), row("a", "3"), row("B", "4"), row("b", "4")], vanished: 1, changed: 0 });
  expect(bringInRows(db, copy)).toBe(1);
});

describe("stampRows", () => {
  it("stamps exactly the run's rows and keeps what the program wrote", () => {
    const db = results();
    appendRow(db, "default", { trackId: "fixed", values: { n: 0n } });
    addStampColumns(db);
    snapshotTo(path, copy);
    appendRow(db, "default", { trackId: "fixed", values: { n: 1n } });
    appendRow(db, "default", { trackId: "fixed", values: { n: 2n, git_commit: "own" } });
    const { added } = rowsSince(db, copy);
    expect(stampRows(db, added, STAMPS)).toEqual([{ table: "default", column: "git_commit", value: "own", rows: 1 }]);
    expect(db.arrays(`SELECT n, version, git_commit, dvc_hash FROM "default" ORDER BY n`)).toEqual([
      [0n, null, null, null],
      [1n, "e0.1.0", "abc", null],
      [2n, "e0.1.0", "own", null],
    ]);
    expect(restampRows(db, added, { from: "e0.1.0", to: "e0.2.0" })).toBe(2);
  });

  it("counts the rows that say something else over all tracks", () => {
    const db = results();
    const tracks = ["a", "b"].map((trackId) => appendRow(db, "default", { trackId, values: { version: "own" } }));
    expect(stampRows(db, tracks, STAMPS)).toEqual([{ table: "default", column: "version", value: "own", rows: 2 }]);
  });

  it("writes no row that has all stamps, where a trigger lets none be changed; what else goes wrong is no rule", () => {
    const db = results();
    const values = { version: "e0.1.0", git_commit: "abc", dvc_hash: "d" };
    const track = appendRow(db, "default", { trackId: "a", values });
    db.exec(`CREATE TRIGGER never BEFORE UPDATE ON "default" BEGIN SELECT RAISE(ABORT, 'never'); END`);
    expect(stampRows(db, [track], { ...STAMPS, dvc_hash: "d" })).toEqual([]);
    db.exec(
      `DROP TRIGGER never; UPDATE "default" SET version = NULL; CREATE TRIGGER broken BEFORE UPDATE ON "default" BEGIN INSERT INTO nowhere VALUES (1); END`,
    );
    expect(() => stampRows(db, [track], STAMPS)).toThrow(/no such table/);
  });
});

it("a table that has as many columns as there can be takes as many stamps as there is room for", () => {
  const db = results();
  const columns = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`).join(", ");
  db.exec(
    `CREATE TABLE full (track_id TEXT, timestamp TEXT, ${columns(1998)}); CREATE TABLE nearly (track_id TEXT, timestamp TEXT, ${columns(1997)})`,
  );
  addStampColumns(db);
  const tracks = ["full", "nearly"].map((table) => {
    db.exec(`INSERT INTO ${table} (track_id, timestamp) VALUES ('t', '1')`);
    return { table, track_id: "t", first: "1", last: "1", rows: 1 };
  });
  const rule = "it has 2000 columns already";
  expect(stampRows(db, tracks, STAMPS)).toEqual([
    { table: "full", column: "version", value: null, rows: 1, rule },
    { table: "nearly", column: "version", value: null, rows: 1, rule },
  ]);
  expect(restampRows(db, tracks, { from: "e0.1.0", to: "e0.2.0" })).toBe(1);
  const more = () => appendRow(db, "full", { trackId: "t", values: { more: 1n } });
  expect(more).toThrow(expect.objectContaining({ code: "E_DATABASE", message: expect.stringContaining("has 2000 columns") }));
});

it("a shard has the tables of a database with a search index, and no index", () => {
  const db = results();
  appendRow(db, "default", { trackId: "a", values: { note: "x" } });
  db.exec("CREATE VIRTUAL TABLE found USING fts5(note); INSERT INTO found VALUES ('x'); CREATE INDEX plain ON \"default\" (note)");
  const shard = join(folder, "shard.db");
  createShard(shard, { schema: schemaOf(path), tables: [] }, (made) => {
    const names = made.arrays("SELECT name FROM sqlite_schema WHERE name IN ('default', 'plain', 'found') ORDER BY 1");
    expect(names).toEqual([["default"], ["plain"]]);
  });
});

describe("the driver", () => {
  it("waits for another writer and then says who keeps what locked", () => {
    const db = results();
    const impatient = openDatabase(path, { busyTimeout: 10 });
    open.push(impatient);
    db.exec("BEGIN IMMEDIATE");
    expect(() => impatient.write(() => 0)).toThrow(expect.objectContaining({ code: "E_DATABASE_BUSY" }));
    db.exec("ROLLBACK");
    expect(impatient.write(() => 7)).toBe(7);
  });
});
