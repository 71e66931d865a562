/** Git 2.34, as Ubuntu 22.04 has it, lacks some options that are used where they are there. A real one was tried by hand. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

const LACKING = `#!/bin/sh
case " $* " in
  *" worktree list --porcelain -z "*) echo "error: unknown switch \\\`z'" >&2; exit 129 ;;
  *" merge-tree --write-tree "*) echo "usage: git merge-tree <base-tree> <branch1> <branch2>" >&2; exit 129 ;;
  *" --skip-checks "*) echo "error: unknown option \\\`skip-checks'" >&2; exit 129 ;;
  *" hook run "*) echo "git: 'hook' is not a git command. See 'git --help'." >&2; exit 1 ;;
esac
PATH=$OTHER_PATH exec git "$@"
`;

function withOlderGit(): TestRepository {
  const programs = makeFolder("programs");
  writeFileSync(join(programs, "git"), LACKING, { mode: 0o755 });
  const repo = makeRepository({ env: { PATH: `${programs}:${process.env.PATH}`, OTHER_PATH: process.env.PATH ?? "" } });
  repo.expver(["init"]);
  repo.write("code/a.js", "1\n");
  repo.write("other/b.js", "1\n");
  repo.write("data/a.csv", "1\n");
  repo.expver(["data", "add", "data"]);
  repo.commit("start");
  return repo;
}

const there = (name: string) => ({ cwd: `../exp-${name}` });

it("worktrees are made, listed, finished and removed", () => {
  const repo = withOlderGit();
  expect(repo.expver(["worktree", "create", "one"])).toMatchObject({ code: 0 });
  repo.run(
    "sh",
    ["-c", "echo 2 > code/new.js; echo '*.x' >> .gitignore; git mv other/b.js other/c.js; git add -A; git commit -qm theirs"],
    there("one"),
  );
  repo.write("code/mine.js", "3\n");
  repo.write(".gitignore", `${repo.read(".gitignore")}*.y\n`);
  repo.commit("ours");
  expect(repo.expverJson(["worktree", "list"]).data.worktrees).toHaveLength(2);
  expect(repo.expver(["worktree", "finish", "one", "--code", "merge"])).toMatchObject({ code: 0 });
  expect(repo.git("ls-files", "code", "other").split("\n")).toEqual(["code/a.js", "code/mine.js", "code/new.js", "other/c.js"]);
  expect(repo.read(".gitignore").split("\n")).toEqual(expect.arrayContaining(["*.x", "*.y"]));
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(repo.expver(["data", "gc", "-w", "-f"])).toMatchObject({ code: 0 });
});

it("code that differs in the same places is left to whoever knows it, and nothing is touched", () => {
  const repo = withOlderGit();
  repo.expver(["worktree", "create", "two"]);
  repo.run("sh", ["-c", "echo 2 > code/a.js; git commit -qam theirs"], there("two"));
  repo.write("code/a.js", "3\n");
  repo.commit("ours");
  const before = repo.git("rev-parse", "HEAD");
  const { error } = repo.expverJson(["worktree", "finish", "two", "--code", "merge"]);
  expect(error).toMatchObject({ code: "E_CONFLICT", details: { paths: ["code/a.js"] } });
  expect([repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain"), repo.read("code/a.js")]).toEqual([before, "", "3\n"]);
});

it("a sparse worktree has the folders it is to have", () => {
  const repo = withOlderGit();
  expect(repo.expver(["worktree", "create", "three", "--sparse", "code"])).toMatchObject({ code: 0, stderr: "" });
  expect(repo.run("ls", [], there("three")).stdout.split("\n")).not.toContain("other");
});

it("the pre-commit hook sees the snapshot, with or without a first line that says what it is", () => {
  for (const start of ["#!/bin/sh\n", ""]) {
    const repo = withOlderGit();
    const hook = join(repo.root, ".git/hooks/pre-commit");
    writeFileSync(hook, `${start}git diff --cached --name-only; exit 1\n`, { mode: 0o755 });
    repo.write("code/a.js", "2\n");
    const { error } = repo.expverJson(["run", "--", "true"]);
    expect(error).toMatchObject({ code: "E_HOOK", details: { code: 1, output: "code/a.js" } });
    writeFileSync(hook, "exit 1\n", { mode: 0o755 });
    expect(repo.run("chmod", ["-x", hook]).code).toBe(0);
    expect(repo.expver(["run", "--", "true"])).toMatchObject({ code: 0 });
  }
});
