/** Rules of the product contract that no other test of runs would miss. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { eachOperation } from "../../src/journal/operations.ts";
import { openResults } from "../../src/results/database.ts";
import { runKilledAt } from "../support/kill-at.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { exists, makeExperiment, openOperations, rowsOf, runRows } from "./story.ts";

const DB = "results/experiments.db";
const SQLITE = JSON.stringify(join(import.meta.dirname, "../../node_modules/@photostructure/sqlite"));
const withDatabase = (work: string) =>
  `const { DatabaseSync } = require(${SQLITE}); const db = new DatabaseSync(process.env.EXPVER_DB); ${work}`;
const objectOf = (repo: TestRepository, hash: string) => join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));

describe("stamps", () => {
  it("have their columns before the program starts, also in a table that had none", () => {
    const repo = makeExperiment();
    const db = openResults(join(repo.root, DB), { create: true });
    db.exec("CREATE TABLE old (track_id TEXT, timestamp TEXT, loss REAL, PRIMARY KEY (track_id, timestamp))");
    db.close();
    const program = withDatabase(
      `console.log(db.prepare("SELECT name FROM pragma_table_info('old')").all().map(({ name }) => name).join(" "))`,
    );
    const { data } = repo.expverJson(["run", "--", "node", "-e", program]);
    expect(readFileSync(data.log, "utf8").trim()).toBe("track_id timestamp loss version git_commit dvc_hash");
  });

  it("that a table lets nobody write are missing, which is said: the run has its version all the same", () => {
    const repo = makeExperiment();
    const create = `CREATE TABLE kept (track_id TEXT, timestamp TEXT, version TEXT, git_commit TEXT, dvc_hash TEXT, PRIMARY KEY (track_id, timestamp));
      CREATE TRIGGER appended BEFORE UPDATE ON kept BEGIN SELECT raise(ABORT, 'append only'); END`;
    const program = withDatabase(`db.exec(\`${create}; INSERT INTO kept (track_id, timestamp) VALUES ('a', '1')\`)`);
    const { code, data, warnings } = repo.expverJson(["run", "--", "node", "-e", program]);
    expect([code, data.version]).toEqual([0, "e0.1.0"]);
    expect(warnings.map(({ text }) => text).join()).toContain("the rows of kept cannot say their version (append only)");
    expect(runRows(repo)).toMatchObject([{ version: "e0.1.0", status: "finished" }]);
  });

  it("that the program wrote itself stay, and it is said that they differ", () => {
    const repo = makeExperiment();
    const create = "CREATE TABLE epochs (track_id TEXT, timestamp TEXT, version TEXT, PRIMARY KEY (track_id, timestamp))";
    const program = withDatabase(`db.exec("${create}"); db.exec("INSERT INTO epochs VALUES ('a', '1', 'mine'), ('a', '2', NULL)")`);
    const { data, warnings } = repo.expverJson(["run", "--", "node", "-e", program]);
    expect(rowsOf(repo, "epochs")).toMatchObject([
      { version: "mine", git_commit: data.snapshot },
      { version: "e0.1.0", git_commit: data.snapshot },
    ]);
    expect(warnings.map(({ text }) => text).join()).toMatch(/stamped 1 row of epochs itself: version stays mine/);
  });
});

it.each(["--assume-unchanged", "--skip-worktree"])(
  "code that Git was told to overlook (%s) is said to be in no version, and the version to be dirty",
  (flag) => {
    const repo = makeExperiment();
    repo.git("update-index", flag, "train.js");
    expect(repo.expverJson(["run", "--", "node", "train.js"])).toMatchObject({ data: { dirty: false, heldBack: [] } });
    repo.write("train.js", `${repo.read("train.js")}\n// another\n`);
    const { data, warnings } = repo.expverJson(["run", "--", "node", "train.js"]);
    expect(data.dirty).toBe(true);
    // Beside metrics.json, which the first run has left.
    expect(data.heldBack).toContainEqual(expect.objectContaining({ path: "train.js", reason: "overlooked" }));
    expect(warnings).toContainEqual(expect.objectContaining({ text: "train.js is not part of this experiment (overlooked)" }));
    expect(repo.git("cat-file", "-p", data.version)).toContain("Dirty: yes");
    expect(repo.git("ls-files", "-v", "train.js")).not.toMatch(/^H/);
  },
);

it("dvc_hash of several inputs is the md5 of their listing; models, results and `track` are none", () => {
  const repo = makeExperiment();
  repo.write("b.csv", "b\n");
  repo.write("a/x", "x");
  repo.write("reports/r.json", "{}");
  for (const path of ["b.csv", "a", "reports/r.json"]) expect(repo.expver(["data", "add", path]).code).toBe(0);
  repo.commit("inputs");
  expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
  const { data } = repo.expverJson(["run", "--", "node", "train.js"]);
  const hash = (pointer: string) => /md5: (\S+)/.exec(repo.read(pointer))?.[1];
  const listing = `[{"md5": "${hash("a.dvc")}", "relpath": "a"}, {"md5": "${hash("b.csv.dvc")}", "relpath": "b.csv"}]`;
  const expected = `${createHash("md5").update(listing).digest("hex")}.dir`;
  expect(data.dvc_hash).toBe(expected);
  expect(repo.git("cat-file", "-p", data.version)).toContain(`Data-Hash: ${expected}\n`);
  expect(data.tagLine).toContain(`data=${expected.slice(0, 6)}`);
  expect(rowsOf(repo).at(-1)).toMatchObject({ dvc_hash: expected });
});

it("models and results of another project of the repository are no input, its data is; runs of one change no dvc_hash of the other", () => {
  const repo = makeExperiment();
  repo.write("shared.csv", "s\n");
  for (const name of ["a", "b"]) {
    repo.write(`${name}/expver.yaml`, `metrics: { accuracy: max }\nversions: { prefix: ${name}/v }\n`);
    repo.write(`${name}/train.js`, repo.read("train.js"));
    repo.write(`${name}/data.csv`, `${name}\n`);
  }
  for (const path of ["shared.csv", "a/data.csv", "b/data.csv", "b/data.csv"]) expect(repo.expver(["data", "add", path]).code).toBe(0);
  repo.commit("projects");
  const run = (cwd: string) => repo.expverJson(["run", "--", "node", "train.js"], { cwd });
  const first = run("a").data;
  expect(
    repo
      .git("cat-file", "-p", first.version)
      .match(/^Data: .*/gm)
      ?.map((line) => line.split(" ").at(-1)),
  ).toEqual(["a/data.csv", "b/data.csv", "shared.csv"]);
  expect(run("b").code).toBe(0);
  const second = run("a").data;
  expect(second.dvc_hash).toBe(first.dvc_hash);
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(repo.expver(["verify"], { cwd: "a" }).code).toBe(0);
  expect(repo.git("cat-file", "-p", run(".").data.version).match(/^Data: .*/gm)).toHaveLength(3);
});

