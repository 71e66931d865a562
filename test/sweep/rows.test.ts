/** Whose rows are whose, when programs give them names that others use too. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { openResults } from "../../src/results/database.ts";
import { rowsOf } from "../run/story.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeSweepExperiment, rowsByRun } from "./story.ts";

/** Writes three rows under one fixed track id; each run says in `AT` (by n) when. */
function fixedTrack(repo: TestRepository, more: string): void {
  const sqlite = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");
  repo.write(
    "train.js",
    `const { DatabaseSync } = require(${JSON.stringify(sqlite)});
    const { n } = JSON.parse(process.env.EXPVER_PARAMS);
    const at = (step) => ${more};
    const db = new DatabaseSync(process.env.EXPVER_DB);
    db.exec('CREATE TABLE IF NOT EXISTS "default" (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp))');
    for (const name of ["n", "step", "accuracy"]) try { db.exec('ALTER TABLE "default" ADD COLUMN ' + name); } catch {}
    const insert = db.prepare('INSERT INTO "default" (track_id, timestamp, n, step, accuracy) VALUES (?, ?, ?, ?, ?)');
    for (const step of [0, 1, 2]) insert.run("fixed", "2026-01-01 00:00:00." + at(step), n, step, n / 10 + step / 100);
    if (n === 3 && !require("fs").existsSync(${JSON.stringify(join(repo.root, "../good"))})) process.exit(1);`,
  );
  repo.commit("one track id for all");
}

const SWEEP = ["sweep", "--grid", "n=1,2,3", "--", "node", "train.js"];
const said = (rows: Record<string, unknown>[]) => rows.map(({ n, step }) => `${n} ${step}`).sort();
const ALL = ["1 0", "1 1", "1 2", "2 0", "2 1", "2 2", "3 0", "3 1", "3 2"];

it("rows of runs at one time under one track id are each of one run; those of a failed one get no version", () => {
  const repo = makeSweepExperiment();
  fixedTrack(repo, 'String(100 + step * 10 + n).padStart(6, "0")');
  const first = repo.expverJson([...SWEEP.slice(0, 3), "--fail-fast", ...SWEEP.slice(3)]);
  expect(first.data.counts).toBe("3 runs · 2 finished · 1 failed");
  const ofRuns = rowsByRun(repo);
  expect(said(ofRuns)).toEqual(ALL);
  expect(ofRuns.map(({ n, status, version }) => `${n} ${status} ${version}`).sort()).toEqual(
    [1, 2, 3].flatMap((n) => Array(3).fill(n === 3 ? "3 failed null" : `${n} finished e0.1.0`)),
  );
  const { stdout } = repo.expver(["verify", "e0.1.0"]);
  expect(stdout.match(/: 3 rows carry its version/g)?.length).toBe(2);
  expect(stdout).not.toContain("9 rows");
  // A run that ends later parts what is in the database already.
  expect(repo.expver(["undo"]).code).toBe(0);
  repo.write("../good", "");
  expect(repo.expverJson(["sweep", "--resume", "--retry-failed"]).data.counts).toBe("3 runs · 3 finished");
  const finished = rowsByRun(repo).filter(({ status }) => status === "finished");
  expect(said(finished)).toEqual(ALL);
});

it("rows of one name in one microsecond move on, and stay their run's", () => {
  const repo = makeSweepExperiment();
  repo.write("../good", "");
  // The first and the last row of each run meet those of the others; the one between does so only sometimes.
  fixedTrack(repo, 'String(step === 1 ? 100 + n : 100 + step * 5).padStart(6, "0")');
  expect(repo.expver(SWEEP).code).toBe(0);
  const rows = rowsByRun(repo);
  expect(said(rows)).toEqual(ALL);
  expect(rowsOf(repo).length).toBe(9);
  expect(new Set(rows.map(({ version }) => version))).toEqual(new Set(["e0.1.0"]));
});

it("what somebody has corrected in rows of an unfinished sweep stays, and does not keep it from being finished", () => {
  const repo = makeSweepExperiment();
  fixedTrack(repo, 'String(100 + n * 10 + step).padStart(6, "0")');
  repo.write("train.js", repo.read("train.js").replace("process.exit(1)", 'process.kill(process.pid, "SIGKILL")'));
  repo.commit("killed");
  expect(repo.expverJson(SWEEP).data.counts).toBe("3 runs · 2 finished · 1 missing");
  const db = openDatabase(join(repo.root, "results/experiments.db"));
  db.run(`UPDATE "default" SET accuracy = 0.99 WHERE n = 1 AND step = 2`);
  db.close();
  repo.write("../good", "");
  expect(repo.expverJson(["sweep", "--resume"])).toMatchObject({ code: 0, data: { counts: "3 runs · 3 finished" } });
  const after = openResults(join(repo.root, "results/experiments.db"), { readonly: true });
  expect(after.all(`SELECT accuracy FROM "default" WHERE n = 1 AND step = 2`)).toEqual([{ accuracy: 0.99 }]);
  after.close();
});
