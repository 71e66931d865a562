/** `expver merge --resolve`: what a merge of Git left in conflict. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { atEveryKill, runKilledAt } from "../support/kill-at.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { checkedObjects } from "../support/stores.ts";
import { makeStory, must, objectOf, onBranch, type Story, storedFiles, storedRows, unmerged } from "./driver-story.ts";

let story: Story;
let repo: TestRepository;
beforeEach(() => {
  story = makeStory();
  ({ repo } = story);
});

const DATABASE = "results/experiments.db";
const merge = () => repo.run("git", ["merge", "--no-edit", "other"]);
const states = (data: { resolved: { pointers: { file: string; state: string }[] } }) =>
  data.resolved.pointers.map(({ file, state }) => `${file} ${state}`);

describe("a cell both sides changed", () => {
  beforeEach(() => {
    onBranch(story, "other", () => story.rows("b is 20", { b: 20, c: 3 }));
    story.rows("b is 21", { b: 21, d: 4 });
    expect(merge().code).toBe(1);
  });

  it.each([
    ["ours", "b 21"],
    ["theirs", "b 20"],
  ])("%s decides that cell, all other rows are merged; the pointer is staged, the data waits for checkout", (choice, cell) => {
    const before = repo.run("md5sum", [DATABASE]).stdout;
    const { code, data } = repo.expverJson(["merge", "--resolve", choice, DATABASE]);
    expect({ code, states: states(data), unfinished: data.resolved.unfinished }).toEqual({
      code: 0,
      states: [`${DATABASE}.dvc resolved`],
      unfinished: "merge",
    });
    expect(unmerged(repo)).toEqual([]);
    expect(repo.git("diff", "--name-only")).toBe("");
    expect(repo.read(`${DATABASE}.dvc`)).not.toContain("expver-conflict");
    expect(storedRows(repo)).toEqual(["a 1", cell, "c 3", "d 4"]);
    expect(repo.run("md5sum", [DATABASE]).stdout).toBe(before);
    repo.git("commit", "-q", "--no-edit");
    must(repo, "data", "checkout");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("without a word the merge is tried again, and the conflict named again; a dry run changes nothing", () => {
    const text = repo.read(`${DATABASE}.dvc`);
    expect(repo.expver(["merge", "--resolve", "theirs", "--dry-run"]).stdout).toContain(`${DATABASE}.dvc`);
    const { code, data } = repo.expverJson(["merge", "--resolve"]);
    expect({ code, states: states(data) }).toEqual({ code: 4, states: [`${DATABASE}.dvc conflict`] });
    expect(data.resolved.pointers[0].says[0]).toContain("default b 1 x: 21.0 here, 20.0 there");
    expect([repo.read(`${DATABASE}.dvc`), unmerged(repo)]).toEqual([text, [`${DATABASE}.dvc`]]);
  });

  it("status names it, real git markers are named too, and nothing else is taken for a conflict", () => {
    expect(repo.expver(["data", "status"]).stderr).toContain(`${DATABASE}.dvc is in conflict`);
    repo.git("checkout", "--merge", "--", `${DATABASE}.dvc`);
    repo.write(`${DATABASE}.dvc`, `<<<<<<< ours\nouts: []\n=======\nouts: []\n>>>>>>> theirs\n`);
    expect(repo.expver(["data", "status"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`expver merge --resolve ours|theirs ${DATABASE}.dvc`),
    });
    expect(repo.expverJson(["merge", "--resolve", "ours", "data/set"]).error).toMatchObject({ code: "E_NOT_FOUND" });
    expect(repo.expverJson(["merge", "--resolve", "ours", DATABASE]).code).toBe(0);
    expect(repo.expverJson(["merge", "--resolve", "ours"]).error).toMatchObject({
      code: "E_NOT_FOUND",
      message: "no pointer is in conflict here",
    });
  });

  it("is named to be pasted where the person stands, in the driver's words, in the file and in errors", () => {
    const line = "expver merge --resolve ours|theirs experiments.db.dvc";
    repo.git("merge", "--abort");
    const { code, stderr } = repo.run("git", ["merge", "--no-edit", "other"], { cwd: "results" });
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${line}: `)]);
    expect(repo.read(`${DATABASE}.dvc`)).toContain(`# expver-conflict: Choose, in the folder of this file: ${line}\n`);
    const git = repo.run("git", ["-C", "data", "merge", "--abort"]);
    expect(git.code).toBe(0);
    expect(repo.run("git", ["merge", "--no-edit", "other"], { cwd: "data" }).stderr).toContain(
      "ours|theirs ../results/experiments.db.dvc: ",
    );
    repo.write(`${DATABASE}.dvc`, `<<<<<<< ours\nouts: []\n=======\nouts: []\n>>>>>>> theirs\n`);
    expect(repo.expverJson(["data", "pull"], { cwd: "results" }).error?.hint).toContain(`${line}: `);
    expect(repo.expver(["merge", "--resolve", "ours", "experiments.db.dvc"], { cwd: "results" }).code).toBe(0);
  });

  it("killed at any point: the cache is whole, the pointer is one, and doing it again comes to the same", () => {
    const index = readFileSync(join(repo.root, ".git/index"));
    const text = repo.read(`${DATABASE}.dvc`);
    const points = atEveryKill(
      (at) => {
        writeFileSync(join(repo.root, ".git/index"), index);
        rmSync(join(repo.root, ".git/index.lock"), { force: true });
        repo.write(`${DATABASE}.dvc`, text);
        const killed = runKilledAt(repo, ["merge", "--resolve", "theirs"], at);
        checkedObjects(join(repo.root, ".dvc/cache"));
        expect({ at, rows: storedRows(repo).length }).toEqual({ at, rows: expect.any(Number) });
        rmSync(join(repo.root, ".git/index.lock"), { force: true });
        const again = repo.expverJson(["merge", "--resolve", "theirs"]);
        expect({ at, code: again.error?.code ?? null }).toEqual({
          at,
          code: unmerged(repo).length > 0 ? "none" : again.error === null ? null : "E_NOT_FOUND",
        });
        expect({ at, rows: storedRows(repo) }).toEqual({ at, rows: ["a 1", "b 20", "c 3", "d 4"] });
        return killed;
      },
      { step: 2 },
    );
    expect(points).toBeGreaterThan(20);
  });

  it("undo gives the file and its conflict back as they were, while the merge goes on", () => {
    const state = () => [repo.read(`${DATABASE}.dvc`), repo.git("ls-files", "--stage"), repo.git("status", "--porcelain")];
    const before = state();
    must(repo, "merge", "--resolve", "theirs");
    expect(unmerged(repo)).toEqual([]);
    must(repo, "undo");
    expect(state()).toEqual(before);
    // And it can be decided anew; once that is committed there is no conflict to come back to.
    must(repo, "merge", "--resolve", "ours");
    expect(storedRows(repo)).toEqual(["a 1", "b 21", "c 3", "d 4"]);
    repo.git("commit", "-q", "--no-edit");
    expect(repo.expverJson(["undo"]).error).toMatchObject({ code: "E_UNDO", message: expect.stringContaining("has ended") });
    expect(repo.git("status", "--porcelain")).toBe("");
  });
});

it("a file both changed in a folder, a single file, and one that a side removed: the side that was chosen; removed data stays where it is", () => {
  repo.write("models/model.bin", "old");
  repo.write("data/gone.csv", "old");
  must(repo, "data", "add", "models/model.bin", "data/gone.csv");
  repo.commit("model");
  onBranch(story, "other", () => {
    repo.write("models/model.bin", "theirs");
    must(repo, "data", "add", "models/model.bin");
    repo.git("rm", "-q", "data/gone.csv.dvc");
    story.files("theirs", { one: "theirs", three: "3" });
  });
  repo.write("models/model.bin", "ours");
  repo.write("data/gone.csv", "new");
  must(repo, "data", "add", "models/model.bin", "data/gone.csv");
  story.files("ours", { one: "ours", four: "4" });
  expect(merge().code).toBe(1);
  expect(unmerged(repo)).toEqual(["data/gone.csv.dvc", "data/set.dvc", "models/model.bin.dvc"]);
  expect(repo.expverJson(["merge", "--resolve", "data/gone.csv"]).data.resolved.pointers[0].says).toEqual([
    "theirs has removed it, the other side has changed it",
  ]);
  const { code, data } = repo.expverJson(["merge", "--resolve", "theirs"]);
  expect({ code, states: states(data) }).toEqual({
    code: 0,
    states: ["data/gone.csv.dvc removed", "data/set.dvc resolved", "models/model.bin.dvc resolved"],
  });
  repo.git("commit", "-q", "--no-edit");
  expect(storedFiles(repo)).toEqual(["four", "one", "three", "two"]);
  expect(repo.read("data/gone.csv")).toBe("new");
  must(repo, "data", "checkout");
  expect([repo.read("data/set/one"), repo.read("models/model.bin")]).toEqual(["theirs", "theirs"]);
});

it("what was in conflict because bytes were missing, or expver was, merges when they are there", () => {
  const remote = makeFolder("remote");
  must(repo, "data", "remote", "add", "-d", "store", remote);
  repo.commit("remote");
  let theirs = "";
  onBranch(story, "other", () => {
    story.rows("c", { c: 3 });
    must(repo, "data", "push");
    theirs = objectOf(repo, `${DATABASE}.dvc`);
    story.files("three", { three: "3" });
  });
  story.rows("d", { d: 4 });
  story.files("four", { four: "4" });
  rmSync(theirs);
  const driver = repo.git("config", "merge.expver.driver");
  repo.git("config", "merge.expver.driver", driver.replaceAll("dist/main.cjs", "gone/main.cjs"));
  expect(repo.run("git", ["merge", "--no-edit", "other"], { env: { PATH: "/usr/bin:/bin" } }).code).toBe(1);
  expect(unmerged(repo)).toEqual(["data/set.dvc", `${DATABASE}.dvc`]);
  expect(repo.expverJson(["merge", "--resolve"])).toMatchObject({ code: 0 });
  expect([storedRows(repo), storedFiles(repo)]).toEqual([
    ["a 1", "b 2", "c 3", "d 4"],
    ["four", "one", "three", "two"],
  ]);
});

it("in a rebase, ours is the branch one rebases onto; a conflicted dvc.lock is named by doctor", () => {
  const lock = (md5: string) =>
    `schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n    - path: out\n      hash: md5\n      md5: ${md5.repeat(32)}\n      size: 1\n`;
  repo.commit("lock", {
    "dvc.yaml": "stages:\n  train:\n    cmd: x\n    outs:\n    - out:\n        cache: false\n",
    "dvc.lock": lock("0"),
  });
  onBranch(story, "other", () => story.rows("b is 20", { b: 20 }));
  onBranch(story, "lock", () => void repo.commit("lock of other", { "dvc.lock": lock("1") }));
  story.rows("b is 21", { b: 21 });
  expect(repo.run("git", ["rebase", "main", "other"]).code).toBe(1);
  must(repo, "merge", "--resolve", "theirs", DATABASE);
  expect(repo.run("git", ["-c", "core.editor=true", "rebase", "--continue"]).code).toBe(0);
  expect(storedRows(repo)).toEqual(["a 1", "b 20"]);
  repo.commit("lock here", { "dvc.lock": lock("2") });
  expect(repo.run("git", ["merge", "--no-edit", "lock"]).code).toBe(1);
  expect(repo.expverJson(["doctor"]).data.findings).toContainEqual(
    expect.objectContaining({ check: "undecided-pointers", what: expect.stringContaining("dvc.lock is in conflict") }),
  );
  must(repo, "merge", "--resolve", "ours", "dvc.lock");
  expect(repo.read("dvc.lock")).toBe(lock("2"));
});

it("a pointer whose file has become a folder on the other side; one that both sides have given another name", () => {
  repo.write("data/thing", "old");
  must(repo, "data", "add", "data/thing");
  repo.commit("thing");
  onBranch(story, "other", () => {
    must(repo, "data", "remove", "data/thing.dvc");
    rmSync(join(repo.root, "data/thing"), { force: true });
    repo.write("data/thing/one", "1");
    must(repo, "data", "add", "data/thing");
    must(repo, "data", "move", "data/set", "data/alpha");
    repo.commit("a folder, and a name");
  });
  repo.write("data/thing", "new");
  must(repo, "data", "add", "data/thing");
  must(repo, "data", "move", "data/set", "data/beta");
  repo.commit("other bytes, and another name");
  expect(merge().code).toBe(1);
  expect(unmerged(repo)).toContain("data/thing.dvc");
  const { data } = repo.expverJson(["merge", "--resolve", "data/thing"]);
  expect(data.resolved.pointers[0].says).toEqual(["data/thing is a folder on one side and a file on the other"]);
  must(repo, "merge", "--resolve", "theirs", "data/thing");
  expect(repo.read("data/thing.dvc")).toMatch(/\.dir\n/);
  // Two names: whatever else Git has to say of the ignore file, both have the same bytes and neither is lost.
  expect(["alpha", "beta"].map((name) => /md5: (\S+)/.exec(repo.read(`data/${name}.dvc`))?.[1])).toEqual([
    expect.stringMatching(/\.dir$/),
    /md5: (\S+)/.exec(repo.git("show", "main:data/beta.dvc"))?.[1],
  ]);
});
