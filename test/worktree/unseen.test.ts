import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { categoriesOf, type Lab, makeLab, nextBest, train } from "./story.ts";

let lab: Lab;
beforeAll(() => {
  lab = makeLab();
});

function made(name: string): TestRepository {
  lab.must("worktree", "create", name);
  return lab.inside(`exp-${name}`);
}

interface Found {
  category: string;
  what: string;
  examples: string[];
  remedy: string;
}

const findings = (name: string): Found[] => lab.repo.expverJson(["check", name]).data.checked[0].findings;

/** A submodule whose repository lies in its folder, as `git submodule add` of a clone leaves it. */
function withSubmodule(there: TestRepository): void {
  const library = makeRepository();
  library.commit("library", { "a.py": "1\n" });
  there.git("clone", "-q", library.root, "vendor");
  there.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.root, "vendor");
  there.git("commit", "-q", "-m", "a submodule");
  there.git("push", "-q", "origin", "HEAD");
}

const LEAVINGS: [name: string, found: string, example: string | null, leave: (there: TestRepository) => void][] = [
  [
    "assumed",
    "tracked",
    "train.sh",
    (there) => {
      there.write("train.sh", "changed\n");
      there.git("update-index", "--assume-unchanged", "train.sh");
    },
  ],
  [
    "skipped",
    "tracked",
    "train.sh",
    (there) => {
      there.write("train.sh", "changed\n");
      there.git("update-index", "--skip-worktree", "train.sh");
    },
  ],
  ["bisected", "tracked", null, (there) => void there.git("bisect", "start")],
  ["locked", "program", null, (there) => writeFileSync(there.git("rev-parse", "--git-path", "index.lock"), "")],
  [
    "configured",
    "ignored",
    ".dvc/config.local",
    (there) => void there.expver(["data", "remote", "modify", "--local", "store", "verify", "true"]),
  ],
  [
    "owned",
    "commits",
    null,
    (there) => {
      there.commit("only in a ref of this worktree", { "new.py": "1\n" });
      there.git("update-ref", "refs/worktree/kept", "HEAD");
      there.git("reset", "-q", "--hard", "HEAD~1");
    },
  ],
  ["submodule", "commits", null, withSubmodule],
  [
    "ignored-repository",
    "ignored",
    "private.log/",
    (there) => {
      mkdirSync(join(there.root, "private.log"));
      there.git("init", "-q", "private.log");
      there.write("private.log/a", "1");
    },
  ],
];

describe.each(LEAVINGS)("%s", (name, category, example, leave) => {
  it("is found, and in the way", () => {
    const there = made(name);
    leave(there);
    const found = findings(name);
    expect(categoriesOf(found)).toEqual([category]);
    if (example !== null) expect(found[0]?.examples).toContain(example);
    expect(lab.repo.expverJson(["worktree", "remove", name]).error?.code).toBe("E_WOULD_LOSE");
    lab.must("worktree", "remove", name, "--force", category, "--yes");
  });
});

it("marks alone, a repository of nothing but what is there, and the cache's place are nothing to lose", () => {
  const there = made("marked");
  there.git("update-index", "--assume-unchanged", "train.sh");
  there.git("update-index", "--skip-worktree", "expver.yaml");
  expect(findings("marked")).toEqual([]);
  lab.must("worktree", "remove", "marked");
});

it("a repository in a tracked folder", () => {
  const there = made("images");
  there.write("images/one.png", "1");
  there.expver(["data", "add", "images"]);
  there.expver(["data", "push"]);
  there.git("add", "-A");
  there.git("commit", "-q", "-m", "images");
  there.git("push", "-q", "origin", "HEAD");
  expect(findings("images")).toEqual([]);
  there.git("init", "-q", "images");
  expect(findings("images")).toMatchObject([{ category: "ignored", examples: ["images/.git"] }]);
  rmSync(join(there.root, "images/.git"), { recursive: true });
  lab.must("worktree", "remove", "images");
});

it("tags made by hand that the remote does not have", () => {
  const there = made("tagged");
  there.commit("tagged by hand", { "new.py": "1\n" });
  there.git("tag", "e0.9.0");
  there.git("tag", "-a", "-m", "x", "baseline");
  const [found] = findings("tagged");
  expect(found).toMatchObject({
    category: "versions",
    what: "2 tags that origin does not have",
    examples: ["baseline", "e0.9.0"],
    remedy: "expver publish e0.9.0; git push origin baseline",
  });
  const url = lab.repo.git("remote", "get-url", "origin");
  lab.repo.git("remote", "set-url", "origin", "/nowhere");
  expect(findings("tagged")[0]?.what).toBe("2 tags of which origin cannot be asked whether it has them");
  lab.repo.git("remote", "set-url", "origin", url);
  lab.repo.git("push", "-q", "origin", "e0.9.0", "baseline");
  expect(findings("tagged")).toEqual([]);
  there.git("tag", "-f", "-a", "-m", "not the one that origin has", "baseline");
  expect(findings("tagged")).toMatchObject([{ category: "versions", examples: ["baseline"] }]);
  there.git("push", "-q", "-f", "origin", "baseline");
  lab.must("worktree", "remove", "tagged");
});

