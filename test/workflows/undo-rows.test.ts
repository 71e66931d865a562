import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { beginOperation } from "../../src/journal/operations.ts";
import { openResults } from "../../src/results/database.ts";
import { appendRow } from "../../src/results/rows.ts";
import { digestRun } from "../../src/results/run-rows.ts";
import { addRunTracks } from "../../src/results/runs.ts";
import { prepareWriting, repairFirst } from "../../src/workflows/prepare.ts";
import { undo } from "../../src/workflows/undo.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeRepository } from "../support/repository.ts";

const RUN = "quiet-otter-0412";
const DATABASE = "results/experiments.db";

const setUp = (options: { owner?: ReturnType<typeof deadIdentity> } = {}) => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  const operation = beginOperation(project, repo.context, { command: "log", argv: [], summary: "", ...options });
  operation.record({ kind: "rows", database: DATABASE, run: RUN });
  const open = () => openResults(join(repo.root, DATABASE), { create: true });
  const db = open();
  db.run("INSERT INTO expver_runs (run_id) VALUES (?)", [RUN]);
  addRunTracks(db, RUN, [appendRow(db, "default", { trackId: "t1", values: { loss: 0.5 } })]);
  appendRow(db, "default", { trackId: "t2", values: { loss: 0.7 } });
  operation.record({ kind: "rows", database: DATABASE, run: RUN, digest: digestRun(db, RUN) ?? "" });
  db.close();
  const tracks = () => {
    const opened = open();
    try {
      return opened.arrays(`SELECT track_id FROM "default" ORDER BY 1`).flat();
    } finally {
      opened.close();
    }
  };
  return { repo, project, operation, tracks, open };
};

test("undo removes exactly the rows of the run", async () => {
  const { repo, operation, tracks } = setUp();
  operation.finish();
  await undo.apply(repo.context, await undo.plan(repo.context, {}));
  expect(tracks()).toEqual(["t2"]);
});

test("undo is refused when one of its rows has changed", async () => {
  const { repo, operation, tracks, open } = setUp();
  operation.finish();
  const db = open();
  db.exec(`UPDATE "default" SET loss = 0.4 WHERE track_id = 't1'`);
  db.close();
  await expect(undo.plan(repo.context, {})).rejects.toThrow(/rows of quiet-otter-0412 \(changed\)/);
  expect(tracks()).toEqual(["t1", "t2"]);
});

test("rows of a killed command are taken back before the next plan; a plan made over them is refused", async () => {
  const killed = setUp({ owner: deadIdentity() });
  await repairFirst(killed.repo.context, { dryRun: true });
  expect(killed.tracks()).toEqual(["t1", "t2"]);
  expect(killed.repo.warnings()).toEqual([expect.stringContaining("this plan is made over what it left")]);
  await repairFirst(killed.repo.context);
  expect(killed.tracks()).toEqual(["t2"]);
  const other = setUp({ owner: deadIdentity() });
  await expect(prepareWriting(other.project, other.repo.context)).rejects.toThrow(expect.objectContaining({ code: "E_PLAN_STALE" }));
  await prepareWriting(other.project, other.repo.context);
});
