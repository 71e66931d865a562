/** The program removes, spoils or replaces the results database it was given. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { peer } from "../support/peers.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeExperiment, rowsOf, runRows } from "./story.ts";

const DB = "results/experiments.db";
const SQLITE = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");
const MAKES_ANEW = `
const { rmSync } = require("fs");
rmSync(process.env.EXPVER_DB);
const { DatabaseSync } = require(${JSON.stringify(SQLITE)});
const db = new DatabaseSync(process.env.EXPVER_DB);
db.exec("CREATE TABLE epochs (track_id TEXT, timestamp TEXT, loss REAL, PRIMARY KEY (track_id, timestamp))");
db.exec("INSERT INTO epochs VALUES ('mine', '2026-01-01', 0.5)");
`;

function withHistory(): TestRepository {
  const repo = makeExperiment();
  expect(repo.expverJson(["run", "--param", "lr=1", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.1.0" } });
  return repo;
}

function expectRecorded(repo: TestRepository, answer: ReturnType<TestRepository["expverJson"]>): void {
  expect(answer).toMatchObject({ code: 4, error: { code: "E_HISTORY_CHANGED", details: { vanished: 1, changed: 0 } } });
  expect(answer.data).toMatchObject({ status: "finished", version: null });
  const before = String(answer.error?.details.before);
  const stored = openResults(before, { immutable: true });
  expect(stored.all('SELECT lr, version FROM "default"')).toEqual([{ lr: 1n, version: "e0.1.0" }]);
  stored.close();
  expect(runRows(repo)).toMatchObject([
    { status: "finished", version: "e0.1.0" },
    { status: "finished", version: null },
  ]);
  expect(repo.git("for-each-ref", "refs/expver/reserved")).toBe("");
  const next = repo.expverJson(["run", "--", "true"]);
  expect(next).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
  expect(rowsOf(repo).filter(({ version }) => version === "e0.1.0")).toHaveLength(1);
  expect(repo.git("status", "--porcelain")).toBe("");
  const dvc = peer("dvc");
  if (dvc !== null) expect(repo.run(dvc, ["status"]).stdout).toContain("up to date");
}

it("removed: it is put back, the run is recorded and not versioned", () => {
  const repo = withHistory();
  const answer = repo.expverJson(["run", "--", "rm", DB]);
  expect(answer.warnings.map(({ text }) => text).join()).toContain(`${DB} is again what it was before the program, which removed it`);
  expect(rowsOf(repo).filter(({ version }) => version === "e0.1.0")).toHaveLength(1);
  expectRecorded(repo, answer);
});

it("removed with a journal of its own left beside it: that is not applied to the copy", () => {
  const repo = withHistory();
  expectRecorded(repo, repo.expverJson(["run", "--", "sh", "-c", `rm ${DB}; echo spoil > ${DB}-wal; echo spoil > ${DB}-journal`]));
  expect(readdirSync(join(repo.root, "results")).sort()).toEqual(["experiments.db", "experiments.db.dvc"]);
});

it("spoilt: the file goes to the trash", () => {
  const repo = withHistory();
  const answer = repo.expverJson(["run", "--", "sh", "-c", `rm ${DB}; echo no database > ${DB}`]);
  const trash = /now (\S+)\)/.exec(answer.warnings.map(({ text }) => text).join())?.[1] ?? "";
  expect(repo.run("cat", [trash]).stdout).toBe("no database\n");
  expectRecorded(repo, answer);
});

it("made anew: the rows are the run's, the runs stay known, the old rows are in the cache", () => {
  const repo = withHistory();
  const answer = repo.expverJson(["run", "--", "node", "-e", MAKES_ANEW]);
  expect(rowsOf(repo, "epochs")).toMatchObject([{ loss: 0.5, version: null }]);
  expectRecorded(repo, answer);
});

it("made anew with nothing in it before: that is how a first run may begin", () => {
  const repo = makeExperiment();
  const answer = repo.expverJson(["run", "--", "node", "-e", MAKES_ANEW]);
  expect(answer).toMatchObject({ code: 0, data: { version: "e0.1.0", rows: 1 } });
  expect(rowsOf(repo, "epochs")).toMatchObject([{ loss: 0.5, version: "e0.1.0" }]);
  expect(repo.git("status", "--porcelain")).toBe("");
});

it("that is none before the start: nothing begins, nothing is left", () => {
  const repo = makeExperiment();
  repo.write(DB, "no database");
  expect(repo.expverJson(["run", "--", "touch", "ran"])).toMatchObject({ code: 1, error: { code: "E_DATABASE" } });
  expect(existsSync(join(repo.root, "ran"))).toBe(false);
  expect(repo.read(DB)).toBe("no database");
  expect(repo.git("for-each-ref", "refs/expver")).toBe("");
  expect(readdirSync(join(repo.root, ".git/expver/runs"))).toEqual([]);
});
