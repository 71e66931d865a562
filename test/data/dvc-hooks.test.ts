/** Git hooks as `dvc install` writes them, where `dvc` is a wrapper of one line. */
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

it("commit, switch branches with their data, and push it, from sub-folders and linked worktrees too", () => {
  const bin = makeFolder("bin");
  const repository = makeRepository({ env: { PATH: `${bin}:${process.env.PATH}` } });
  const { root, git, run, write, read } = repository;
  const runs = (path: string, text: string) => {
    write(path, text);
    chmodSync(join(root, path), 0o755);
  };
  runs("../bin/dvc", `#!/bin/sh\nexec ${process.execPath} ${MAIN} data "$@"\n`);
  run("mv", [join(root, "../bin/dvc"), bin]);
  for (const hook of ["post-checkout", "pre-commit", "pre-push"]) runs(`.git/hooks/${hook}`, `#!/bin/sh\nexec dvc git-hook ${hook} $@\n`);

  // Before there is a .dvc, they do nothing.
  expect(run("git", ["commit", "-q", "--allow-empty", "-m", "begin"])).toMatchObject({ code: 0, stderr: "" });
  const store = makeFolder("store");
  repository.expver(["data", "init"]);
  repository.expver(["data", "remote", "add", "-d", "store", store]);
  write("sub/data", "one");
  expect(run("dvc", ["add", "data"], { cwd: "sub" }).code).toBe(0);
  git("add", "-A");
  expect(run("git", ["commit", "-m", "one"], { cwd: "sub" })).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("Data and pipelines are up to date."),
  });
  git("checkout", "-q", "-b", "other");
  write("sub/data", "two");
  run("dvc", ["add", "sub/data"]);
  git("commit", "-aqm", "two");
  git("checkout", "-q", "main");
  expect(read("sub/data")).toBe("one");
  // Of single files only the pointer comes.
  git("checkout", "-q", "other", "--", "sub/data.dvc");
  expect(read("sub/data")).toBe("one");
  git("checkout", "-q", "HEAD", "--", "sub/data.dvc");
  git("worktree", "add", "-q", "../linked", "other");
  expect(read("../linked/sub/data")).toBe("two");

  git("init", "-q", "--bare", join(root, "../origin.git"));
  git("remote", "add", "origin", join(root, "../origin.git"));
  git("push", "-q", "origin", "main");
  expect(existsSync(join(store, "files/md5"))).toBe(true);
  write("sub/data", "stored nowhere");
  expect(run("git", ["checkout", "-q", "other~0"])).toMatchObject({ code: 1, stderr: expect.stringContaining("E_UNSAVED") });
  expect(read("sub/data")).toBe("stored nowhere");
  expect(run("dvc", ["git-hook", "merge-driver"]).code).toBe(254);
});
