/** kill -9 at every change a data command makes: nothing lost, nothing half-written, and repeating finishes. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Input, Plan, WriteWorkflow } from "../../src/workflows/contract.ts";
import { dataCheckout } from "../../src/workflows/data/cache/checkout.ts";
import { dataStatus } from "../../src/workflows/data/changes/status.ts";
import { dataAdd } from "../../src/workflows/data/tracking/add.ts";
import { dataPush } from "../../src/workflows/data/transfer/push.ts";
import { repairFirst } from "../../src/workflows/prepare.ts";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { runKilledAt, SIGKILLED } from "../support/kill-at.ts";
import { type CommandResult, makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { checkedObjects, temporariesIn } from "../support/stores.ts";
import { readTree, writeTree } from "../support/trees.ts";

const SLOW = 600_000;

/** A committed project with a remote beside it, to be copied for every kill. */
function template(prepare: (repository: TestRepository) => void): TestRepository {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  repository.write(".dvc/config", "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n");
  repository.commit("set up");
  prepare(repository);
  return repository;
}

function copyOf({ root }: TestRepository): TestRepository {
  const base = makeFolder("killed");
  cpSync(dirname(root), base, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return openTestRepository(join(base, "work"));
}

/** As the command line does it, without starting it. */
async function repeat<P extends Plan, R>(repository: TestRepository, workflow: WriteWorkflow<Input, P, R>, input: Input): Promise<R> {
  await repairFirst(repository.context);
  return workflow.apply(repository.context, await workflow.plan(repository.context, input));
}

async function atEveryKill(play: (at: number) => Promise<CommandResult>): Promise<number> {
  for (let at = 1; ; at += 1) if ((await play(at)).code !== SIGKILLED) return at - 1;
}

const cacheOf = ({ root }: TestRepository) => join(root, ".dvc/cache");
const storeOf = ({ root }: TestRepository) => join(root, "../store");
const statusOf = async ({ context }: TestRepository) => (await dataStatus.read(context, {})).json;
const bytesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));

test("data add", { timeout: SLOW }, async () => {
  const start = template((repository) => {
    writeTree(repository.root, { "d/a": "a", "d/s/b": "b", "e/old": "old" });
    repository.expver(["data", "add", "d", "e"]);
    repository.commit("data");
    writeTree(repository.root, { "d/a": "changed", "d/new": "new", "e/more": "more", "sub/f": "f" });
  });
  const input = { path: ["d", "sub/f", "e/more"] };
  const whole = copyOf(start);
  await repeat(whole, dataAdd, input);
  const dataOf = ({ root }: TestRepository) =>
    ["d/a", "d/s/b", "d/new", "e/old", "e/more", "sub/f"].map((path) => readFileSync(join(root, path), "utf8"));
  const finished: TestRepository[] = [];
  const points = await atEveryKill(async (at) => {
    const repository = copyOf(start);
    const killed = runKilledAt(repository, ["data", "add", "d", "sub/f", "e/more"], at);
    checkedObjects(cacheOf(repository));
    expect(dataOf(repository)).toEqual(dataOf(start));
    await repeat(repository, dataAdd, input);
    expect({ at, all: readTree(repository.root, { skip: [".git", ".dvc"] }) }).toEqual({
      at,
      all: readTree(whole.root, { skip: [".git", ".dvc"] }),
    });
    expect({ at, left: temporariesIn(dirname(repository.root)) }).toEqual({ at, left: [] });
    expect(checkedObjects(cacheOf(repository))).toEqual(expect.arrayContaining(checkedObjects(cacheOf(whole))));
    finished.push(repository);
    return killed;
  });
  expect(points).toBeGreaterThan(15);
  if (HAS_DVC) {
    const results = dvcCalls(
      whole,
      finished.map((repository) => ({ in: repository, args: ["status", "--json"] })),
    );
    expect(results.map(jsonOf)).toEqual(finished.map(() => ({})));
  }
});

