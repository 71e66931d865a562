/** kill -9 at every change of `gc`, `remove --outs` and `ops purge`: bytes are in the cache or in the trash, and undo brings back all or says that it cannot. */
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const OLD = ["old one", "old two"];

/** Objects that nothing names any more. */
function unused(): TestRepository {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  for (const text of [...OLD, "new"]) {
    repository.write("d/file", text);
    expect(repository.expver(["data", "add", "d"]).code).toBe(0);
  }
  repository.commit("data");
  return repository;
}

function copyOf({ root }: TestRepository): TestRepository {
  const base = makeFolder("killed-trash");
  cpSync(dirname(root), base, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return openTestRepository(join(base, "work"));
}

const filesBelow = (folder: string) =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()) : [];
const textsIn = (folder: string) => filesBelow(folder).map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
const oldOf = (texts: string[]) => texts.filter((text) => OLD.includes(text)).sort();
const cacheOf = ({ root }: TestRepository) => join(root, ".dvc/cache");
const objectsOf = (repository: TestRepository) => oldOf(textsIn(join(cacheOf(repository), "files")));
const GC = ["data", "gc", "-w", "-f"];
const ALL = [...OLD].sort();

test("gc", { timeout: 300_000 }, () => {
  const start = unused();
  const kills = atEveryKill((at) => {
    const repository = copyOf(start);
    const result = runKilledAt(repository, GC, at);
    // Neither lost nor twice.
    expect([at, oldOf(textsIn(cacheOf(repository)))]).toEqual([at, ALL]);
    expect([at, repository.expver(GC)]).toMatchObject([at, { code: 0 }]);
    expect([at, objectsOf(repository)]).toEqual([at, []]);
    expect([at, oldOf(textsIn(cacheOf(repository)))]).toEqual([at, ALL]);
    return result;
  }, sampledPoints(5));
  expect(kills).toBeGreaterThan(5);
});

/** An operation that can be undone as long as its trash is there. */
function withTrash(): TestRepository {
  const repository = unused();
  expect(repository.expver(GC).code).toBe(0);
  repository.write("a", "stored");
  expect(repository.expver(["data", "add", "a"]).code).toBe(0);
  repository.write("a", "stored nowhere");
  expect(repository.expver(["data", "remove", "--outs", "--yes", "a.dvc"]).code).toBe(0);
  return repository;
}

test("remove --outs of what was edited since: it stands where it stood, or undo has it", { timeout: 300_000 }, () => {
  const kills = atEveryKill((at) => {
    const repository = unused();
    repository.write("a", "stored");
    expect(repository.expver(["data", "add", "a"]).code).toBe(0);
    repository.write("a", "stored nowhere");
    const result = runKilledAt(repository, ["data", "remove", "--outs", "--yes", "a.dvc"], at);
    expect([at, repository.expver(["doctor", "--fix"]).code < 2]).toEqual([at, true]);
    if (!existsSync(join(repository.root, "a"))) expect([at, repository.expver(["undo", "--yes"])]).toMatchObject([at, { code: 0 }]);
    expect([at, repository.read("a"), existsSync(join(repository.root, "a.dvc"))]).toEqual([at, "stored nowhere", true]);
    return result;
  }, sampledPoints(3));
  expect(kills).toBeGreaterThan(5);
});

test("ops purge", { timeout: 300_000 }, () => {
  const kills = atEveryKill((at) => {
    // No copies: operations name their files by where they are.
    const repository = withTrash();
    const result = runKilledAt(repository, ["ops", "purge", "--yes"], at);
    const { code } = repository.expver(["undo"]);
    const isBack = existsSync(join(repository.root, "a")) && repository.read("a") === "stored nowhere";
    expect([at, code, isBack, existsSync(join(repository.root, "a.dvc"))]).toEqual(
      code === 0 ? [at, 0, true, true] : [at, 4, false, false],
    );
    expect([at, repository.expver(["ops", "purge", "--yes"])]).toMatchObject([at, { code: 0 }]);
    const left = [...filesBelow(join(repository.root, ".git/expver/trash")), ...filesBelow(join(cacheOf(repository), "expver-trash"))];
    expect([at, left.map(({ name }) => name)]).toEqual([at, []]);
    return result;
  });
  expect(kills).toBeGreaterThan(1);
});
