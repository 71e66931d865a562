/** Rows of a stored copy: whatever its tables are declared as, nothing but its rows comes in. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { mergeInto } from "../../src/merge/results/merge-into.ts";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { bringInRows, countMissingRows } from "../../src/results/bring-in.ts";
import { openResults } from "../../src/results/database.ts";
import { digestRun, removeRun, restampRun } from "../../src/results/run-rows.ts";
import { addRunTracks } from "../../src/results/runs.ts";
import { makeFolder } from "../support/repository.ts";

const HOSTILE = `"INT; DROP TABLE main.kept; --"`;

it("a declared type of somebody else's file is no SQL of ours", () => {
  const folder = makeFolder("bring-in");
  const there = join(folder, "there.db");
  const other = openDatabase(there, { create: true });
  other.exec(`CREATE TABLE "default" (track_id TEXT, timestamp TEXT, x ${HOSTILE}, n VARCHAR(10), PRIMARY KEY (track_id, timestamp));
    CREATE TABLE fresh (track_id TEXT, timestamp TEXT, y ${HOSTILE.replace("INT;", "INT);")}, PRIMARY KEY (track_id, timestamp));
    INSERT INTO "default" VALUES ('a', '1', 7, 'n'); INSERT INTO fresh VALUES ('b', '2', 8)`);
  other.close();
  const ways = {
    bringInRows: (db: Parameters<typeof bringInRows>[0]) => void bringInRows(db, there),
    mergeInto: (db: Parameters<typeof bringInRows>[0]) => void mergeInto(db, { path: there, name: "there" }),
  };
  for (const [name, bring] of Object.entries(ways)) {
    const db = openResults(join(folder, `${name}.db`), { create: true });
    db.exec(`CREATE TABLE "default" (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp));
      CREATE TABLE kept (z); INSERT INTO kept VALUES (1)`);
    bring(db);
    expect(db.arrays("SELECT z FROM kept"), name).toEqual([[1n]]);
    expect(db.arrays(`SELECT track_id, x, n FROM "default"`), name).toEqual([["a", 7n, "n"]]);
    expect(db.arrays("SELECT track_id, y FROM fresh"), name).toEqual([["b", 8n]]);
    const types = db.arrays(`SELECT name, type FROM pragma_table_info('default') WHERE name IN ('x', 'n')`);
    expect(types, name).toEqual([
      ["x", ""],
      ["n", "VARCHAR(10)"],
    ]);
    db.close();
  }
});

it("a table whose name is written in another case is that table, for the run that wrote to it too", () => {
  const folder = makeFolder("bring-in-case");
  const there = join(folder, "there.db");
  const other = openResults(there, { create: true });
  other.exec(`CREATE TABLE Scores (track_id TEXT, timestamp TEXT, x INTEGER, version TEXT, PRIMARY KEY (track_id, timestamp));
    INSERT INTO Scores VALUES ('a', '1', 7, 'e0.1.0'); INSERT INTO expver_runs (run_id, version) VALUES ('swift-fox-0001', 'e0.1.0')`);
  addRunTracks(other, "swift-fox-0001", [{ table: "Scores", track_id: "a", first: "1", last: "1", rows: 1 }]);
  other.close();
  const db = openResults(join(folder, "here.db"), { create: true });
  db.exec(`CREATE TABLE scores (track_id TEXT, timestamp TEXT, x INTEGER, version TEXT, PRIMARY KEY (track_id, timestamp));
    INSERT INTO scores (track_id, timestamp, x) VALUES ('b', '2', 8)`);
  expect(bringInRows(db, there)).toBe(3);
  expect(bringInRows(db, there)).toBe(0);
  expect(restampRun(db, "swift-fox-0001", { from: "e0.1.0", to: "e0.2.0" })).toBe(1);
  const digest = digestRun(db, "swift-fox-0001");
  db.exec("UPDATE scores SET x = 9 WHERE track_id = 'a'");
  expect(digestRun(db, "swift-fox-0001")).not.toBe(digest);
  expect(removeRun(db, "swift-fox-0001")).toBe(1);
  expect(db.arrays("SELECT track_id, x FROM scores")).toEqual([["b", 8n]]);
  db.close();
});

it("every row is missing where a program has made the table anew, without the columns of a key", () => {
  const folder = makeFolder("bring-in-anew");
  const there = join(folder, "there.db");
  const other = openResults(there, { create: true });
  other.exec(
    `CREATE TABLE "default" (track_id TEXT, timestamp TEXT, x INTEGER, PRIMARY KEY (track_id, timestamp)); INSERT INTO "default" VALUES ('a', '1', 7)`,
  );
  other.close();
  const db = openResults(join(folder, "here.db"), { create: true });
  db.exec(`CREATE TABLE "default" (x INTEGER); INSERT INTO "default" VALUES (8)`);
  expect([countMissingRows(db, there), bringInRows(db, there), countMissingRows(db, there)]).toEqual([1, 1, 0]);
  expect(db.arrays(`SELECT track_id, x FROM "default" ORDER BY x`)).toEqual([
    ["a", 7n],
    [null, 8n],
  ]);
  db.close();
});

it("a value keeps its class and its digits where the column here is declared for others", () => {
  const folder = makeFolder("bring-in-types");
  const there = join(folder, "there.db");
  const other = openDatabase(there, { create: true });
  other.exec(`CREATE TABLE "default" (track_id TEXT, timestamp TEXT, code TEXT, tag TEXT, PRIMARY KEY (track_id, timestamp));
    INSERT INTO "default" VALUES ('a', '1', '007', '1.10')`);
  other.close();
  const db = openResults(join(folder, "here.db"), { create: true });
  db.exec(`CREATE TABLE "default" (track_id TEXT, timestamp TEXT, code INTEGER, tag REAL, PRIMARY KEY (track_id, timestamp));
    INSERT INTO "default" VALUES ('b', '2', 12, 1.5)`);
  expect(bringInRows(db, there)).toBe(1);
  expect(db.arrays(`SELECT track_id, code, tag FROM "default" ORDER BY track_id`)).toEqual([
    ["a", "007", "1.10"],
    ["b", 12n, 1.5],
  ]);
  db.close();
});
