/** History that is rewritten by plain Git hides no version: it is listed, marked, whole, and goes back onto a branch. */
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
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

describe("with hooks, before it happens", () => {
  let repo: TestRepository;
  beforeEach(() => {
    repo = withVersions();
    mustIn(repo, "hooks", "install");
  });

  /** What Git printed; it is never kept from going on. */
  const said = (...args: string[]) => {
    const { code, stdout, stderr } = repo.run("git", args);
    expect(code, stderr).toBe(0);
    return stdout + stderr;
  };
  const WARNING = "e0.2.0 is on no branch after this";

  it.each([
    [["commit", "--amend", "-m", "said otherwise"]],
    [["reset", "--hard", "HEAD~1"]],
    [["update-ref", "refs/heads/main", "HEAD~1"]],
  ])("git %j warns", (args) => {
    const text = said(...args);
    expect(text).toContain(WARNING);
    expect(text).toContain("git branch NAME e0.2.0");
  });

  it("so do a deleted branch and a rebase that goes past its own hook, once, and also in a linked worktree", () => {
    said("checkout", "-q", "-b", "other", "HEAD~1");
    repo.commit("elsewhere", { "other.txt": "x\n" });
    const linked = join(repo.root, "../linked");
    expect(said("worktree", "add", "-q", linked, "main")).not.toContain("warning");
    expect(said("-C", linked, "rebase", "--no-verify", "other")).toContain(WARNING);
    expect(said("-C", linked, "commit", "-q", "--amend", "-m", "again")).not.toContain("e0.2.0");
    said("branch", "kept", "e0.2.0");
    expect(said("branch", "-D", "kept")).toContain(WARNING);
  });

  it("nothing is said, and no program started, when a branch goes forward, is made, or leaves another one behind", () => {
    expect(said("commit", "-q", "--allow-empty", "-m", "third")).toBe("");
    expect(said("branch", "kept")).toBe("");
    expect(said("reset", "-q", "--hard", "HEAD~2")).toBe("");
    expect(said("merge", "-q", "--ff-only", "kept")).toBe("");
    expect(said("tag", "light")).toBe("");
  });

  it("what cannot be looked at keeps Git from nothing", () => {
    repo.write("expver.yaml", "nonsense: [");
    said("commit", "-q", "--amend", "-m", "said otherwise");
    expect(repo.git("log", "-1", "--format=%s")).toBe("said otherwise");
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
