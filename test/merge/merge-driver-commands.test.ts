/** Every Git command that merges behind the scenes asks the driver, or says that it did not come to an end. */
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import type { CommandResult } from "../support/repository.ts";
import { makeFolder } from "../support/repository.ts";
import { makeStory, must, onBranch, type Story, storedFiles, storedRows, unmerged } from "./driver-story.ts";

let story: Story;
let repo: Story["repo"];
const git = (...args: string[]): CommandResult => repo.run("git", ["-c", "core.editor=true", ...args]);

/** `main` and `other` have each added a row and a file. */
beforeEach(() => {
  story = makeStory();
  ({ repo } = story);
  onBranch(story, "other", () => {
    story.rows("other's row", { c: 3 });
    story.files("other's file", { three: "3" });
  });
  story.rows("main's row", { d: 4 });
  story.files("main's file", { four: "4" });
});

const ALL_ROWS = ["a 1", "b 2", "c 3", "d 4"];
const ALL_FILES = ["four", "one", "three", "two"];
function expectAll(): void {
  expect(unmerged(repo)).toEqual([]);
  expect(storedRows(repo)).toEqual(ALL_ROWS);
  expect(storedFiles(repo)).toEqual(ALL_FILES);
  must(repo, "data", "checkout");
  expect(repo.read("data/set/three")).toBe("3");
}

it("git cherry-pick -n: into the index, nothing committed", () => {
  const head = repo.git("rev-parse", "HEAD");
  expect(git("cherry-pick", "-n", "other~1", "other")).toMatchObject({ code: 0 });
  expect(repo.git("rev-parse", "HEAD")).toBe(head);
  expect(repo.git("diff", "--cached", "--name-only").split("\n").sort()).toEqual(["data/set.dvc", "results/experiments.db.dvc"]);
  expectAll();
});

it("git rebase -i with the commits in another order, and as one", () => {
  repo.git("checkout", "-q", "other");
  const editor = 'sequence.editor=f() { tac "$1" | grep ^pick | sed "2s/^pick/squash/" > "$1.new"; mv "$1.new" "$1"; }; f';
  expect(git("-c", editor, "rebase", "-i", "main")).toMatchObject({ code: 0 });
  expect(repo.git("rev-list", "--count", "main..other")).toBe("1");
  expectAll();
});

it("git stash pop: a pointer that was changed and not committed", () => {
  repo.git("reset", "-q", "--hard", "main~2");
  must(repo, "data", "checkout");
  repo.write("data/set/five", "5");
  must(repo, "data", "add", "data/set");
  repo.git("stash");
  repo.git("merge", "-q", "--ff-only", "other");
  const { code, stderr } = git("stash", "pop");
  expect(code, stderr).toBe(0);
  expect(storedFiles(repo)).toEqual(["five", "one", "three", "two"]);
  expect(repo.git("stash", "list")).toBe("");
});

it("git am -3: a commit that came by mail", () => {
  const patches = makeFolder("patches");
  repo.git("format-patch", "-q", "-o", patches, "main..other");
  const { code, stdout, stderr } = repo.run("sh", ["-c", `git am -3 '${patches}'/*.patch`]);
  expect(code, stdout + stderr).toBe(0);
  expectAll();
});

it("git pull --rebase --autostash: what was not committed is there afterwards", () => {
  const upstream = join(makeFolder("upstream"), "bare.git");
  repo.git("clone", "-q", "--bare", repo.root, upstream);
  repo.git("remote", "add", "origin", upstream);
  repo.git("checkout", "-q", "other");
  repo.git("branch", "-q", "-D", "main");
  must(repo, "data", "checkout");
  repo.write("data/set/five", "5");
  must(repo, "data", "add", "data/set");
  const { code, stderr } = git("pull", "-q", "--rebase", "--autostash", "origin", "main");
  expect(code, stderr).toBe(0);
  expect(storedRows(repo)).toEqual(ALL_ROWS);
  expect(storedFiles(repo)).toEqual(["five", ...ALL_FILES]);
  expect(repo.git("status", "--porcelain")).toBe(" M data/set.dvc");
});

it("git merge of several branches at once does not ask the driver: it stops, and one after the other goes", () => {
  onBranch(story, "third", () => story.rows("third's row", { e: 5 }), "main~2");
  const before = repo.git("rev-parse", "HEAD");
  const { code, stdout, stderr } = git("merge", "--no-edit", "other", "third");
  expect(code, stdout + stderr).not.toBe(0);
  expect(repo.git("rev-parse", "HEAD")).toBe(before);
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(git("merge", "--no-edit", "other").code).toBe(0);
  expect(git("merge", "--no-edit", "third").code).toBe(0);
  expect(storedRows(repo)).toEqual([...ALL_ROWS, "e 5"]);
});

it("git merge of several branches at once, of which only the last is in the way: a conflict with markers, named, and merged by --resolve", () => {
  onBranch(story, "third", () => story.rows("third's row", { e: 5 }), "main~2");
  repo.git("checkout", "-q", "-b", "fourth", "main~2");
  repo.commit("no pointer");
  expect(git("merge", "--no-edit", "main", "third").code).toBe(1);
  expect(unmerged(repo)).toEqual(["results/experiments.db.dvc"]);
  expect(repo.read("results/experiments.db.dvc")).toContain("<<<<<<<");
  const doctor = repo.expver(["doctor"]);
  expect(doctor.code).toBe(5);
  expect(doctor.stdout).toContain("results/experiments.db.dvc is in conflict");
  must(repo, "merge", "--resolve");
  repo.git("commit", "-q", "--no-edit");
  expect(repo.git("rev-list", "--parents", "-1", "HEAD").split(" ")).toHaveLength(4);
  expect([storedRows(repo), storedFiles(repo)]).toEqual([
    ["a 1", "b 2", "d 4", "e 5"],
    ["four", "one", "two"],
  ]);
});
