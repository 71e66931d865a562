/** Many small files at once: each as it was or as it is to be, whatever fails. */
import { chmodSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { replaceFiles } from "../../src/platform/replace-files.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

const MANY = 40;
const names = Array.from({ length: MANY }, (_, index) => `f${index}.txt`);

function makeMany(): string {
  const folder = makeFolder("many");
  for (const name of names) writeFileSync(join(folder, name), `old ${name}\n`);
  return folder;
}

it("replaces, makes and removes, with the modes of what was there and the folders that were not", () => {
  const folder = makeMany();
  chmodSync(join(folder, "f3.txt"), 0o640);
  const gone = names.slice(0, 2).map((name) => ({ path: join(folder, name), bytes: null }));
  const changed = names.slice(2).map((name) => ({ path: join(folder, name), bytes: Buffer.from(`new ${name}\n`) }));
  replaceFiles([
    ...gone,
    ...changed,
    { path: join(folder, "deep/er/made.txt"), bytes: Buffer.from("made\n") },
    { path: join(folder, "none/x"), bytes: null },
  ]);
  expect(readdirSync(folder).sort()).toEqual([...names.slice(2), "deep"].sort());
  for (const name of names.slice(2)) expect(readFileSync(join(folder, name), "utf8")).toBe(`new ${name}\n`);
  expect(lstatSync(join(folder, "f3.txt")).mode & 0o777).toBe(0o640);
  expect(readFileSync(join(folder, "deep/er/made.txt"), "utf8")).toBe("made\n");
});

it("what cannot be written leaves all as it was, and nothing beside", () => {
  const folder = makeMany();
  const changes = names.map((name) => ({ path: join(folder, name), bytes: Buffer.from("new\n") }));
  expect(() => replaceFiles([...changes, { path: join(folder, "f0.txt/below"), bytes: Buffer.from("x") }])).toThrow(
    expect.objectContaining({ message: expect.stringContaining("f0.txt/below") }),
  );
  expect(readdirSync(folder).sort()).toEqual([...names].sort());
  for (const name of names) expect(readFileSync(join(folder, name), "utf8")).toBe(`old ${name}\n`);
});

/** Everything but data and what expver keeps for itself: pointers, ignore files, and what may lie beside them. */
function texts(repo: TestRepository): Record<string, string> {
  const paths = repo.run("find", [".", "-type", "f", "-not", "-path", "./.git/*", "-not", "-path", "./.dvc/*", "-not", "-name", "*.csv"]);
  return Object.fromEntries(
    paths.stdout
      .split("\n")
      .sort()
      .filter(Boolean)
      .map((path) => [path, repo.read(path)]),
  );
}

it("killed anywhere in `data add` of many, or in its undo: the next command has all or nothing, and nothing lies beside", {
  timeout: 240_000,
}, () => {
  const points = sampledPoints(43);
  const setUp = () => {
    const repo = makeRepository();
    expect(repo.expver(["data", "init", "-q"]).code).toBe(0);
    repo.commit("start", {});
    for (let index = 0; index < MANY; index += 1) repo.write(`data/${index % 3}/f${index}.csv`, `${index}\n`);
    return { repo, before: texts(repo) };
  };
  const add = ["data", "add", "--glob", "data/*/*.csv"];
  const whole = setUp();
  expect(whole.repo.expver(add).code).toBe(0);
  const after = texts(whole.repo);
  expect(Object.keys(after).filter((path) => path.endsWith(".dvc"))).toHaveLength(MANY);
  for (const args of [add, ["undo", "--yes"]]) {
    atEveryKill((at) => {
      const { repo, before } = setUp();
      if (args !== add) expect(repo.expver(add).code).toBe(0);
      const killed = runKilledAt(repo, args, at);
      expect(repo.expver(["doctor", "--fix", "--yes"]).code).toBeLessThan(2);
      const now = texts(repo);
      expect([before, after]).toContainEqual(now);
      return killed;
    }, points);
  }
});
