import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readStatus, unfinished } from "../../src/git/status.ts";
import { makeRepository } from "../support/repository.ts";

it("lists staged, changed, deleted and untracked paths by their exact names", () => {
  const repo = makeRepository();
  repo.commit("first", { same: "1", "changed file": "2", gone: "3" });
  repo.write("changed file", "other");
  repo.write("folder/new\nname ", "x");
  repo.write("staged", "x");
  repo.git("add", "staged");
  repo.git("rm", "-q", "--cached", "gone");
  expect(readStatus(repo.repository).sort((a, b) => (a.path + a.worktree < b.path + b.worktree ? -1 : 1))).toEqual(
    [
      { path: "changed file", index: ".", worktree: "M", kind: "tracked" },
      { path: "folder/new\nname ", index: ".", worktree: "?", kind: "untracked" },
      { path: "gone", index: "D", worktree: ".", kind: "tracked" },
      { path: "gone", index: ".", worktree: "?", kind: "untracked" },
      { path: "staged", index: "A", worktree: ".", kind: "tracked" },
    ].sort((a, b) => (a.path + a.worktree < b.path + b.worktree ? -1 : 1)),
  );
  expect(readStatus(repo.repository, { untracked: false }).every(({ kind }) => kind === "tracked")).toBe(true);
});

it("does not take a staged rename for one path with two names", () => {
  const repo = makeRepository();
  repo.commit("first", { old: "same content here\n" });
  repo.git("mv", "old", "new");
  expect(
    readStatus(repo.repository)
      .map(({ path, index }) => [path, index])
      .sort(),
  ).toEqual([
    ["new", "A"],
    ["old", "D"],
  ]);
});

it("tells a conflict and the merge that is in progress", () => {
  const repo = makeRepository();
  repo.commit("base", { file: "0" });
  expect(unfinished(repo.repository)).toBeNull();
  repo.git("checkout", "-q", "-b", "side");
  repo.commit("side", { file: "1" });
  repo.git("checkout", "-q", "main");
  repo.commit("main", { file: "2" });
  repo.run("git", ["merge", "side"]);
  expect(unfinished(repo.repository)).toBe("merge");
  expect(readStatus(repo.repository)).toEqual([{ path: "file", index: "U", worktree: "U", kind: "conflict" }]);
});

it.each([
  ["rebase", "rebase-merge/"],
  ["rebase", "rebase-apply/"],
  ["am", "rebase-apply/applying"],
  ["cherry-pick", "CHERRY_PICK_HEAD"],
  ["revert", "REVERT_HEAD"],
])("sees a %s in %s of this worktree", (what, name) => {
  const repo = makeRepository();
  const path = join(repo.root, ".git", name);
  mkdirSync(name.endsWith("/") ? path : join(path, ".."), { recursive: true });
  if (!name.endsWith("/")) writeFileSync(path, "");
  expect(unfinished(repo.repository)).toBe(what);
});
