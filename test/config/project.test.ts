import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config/config.ts";
import { absolutePath, pathFromUser, storedPath } from "../../src/config/paths.ts";
import { findPlace, findProject, openProject, requireRepository, topOf } from "../../src/config/project.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const at = (repo: TestRepository, folder: string) => ({ ...repo.context, cwd: join(repo.root, folder) });

describe("the root of a project", () => {
  test("is the Git root when there is nothing else, with the defaults", () => {
    const repo = makeRepository();
    mkdirSync(join(repo.root, "a/b"), { recursive: true });
    const project = openProject(at(repo, "a/b"));
    expect(project).toMatchObject({ root: repo.root, dvcRoot: null, stateDir: join(repo.root, ".git/expver"), config: DEFAULTS });
    expect(project.repository?.root).toBe(repo.root);
  });

  test("is the DVC root below the Git root, and the folder of expver.yaml before both", () => {
    const repo = makeRepository();
    repo.write("ml/.dvc/config", "");
    repo.write("ml/exp/src/x.py", "");
    expect(openProject(at(repo, "ml/exp/src"))).toMatchObject({ root: join(repo.root, "ml"), dvcRoot: join(repo.root, "ml") });
    repo.write("ml/exp/expver.yaml", "publish: auto\n");
    const project = openProject(at(repo, "ml/exp/src"));
    expect(project).toMatchObject({ root: join(repo.root, "ml/exp"), dvcRoot: join(repo.root, "ml"), config: { publish: "auto" } });
    expect(topOf(project)).toBe(repo.root);
    expect(storedPath(project, "models/m.bin")).toBe("ml/exp/models/m.bin");
  });

  test("is never above the Git root: a submodule or nested repository is its own project", () => {
    const repo = makeRepository();
    repo.write(".dvc/config", "");
    repo.write("expver.yaml", "publish: auto\n");
    mkdirSync(join(repo.root, "inner"));
    repo.git("init", "-q", "inner");
    expect(openProject(at(repo, "inner"))).toMatchObject({ root: join(repo.root, "inner"), dvcRoot: null, config: { publish: "ask" } });
  });

  test("in a linked worktree is the worktree, while state is shared with the main one", () => {
    const repo = makeRepository();
    repo.commit("first", { ".dvc/config": "", "expver.yaml": "", "sub/x": "1" });
    const linked = join(makeFolder(), "linked");
    repo.git("worktree", "add", "-q", linked);
    const project = openProject({ ...repo.context, cwd: join(linked, "sub") });
    expect(project).toMatchObject({ root: linked, dvcRoot: linked, stateDir: join(repo.root, ".git/expver") });
  });

  test("is found through a symbolic link to a sub-folder", () => {
    const repo = makeRepository();
    repo.commit("first", { "a/b/x": "1" });
    const link = join(makeFolder(), "link");
    symlinkSync(join(repo.root, "a/b"), link);
    expect(openProject({ ...repo.context, cwd: link })).toMatchObject({ root: repo.root, stateDir: join(repo.root, ".git/expver") });
  });

  test("follows GIT_DIR and GIT_WORK_TREE", () => {
    const repo = makeRepository();
    repo.write("sub/x", "");
    const env = { ...repo.context.env, GIT_DIR: join(repo.root, ".git"), GIT_WORK_TREE: repo.root };
    expect(openProject({ ...at(repo, "sub"), env })).toMatchObject({ root: repo.root, stateDir: join(repo.root, ".git/expver") });
  });

  test("takes the configuration of a bare repository from HEAD", () => {
    const repo = makeRepository();
    repo.commit("first", { "expver.yaml": "publish: auto\n" });
    const bare = join(makeFolder(), "bare.git");
    repo.git("clone", "-q", "--bare", repo.root, bare);
    expect(openProject({ ...repo.context, cwd: bare })).toMatchObject({ root: bare, config: { publish: "auto" } });
  });

  test("opens in a repository that may not be written", () => {
    const repo = makeRepository();
    repo.commit("first", { "expver.yaml": "", ".dvc/config": "" });
    chmodSync(join(repo.root, ".git"), 0o555);
    try {
      expect(openProject(repo.context).root).toBe(repo.root);
    } finally {
      chmodSync(join(repo.root, ".git"), 0o755);
    }
  });
});

