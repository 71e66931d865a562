import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Database } from "../../src/platform/sqlite.ts";
import { openResults } from "../../src/results/database.ts";
import { aggregate } from "../../src/results/numbers.ts";
import { appendRow } from "../../src/results/rows.ts";
import { addRunTracks } from "../../src/results/runs.ts";
import { ensureRunTables } from "../../src/results/schema.ts";
import type { Cell } from "../../src/results/types.ts";
import { FAST_FOLDER } from "../support/repository.ts";

let folder: string;
let db: Database;

beforeEach(() => {
  folder = mkdtempSync(join(FAST_FOLDER, "expver-numbers-"));
  db = openResults(join(folder, "r.db"), { create: true });
  ensureRunTables(db);
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function log(...rows: Record<string, Cell>[]) {
  addRunTracks(
    db,
    "run",
    rows.map((values) => appendRow(db, "predictions", { trackId: "t", values })),
  );
}

it("tells parameters from metrics and keeps the digits of both", () => {
  log({ lr: 1e-5, model: "bert", accuracy: 0.5, val_loss: 2, function_time: 1, error: "", big: 9007199254740993n });
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} })).toEqual({
    params: { lr: "1e-05", model: "bert", big: "9007199254740993" },
    metrics: { accuracy: "0.5", val_loss: "2.0" },
    guessed: { accuracy: "max", val_loss: "min" },
    ofSeveral: {},
    objects: [],
  });
});

it("takes the last value that is not null, or aggregates as configured", () => {
  log({ accuracy: 0.9, cost: 3 }, { accuracy: 0.7, cost: 1 }, { accuracy: null, cost: 2 });
  const metrics = { accuracy: "max", cost: "min" } as const;
  expect(aggregate(db, "run", { metrics, aggregate: {} }).metrics).toEqual({ accuracy: "0.7", cost: "2.0" });
  expect(aggregate(db, "run", { metrics, aggregate: { accuracy: "best", cost: "best" } }).metrics).toEqual({
    accuracy: "0.9",
    cost: "1.0",
  });
  expect(aggregate(db, "run", { metrics, aggregate: { accuracy: "max", cost: "sum" } }).metrics).toEqual({ accuracy: "0.9", cost: "6.0" });
  expect(aggregate(db, "run", { metrics, aggregate: { cost: "mean" } }).metrics.cost).toBe("2.0");
});

it("bytes that say the same in each row are a parameter, as they are in one row", () => {
  const row = () => ({ kind: Uint8Array.of(200), changing: Uint8Array.of(201), accuracy: 0.5 });
  log(row(), { ...row(), changing: Uint8Array.of(202) });
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} }).params).toEqual({ kind: "c8" });
});

it("the numbers a table gives its rows are no parameter", () => {
  db.exec("CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, track_id TEXT, timestamp TEXT, depth INTEGER, accuracy REAL)");
  for (const second of [1, 2])
    db.run("INSERT INTO epochs (track_id, timestamp, depth, accuracy) VALUES ('t', ?, 3, 0.5)", [`2026-01-01 00:00:0${second}`]);
  addRunTracks(db, "run", [{ table: "epochs", track_id: "t", first: "2026-01-01 00:00:01", last: "2026-01-01 00:00:02", rows: 2 }]);
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} })).toMatchObject({ params: { depth: "3" }, metrics: { accuracy: "0.5" } });
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} }).params).not.toHaveProperty("id");
});

it("9 is before 10 where a table of another tool counts steps instead of time", () => {
  for (const type of ["INTEGER", "REAL", "TEXT"]) {
    const table = `steps_${type}`;
    db.exec(`CREATE TABLE ${table} (track_id TEXT, timestamp ${type}, accuracy_${type} REAL, PRIMARY KEY (track_id, timestamp))`);
    for (const step of [8, 9, 10, 11]) db.run(`INSERT INTO ${table} VALUES ('t', ?, ?)`, [BigInt(step), step / 100]);
    const [first, last] = type === "TEXT" ? ["10", "9"] : ["8", "11"];
    addRunTracks(db, "run", [{ table, track_id: "t", first: String(first), last: String(last), rows: 4 }]);
  }
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} }).metrics).toEqual({
    accuracy_INTEGER: "0.11",
    accuracy_REAL: "0.11",
    accuracy_TEXT: "0.11",
  });
});

