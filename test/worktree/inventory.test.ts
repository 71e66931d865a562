/** Nothing is removed that is nowhere else: each category alone, random mixes of them, and what plain Git does to the same. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, seededRandom, type TestRepository } from "../support/repository.ts";
import { categoriesOf, type Lab, LEAVINGS, makeLab, train } from "./story.ts";

let lab: Lab;
beforeAll(() => {
  lab = makeLab();
});

const check = (name: string) => lab.repo.expverJson(["check", name]);

describe("a worktree with nothing of its own", () => {
  it("is removed; check says so before, in it and from the main one", () => {
    lab.must("worktree", "create", "empty");
    expect(check("empty")).toMatchObject({ code: 0, ok: true, data: { checked: [{ name: "empty", branch: "exp/empty", findings: [] }] } });
    expect(lab.inside("exp-empty").expver(["check"]).code).toBe(0);
    expect(lab.repo.expver(["check"]).code).toBe(0);
    expect(check("exp/empty").data.checked[0].root).toBe(lab.tree("exp-empty"));
    const shell = lab.inside("exp-empty").run("sh", ["-c", `'${process.execPath}' '${MAIN}' check; echo $?`]);
    expect(shell.stdout.trimEnd().endsWith("\n0"), `the shell it is typed in is no program at work: ${shell.stdout}`).toBe(true);
    lab.must("worktree", "remove", "empty");
    expect(check("empty").error?.code).toBe("E_NOT_FOUND");
  });
});

describe.each(Object.entries(LEAVINGS))("what is only there: %s", (name, { found, leave }) => {
  it("refuses, names the category and what to type; --force by name is the only way, and then it is in the trash", () => {
    lab.must("worktree", "create", name);
    const there = lab.inside(`exp-${name}`);
    const program = leave(there);
    try {
      const answer = check(name);
      expect(answer.code).toBe(4);
      expect(categoriesOf(answer.data.checked[0].findings)).toEqual(found);
      for (const { what, remedy } of answer.data.checked[0].findings) expect([what, remedy]).not.toContain("");
      const refused = lab.repo.expverJson(["worktree", "remove", name]);
      expect(refused).toMatchObject({ code: 4, error: { code: "E_WOULD_LOSE" } });
      expect(lab.repo.expverJson(["worktree", "remove", name, "--force", ...found]).code).toBe(3);
    } finally {
      program?.kill("SIGKILL");
    }
    lab.must("worktree", "remove", name, "--force", ...found, "--yes");
    expect(existsSync(there.root)).toBe(false);
  });
});

it("sees a program that works elsewhere and has a file open for writing in it, not one that reads", () => {
  lab.must("worktree", "create", "written");
  const file = join(lab.tree("exp-written"), "train.sh");
  const started = ["r", "a"].map((flags) => {
    const descriptor = openSync(file, flags);
    const program = spawn("sleep", ["600"], { cwd: "/", stdio: ["ignore", descriptor, "ignore"] });
    closeSync(descriptor);
    return program;
  });
  try {
    expect(check("written").data.checked[0].findings).toMatchObject([
      { category: "program", count: 1, examples: [String(started[1]?.pid)] },
    ]);
    expect(lab.repo.expverJson(["worktree", "remove", "written"])).toMatchObject({ code: 4, error: { code: "E_WOULD_LOSE" } });
  } finally {
    for (const program of started) program.kill("SIGKILL");
  }
  lab.must("worktree", "remove", "written");
});

it("what it says to type resolves it: results, commits, a model", () => {
  const own = makeLab({ remotes: false });
  own.must("worktree", "create", "typed");
  const there = own.inside("exp-typed");
  LEAVINGS.model?.leave(there);
  LEAVINGS.commits?.leave(there);
  const left = () => own.repo.expverJson(["check", "typed"]).data.checked[0].findings as { category: string; remedy: string }[];
  expect(categoriesOf(left())).toEqual(["commits", "model", "results"]);
  expect(left().find(({ category }) => category === "results")).toMatchObject({
    what: "1 result row that the main worktree's database lacks",
  });
  for (const { remedy } of left()) {
    const [first = ""] = remedy.split(", or ");
    const { code, stderr } = own.repo.run("sh", ["-c", first.replace(/^expver/, `'${process.execPath}' '${MAIN}'`)]);
    expect({ first, code, stderr: code === 0 ? "" : stderr }).toEqual({ first, code: 0, stderr: "" });
  }
  expect(left()).toEqual([]);
  own.must("worktree", "remove", "typed");
});

it.each(["ignored", "data"])("plain `git worktree remove` deletes without a word: %s", (name) => {
  lab.must("worktree", "create", `git-${name}`);
  const there = lab.inside(`exp-git-${name}`);
  LEAVINGS[name]?.leave(there);
  const lost = bytesIn(there.root).filter((bytes) => !isKept(bytes));
  expect(lost.length).toBeGreaterThan(0);
  lab.repo.git("worktree", "remove", there.root);
  expect(lost.filter((bytes) => !isKept(bytes))).toHaveLength(lost.length);
  lab.must("worktree", "remove", `git-${name}`, ...forced(`git-${name}`));
});

it("of random mixes finds exactly what is there, and every deleted byte is kept somewhere", { timeout: 300_000 }, () => {
  const random = seededRandom(20261125);
  const names = Object.keys(LEAVINGS).filter((name) => name !== "unreadable" && name !== "program");
  for (let round = 0; round < Number(process.env.EXPVER_ROUNDS ?? 5); round += 1) {
    const chosen = names.filter(() => random() < 0.35);
    lab.must("worktree", "create", `mix-${round}`);
    const there = lab.inside(`exp-mix-${round}`);
    for (const name of chosen) LEAVINGS[name]?.leave(there);
    const about = JSON.stringify({ round, chosen });
    const expected = [...new Set(chosen.flatMap((name) => LEAVINGS[name]?.found ?? []))].sort();
    const { data } = check(`mix-${round}`);
    expect(categoriesOf(data.checked[0].findings), about).toEqual(expected);
    const bytes = bytesIn(there.root);
    lab.must("worktree", "remove", `mix-${round}`, ...forced(`mix-${round}`));
    expect(existsSync(there.root), about).toBe(false);
    expect(bytes.filter((one) => !isKept(one)).map(String), about).toEqual([]);
    lab.repo.git("stash", "clear");
  }
});

describe("a branch that is checked out nowhere", () => {
  it("has commits, versions, objects and results that are nowhere else", () => {
    lab.must("worktree", "create", "left");
    const there = lab.inside("exp-left");
    LEAVINGS.versions?.leave(there);
    LEAVINGS.commits?.leave(there);
    lab.repo.git("worktree", "remove", "--force", there.root);
    // The folder is gone, its branch is not: found by the experiment's name and by the branch's.
    for (const name of ["left", "exp/left"]) {
      expect(categoriesOf(check(name).data.checked[0].findings)).toEqual(["commits", "objects", "results", "versions"]);
    }
    lab.must("worktree", "remove", "left", ...forced("left"));
    expect(lab.repo.git("branch", "--list", "exp/left")).toBe("");
    expect(lab.repo.git("rev-parse", "--verify", "main")).toBe(lab.repo.git("rev-parse", "HEAD"));
  });

  it("is looked at in a bare repository too, with its stashes", () => {
    const bare = join(lab.repo.root, "../bare.git");
    lab.repo.git("clone", "-q", "--bare", ".", bare);
    lab.repo.git("-C", bare, "branch", "spare", "main");
    const tree = join(lab.repo.root, "../of-bare");
    lab.repo.git("-C", bare, "worktree", "add", "-q", "-b", "other", tree, "main");
    lab.repo.run("sh", ["-c", `echo x >> "${tree}/train.sh"`]);
    lab.repo.git("-C", tree, "stash", "-q");
    lab.repo.git("-C", tree, "switch", "-q", "--detach");
    const found = (branch: string) => lab.repo.expverJson(["-C", bare, "check", branch]).data.checked[0].findings;
    expect(categoriesOf(found("spare"))).not.toContain("unreadable");
    expect(categoriesOf(found("other"))).toContain("stashes");
  });

  it("counts commits of the branch that the worktree's HEAD has left", () => {
    lab.must("worktree", "create", "detached");
    const there = lab.inside("exp-detached");
    LEAVINGS.commits?.leave(there);
    there.git("checkout", "-q", "--detach", "main");
    expect(categoriesOf(check("detached").data.checked[0].findings)).toEqual(["commits"]);
    lab.must("worktree", "remove", "detached", ...forced("detached"));
  });
});

it("sees what .dvcignore keeps out of a tracked folder, and ignored files beside outputs", () => {
  const own = makeLab({ remotes: false });
  own.repo.write("images/one.png", "1");
  own.repo.write(".dvcignore", "*.draft\n");
  own.must("data", "add", "images");
  own.repo.commit("images");
  own.must("worktree", "create", "drafts");
  const there = own.inside("exp-drafts");
  there.write("images/two.draft", "in no commit and no cache\n");
  expect(own.repo.expverJson(["check", "drafts"]).data.checked[0].findings).toMatchObject([
    { category: "ignored", count: 1, examples: ["images/two.draft"] },
  ]);
  rmSync(join(there.root, "images/two.draft"));
  own.must("worktree", "remove", "drafts");
});

/** What check finds, as `--force` wants it. */
function forced(name: string): string[] {
  const categories = categoriesOf(check(name).data.checked[0].findings);
  return categories.length === 0 ? [] : ["--force", ...categories, "--yes"];
}

