/** History that is rewritten by plain Git hides no version: it is listed, marked, whole, and goes back onto a branch. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { mustIn } from "../worktree/story.ts";

/** `main` with e0.1.0 and e0.2.0, the latter its tip. */
function withVersions(): TestRepository {
  const repo = makeRepository();
  mustIn(repo, "init");
  repo.commit("first", { "expver.yaml": "metrics: { accuracy: max }\n", "note.txt": "first\n" });
  repo.git("tag", "-a", "e0.1.0", "-m", "accuracy=0.8 | first");
  repo.write("data/train.csv", "a\n1\n");
  mustIn(repo, "data", "add", "data/train.csv");
  repo.commit("second", { "note.txt": "second\n" });
  mustIn(repo, "tag", "e0.2.0", "-d", "second");
  return repo;
}

const REWRITINGS: [what: string, rewrite: (repo: TestRepository) => void][] = [
  ["git commit --amend", (repo) => repo.git("commit", "-q", "--amend", "-m", "said otherwise")],
  ["git reset --hard", (repo) => repo.git("reset", "-q", "--hard", "HEAD~1")],
  [
    "git rebase",
    (repo) => {
      repo.git("checkout", "-q", "-b", "other", "HEAD~1");
      repo.commit("elsewhere", { "other.txt": "x\n" });
      repo.git("rebase", "-q", "other", "main");
    },
  ],
  [
    "git merge --squash and git branch -D",
    (repo) => {
      repo.git("checkout", "-q", "-b", "other", "HEAD~1");
      repo.git("merge", "-q", "--squash", "main");
      repo.git("commit", "-q", "-m", "squashed");
      repo.git("branch", "-q", "-D", "main");
    },
  ],
];

describe.each(REWRITINGS)("after %s", (_what, rewrite) => {
  let repo: TestRepository;
  beforeAll(() => {
    repo = withVersions();
    rewrite(repo);
    repo.git("reflog", "expire", "--expire=now", "--all");
    repo.git("gc", "-q", "--prune=now");
  });

  it("a version is there, marked, and nothing of it is lost", () => {
    const { versions } = repo.expverJson(["list"]).data;
    expect(versions.map(({ version, onBranch }: { version: string; onBranch: boolean }) => [version, onBranch])).toEqual([
      ["e0.1.0", true],
      ["e0.2.0", false],
    ]);
    mustIn(repo, "get", "e0.2.0", "note.txt", "-o", "old-note.txt");
    mustIn(repo, "get", "e0.2.0", "data/train.csv", "-o", "old-train.csv");
    expect([repo.read("old-note.txt"), repo.read("old-train.csv")]).toEqual(["second\n", "a\n1\n"]);
    mustIn(repo, "verify", "e0.2.0");
  });

  it("what the list says to type puts it back onto a branch", () => {
    expect(repo.expver(["list"]).stdout).toContain("e0.2.0 is on no branch");
    repo.git("branch", "kept", "e0.2.0");
    expect(repo.expver(["list"]).stdout).not.toContain("on no branch");
  });
});

it("a version of a linked worktree whose branch and folder are gone is listed in the main one", () => {
  const repo = withVersions();
  const path = join(repo.root, "../side by side");
  repo.git("worktree", "add", "-q", "-b", "side", path);
  const side = openTestRepository(path, repo.context.env as Record<string, string>);
  side.commit("third", { "note.txt": "third\n" });
  mustIn(side, "tag", "e0.3.0", "-d", "third");
  side.git("commit", "-q", "--amend", "-m", "third, amended");
  expect(side.expver(["list"]).stdout).toContain("e0.3.0 is on no branch");
  repo.git("worktree", "remove", path);
  repo.git("branch", "-q", "-D", "side");
  expect(repo.expver(["list"]).stdout).toContain("e0.3.0 is on no branch");
  mustIn(repo, "get", "e0.3.0", "note.txt", "-o", "old-note.txt");
  expect(repo.read("old-note.txt")).toBe("third\n");
});
