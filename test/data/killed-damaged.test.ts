/** kill -9 at every change of a command that meets damaged objects: nothing wrong is made, nothing is lost, and a repeat finishes. */
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const FILES = { "d/a": "aaaa bytes\n", "d/b": "bbbb bytes\n", "d/c": "cccc bytes\n", one: "single bytes\n" };
const PATHS = Object.keys(FILES) as (keyof typeof FILES)[];

function objectOf({ root }: TestRepository, text: string): string {
  const md5 = md5Of(Buffer.from(text));
  return join(root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
}

/** Three objects are damaged, the remote has whole ones, the data is not there. */
function damaged(): TestRepository {
  const repository = makeRepository();
  for (const args of [["init"], ["config", "cache.type", "copy"], ["remote", "add", "-d", "r", "../r"]])
    expect(repository.expver(["data", ...args]).code).toBe(0);
  for (const path of PATHS) repository.write(path, FILES[path]);
  expect(repository.expver(["data", "add", "d", "one"]).code).toBe(0);
  expect(repository.expver(["data", "push"]).code).toBe(0);
  repository.commit("data");
  repository.git("tag", "-a", "e0.1.0", "-m", "x");
  for (const path of ["d/a", "d/c", "one"] as const) {
    const object = objectOf(repository, FILES[path]);
    chmodSync(object, 0o644);
    writeFileSync(object, FILES[path].replace("bytes", "BYTES"));
    chmodSync(object, 0o444);
  }
  for (const path of ["d", "one"]) rmSync(join(repository.root, path), { recursive: true });
  return repository;
}

function copyOf({ root }: TestRepository): TestRepository {
  const base = makeFolder("killed-damaged");
  cpSync(dirname(root), base, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return openTestRepository(join(base, "work"));
}

const textOf = ({ root }: TestRepository, path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : null);

/** Texts of the cache and of its trash. */
function cached({ root }: TestRepository): string[] {
  const found = readdirSync(join(root, ".dvc/cache"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return found.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
}

test.each([
  [["data", "pull"], 0, 7],
  [["data", "checkout"], null, 5],
  [["data", "verify", "--repair"], 0, 5],
  [["restore", "e0.1.0", "d", "one"], 0, 15],
  [["get", "e0.1.0", "d", "-o", "out"], null, 7],
] as const)("%j", { timeout: 600_000 }, (args, code, step) => {
  const start = damaged();
  const kills = atEveryKill((at) => {
    const repository = copyOf(start);
    const result = runKilledAt(repository, [...args], at);
    for (const path of [...PATHS, "out/a", "out/c"]) {
      const whole = FILES[path.replace("out", "d") as keyof typeof FILES];
      expect([at, path, [null, whole].includes(textOf(repository, path))]).toEqual([at, path, true]);
    }
    // What is damaged is somewhere, and so is what was whole.
    expect([at, cached(repository)]).toEqual([
      at,
      expect.arrayContaining(["aaaa BYTES\n", "bbbb bytes\n", "cccc BYTES\n", "single BYTES\n"]),
    ]);
    if (code !== null) expect([at, repository.expver([...args])]).toMatchObject([at, { code }]);
    expect([at, repository.expver(["data", "pull"])]).toMatchObject([at, { code: 0 }]);
    expect([at, PATHS.map((path) => textOf(repository, path))]).toEqual([at, Object.values(FILES)]);
    expect([at, repository.expver(["data", "verify"])]).toMatchObject([at, { code: 0 }]);
    expect([at, repository.expver(["data", "status", "-q"])]).toMatchObject([at, { code: 0 }]);
    rmSync(dirname(repository.root), { recursive: true });
    return result;
  }, sampledPoints(step));
  expect(kills).toBeGreaterThan(5);
});