it("models and results of another project of the repository enter no snapshot: in Git its own runs would be refused", () => {
  const repo = makeExperiment();
  repo.commit("another", { "b/expver.yaml": "versions: { prefix: b/v }\ntrack: [reports/*.json]\n", "b/train.js": repo.read("train.js") });
  expect(repo.expver(["log", "a=1"], { cwd: "b" }).code).toBe(0);
  for (const path of ["b/models/model.json", "b/reports/r.json", "b/new.js"]) repo.write(path, "1");
  const { data } = repo.expverJson(["run", "--", "node", "train.js"]);
  expect(repo.git("show", "--name-only", "--format=", data.snapshot)).toBe("b/new.js");
  expect(repo.expverJson(["run", "--", "node", "train.js"], { cwd: "b" })).toMatchObject({ code: 0, data: { version: "b/v0.1.0" } });
});

describe("a number", () => {
  it("taken on the remote a moment ago is passed over, or refused by name; a remote that is silent is said", () => {
    const origin = makeRepository();
    origin.commit("first");
    const repo = makeExperiment();
    repo.git("remote", "add", "origin", origin.root);
    origin.git("tag", "e0.1.0");
    expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
    origin.git("tag", "e0.3.0");
    expect(repo.expverJson(["run", "--version", "e0.3.0", "--", "touch", "ran"])).toMatchObject({
      code: 4,
      error: { code: "E_VERSION_TAKEN" },
    });
    expect(exists(repo, "ran")).toBe(false);
    repo.git("remote", "set-url", "origin", "/nowhere");
    const { data, warnings } = repo.expverJson(["run", "--", "true"]);
    expect(data.version).toBe("e0.3.0"); // the remote cannot be asked: publishing will find out
    expect(warnings.map(({ text }) => text).join()).toContain("origin did not answer");
  });
});

