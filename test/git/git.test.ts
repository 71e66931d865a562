import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findRepository } from "../../src/git/git.ts";
import { makeFolder, makeRepository, openTestRepository } from "../support/repository.ts";

describe("finding the repository", () => {
  it("answers null outside of one", () => {
    expect(findRepository(openTestRepository(makeFolder()).context)).toBeNull();
  });

  it("finds the top from a sub-folder", () => {
    const repo = makeRepository();
    repo.write("deep/er/file", "x");
    const found = findRepository({ ...repo.context, cwd: join(repo.root, "deep/er") });
    expect(found).toMatchObject({ root: repo.root, gitDir: join(repo.root, ".git"), commonDir: join(repo.root, ".git"), bare: false });
  });

  it("tells a linked worktree's own git directory from the common one", () => {
    const repo = makeRepository();
    repo.commit("first", { a: "1" });
    repo.git("worktree", "add", "-q", "../linked");
    const linked = openTestRepository(join(repo.root, "../linked"));
    expect(linked.repository.root).toBe(join(repo.root, "../linked"));
    expect(linked.repository.gitDir).toBe(join(repo.root, ".git/worktrees/linked"));
    expect(linked.repository.commonDir).toBe(join(repo.root, ".git"));
  });

  it("finds a bare repository", () => {
    expect(makeRepository({ bare: true }).repository).toMatchObject({ bare: true });
  });

  it("runs the built command line", () => {
    expect(makeRepository().expver(["--version"])).toMatchObject({ code: 0, stderr: "" });
  });
});
