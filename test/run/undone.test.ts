/** After an undo the folder is what it was before the run: bit by bit, for Git, for dvc, for the rows. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { peer } from "../support/peers.ts";
import type { TestRepository } from "../support/repository.ts";
import { exists, makeExperiment, rowsOf, until } from "./story.ts";

/** Every file of the worktree but what is Git's, the cache's or a memory of it, and Git's own view: index, branch, tags. */
function picture(repo: TestRepository): Record<string, string> {
  const files = new Map<string, string>();
  const look = (folder: string) => {
    for (const name of readdirSync(join(repo.root, folder))) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if ([".git", ".dvc/cache", ".dvc/tmp"].includes(path)) continue;
      if (lstatSync(join(repo.root, path)).isDirectory()) look(path);
      else
        files.set(
          path,
          createHash("md5")
            .update(readFileSync(join(repo.root, path)))
            .digest("hex"),
        );
    }
  };
  look("");
  const git = {
    index: repo.git("ls-files", "--stage"),
    head: repo.git("rev-parse", "HEAD"),
    branch: repo.git("symbolic-ref", "HEAD"),
    tags: repo.git("tag"),
  };
  return { ...Object.fromEntries(files), ...git, status: repo.git("status", "--porcelain") };
}

/** Everything the model knows comes from the command line. */
const WRITES = `
const fs = require("fs");
fs.mkdirSync("models/parts", { recursive: true });
fs.mkdirSync("reports", { recursive: true });
fs.writeFileSync("models/model.json", process.argv[1]);
fs.writeFileSync("models/new-" + process.argv[1], process.argv[1]);
fs.writeFileSync("models/parts/a", process.argv[1]);
fs.writeFileSync("reports/kept.json", process.argv[1]);
`;

function withHistory(): TestRepository {
  const repo = makeExperiment();
  repo.commit("a report under Git", { "reports/kept.json": "0" });
  expect(repo.expver(["run", "-m", "first", "--", "node", "-e", WRITES, "one"]).code).toBe(0);
  return repo;
}

function expectUndone(repo: TestRepository, before: Record<string, string>): void {
  const answer = repo.expverJson(["undo"]);
  expect(answer, JSON.stringify(answer)).toMatchObject({ code: 0 });
  expect(picture(repo)).toEqual(before);
}

