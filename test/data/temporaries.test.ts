/** Files on their way to a name in the worktree: nobody takes one for data, and they get there from another file system too. */
import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { newOwnName } from "../../src/store/objects/staging.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { smallDisk } from "../support/small-disk.ts";

function repositoryWith(linkType: string): TestRepository {
  const repository = makeRepository();
  must(repository, "init", "-q");
  must(repository, "config", "cache.type", linkType);
  return repository;
}

function must(repository: TestRepository, ...args: string[]): void {
  expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
}

it("a killed unprotect leaves nothing between the data", () => {
  const repository = repositoryWith("hardlink");
  repository.write("d/a", "a");
  repository.write("d/b", "b");
  must(repository, "add", "d");
  const linksOf = () => ["d/a", "d/b"].map((path) => lstatSync(join(repository.root, path)).nlink);
  const kills = atEveryKill((at) => {
    must(repository, "checkout", "--relink");
    expect(linksOf()).toEqual([2, 2]);
    const result = runKilledAt(repository, ["data", "unprotect", "d"], at);
    expect([at, readdirSync(join(repository.root, "d"))]).toEqual([at, ["a", "b"]]);
    must(repository, "unprotect", "d");
    expect([at, linksOf()]).toEqual([at, [1, 1]]);
    expect(JSON.parse(repository.expver(["data", "status", "--json"]).stdout)).toEqual({});
    return result;
  }, sampledPoints(5));
  expect(kills).toBeGreaterThan(5);
});

it("a fetch removes what one left that was killed after all had come", () => {
  const repository = repositoryWith("copy");
  const { root } = repository;
  // This process has begun at another time.
  const dead = newOwnName().replace(/-(\d+)-\d*-/, "-$1-1-");
  mkdirSync(join(root, ".dvc/tmp", `.${dead}`, "made"), { recursive: true });
  must(repository, "fetch");
  expect(readdirSync(join(root, ".dvc/tmp")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

const CAN_MOUNT = smallDisk(64) !== null;

it.skipIf(!CAN_MOUNT).each(["hardlink", "symlink", "copy"])("data on another file system than .dvc, by %s", (type) => {
  const repository = repositoryWith(type);
  const { root } = repository;
  mkdirSync(join(root, "far"));
  expect(smallDisk(4096, join(root, "far"))).not.toBeNull();
  repository.write("far/d/a", "a");
  repository.write("far/d/s/b", "b");
  must(repository, "add", "far/d");
  const expectMade = () => {
    for (const [path, text] of [
      ["far/d/a", "a"],
      ["far/d/s/b", "b"],
    ] as const) {
      const stat = lstatSync(join(root, path));
      expect(repository.read(path)).toBe(text);
      // A hard link cannot cross, so there are copies.
      expect([path, stat.isSymbolicLink(), stat.mode & 0o777]).toEqual([path, type === "symlink", type === "symlink" ? 0o777 : 0o644]);
    }
    expect(readdirSync(join(root, "far/d")).sort()).toEqual(["a", "s"]);
  };
  expectMade();
  rmSync(join(root, "far/d/a"));
  must(repository, "checkout");
  expectMade();
  rmSync(join(root, "far/d"), { recursive: true });
  must(repository, "checkout");
  expectMade();
  must(repository, "unprotect", "far/d");
  expect(lstatSync(join(root, "far/d/a")).isSymbolicLink()).toBe(false);
  expect(JSON.parse(repository.expver(["data", "status", "--json"]).stdout)).toEqual({});
});