it("a metrics file as a run has read it is recorded, one that was written since is not", () => {
  const there = made("measured");
  expect(there.expver(["run", "--metrics", "metrics.json", "-m", "x", "--", "sh", "train.sh", "0.2"]).code).toBe(0);
  const ignored = () => findings("measured").filter(({ category }) => category === "ignored");
  expect(ignored()).toEqual([]);
  there.write("metrics.json", '{"accuracy": 0.9}');
  expect(ignored()).toMatchObject([{ examples: ["metrics.json"] }]);
  lab.must("worktree", "remove", "measured", "--yes", "--force", ...categoriesOf(findings("measured")));
});

it("a stash with words of somebody's own is of its branch too", () => {
  const there = made("stashed");
  there.write("train.sh", "changed\n");
  there.git("stash", "push", "-q", "-m", "for later");
  expect(findings("stashed")).toMatchObject([{ category: "stashes" }]);
  there.git("stash", "drop", "-q");
  lab.must("worktree", "remove", "stashed");
});

it("the best model of all is in nobody's way once it is a candidate", () => {
  const there = made("best");
  train(there, nextBest());
  expect(categoriesOf(findings("best"))).toContain("model");
  lab.must("models", "add", there.git("tag", "--points-at", "HEAD"));
  expect(categoriesOf(findings("best"))).not.toContain("model");
  lab.must("undo");
  lab.must("worktree", "remove", "best", "--yes", "--force", ...categoriesOf(findings("best")));
});

it("rows of a results database whose file was deleted", () => {
  const there = made("rows");
  train(there, "0.3");
  there.expver(["publish"]);
  expect(findings("rows")).toMatchObject([{ category: "results" }]);
  rmSync(join(there.root, "results/experiments.db"));
  expect(findings("rows")).toMatchObject([{ category: "results", what: "1 result row that the main worktree's database lacks" }]);
  lab.must("worktree", "remove", "rows", "--force", "results", "--yes");
});

it("where GIT_DIR is set, as in a hook, the worktree is looked through and not the repository one is in", () => {
  const there = made("hooked");
  there.commit("only here", { "new.py": "1\n" });
  there.write("run.log", "only here\n");
  const env = { GIT_DIR: join(lab.repo.root, ".git") };
  const { error } = lab.repo.expverJson(["worktree", "remove", "hooked"], { env });
  expect(categoriesOf(error?.details.findings as { category: string }[])).toEqual(["commits", "ignored"]);
  const finish = ["worktree", "finish", "hooked", "--force", "ignored", "versions", "--yes", "--dry-run"];
  expect(lab.repo.expverJson(finish, { env }).error).toBe(null);
  lab.must("worktree", "remove", "hooked", "--force", "commits", "ignored", "--yes");
});

describe("the branch", () => {
  it("stays where another worktree is on it, and its commits are no loss", () => {
    const there = made("shared");
    there.commit("on the branch", { "new.py": "1\n" });
    there.git("checkout", "-q", "--detach");
    lab.repo.git("switch", "-q", "exp/shared");
    try {
      expect(lab.repo.expverJson(["worktree", "remove", "shared"]).data).toMatchObject({ branch: null });
      expect(lab.repo.git("status", "--porcelain")).toBe("");
      expect(lab.repo.git("log", "-1", "--format=%s")).toBe("on the branch");
    } finally {
      lab.repo.git("switch", "-q", "main");
    }
    lab.repo.git("branch", "-D", "exp/shared");
  });

  it("is looked through, and goes alone, where another repository has taken the worktree's place", () => {
    const there = made("replaced");
    there.commit("only here", { "new.py": "1\n" });
    lab.repo.git("worktree", "remove", there.root);
    lab.repo.git("clone", "-q", lab.repo.git("remote", "get-url", "origin"), there.root);
    expect(categoriesOf(findings("replaced"))).toEqual(["commits"]);
    lab.must("worktree", "remove", "replaced", "--force", "commits", "--yes");
    expect(there.read("train.sh")).not.toBe("");
    expect(there.git("rev-parse", "--is-inside-work-tree")).toBe("true");
    expect(lab.repo.git("branch", "--list", "exp/replaced")).toBe("");
  });
});

it("what only the worktree led to outlives git gc, and undo brings it back", () => {
  const there = made("collected");
  there.git("checkout", "-q", "--detach");
  const head = there.commit("on no branch", { "new.py": "1\n" });
  there.write("staged.py", "staged\n");
  there.git("add", "staged.py");
  there.write("staged.py", "later\n");
  lab.must("worktree", "remove", "collected", "--force", "commits", "tracked", "--yes");
  lab.repo.git("reflog", "expire", "--expire=now", "--all");
  lab.repo.git("gc", "-q", "--prune=now");
  lab.must("undo");
  expect(there.git("rev-parse", "HEAD")).toBe(head);
  expect(there.git("show", ":staged.py")).toBe("staged");
  expect(there.read("staged.py")).toBe("later\n");
  expect(there.git("fsck", "--connectivity-only")).toBe("");
  lab.must("worktree", "remove", "collected", "--force", "commits", "tracked", "--yes");
});

it("an exploration that was only looked at leaves nothing behind, no ref either", () => {
  const before = lab.repo.git("for-each-ref");
  lab.must("checkout", "e0.1.0");
  lab.must("cleanup");
  expect(lab.repo.git("for-each-ref")).toBe(before);
});
