/** `expver merge WORKTREE|BRANCH|TAG|FILE`: into the project's own database, journaled, undone row by row. */
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { planResultsMerge } from "../../src/workflows/merge/results-part.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const DATABASE = "results/experiments.db";
const POINTS = sampledPoints(17);

function makeStudy(): TestRepository {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("train.js", 'require("fs").writeFileSync("metrics.json", JSON.stringify({ loss: Number(process.env.EXPVER_PARAM_LR) }));');
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("start");
  train(repo, "0.5");
  return repo;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into data of every command.
function must(repo: TestRepository, ...args: string[]): any {
  const answer = repo.expverJson(args);
  if (answer.code !== 0) throw new Error(`expver ${args.join(" ")}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

function train(repo: TestRepository, lr: string): string {
  return must(repo, "run", "--param", `lr=${lr}`, "--metrics", "metrics.json", "--", "node", "train.js").run_id;
}

/** A worktree with a run of its own. */
function makeWorktree(repo: TestRepository, name: string, lr: string): { there: TestRepository; run: string } {
  const { root } = must(repo, "worktree", "create", name);
  const there = openTestRepository(root, repo.context.env as Record<string, string>);
  return { there, run: train(there, lr) };
}

function rowsOf(repo: TestRepository): Record<string, unknown[]> {
  const db = openDatabase(join(repo.root, DATABASE), { readonly: true });
  try {
    const tables = db.arrays("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").map(([name]) => String(name));
    return Object.fromEntries(tables.map((table) => [table, db.arrays(`SELECT rowid, * FROM "${table}" ORDER BY rowid`).map(String)]));
  } finally {
    db.close();
  }
}

function stateOf(repo: TestRepository): unknown {
  return {
    head: repo.git("rev-parse", "HEAD"),
    status: repo.git("status", "--porcelain"),
    index: repo.git("ls-files", "--stage"),
    pointer: repo.read(`${DATABASE}.dvc`),
    rows: rowsOf(repo),
  };
}

function runsIn(repo: TestRepository): string[] {
  return (rowsOf(repo).default as string[]).map((row) => row.split(",")[1] ?? "").sort();
}

describe("expver merge into the project", () => {
  it("of databases in WAL mode leaves nothing beside the objects of the cache", () => {
    const repo = makeStudy();
    const db = openDatabase(join(repo.root, DATABASE));
    db.exec("PRAGMA journal_mode = wal");
    db.close();
    train(repo, "0.2");
    const { run } = makeWorktree(repo, "wide", "0.1");
    train(repo, "0.3");
    const left = () => repo.run("find", [".dvc/cache", "-name", "*-wal", "-o", "-name", "*-shm"]).stdout;
    for (const name of ["exp/wide", "wide"]) {
      repo.expver(["check", "exp/wide"]);
      must(repo, "merge", name);
      expect([left(), runsIn(repo).includes(run)], name).toEqual(["", true]);
      must(repo, "undo");
    }
  });

  it("brings in the rows of HEAD's version first, where a pull has moved the pointer and not the file", () => {
    const repo = makeStudy();
    const { there, run } = makeWorktree(repo, "wide", "0.1");
    const before = readFileSync(join(repo.root, DATABASE));
    const [first, second] = [runsIn(repo)[0], train(repo, "0.2")];
    repo.write(DATABASE, before);
    expect(must(repo, "merge", "wide", "--dry-run").steps[0]).toMatchObject({ verb: "bring in", target: DATABASE });
    must(repo, "merge", "wide");
    expect(runsIn(repo)).toEqual([first, second, run].sort());
    expect(runsIn(there)).toEqual([first, run].sort());
  });

  it.each([
    ["results/all.dvc", (repo: TestRepository, text: string) => repo.write("results/all.dvc", `# of all\n${text}`)],
    [
      "dvc.lock",
      (repo: TestRepository, text: string) => {
        const [, md5, size] = /md5: (\w+)\n {2}size: (\d+)/.exec(text) ?? [];
        repo.write("dvc.yaml", `stages:\n  train:\n    cmd: node train.js\n    outs:\n    - ${DATABASE}: { persist: true }\n`);
        const entry = `    - path: ${DATABASE}\n      hash: md5\n      md5: ${md5}\n      size: ${size}\n`;
        repo.write("dvc.lock", `schema: '2.0'\nstages:\n  train:\n    cmd: node train.js\n    outs:\n${entry}`);
      },
    ],
  ])("writes the entry of %s where that points to the database", (file, track) => {
    const repo = makeStudy();
    const text = repo.read(`${DATABASE}.dvc`);
    repo.git("rm", "-q", "--cached", `${DATABASE}.dvc`);
    rmSync(join(repo.root, `${DATABASE}.dvc`));
    track(repo, text);
    repo.commit("pointed to from elsewhere");
    makeWorktree(repo, "augment", "0.25");
    const before = repo.read(file);
    expect(must(repo, "merge", "augment", "--dry-run").steps).toContainEqual(expect.objectContaining({ verb: "commit", target: file }));
    expect(must(repo, "merge", "augment").database).toMatchObject({ changed: true });
    expect(rowsOf(repo).expver_runs).toHaveLength(2);
    expect(repo.git("diff", "--name-only", "HEAD~1")).toBe(file);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.expverJson(["data", "status"])).toMatchObject({ code: 0 });
    const [backup] = repo.git("for-each-ref", "--format=%(refname)", "refs/expver/backup").split("\n");
    expect(repo.git("diff", "--name-only", "HEAD~1", backup ?? "")).toBe("");
    must(repo, "undo", "--yes");
    expect(repo.read(file)).toBe(before);
    expect(rowsOf(repo).expver_runs).toHaveLength(1);
  });

  it("takes a worktree's live database, says where rows came from, commits one pointer, and undo brings every row back", () => {
    const repo = makeStudy();
    const { run } = makeWorktree(repo, "augment", "0.25");
    const mine = train(repo, "0.75");
    const before = stateOf(repo);
    const merged = must(repo, "merge", "augment");
    expect(merged.database).toMatchObject({ changed: true, strategy: "merge", sources: [{ source: "augment", threeWay: true }] });
    expect(rowsOf(repo).expver_runs).toHaveLength(3);
    const [origin] = rowsOf(repo).expver_row_sources as string[];
    expect(origin).toContain("augment");
    expect(String(rowsOf(repo).expver_runs)).toContain(run);
    expect(repo.git("show", "--stat", "--format=%B")).toMatch(/Merged: augment \w{12} 1 new row[\s\S]*results\/experiments\.db\.dvc/);
    expect(repo.git("diff", "--name-only", "HEAD~1")).toBe(`${DATABASE}.dvc`);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.expverJson(["data", "status"]).code).toBe(0);
    expect(must(repo, "merge", "augment").database).toMatchObject({ changed: false });
    expect(mine).not.toBe(run);
    must(repo, "undo");
    expect(stateOf(repo)).toEqual(before);
  });

  it("gives the file its bytes back when nobody has it open", () => {
    const repo = makeStudy();
    makeWorktree(repo, "augment", "0.25");
    // Not opened here: this process would be one that has.
    const bytes = () => readFileSync(join(repo.root, DATABASE)).toString("base64");
    const before = bytes();
    must(repo, "merge", "augment");
    expect(bytes()).not.toBe(before);
    must(repo, "undo");
    expect(bytes()).toBe(before);
  });

  it("takes a branch's or a version's database out of the cache, and from the remote when it is only there", () => {
    const repo = makeStudy();
    const { there, run } = makeWorktree(repo, "other", "0.25");
    const version = there.git("describe", "--tags", "--exact-match");
    train(repo, "0.75");
    const remote = makeFolder("remote");
    for (const side of [repo, there]) must(side, "data", "remote", "add", "-d", "store", remote);
    const hash = /md5: (\w+)/.exec(there.read(`${DATABASE}.dvc`))?.[1] ?? "";
    must(there, "data", "push");
    rmSync(there.root, { recursive: true });
    repo.git("worktree", "prune");
    const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
    expect(existsSync(object)).toBe(true);
    rmSync(object);
    // A plan that is only looked at brings nothing into the cache, nor does the merge itself.
    const cached = () => repo.run("find", [".dvc/cache", "-type", "f"]).stdout.split("\n").sort().join("\n");
    const before = cached();
    const planned = must(repo, "merge", version, "--dry-run");
    expect(JSON.stringify(planned.steps)).toContain("new row");
    expect(cached()).toBe(before);
    expect(repo.run("find", [".git/expver/merging", "-type", "f"]).stdout).toBe("");
    expect(must(repo, "merge", version).database.sources[0]).toMatchObject({ threeWay: true });
    expect(String(rowsOf(repo).expver_runs)).toContain(run);
    expect(must(repo, "merge", "exp/other").database).toMatchObject({ changed: false });
    expect(repo.expverJson(["merge", "exp/othr"])).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
  });

  it("ends when it is interrupted while it fetches what both sides came from: no union instead", async () => {
    const repo = makeStudy();
    const base = /md5: (\w+)/.exec(repo.read(`${DATABASE}.dvc`))?.[1] ?? "";
    const { there } = makeWorktree(repo, "other", "0.25");
    rmSync(join(repo.root, ".dvc/cache/files/md5", base.slice(0, 2), base.slice(2)));
    const interruption = new AbortController();
    const context = { ...repo.context, signal: interruption.signal };
    const silent = createServer(() => interruption.abort()).listen(0, "127.0.0.1");
    await once(silent, "listening");
    must(repo, "data", "remote", "add", "-d", "store", `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const planning = planResultsMerge(context, openProject(context), { names: [there.root], rules: {} });
    await expect(planning).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    silent.close();
  });

  it("keeps what one side deleted deleted", () => {
    const repo = makeStudy();
    train(repo, "0.6");
    const { there } = makeWorktree(repo, "thinner", "0.25");
    const db = openDatabase(join(there.root, DATABASE));
    const [[gone] = []] = db.arrays('SELECT track_id FROM "default" ORDER BY timestamp LIMIT 1');
    db.run('DELETE FROM "default" WHERE track_id = ?', [gone as string]);
    db.close();
    const asked = repo.expverJson(["merge", "thinner"]);
    expect(asked).toMatchObject({ code: 3 });
    must(repo, "merge", "thinner", "--yes");
    expect(runsIn(repo)).toHaveLength(2);
    must(repo, "undo");
    expect(runsIn(repo)).toHaveLength(2);
    expect(runsIn(repo)).toContain(gone);
  });

  it("replaces by key after a yes, with the old state in a backup ref", () => {
    const repo = makeStudy();
    const { there } = makeWorktree(repo, "again", "0.25");
    const db = openDatabase(join(there.root, DATABASE));
    db.run("UPDATE \"default\" SET loss = 0.4 WHERE version = 'e0.1.0'");
    db.close();
    const before = stateOf(repo) as { pointer: string };
    const args = ["merge", "again", "--strategy", "rebase", "--key-columns", "version"];
    expect(repo.expverJson(args)).toMatchObject({ code: 3 });
    expect(stateOf(repo)).toEqual(before);
    const { project } = must(repo, ...args, "--yes");
    expect(repo.git("show", `${project.backup}:${DATABASE}.dvc`)).toBe(before.pointer.trim());
    expect(runsIn(repo)).toHaveLength(2);
    must(repo, "undo");
    expect(stateOf(repo)).toEqual(before);
  });

  it("refuses conflicting cells, and undo refuses once rows were added", () => {
    const repo = makeStudy();
    const { there } = makeWorktree(repo, "loud", "0.25");
    for (const [side, value] of [
      [there, "0.1"],
      [repo, "0.2"],
    ] as const) {
      const db = openDatabase(join(side.root, DATABASE));
      db.exec(`UPDATE "default" SET loss = ${value} WHERE version = 'e0.1.0'`);
      db.close();
    }
    const before = rowsOf(repo);
    expect(repo.expverJson(["merge", "loud"])).toMatchObject({ code: 4, error: { code: "E_CONFLICT" } });
    expect(rowsOf(repo)).toEqual(before);
    must(repo, "merge", "loud", "--on-conflict", "ours");
    const db = openDatabase(join(repo.root, DATABASE));
    db.exec(`INSERT INTO "default" (track_id, timestamp) VALUES ('later', '2026-01-01')`);
    db.close();
    expect(repo.expverJson(["undo"])).toMatchObject({ code: 4, error: { code: "E_UNDO" } });
  });

  it("leaves the old or the new state wherever it is killed", { timeout: 900_000 }, () => {
    const repo = makeStudy();
    makeWorktree(repo, "augment", "0.25");
    const old = stateOf(repo);
    let merged = 0;
    const points = atEveryKill((at) => {
      const killed = runKilledAt(repo, ["merge", "augment"], at);
      const repaired = repo.expver(["doctor", "--fix"]);
      const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
      if (repo.git("log", "-1", "--format=%s") === "Merge results of augment") {
        must(repo, "undo");
        merged += 1;
        expect(stateOf(repo), about).toEqual(old);
      } else {
        expect(stateOf(repo), about).toEqual(old);
      }
      return killed;
    }, POINTS);
    expect(points).toBeGreaterThan(30);
    expect(merged).toBeGreaterThan(0);
  });
});