describe("DVC without Git", () => {
  test("has no repository and keeps state under .dvc/tmp", () => {
    const repo = openTestRepository(makeFolder());
    repo.write(".dvc/config", "[core]\n    no_scm = True\n");
    repo.write("sub/x", "");
    const project = openProject(at(repo, "sub"));
    expect(project).toMatchObject({ root: repo.root, repository: null, stateDir: join(repo.root, ".dvc/tmp/expver") });
    expect(() => requireRepository(project)).toThrow(expect.objectContaining({ code: "E_NO_GIT" }));
  });

  test("says which file keeps Git out, and what lets it in", () => {
    const repo = makeRepository();
    const refusal = () => repo.expverJson(["list"]).error;
    repo.write(".dvc/config.local", "[core]\n    no_scm = True\n");
    expect(refusal()).toMatchObject({ code: "E_NO_GIT", message: expect.stringContaining("core.no_scm in .dvc/config.local") });
    expect(refusal()?.hint).toContain("expver data config --local core.no_scm false,");
    expect(repo.expver(["data", "config", "--local", "core.no_scm", "false"]).code).toBe(0);
    repo.write(".dvc/config", "[core]\n    no_scm = True\n");
    expect(repo.expver(["list"]).code).toBe(0);
    repo.run("rm", [".dvc/config.local"]);
    expect(refusal()?.hint).toContain("expver data config --unset core.no_scm,");
    expect(repo.expver(["data", "config", "--unset", "core.no_scm"]).code).toBe(0);
    expect(repo.expver(["list"]).code).toBe(0);
  });

  test("no_scm counts inside a Git repository too, and only in [core]", () => {
    const repo = makeRepository();
    repo.write(".dvc/config", "['remote \"x\"']\n    no_scm = true\n");
    expect(openProject(repo.context).repository).not.toBeNull();
    repo.write(".dvc/config", "[core]\n    no_scm = true\n");
    expect(openProject(repo.context).repository).toBeNull();
  });

  test("no project at all is E_NO_PROJECT, or null", () => {
    const repo = openTestRepository(makeFolder());
    expect(findProject(repo.context)).toBeNull();
    expect(() => openProject(repo.context)).toThrow(expect.objectContaining({ code: "E_NO_PROJECT" }));
  });
});

test("a mistake in expver.yaml stops openProject but not findPlace", () => {
  const repo = makeRepository();
  repo.write("expver.yaml", "publsh: ask\n");
  expect(() => openProject(repo.context)).toThrow(expect.objectContaining({ code: "E_CONFIG" }));
  expect(findPlace(repo.context)?.root).toBe(repo.root);
});

describe("paths from a person", () => {
  test("become relative to the Git root whatever folder they were typed in", () => {
    const repo = makeRepository();
    repo.write("sub/deep/x", "");
    const context = at(repo, "sub/deep");
    const project = openProject(context);
    expect(pathFromUser(project, context, "x")).toBe("sub/deep/x");
    expect(pathFromUser(project, context, "../new file")).toBe("sub/new file");
    expect(pathFromUser(project, context, "../..")).toBe("");
    expect(absolutePath(project, "sub/x")).toBe(join(repo.root, "sub/x"));
  });

  test("may not leave the repository, neither by dots, nor by a linked folder, nor into .git", () => {
    const repo = makeRepository();
    symlinkSync(makeFolder("outside"), join(repo.root, "away"));
    symlinkSync("/etc/hostname", join(repo.root, "tracked-link"));
    const project = openProject(repo.context);
    for (const path of ["../x", "/etc/passwd", "away/x", ".git/config", "sub/../../x"]) {
      expect(() => pathFromUser(project, repo.context, path), path).toThrow(expect.objectContaining({ code: "E_OUTSIDE" }));
    }
    expect(pathFromUser(project, repo.context, "tracked-link")).toBe("tracked-link");
    expect(pathFromUser(project, repo.context, "..dots")).toBe("..dots");
  });
});
