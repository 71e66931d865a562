import { join } from "node:path";
import { expect, test } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { appendRow } from "../../src/results/rows.ts";
import { digestRun, removeRun, restampRun } from "../../src/results/run-rows.ts";
import { addRunTracks, insertRun, readRuns, runTracks, updateRun } from "../../src/results/runs.ts";
import type { RunRecord } from "../../src/results/types.ts";
import { makeFolder } from "../support/repository.ts";

const record = (run_id: string): RunRecord => ({
  run_id,
  version: "e0.1.0",
  status: "finished",
  command: "node train.js",
  argv: "[]",
  params: "{}",
  metrics: "{}",
  message: null,
  start: "2026-03-01T12:00:00Z",
  end: null,
  exit_code: 0,
  signal: null,
  git_commit: null,
  dvc_hash: null,
  dirty: 0,
  patch: null,
  changed_during_run: null,
  environment: null,
  log: null,
  seed: null,
  host: null,
  user: null,
});

const setUp = () => {
  const db = openResults(join(makeFolder("results"), "r.db"), { create: true });
  for (const [run, trackId] of [
    ["quiet-otter-0412", "t1"],
    ["loud-fox-0001", "t2"],
  ] as const) {
    insertRun(db, record(run));
    const tracks = [1, 2].map((epoch) => appendRow(db, "default", { trackId, values: { epoch: BigInt(epoch), loss: 0.5 } }));
    addRunTracks(db, run, tracks);
  }
  const digest = () => digestRun(db, "quiet-otter-0412");
  return { db, digest, before: digest() };
};

test("the digest of a run changes with its record, its tracks and any cell of its rows, in value or kind", () => {
  const changes = [
    `UPDATE "default" SET loss = 0.25 WHERE track_id = 't1' AND epoch = 1`,
    `UPDATE "default" SET epoch = NULL WHERE track_id = 't1' AND epoch = 1`,
    `UPDATE "default" SET loss = cast(x'302e35' AS blob) WHERE track_id = 't1'`,
    `DELETE FROM "default" WHERE track_id = 't1' AND epoch = 2`,
    `UPDATE expver_run_tracks SET rows = 9 WHERE run_id = 'quiet-otter-0412'`,
    `ALTER TABLE "default" ADD COLUMN note; UPDATE "default" SET note = 'x' WHERE track_id = 't1'`,
  ];
  for (const sql of changes) {
    const { db, digest, before } = setUp();
    db.exec(sql);
    expect(digest(), sql).not.toBe(before);
  }
  const { db, digest, before } = setUp();
  updateRun(db, "quiet-otter-0412", { version: "e0.2.0" });
  expect(digest()).not.toBe(before);
  db.exec(`ALTER TABLE "default" ADD COLUMN sign; UPDATE "default" SET sign = 0.0`);
  const positive = digest();
  db.exec(`UPDATE "default" SET sign = -0.0`);
  expect(digest()).not.toBe(positive);
});

test("what happens to other runs does not change it, nor does a new column that is empty here", () => {
  const { db, digest, before } = setUp();
  db.exec(`UPDATE "default" SET loss = 7 WHERE track_id = 't2'`);
  updateRun(db, "loud-fox-0001", { version: "e9.0.0" });
  appendRow(db, "default", { trackId: "t3", values: { brand_new: "x" } });
  expect(digest()).toBe(before);
  expect(digestRun(db, "no-such-run")).toBeNull();
});

test("removing a run takes its record, tracks and rows, and nothing of others", () => {
  const { db, digest } = setUp();
  const other = digestRun(db, "loud-fox-0001");
  expect(removeRun(db, "quiet-otter-0412")).toBe(2);
  expect(digest()).toBeNull();
  expect(digestRun(db, "loud-fox-0001")).toBe(other);
  expect(readRuns(db).map(({ run_id }) => run_id)).toEqual(["loud-fox-0001"]);
  expect(db.arrays(`SELECT DISTINCT track_id FROM "default"`)).toEqual([["t2"]]);
  db.exec("DROP TABLE expver_runs; DROP TABLE expver_run_tracks");
  expect(removeRun(db, "loud-fox-0001")).toBe(0);
});

