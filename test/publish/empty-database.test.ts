/** A results database in which there is nothing yet: no byte, no table, or no row. */
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { rowsOf, runRows } from "../run/story.ts";
import { cloneOf, makeStudy, must, runOnce } from "./story.ts";

const EMPTY: Record<string, string | null> = {
  "no byte": null,
  "no table": "CREATE TABLE gone (x); DROP TABLE gone",
  "no row": `CREATE TABLE "default" (track_id TEXT, timestamp TEXT, PRIMARY KEY (track_id, timestamp))`,
};

it.each(Object.entries(EMPTY))("%s: run, publish, sync and merge go through it, here and where it was cloned", (_, sql) => {
  const study = makeStudy();
  const { repo } = study;
  const make = (root: string) => {
    const path = join(root, "results/experiments.db");
    mkdirSync(join(root, "results"), { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, "");
    const db = openDatabase(path);
    if (sql !== null) db.exec(sql);
    db.close();
  };
  make(repo.root);
  expect(statSync(join(repo.root, "results/experiments.db")).size === 0).toBe(sql === null);
  must(repo, ["data", "add", "results/experiments.db"]);
  repo.commit("nothing yet");
  repo.git("push", "-q", "-u", "origin", "main");
  must(repo, ["data", "push"]);
  expect(must(repo, ["sync"]).data).toMatchObject({ fetched: [], corrected: [] });
  const other = cloneOf(study);
  const version = runOnce(repo);
  expect(rowsOf(repo)).toHaveLength(1);
  must(repo, ["publish"]);

  make(other.root);
  expect(must(other, ["sync"]).data).toMatchObject({ fetched: [version], corrected: [] });
  expect(must(other, ["merge", version]).code).toBe(0);
  expect([rowsOf(other), runRows(other).map(({ run_id }) => run_id)]).toEqual([rowsOf(repo), runRows(repo).map(({ run_id }) => run_id)]);

  // The other way round: nothing comes from it, and nothing of ours goes.
  make(join(repo.root, "empty"));
  expect(must(repo, ["merge", "empty/results/experiments.db"]).code).toBe(0);
  expect(rowsOf(repo)).toHaveLength(1);
  expect(must(repo, ["verify", version]).code).toBe(0);
});
