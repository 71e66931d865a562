/** kill -9 of a merge of files that no project tracks: the output is what it was or what it is to be, and the next merge leaves nothing beside it. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

function makeDatabase(repo: TestRepository, name: string, loss: number): void {
  rmSync(join(repo.root, name), { force: true });
  const db = openDatabase(join(repo.root, name), { create: true });
  db.exec('CREATE TABLE "default" (track_id TEXT, timestamp TEXT, loss REAL, PRIMARY KEY (track_id, timestamp))');
  db.exec(`INSERT INTO "default" VALUES ('${name}', '2026', ${loss})`);
  db.close();
}

function losses(repo: TestRepository): number[] {
  const db = openDatabase(join(repo.root, "a.db"), { readonly: true });
  try {
    return db.arrays('SELECT loss FROM "default" ORDER BY 1').map(([loss]) => Number(loss));
  } finally {
    db.close();
  }
}

it("databases", () => {
  const repo = makeRepository();
  makeDatabase(repo, "b.db", 2);
  const merge = ["merge", "b.db", "--base-db", "a.db"];
  const points = atEveryKill((at) => {
    makeDatabase(repo, "a.db", 1);
    const killed = runKilledAt(repo, merge, at);
    expect([[1], [1, 2]]).toContainEqual(losses(repo));
    expect(repo.expver(merge).code).toBe(0);
    expect({ at, losses: losses(repo), files: readdirSync(repo.root) }).toEqual({ at, losses: [1, 2], files: [".git", "a.db", "b.db"] });
    return killed;
  });
  expect(points).toBeGreaterThan(5);
});

it("data files, a rebase", () => {
  const repo = makeRepository();
  repo.write("b.csv", "id,x\n2,c\n3,d\n");
  const merge = ["merge", "b.csv", "--base-data", "a.csv", "--strategy", "rebase", "--key-columns", "id", "--yes"];
  const [before, after] = ["id,x\n1,a\n2,b\n", "id,x\n1,a\n2,c\n3,d\n"];
  const points = atEveryKill((at) => {
    repo.write("a.csv", before);
    const killed = runKilledAt(repo, merge, at);
    expect([before, after]).toContain(readFileSync(join(repo.root, "a.csv"), "utf8"));
    expect(repo.expver(merge).code).toBe(0);
    expect({ at, text: repo.read("a.csv"), files: readdirSync(repo.root) }).toEqual({ at, text: after, files: [".git", "a.csv", "b.csv"] });
    return killed;
  }, sampledPoints(3));
  expect(points).toBeGreaterThan(5);
});
