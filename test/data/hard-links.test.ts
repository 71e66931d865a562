/** Many names of the same bytes, in the cache and in the worktree: what happens to one of them is no change of the others. */
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

function linked(files: Record<string, string>): { repository: TestRepository; must: (...args: string[]) => void } {
  const repository = makeRepository();
  const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  must("init", "-q");
  must("config", "cache.type", "hardlink");
  for (const [path, text] of Object.entries(files)) repository.write(path, text);
  must("add", "d");
  repository.commit("data");
  return { repository, must };
}

it("files that change places, and twins that go, are checked out", () => {
  const { repository, must } = linked({ "d/a": "one", "d/b": "two", "d/twin": "same", "d/other twin": "same" });
  rmSync(join(repository.root, "d"), { recursive: true });
  repository.write("d/a", "two");
  repository.write("d/b", "one");
  must("add", "d");
  repository.commit("changed places");
  repository.git("checkout", "-q", "HEAD~1");
  must("checkout");
  expect(["a", "b", "twin", "other twin"].map((name) => repository.read(`d/${name}`))).toEqual(["one", "two", "same", "same"]);
  repository.git("checkout", "-q", "-");
  must("checkout");
  expect(readdirSync(join(repository.root, "d")).map((name) => repository.read(`d/${name}`))).toEqual(["two", "one"]);
});

it("all twins become files of their own", () => {
  const { repository, must } = linked({ "d/a": "same", "d/b": "same", "d/c": "same" });
  const linksOf = () => ["a", "b", "c"].map((name) => lstatSync(join(repository.root, "d", name)).nlink);
  expect(linksOf()).toEqual([4, 4, 4]);
  must("config", "cache.type", "copy");
  must("checkout", "--relink");
  expect(linksOf()).toEqual([1, 1, 1]);
  must("config", "cache.type", "hardlink");
  must("commit", "-f");
  must("checkout", "--relink");
  expect(linksOf()).toEqual([4, 4, 4]);
  must("checkout", "--relink");
  expect(linksOf()).toEqual([4, 4, 4]);
  expect(readdirSync(join(repository.root, ".dvc/tmp")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
