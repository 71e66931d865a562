/** Python programs that log with xetrack, each to its own part of the database or all of them to one: no row is lost. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { giveDuckDb, python } from "../results/xetrack.ts";
import { rowsOf } from "../run/story.ts";
import { makeSweepExperiment, rowsByRun } from "./story.ts";

const RUNS = 6;
const ROWS = 3;

const program = (database: string, engine: string) => `
import json, os
from xetrack import Tracker
n = json.loads(os.environ["EXPVER_PARAMS"])["n"]
tracker = Tracker(${database}, engine="${engine}")
for step in range(${ROWS}):
    tracker.log({"n": n, "step": step, "accuracy": n / 100 + step / 1000})
`;

const ARGS = ["sweep", "--grid", "n=1,2,3,4,5,6", "--jobs", "3", "--", python ?? "python", "train.py"];
const expected = Array.from({ length: RUNS * ROWS }, (_, index) => `${Math.floor(index / ROWS) + 1} ${index % ROWS}`);
const said = (rows: Record<string, unknown>[]) => rows.map(({ n, step }) => `${n} ${step}`).sort();

it.skipIf(python === null).each(["sqlite", "duckdb"])("its %s engine, each run with EXPVER_DB", { timeout: 300_000 }, (engine) => {
  const repo = makeSweepExperiment();
  giveDuckDb(repo);
  repo.write("train.py", program('os.environ["EXPVER_DB"]', engine));
  const { code, data } = repo.expverJson(ARGS);
  expect(code).toBe(0);
  expect(data.best).toMatchObject({ settings: { n: "6" }, value: "0.062" });
  const rows = rowsByRun(repo);
  expect(said(rows)).toEqual(expected);
  expect(new Set(rows.map((row) => `${row.version} ${row.status}`))).toEqual(new Set(["e0.1.0 finished"]));
  expect(rowsOf(repo).length).toBe(RUNS * ROWS);
});

it.skipIf(python === null).each(["sqlite", "duckdb"])("its %s engine, all runs on one database", { timeout: 300_000 }, (engine) => {
  const repo = makeSweepExperiment();
  giveDuckDb(repo);
  mkdirSync(join(repo.root, "results"));
  repo.write("train.py", program(JSON.stringify(join(repo.root, "results/experiments.db")), engine));
  // A program that met another one's lock has failed, and is tried again: it may then have logged some rows twice.
  const { code, data } = repo.expverJson([...ARGS.slice(0, 1), "--retry", "9", ...ARGS.slice(1)]);
  expect(data?.counts).toBe("6 runs · 6 finished");
  expect(code).toBe(0);
  const logged = rowsOf(repo).filter(({ step }) => step !== null);
  expect([...new Set(said(logged))]).toEqual(expected);
});