/** Of every file that is not Git's, DVC's or a program's own bookkeeping. */
function bytesIn(folder: string): Buffer[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if ([".git", ".dvc"].includes(entry.name)) return [];
    return entry.isDirectory() ? bytesIn(path) : [readFileSync(path)];
  });
}

/** In a Git object, the cache, or the trash. */
function isKept(bytes: Buffer): boolean {
  const { repo } = lab;
  const md5 = createHash("md5").update(bytes).digest("hex");
  if (existsSync(join(repo.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2)))) return true;
  const blob = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  if (repo.run("git", ["cat-file", "-e", blob]).code === 0) return true;
  return inTrash(repo).some((one) => one.equals(bytes));
}

function inTrash(repo: TestRepository): Buffer[] {
  const trash = join(repo.root, ".git/expver/trash");
  return existsSync(trash) ? bytesIn(trash) : [];
}

it("rows that main lacks are told in the experiment's own worktree too, and no advice says that it can go", () => {
  const lab = makeLab({ remotes: false });
  lab.must("worktree", "create", "rows");
  const there = lab.inside("exp-rows");
  train(there, "0.7");
  for (const repo of [lab.repo, there]) {
    const { worktrees } = repo.expverJson(["worktrees", "--check"]).data;
    const { findings } = worktrees.find(({ name }: { name: string }) => name === "rows");
    expect(findings.map(({ category }: { category: string }) => category)).toContain("results");
  }
});

it("the main worktree, asked about itself: what is in no commit is in no other place either", () => {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  repo.write("data/x.csv", "1\n");
  expect(repo.expver(["data", "add", "data/x.csv"]).code).toBe(0);
  repo.commit("first", { "train.py": "1\n" });
  const found = () =>
    repo.expverJson(["check", "."]).data.checked[0].findings.map(({ category }: { category: string }) => category) as string[];
  const before = found();
  repo.write("train.py", "2\n");
  repo.write("new.py", "");
  repo.write("data/x.csv", "2\n");
  expect(found().filter((one) => !before.includes(one))).toEqual(["tracked", "untracked", "data"]);
});