test("data checkout --force over files that are stored nowhere", { timeout: SLOW }, async () => {
  const start = template((repository) => {
    writeTree(repository.root, { "d/a": "a1", "d/s/b": "b", "d/gone": "gone", f: "f1", "new/x": "x", "new/y/z": "z" });
    repository.expver(["data", "add", "d", "f", "new"]);
    repository.commit("data");
    rmSync(join(repository.root, "new"), { recursive: true });
    rmSync(join(repository.root, "d/gone"));
    writeTree(repository.root, { "d/a": "precious 1", "d/extra": "precious 2", f: "precious 3" });
  });
  const wanted = { "d/a": "a1", "d/s/b": "b", "d/gone": "gone", f: "f1", "new/x": "x", "new/y/z": "z" };
  const points = await atEveryKill(async (at) => {
    const repository = copyOf(start);
    const killed = runKilledAt(repository, ["data", "checkout", "--force"], at);
    for (const bytes of ["precious 1", "precious 2", "precious 3"])
      expect({ at, all: bytesIn(repository.root) }).toEqual({ at, all: expect.arrayContaining([bytes]) });
    for (const [path, text] of Object.entries(wanted)) {
      const file = join(repository.root, path);
      if (existsSync(file))
        expect({ at, path, text: [text, "precious 1", "precious 3"].includes(readFileSync(file, "utf8")) }).toEqual({
          at,
          path,
          text: true,
        });
    }
    await repeat(repository, dataCheckout, { force: true });
    for (const [path, text] of Object.entries(wanted)) expect({ at, path, text: repository.read(path) }).toEqual({ at, path, text });
    expect(existsSync(join(repository.root, "d/extra"))).toBe(false);
    for (const bytes of ["precious 1", "precious 2", "precious 3"])
      expect({ at, all: bytesIn(join(repository.root, ".git/expver/trash")) }).toEqual({ at, all: expect.arrayContaining([bytes]) });
    expect({ at, left: temporariesIn(repository.root) }).toEqual({ at, left: [] });
    expect(await statusOf(repository)).toEqual({});
    return killed;
  });
  expect(points).toBeGreaterThan(15);
});

test("data push", { timeout: SLOW }, async () => {
  const start = template((repository) => {
    writeTree(repository.root, { "d/a": "a", "d/s/b": "b", f: "f" });
    repository.expver(["data", "add", "d"]);
    repository.expver(["data", "push"]);
    writeTree(repository.root, { "d/new": "new", "d/a": "changed" });
    repository.expver(["data", "add", "d", "f"]);
    repository.commit("data");
  });
  const points = await atEveryKill(async (at) => {
    const repository = copyOf(start);
    const killed = runKilledAt(repository, ["data", "push"], at);
    checkedObjects(storeOf(repository));
    await repeat(repository, dataPush, {});
    expect({ at, objects: checkedObjects(storeOf(repository)) }).toEqual({ at, objects: checkedObjects(cacheOf(repository)) });
    expect({ at, left: temporariesIn(dirname(repository.root)) }).toEqual({ at, left: [] });
    return killed;
  });
  expect(points).toBeGreaterThan(10);
});

test("many files, by several threads where processors are idle", { timeout: SLOW }, async () => {
  const files = Object.fromEntries(Array.from({ length: 2500 }, (_, index) => [`d/${index % 10}/${index}`, `content ${index}`]));
  const start = template((repository) => writeTree(repository.root, files));
  const stored = template((repository) => {
    writeTree(repository.root, files);
    repository.expver(["data", "add", "d"]);
    repository.commit("data");
    rmSync(join(repository.root, "d"), { recursive: true });
  });
  const wholeTree = readTree(join(start.root, "d"));
  const wholeCache = checkedObjects(cacheOf(stored));
  for (const at of [300, 550]) {
    const added = copyOf(start);
    expect(runKilledAt(added, ["data", "add", "d"], at).code).toBe(SIGKILLED);
    expect({ at, objects: checkedObjects(cacheOf(added)) }).toEqual({ at, objects: [] });
    await repeat(added, dataAdd, { path: ["d"] });
    expect({ at, objects: checkedObjects(cacheOf(added)) }).toEqual({ at, objects: wholeCache });

    const pushed = copyOf(stored);
    expect(runKilledAt(pushed, ["data", "push"], at).code).toBe(SIGKILLED);
    expect({ at, objects: checkedObjects(storeOf(pushed)) }).toEqual({ at, objects: [] });
    await repeat(pushed, dataPush, {});
    expect({ at, objects: checkedObjects(storeOf(pushed)) }).toEqual({ at, objects: wholeCache });

    const checkedOut = copyOf(stored);
    expect(runKilledAt(checkedOut, ["data", "checkout"], at).code).toBe(SIGKILLED);
    expect(existsSync(join(checkedOut.root, "d"))).toBe(false);
    await repeat(checkedOut, dataCheckout, {});
    expect(readTree(join(checkedOut.root, "d"))).toEqual(wholeTree);
    for (const { root } of [added, pushed, checkedOut]) expect({ at, left: temporariesIn(dirname(root)) }).toEqual({ at, left: [] });
  }
});
