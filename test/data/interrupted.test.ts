/** Ctrl-C is heard while many files are taken back or freed, and the same command once more finishes it. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runInterrupted } from "../support/interrupt-at.ts";
import { runKilledAt } from "../support/kill-at.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const FILES = 60;
/** As dvc says it of its verbs. */
const INTERRUPTED = 252;

function filesOf(repo: TestRepository): string[] {
  return readdirSync(join(repo.root, "d")).map((name) => repo.read(`d/${name}`));
}

function must(repo: TestRepository, ...args: string[]): string {
  const { code, stdout, stderr } = repo.expver(args);
  expect([code, stderr]).toEqual([0, expect.anything()]);
  return stdout;
}

/** Two states of a folder, `old 1` and `new 1`, and the second checked out. */
function project(): TestRepository {
  const repo = makeRepository();
  must(repo, "data", "init");
  for (const state of ["old", "new"]) {
    for (let index = 0; index < FILES; index += 1) repo.write(`d/${index}`, `${state} ${index}`);
    must(repo, "data", "add", "d");
    repo.commit(state);
  }
  return repo;
}

const count = (repo: TestRepository, state: string) => filesOf(repo).filter((text) => text.startsWith(state)).length;

it("the undo of a checkout", () => {
  const repo = project();
  repo.git("checkout", "-q", "HEAD~", "--", "d.dvc");
  must(repo, "data", "checkout");
  expect(count(repo, "old")).toBe(FILES);
  const interrupted = runInterrupted(repo, ["undo"], { at: 10, text: "/d/" });
  expect(interrupted).toMatchObject({ code: 130, stderr: expect.stringMatching(/interrupted by SIGINT while undoing/) });
  expect(count(repo, "old")).toBeGreaterThan(0);
  expect(count(repo, "new")).toBeGreaterThan(0);
  // So can be what finishes it.
  const again = runInterrupted(repo, ["undo"], { at: 3, text: "/d/" });
  expect(again).toMatchObject({ code: 130, stderr: expect.stringMatching(/interrupted by SIGINT while repairing/) });
  expect(count(repo, "old")).toBeGreaterThan(0);
  must(repo, "undo");
  expect(count(repo, "new")).toBe(FILES);
  expect(repo.expverJson(["ops"]).data.operations.map(({ command, state }: Record<string, string>) => `${command} ${state}`)).toEqual([
    "undo recovered",
    "data checkout undone",
    "data add done",
    "data add done",
    "data init done",
  ]);
});

it("an update that takes away what the cache has: it stands again", () => {
  const repo = makeRepository();
  const write = (state: string) => {
    for (let index = 0; index < FILES; index += 1) repo.write(`../d/${index}`, `${state} ${index}`);
  };
  must(repo, "data", "init");
  write("old");
  must(repo, "data", "import-url", "../d");
  write("new");
  const interrupted = runInterrupted(repo, ["data", "update", "d.dvc"], { at: 10, text: "/work/d/" });
  expect(interrupted).toMatchObject({ code: INTERRUPTED, stderr: expect.stringContaining("while removing") });
  expect(count(repo, "old")).toBe(FILES);
  must(repo, "data", "update", "d.dvc");
  expect(count(repo, "new")).toBe(FILES);
  must(repo, "undo");
  expect(count(repo, "old")).toBe(FILES);
});

it("what a killed checkout left being taken back", () => {
  const repo = project();
  repo.git("checkout", "-q", "HEAD~", "--", "d.dvc");
  for (let at = FILES; count(repo, "old") < FILES / 2; at += 20) expect(runKilledAt(repo, ["data", "checkout"], at).code).toBe(137);
  const interrupted = runInterrupted(repo, ["data", "add", "d"], { at: 3, text: "/d/" });
  expect(interrupted).toMatchObject({ code: INTERRUPTED, stderr: expect.stringContaining("while repairing") });
  must(repo, "undo");
  expect(count(repo, "new")).toBe(FILES);
});