it("commands that read repair nothing of a killed run; they say that it is lost", () => {
  const repo = makeExperiment();
  expect(repo.expver(["run", "--", "true"]).code).toBe(0);
  for (let at = 70; runKilledAt(repo, ["run", "--", "true"], at).code !== 137; at -= 5);
  const open = openOperations(repo);
  expect(open).toHaveLength(1);
  const before = [repo.git("for-each-ref"), runRows(repo), repo.git("status", "--porcelain")];
  for (const args of [
    ["list"],
    ["show", "e0.1.0"],
    ["runs", "list"],
    ["ops"],
    ["doctor"],
    ["data", "status"],
    ["run", "--dry-run", "--", "true"],
  ]) {
    repo.expver(args);
  }
  expect(openOperations(repo)).toEqual(open);
  expect([repo.git("for-each-ref"), runRows(repo), repo.git("status", "--porcelain")]).toEqual(before);
});

describe("the results database", () => {
  it("gets the rows of HEAD's version first when a pull has moved the pointer and not the file", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--param", "lr=1", "--", "true"]).code).toBe(0);
    copyFileSync(join(repo.root, DB), join(repo.root, "../old.db"));
    expect(repo.expver(["run", "--param", "lr=2", "--", "true"]).code).toBe(0);
    copyFileSync(join(repo.root, "../old.db"), join(repo.root, DB));
    const plan = repo.expverJson(["run", "--dry-run", "--", "true"]).data;
    expect(plan.steps).toContainEqual(expect.objectContaining({ verb: "bring in", target: DB }));
    expect(repo.expver(["run", "--param", "lr=3", "--", "true"]).code).toBe(0);
    expect(rowsOf(repo).map(({ lr, version }) => `${lr} ${version}`)).toEqual(["1 e0.1.0", "2 e0.2.0", "3 e0.3.0"]);
    expect(runRows(repo).map(({ version }) => version)).toEqual(["e0.1.0", "e0.2.0", "e0.3.0"]);
  });

  it("and is not written when those rows are nowhere here", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--param", "lr=1", "--", "true"]).code).toBe(0);
    copyFileSync(join(repo.root, DB), join(repo.root, "../old.db"));
    expect(repo.expver(["run", "--param", "lr=2", "--", "true"]).code).toBe(0);
    copyFileSync(join(repo.root, "../old.db"), join(repo.root, DB));
    repo.run("rm", ["-f", objectOf(repo, /md5: (\w+)/.exec(repo.read(`${DB}.dvc`))?.[1] ?? "")]);
    expect(repo.expverJson(["run", "--", "touch", "ran"])).toMatchObject({
      code: 4,
      error: { code: "E_DATABASE_BEHIND", hint: expect.stringContaining(`expver data fetch ${DB}`) },
    });
    expect(exists(repo, "ran")).toBe(false);
    expect(rowsOf(repo)).toHaveLength(1);
  });

  it("of a failed run is stored, and its operation names it", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--param", "lr=1", "--", "false"]).code).toBe(1);
    const notes = [...eachOperation(openProject(repo.context))].at(-1)?.notes;
    const stored = openResults(objectOf(repo, String(notes?.database)), { immutable: true });
    expect(stored.all('SELECT lr FROM "default"')).toEqual([{ lr: 1n }]);
    stored.close();
  });
});

it("databases, models and `track` paths are files of their own whatever cache.type says", () => {
  const repo = makeExperiment();
  expect(repo.expver(["data", "config", "cache.type", "symlink"]).code).toBe(0);
  const program = `require("fs").mkdirSync("reports", { recursive: true }); require("fs").writeFileSync("reports/r.json", process.argv[1]);`;
  repo.write("train.js", `${repo.read("train.js")}${program}`);
  const lookup = openResults(join(repo.root, "lookup.db"), { create: true });
  lookup.exec("CREATE TABLE words (n)");
  lookup.close();
  expect(repo.expver(["data", "add", "lookup.db"]).code).toBe(0);
  repo.commit("reports");
  for (const text of ["one", "two"])
    expect(repo.expver(["run", "-m", text, "--param", `lr=${text}`, "--", "node", "train.js", text]).code).toBe(0);
  const own = () => {
    for (const path of [DB, "models/model.json", "reports/r.json", "lookup.db"]) {
      const stat = lstatSync(join(repo.root, path));
      expect([stat.isSymbolicLink(), stat.nlink, stat.mode & 0o200], path).toEqual([false, 1, 0o200]);
    }
  };
  own();
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(repo.read("models/model.json")).toContain('"lr":"one"');
  own();
  repo.run("rm", ["-f", DB, "models/model.json", "reports/r.json", "lookup.db"]);
  expect(repo.expver(["data", "checkout"]).code).toBe(0);
  own();
  expect(existsSync(join(repo.root, DB))).toBe(true);
});