describe("undo of a run", () => {
  it("that is the first: nothing of it is left in the folder", () => {
    const repo = makeExperiment();
    repo.write("new.py", "1"); // the snapshot took it; it was untracked before
    const before = picture(repo);
    expect(repo.expver(["run", "--", "node", "-e", WRITES, "one"]).code).toBe(0);
    expect(exists(repo, "models/model.json.dvc")).toBe(true);
    repo.run("rm", ["-r", "reports"]); // a report nobody tracks is the program's own
    const { steps } = repo.expverJson(["undo", "--dry-run"]).data;
    expect(steps).toContainEqual(expect.objectContaining({ verb: "remove", target: "models/model.json", keeps: "cache" }));
    expectUndone(repo, before);
    expect(exists(repo, "results")).toBe(false);
  });

  it("that overwrote models and a report: the version before is there again, dvc has nothing to say", () => {
    const repo = withHistory();
    const before = picture(repo);
    const { data } = repo.expverJson(["run", "-m", "second", "--param", "lr=2", "--", "node", "-e", WRITES, "two"]);
    expect(data.version).toBe("e0.2.0");
    expect(repo.read("models/model.json")).toBe("two");
    const plan = repo.expverJson(["undo", "--dry-run"]).data;
    expect(plan.steps).toContainEqual(expect.objectContaining({ verb: "bring back", target: "models/model.json", keeps: "cache" }));
    expectUndone(repo, before);
    const dvc = peer("dvc");
    if (dvc !== null) expect(repo.run(dvc, ["status"]).stdout).toContain("up to date");
    expect(repo.git("cat-file", "-t", repo.git("for-each-ref", "--format=%(refname)", "refs/expver/backup/**/tags/e0.2.0"))).toBe("tag");
    expect(repo.expverJson(["run", "--", "true"]).data.version).toBe("e0.2.0");
  });

  it("that failed, though it is no version: its rows and what it overwrote", () => {
    const repo = withHistory();
    const before = picture(repo);
    expect(repo.expver(["run", "--", "node", "-e", `${WRITES}; process.exit(3)`, "three"]).code).toBe(1);
    // Not read in this process: its driver may hold the file open for a while, and then undo leaves it alone.
    expect(repo.expverJson(["runs", "list"]).data.runs).toMatchObject([{ status: "failed" }, { status: "finished" }]);
    expectUndone(repo, before);
    expect(repo.git("for-each-ref", "refs/expver/runs")).toBe("");
    expect(repo.expverJson(["undo"])).toMatchObject({ code: 0, data: { undone: { command: "run" } } }); // the first one
    expect(repo.git("tag")).toBe("");
  });

  it("leaves what was changed since, and says what stays", () => {
    const repo = withHistory();
    expect(repo.expver(["run", "-m", "second", "--", "node", "-e", WRITES, "two"]).code).toBe(0);
    repo.write("models/model.json", "mine");
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(repo.read("models/model.json")).toBe("mine");
    expect(repo.read("models/parts/a")).toBe("one");
    expect(rowsOf(repo)).toHaveLength(1);
  });

  it("of a folder it made leaves what .dvcignore leaves out: that is stored nowhere", () => {
    const repo = makeExperiment();
    repo.commit("a folder", { ".dvcignore": "*.txt\n", "expver.yaml": "models: { output: models/net }\n" });
    const write = "mkdir -p models/net/parts; echo 1 > models/net/parts/a; echo why > models/net/notes.txt";
    expect(repo.expver(["run", "--", "sh", "-c", write]).code).toBe(0);
    expect(repo.expverJson(["undo"]).code).toBe(0);
    expect(readdirSync(join(repo.root, "models/net"))).toEqual(["notes.txt"]);
  });

  it("is refused, naming the ref, when the branch has moved on; the rows, when they have changed", () => {
    const repo = withHistory();
    const head = repo.git("rev-parse", "HEAD");
    repo.commit("later", { "later.txt": "" });
    expect(repo.expverJson(["undo"])).toMatchObject({
      code: 4,
      error: { code: "E_UNDO", details: { blockers: [{ target: "refs/heads/main" }] } },
    });
    repo.git("reset", "-q", "--hard", head);
    const sqlite = JSON.stringify(join(import.meta.dirname, "../../node_modules/@photostructure/sqlite"));
    const change = `ALTER TABLE "default" ADD COLUMN note; UPDATE "default" SET note = 9`;
    repo.run(process.execPath, ["-e", `new (require(${sqlite}).DatabaseSync)("results/experiments.db").exec('${change}')`]);
    const before = picture(repo);
    expect(repo.expverJson(["undo"])).toMatchObject({ code: 4, error: { code: "E_UNDO" } });
    expect(picture(repo)).toEqual(before);
  });

  it("leaves a database that a program has open to that program", async () => {
    const repo = withHistory();
    expect(repo.expver(["run", "-m", "second", "--", "true"]).code).toBe(0);
    const before = lstatSync(join(repo.root, "results/experiments.db")).ino;
    const holder = repo.run("sh", ["-c", "tail -f results/experiments.db > /dev/null 2>&1 & echo $!"]).stdout.trim();
    try {
      await until(() => repo.run("sh", ["-c", `ls -l /proc/${holder}/fd | grep -c experiments.db`]).stdout.trim() === "1");
      expect(repo.expver(["undo"]).code).toBe(0);
      expect(lstatSync(join(repo.root, "results/experiments.db")).ino).toBe(before);
      expect(rowsOf(repo)).toHaveLength(1);
    } finally {
      repo.run("kill", [holder]);
    }
  });
});

it("undo of a tag and of data add: bit by bit, and the data stays", () => {
  const repo = withHistory();
  repo.write("data/a b", "1");
  repo.write("data/c", "2");
  const before = picture(repo);
  expect(repo.expver(["tag", "e3.0.0", "-d", "by hand"]).code).toBe(0);
  expectUndone(repo, before);
  expect(repo.expver(["data", "add", "data"]).code).toBe(0);
  expectUndone(repo, before);
});

it("an undo killed before any change is finished by the next writing command", { timeout: 600_000 }, () => {
  const repo = withHistory();
  const before = picture(repo);
  let finished = 0;
  const points = atEveryKill((at) => {
    expect(repo.expver(["run", "-m", "second", "--param", "lr=2", "--", "node", "-e", WRITES, "two"]).code).toBe(0);
    const killed = runKilledAt(repo, ["undo"], at);
    const repaired = repo.expver(["doctor", "--fix"]).stdout;
    if (repo.git("tag") === "e0.1.0") finished += 1;
    else expect(repo.expver(["undo"]).code, JSON.stringify({ at, repaired })).toBe(0);
    expect(picture(repo), JSON.stringify({ at, repaired })).toEqual(before);
    return killed;
  }, sampledPoints(9));
  expect(points).toBeGreaterThan(60);
  expect(finished).toBeGreaterThan(2);
});