it("an add that gives objects their names", () => {
  const repo = project();
  const objects = () => Number(repo.run("sh", ["-c", "find .dvc/cache/files/md5/[0-9a-f]? -type f | wc -l"]).stdout);
  const before = objects();
  for (let index = 0; index < FILES; index += 1) repo.write(`d/${index}`, `newer ${index}`);
  const pointer = repo.read("d.dvc");
  expect(runInterrupted(repo, ["data", "add", "d"], { at: 10, text: "/files/md5/" })).toMatchObject({
    code: INTERRUPTED,
    stderr: expect.stringContaining("while storing data"),
  });
  expect(objects()).toBeGreaterThan(before);
  expect(objects()).toBeLessThan(before + FILES);
  expect(repo.read("d.dvc")).toBe(pointer);
  expect(readdirSync(join(repo.root, ".dvc/cache/files/md5")).filter((name) => name.length > 2)).toEqual([]);
  must(repo, "data", "add", "d");
  expect(objects()).toBe(before + FILES + 1);
  expect(count(repo, "newer")).toBe(FILES);
});

it("a run that reads its inputs, before anything is begun", () => {
  const repo = project();
  repo.write("single.csv", "1");
  must(repo, "data", "add", "single.csv");
  repo.commit("single");
  repo.run("rm", ["-rf", ".git/expver/stat-cache"]);
  const before = repo.expverJson(["ops"]).data.operations.length;
  expect(runInterrupted(repo, ["run", "--", "true"], { at: 1, text: "/stat-cache/" })).toMatchObject({
    code: 130,
    stderr: expect.stringContaining("while looking at data"),
  });
  expect(repo.expverJson(["ops"]).data.operations).toHaveLength(before);
});

it("a tag that looks whether data is still what HEAD says", () => {
  const repo = project();
  repo.write("e/0", "another");
  must(repo, "data", "add", "e");
  repo.commit("another");
  repo.run("rm", ["-rf", ".git/expver/stat-cache"]);
  repo.write("d/0", "changed");
  expect(runInterrupted(repo, ["tag", "e0.1.0", "-m", "x"], { at: 1, text: "/stat-cache/" })).toMatchObject({
    code: 130,
    stderr: expect.stringContaining("while looking at data"),
  });
});

it.each([["doctor"], ["worktree", "finish", "other"], ["worktree", "remove", "other"]])("%s %s, that looks at data", (...args) => {
  const repo = project();
  repo.write("e/0", "another");
  must(repo, "data", "add", "e");
  must(repo, "init", "--yes");
  repo.commit("another");
  must(repo, "worktree", "create", "other");
  const there = repo.expverJson(["worktrees"]).data.worktrees.find(({ branch }: { branch: string }) => branch.includes("other"));
  for (const root of [repo.root, there.root]) {
    rmSync(join(root, "d/0"), { force: true });
    writeFileSync(join(root, "d/0"), "changed");
  }
  // What doctor looks for first.
  repo.run("sh", ["-c", "rm -f .dvc/cache/files/md5/[0-9a-f]?/*[0-9a-f]"]);
  repo.run("sh", ["-c", "find .git -name stat-cache | xargs rm -rf"]);
  expect(runInterrupted(repo, args, { at: 1, text: "/stat-cache/" })).toMatchObject({
    code: 130,
    stderr: expect.stringContaining("while looking at data"),
  });
});

it("gc, its undo, and the freeing of its trash", () => {
  const repo = project();
  const objects = () => Number(repo.run("sh", ["-c", "find .dvc/cache/files -type f | wc -l"]).stdout);
  const all = objects();
  // All or nothing: what had gone comes back.
  expect(runInterrupted(repo, ["data", "gc", "-w", "-f"], { at: 10, text: "/cache/files/" })).toMatchObject({
    code: INTERRUPTED,
    stderr: expect.stringContaining("while moving objects to the trash"),
  });
  expect(objects()).toBe(all);
  must(repo, "data", "gc", "-w", "-f");
  expect(objects()).toBe(all - FILES - 1);
  expect(runInterrupted(repo, ["undo"], { at: 10, text: "/cache/files/" })).toMatchObject({
    code: 130,
    stderr: expect.stringContaining("while undoing"),
  });
  expect(objects()).toBeLessThan(all);
  must(repo, "undo");
  expect(objects()).toBe(all);
  must(repo, "data", "gc", "-w", "-f");
  const trash = join(repo.root, ".dvc/cache", readdirSync(join(repo.root, ".dvc/cache")).find((name) => name.includes("trash")) ?? "");
  expect(runInterrupted(repo, ["data", "gc", "--purge", "-f"], { at: 10, text: trash })).toMatchObject({
    code: INTERRUPTED,
    stderr: expect.stringContaining("while freeing the trash"),
  });
  expect(existsSync(trash)).toBe(true);
  must(repo, "data", "gc", "--purge", "-f");
  expect(existsSync(trash)).toBe(false);
});