it("the last value is the last in time, in whatever table it stands", () => {
  const at = (table: string, second: number, accuracy: number) =>
    appendRow(db, table, { trackId: "t", values: { accuracy }, at: new Date(2026, 0, 1, 0, 0, second) });
  const [first, between, last] = [at("epochs", 1, 0.1), at("predictions", 11, 0.2), at("epochs", 21, 0.3)];
  addRunTracks(db, "run", [{ ...first, last: last.last, rows: 2 }, between]);
  expect(aggregate(db, "run", { metrics: { accuracy: "max" }, aggregate: {} }).metrics).toEqual({ accuracy: "0.3" });
});

it("does not take an asset's hash for a metric, nor NaN for the best", () => {
  log({ accuracy: "e641b2263f39120f" }, { loss: "NaN" }, { loss: 0.5 }, { loss: "NaN" });
  const { metrics, params } = aggregate(db, "run", { metrics: { loss: "min" }, aggregate: { loss: "best" } });
  expect(params.accuracy).toBe("e641b2263f39120f");
  expect(metrics.loss).toBe("0.5");
});

it("leaves out what is the hash of an asset, and nothing that only looks like one", () => {
  db.exec("CREATE TABLE counts (key TEXT PRIMARY KEY, value BLOB); INSERT INTO counts VALUES ('e641b2263f39120f', x'00')");
  log({ fitted: "e641b2263f39120f", accuracy: "e641b2263f39120f", build: "0641b2263f39120f", lr: 0.1 });
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} }).params).toEqual({ build: "0641b2263f39120f", lr: "0.1" });
  for (const metrics of [{}, { accuracy: "max" } as const])
    expect(aggregate(db, "run", { metrics, aggregate: {} })).toMatchObject({ params: { lr: "0.1" }, objects: ["accuracy"] });
  expect(aggregate(db, "run", { metrics: { accuracy: "max" }, aggregate: {} }).metrics).toEqual({});
});

it("leaves rows of other runs alone", () => {
  log({ accuracy: 0.1 });
  appendRow(db, "predictions", { trackId: "other", values: { accuracy: 0.9 } });
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} }).metrics.accuracy).toBe("0.1");
});

it("takes what counts rows for no parameter, unless it stays the same; another number that changes was measured", () => {
  log(
    { epoch: 1n, Step: 10n, iter: 3n, lr: 0.1, phase: "train", loss: 2 },
    { epoch: 2n, Step: 20n, iter: 3n, lr: 0.2, phase: "val", loss: 1 },
  );
  expect(aggregate(db, "run", { metrics: {}, aggregate: {} })).toEqual({
    params: { iter: "3" },
    metrics: { loss: "1.0", lr: "0.2" },
    guessed: { loss: "min" },
    ofSeveral: {},
    objects: [],
  });
  expect(aggregate(db, "run", { metrics: { epoch: "min" }, aggregate: {} }).metrics.epoch).toBe("2");
});

it("settings of which each of several tracks has its own are none of the run: with the best loss the last x would be wrong", () => {
  const track = (trackId: string, ...rows: Record<string, Cell>[]) =>
    rows.map((values) => appendRow(db, "predictions", { trackId, values }));
  const first = track("t1", { x: 0.5, depth: 3n, loss: 0.1 }, { x: 0.5, depth: 3n, loss: 0.2 });
  const second = track("t2", { x: -4, depth: 3n, loss: 25 });
  addRunTracks(db, "run", [...first, ...second]);
  const numbers = aggregate(db, "run", { metrics: { loss: "min" }, aggregate: { loss: "best" } });
  expect(numbers).toEqual({ params: { depth: "3" }, metrics: { loss: "0.1" }, guessed: {}, ofSeveral: {}, objects: [] });
  expect(aggregate(db, "run", { metrics: { loss: "min" }, aggregate: {} })).toMatchObject({
    metrics: { loss: "25.0" },
    ofSeveral: { loss: 2 },
  });
});
