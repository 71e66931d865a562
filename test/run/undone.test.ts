/** After an undo the folder is what it was before the run: bit by bit, for Git, for dvc, for the rows. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { peer } from "../support/peers.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { exists, makeExperiment, rowsOf, until } from "./story.ts";

const DVC = peer("dvc");

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
    if (DVC !== null) expect(repo.run(DVC, ["status"]).stdout).toContain("up to date");
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

  it.skipIf(DVC === null)("takes the link away where an output is a link to a folder elsewhere, and nothing of what is in it", () => {
    const repo = makeExperiment();
    const elsewhere = makeFolder("shared");
    writeFileSync(join(elsewhere, "weights"), "w");
    repo.commit("a pipeline", { "dvc.yaml": `stages:\n  train:\n    cmd: ln -s ${elsewhere} net\n    outs: [net]\n` });
    expect(repo.expver(["run", "--", String(DVC), "repro", "-q"]).code).toBe(0);
    expect(repo.expver(["data", "verify"]).code).toBe(0);
    expect(repo.read("dvc.lock")).toContain(".dir");
    expect(repo.expverJson(["undo"]).code).toBe(0);
    expect(exists(repo, "net")).toBe(false);
    expect(readdirSync(elsewhere)).toEqual(["weights"]);
  });

  it("leaves a folder it made of which the cache has lost a part, and does not say that it goes", () => {
    const repo = makeExperiment();
    repo.commit("an output", { "expver.yaml": "models: { output: models/net }\n" });
    expect(repo.expver(["run", "--", "sh", "-c", "mkdir -p models/net; echo 1 > models/net/a; echo 2 > models/net/b"]).code).toBe(0);
    rmSync(join(repo.root, ".dvc/cache/files/md5", "26", "ab0db90d72e28ad0ba1e22ee510510")); // of 2
    expect(JSON.stringify(repo.expverJson(["undo", "--dry-run"]).data.steps)).not.toContain('"models/net"');
    expect(repo.expverJson(["undo"]).code).toBe(0);
    expect(readdirSync(join(repo.root, "models/net"))).toEqual(["a", "b"]);
  });

  it("leaves a link to a folder that the program has put in place of one, and what it changed of which the cache has lost the bytes", () => {
    const repo = makeExperiment();
    const elsewhere = makeFolder("shared");
    writeFileSync(join(elsewhere, "weights"), "w");
    repo.commit("outputs", { "expver.yaml": "models: { output: models/net }\ntrack: [kept.txt]\n" });
    expect(repo.expver(["run", "--", "sh", "-c", "mkdir -p models/net; echo 1 > models/net/a; echo 1 > kept.txt"]).code).toBe(0);
    const link = `rm -r models/net; ln -s ${elsewhere} models/net; echo 2 > kept.txt`;
    expect(repo.expver(["run", "--", "sh", "-c", link]).code).toBe(0);
    rmSync(join(repo.root, ".dvc/cache/files/md5", "26", "ab0db90d72e28ad0ba1e22ee510510")); // of 2
    const { steps } = repo.expverJson(["undo", "--dry-run"]).data;
    expect(steps.map(({ verb, target }: { verb: string; target: string }) => `${verb} ${target}`)).not.toContain("bring back models/net");
    expect(JSON.stringify(steps)).not.toContain('"kept.txt"');
    expect(repo.expverJson(["undo"])).toMatchObject({ code: 0 });
    expect(lstatSync(join(repo.root, "models/net")).isSymbolicLink()).toBe(true);
    expect(readdirSync(elsewhere)).toEqual(["weights"]);
    expect(repo.read("kept.txt")).toBe("2\n");
  });

  it("takes nothing away that was in the folder of its model before, and does not say that it brings back what nobody had stored", () => {
    const repo = makeExperiment();
    repo.commit("outputs", { "expver.yaml": "models: { output: models/net }\ntrack: [kept.txt]\n" });
    repo.write("models/net/notes", "mine");
    repo.write("kept.txt", "mine");
    expect(repo.expver(["run", "--", "sh", "-c", "echo 1 > models/net/a; echo 1 > kept.txt"]).code).toBe(0);
    const { data } = repo.expverJson(["undo"]);
    expect(JSON.stringify(data.takenBack)).not.toMatch(/models\/net"|models\/net \(|kept\.txt"|kept\.txt \(/);
    expect(repo.read("models/net/notes")).toBe("mine");
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

it("an undo killed between the files of a folder is finished: of one the run made, and of one it changed", { timeout: 600_000 }, () => {
  const repo = makeExperiment();
  repo.commit("an output", { "expver.yaml": "models: { output: models/net }\n" });
  const writes = (text: string, folder = "parts") =>
    `mkdir -p models/net/${folder}; for i in 1 2 3 4 5 6; do echo ${text}$i > models/net/${folder}/$i; done`;
  const modelsIn = (files: Record<string, string>) => Object.entries(files).filter(([path]) => path.startsWith("models/net/"));
  // Before the seventieth point an undo has not come to the files of outputs yet.
  const AMONG_FILES = { step: sampledPoints(3).step, from: 70 };
  let within = 0;
  const kill = (args: string) => {
    const before = picture(repo);
    atEveryKill((at) => {
      expect(repo.expver(["run", "-m", "next", "--", "sh", "-c", args]).code).toBe(0);
      const after = picture(repo);
      const killed = runKilledAt(repo, ["undo"], at);
      const left = modelsIn(picture(repo));
      if (![modelsIn(before), modelsIn(after)].some((whole) => isDeepStrictEqual(left, whole))) within += 1;
      expect(repo.expver(["doctor", "--fix"]).code).toBe(0);
      if (repo.git("log", "-1", "--format=%s").includes("next")) expect(repo.expver(["undo"]).code).toBe(0);
      expect(picture(repo), `killed at ${at}`).toEqual(before);
      return killed;
    }, AMONG_FILES);
  };
  kill(writes("first"));
  expect(repo.expver(["run", "-m", "first", "--", "sh", "-c", writes("first")]).code).toBe(0);
  kill(`${writes("second")}; ${writes("second", "more")}`);
  expect(within).toBeGreaterThan(2);
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
