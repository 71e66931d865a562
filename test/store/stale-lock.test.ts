/** Two find a link lock stale: the second comes to break it when the first has broken it and taken it. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  type StatSyncFn,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, vi } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { withDvcLock } from "../../src/store/dvc-lock.ts";
import { makeRepository } from "../support/repository.ts";

const between = vi.hoisted(() => ({ path: "", work: () => {} }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const watched = ((...args: Parameters<StatSyncFn>) => {
    const found = real.statSync(...args);
    if (args[0] === between.path) {
      between.path = "";
      between.work();
    }
    return found;
  }) as StatSyncFn;
  return { ...real, statSync: watched };
});

it("the lock that was taken meanwhile stays, and is waited for", async () => {
  const repository = makeRepository();
  expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
  repository.write(".dvc/config", "[core]\n    hardlink_lock = true\n");
  const path = join(repository.root, ".dvc/tmp/lock");
  mkdirSync(dirname(path), { recursive: true });
  const take = (name: string, seconds: number) => {
    const claim = join(dirname(path), `${name}.lock`);
    writeFileSync(claim, claim);
    linkSync(claim, path);
    const until = Date.now() / 1000 + seconds;
    utimesSync(path, until, until);
    return claim;
  };
  const dead = take("dead", -60);
  let first = "";
  between.work = () => {
    for (const one of [path, dead]) rmSync(one);
    first = take("first", 3600);
  };
  between.path = path;
  await expect(withDvcLock(openProject(repository.context), () => "done", { patience: 0 })).rejects.toMatchObject({ code: "E_BUSY" });
  expect(first).not.toBe("");
  expect(existsSync(path) && readFileSync(path, "utf8")).toBe(first);
  expect([lstatSync(path).ino, statSync(path).nlink]).toEqual([lstatSync(first).ino, 2]);
  expect(readdirSync(dirname(path)).filter((name) => /lock|stale/.test(name))).toEqual(["first.lock", "lock"]);
});
