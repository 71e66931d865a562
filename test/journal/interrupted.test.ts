/** Looking at what an operation did, and taking it back, can be interrupted between any two files, and is finished by doing it again. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { newestOperations } from "../../src/journal/operations.ts";
import { lookingAt, takeBack, takingBack } from "../../src/journal/take-back.ts";
import type { Effect } from "../../src/journal/types.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { digestingTree } from "../../src/platform/tree-digest.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const NAMES = ["a", "b", "c", "d", "e", "f"];

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function checkedOut(): TestRepository {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  for (const version of ["v1", "v2"]) {
    for (const name of NAMES) repository.write(`d/${name}`, `${name} ${version}`);
    expect(repository.expver(["data", "add", "d"])).toMatchObject({ code: 0 });
    repository.commit(version);
    repository.git("tag", version);
  }
  repository.git("checkout", "-q", "v1");
  expect(repository.expver(["data", "checkout"])).toMatchObject({ code: 0 });
  return repository;
}

it("a checkout: what is back is back, the rest comes when it is repeated", () => {
  const repository = checkedOut();
  const project = openProject(repository.context);
  const [operation] = newestOperations(project);
  const effects = operation?.effects ?? [];
  const versions = () => NAMES.map((name) => repository.read(`d/${name}`).slice(2)).sort();
  expect(versions()).toEqual(NAMES.map(() => "v1"));
  const work = takingBack(project, effects);
  while (!versions().includes("v2")) expect(work.next().done).toBe(false);
  expect(() => work.throw(new Error("stopped"))).toThrow("stopped");
  expect(versions()).toEqual(["v1", "v1", "v1", "v1", "v1", "v2"]);
  expect(takeBack(project, effects)).toEqual([]);
  expect(versions()).toEqual(NAMES.map(() => "v2"));
});

it("a look at what was moved, and at objects of a cache, pauses at every file", () => {
  const repository = makeRepository();
  const project = openProject(repository.context);
  const path = (name: string) => join(repository.root, name);
  for (const name of NAMES) {
    write(path(`placed/${name}`), name);
    write(path(`trash/${name}`), name);
  }
  const digest = finishWork(digestingTree(path("placed")));
  const moved: Effect = { kind: "move", from: "waiting", to: "placed", digest };
  const objects: Effect = { kind: "objects", folder: path("cache"), trash: path("trash"), names: NAMES };
  for (const effect of [moved, objects]) {
    const work = lookingAt(project, [effect]);
    let pauses = 0;
    let step = work.next();
    for (; !step.done; step = work.next()) pauses += step.value.files;
    expect(step.value).toMatchObject([{ state: "after" }]);
    expect(pauses).toBe(NAMES.length);
  }
});