test("rows of one moment have one order, whatever index finds them; a stretch that has grown is the longer one", () => {
  const { db, digest } = setUp();
  db.exec("CREATE TABLE t (track_id TEXT, timestamp TEXT, x INTEGER); INSERT INTO t VALUES ('t1', '1', 2), ('t1', '1', 1), ('t1', '1', 3)");
  for (const rows of [1, 3]) addRunTracks(db, "quiet-otter-0412", [{ table: "t", track_id: "t1", first: "1", last: "1", rows }]);
  expect(runTracks(db, "quiet-otter-0412").find(({ table }) => table === "t")?.rows).toBe(3);
  const before = digest();
  db.exec("CREATE INDEX i ON t (track_id, timestamp, x)");
  expect(digest()).toBe(before);
});

test("another version: rows that say another one keep it; a table that is gone, or lost its stamps, stands in the way of none", () => {
  const { db } = setUp();
  const run = "quiet-otter-0412";
  db.exec(`ALTER TABLE "default" ADD COLUMN version TEXT; UPDATE "default" SET version = 'e0.1.0' WHERE epoch = 1;
    UPDATE "default" SET version = 'mine' WHERE epoch = 2; CREATE TABLE plain (track_id TEXT, timestamp TEXT)`);
  for (const table of ["gone", "plain"]) addRunTracks(db, run, [{ table, track_id: "t1", first: "1", last: "2", rows: 1 }]);
  expect(restampRun(db, run, { from: "e0.1.0", to: "e0.2.0" })).toBe(1);
  expect(readRuns(db).map(({ run_id, version }) => [run_id, version])).toContainEqual([run, "e0.2.0"]);
  expect(db.arrays(`SELECT track_id, epoch, version FROM "default" ORDER BY 1, 2`)).toEqual([
    ["t1", 1n, "e0.2.0"],
    ["t1", 2n, "mine"],
    ["t2", 1n, "e0.1.0"],
    ["t2", 2n, "mine"],
  ]);
  expect(digestRun(db, run)).not.toBeNull();
  expect(removeRun(db, run)).toBe(2);
});

test("a run whose track the column takes for another's leaves that one's rows alone", () => {
  const db = openResults(join(makeFolder("results"), "r.db"), { create: true });
  db.exec("CREATE TABLE t (track_id TEXT COLLATE NOCASE, timestamp TEXT, version TEXT, accuracy, PRIMARY KEY (track_id, timestamp))");
  db.exec("INSERT INTO t VALUES ('a', '1', 'e0.1.0', 0.1), ('A', '2', 'e0.1.0', 0.2), ('a', '3', 'e0.1.0', 0.3)");
  db.write(() => {
    insertRun(db, record("quiet-otter-0412"));
    addRunTracks(db, "quiet-otter-0412", [{ table: "t", track_id: "a", first: "1", last: "3", rows: 2 }]);
  });
  expect(restampRun(db, "quiet-otter-0412", { from: "e0.1.0", to: "e0.2.0" })).toBe(2);
  expect(removeRun(db, "quiet-otter-0412")).toBe(2);
  expect(db.arrays("SELECT track_id, version FROM t")).toEqual([["A", "e0.1.0"]]);
});

test("a table without row numbers (WITHOUT ROWID) has runs like any other", () => {
  const { db } = setUp();
  db.exec("CREATE TABLE bare (track_id TEXT, timestamp TEXT, loss REAL, version TEXT, PRIMARY KEY (track_id, timestamp)) WITHOUT ROWID");
  db.exec("INSERT INTO bare VALUES ('t1', '1', 0.5, 'e0.1.0'), ('t1', '2', 0.25, 'e0.1.0')");
  addRunTracks(db, "quiet-otter-0412", [{ table: "bare", track_id: "t1", first: "1", last: "2", rows: 2 }]);
  const before = digestRun(db, "quiet-otter-0412");
  db.exec("UPDATE bare SET loss = 0.125 WHERE timestamp = '2'");
  expect(digestRun(db, "quiet-otter-0412")).not.toBe(before);
  expect(removeRun(db, "quiet-otter-0412")).toBe(4);
  db.close();
});
