import { lchownSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExpverError } from "../../src/errors.ts";
import { askForRepository, findRepository, git } from "../../src/git/git.ts";
import { findOrdinary } from "../../src/git/ordinary.ts";
import type { Context } from "../../src/platform/context.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

it("a folder that is gone is not told as a git that is missing", () => {
  const repo = makeRepository();
  renameSync(repo.root, `${repo.root}-elsewhere`);
  expect(() => git(repo.repository, ["status"])).toThrow(`cannot start git in ${repo.root}: there is no such folder`);
});

it("git's own words are told, also where it ends before it has read what it was given", () => {
  const { repository } = makeRepository();
  const input = "x\n".repeat(4_000_000);
  expect(() => git(repository, ["cat-file", "--no-such-option", "--batch"], { input })).toThrow(/unknown option [`']no-such-option'/);
});

it("what a person has set for reading with eyes changes nothing that is read here", () => {
  const repo = makeRepository();
  repo.commit("été", { "a.dvc": "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n" });
  repo.git("mv", "a.dvc", "b.dvc");
  const moved = repo.commit("moved");
  repo.git("config", "i18n.logOutputEncoding", "ISO-8859-1");
  repo.git("config", "log.follow", "true");
  expect(git(repo.repository, ["log", "--format=%H", "--", "b.dvc"]).trim()).toBe(moved);
  expect(git(repo.repository, ["log", "-1", "--format=%s", `${moved}^`])).toBe("été\n");
  expect(git(repo.repository, ["rev-list", "-1", "--no-commit-header", "--format=%s", `${moved}^`])).toBe("été\n");
});

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

describe("where a repository is, without asking Git", () => {
  /** Names of shapes, each made in an empty folder; answers where to stand in it. */
  const shapes: Record<string, (repo: TestRepository) => string> = {
    "the top": ({ root }) => root,
    "a folder below": (repo) => {
      repo.write("a/b/file", "x");
      return join(repo.root, "a/b");
    },
    "behind a link": (repo) => {
      symlinkSync(repo.root, `${repo.root}-link`);
      return `${repo.root}-link`;
    },
    "inside of .git": ({ root }) => join(root, ".git"),
    "deep inside of .git": ({ root }) => join(root, ".git/objects"),
    "a detached HEAD": (repo) => {
      repo.commit("first", { a: "1" });
      repo.git("checkout", "-q", "--detach");
      return repo.root;
    },
    "a linked worktree": (repo) => {
      repo.commit("first", { a: "1" });
      repo.git("worktree", "add", "-q", "../linked");
      return join(repo.root, "../linked");
    },
    "a repository in a repository": (repo) => {
      mkdirSync(join(repo.root, "inner"));
      repo.git("init", "-q", "inner");
      return join(repo.root, "inner");
    },
    "a bare one": (repo) => {
      repo.git("init", "-q", "--bare", "bare.git");
      return join(repo.root, "bare.git");
    },
    "a .git elsewhere": (repo) => {
      repo.git("init", "-q", "--separate-git-dir=../apart", "here");
      return join(repo.root, "here");
    },
    "a .git that is a link": (repo) => {
      renameSync(join(repo.root, ".git"), join(repo.root, "../moved"));
      symlinkSync("../moved", join(repo.root, ".git"));
      return repo.root;
    },
    "a worktree elsewhere": (repo) => {
      mkdirSync(join(repo.root, "../tree"));
      repo.git("config", "core.worktree", "../../tree");
      return repo.root;
    },
    "a worktree elsewhere, by another file": (repo) => {
      mkdirSync(join(repo.root, "../tree"));
      writeFileSync(join(repo.root, "more"), "[core]\n\tworktree = ../../tree\n");
      repo.git("config", "include.path", "../more");
      return repo.root;
    },
    "bare without a value": (repo) => {
      const config = join(repo.root, ".git/config");
      writeFileSync(config, readFileSync(config, "utf8").replace("bare = false", "bare"));
      return repo.root;
    },
    "bare said twice": (repo) => {
      writeFileSync(join(repo.root, ".git/config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tBARE = true\n");
      return repo.root;
    },
    "no configuration": ({ root }) => {
      rmSync(join(root, ".git/config"));
      return root;
    },
    "an extension": (repo) => {
      repo.git("config", "core.repositoryformatversion", "1");
      repo.git("config", "extensions.worktreeConfig", "true");
      repo.git("config", "--worktree", "core.worktree", "../../");
      return repo.root;
    },
    "a .git that is none": ({ root }) => {
      rmSync(join(root, ".git/HEAD"));
      return root;
    },
    "a HEAD of nonsense": ({ root }) => {
      writeFileSync(join(root, ".git/HEAD"), "nonsense\n");
      return root;
    },
    "a .git without objects": ({ root }) => {
      rmSync(join(root, ".git/objects"), { recursive: true });
      return root;
    },
    "a folder that looks like a bare one": ({ root }) => {
      for (const folder of ["refs", "objects"]) mkdirSync(join(root, "like", folder), { recursive: true });
      writeFileSync(join(root, "like/HEAD"), "ref: refs/heads/main\n");
      return join(root, "like");
    },
  };

  const said = (find: typeof findRepository, context: Context) => {
    try {
      const found = find(context);
      // Git says this one as the way there was typed.
      return found && { ...found, env: null, commonDir: realpathSync(found.commonDir) };
    } catch (error) {
      return error instanceof ExpverError ? error.message : error;
    }
  };

  for (const [name, make] of Object.entries(shapes)) {
    it(`is what Git says: ${name}`, () => {
      const repo = makeRepository();
      const context = { ...repo.context, cwd: make(repo) };
      expect(said(findRepository, context)).toEqual(said(askForRepository, context));
    });
  }

  it.each([
    ["GIT_DIR", "../other/.git"],
    ["GIT_WORK_TREE", ".."],
    ["GIT_COMMON_DIR", "../other/.git"],
    ["GIT_CEILING_DIRECTORIES", "/"],
  ])("is what Git says with %s=%s", (name, value) => {
    const repo = makeRepository();
    repo.git("init", "-q", "../other");
    repo.write("sub/file", "x");
    for (const cwd of [repo.root, join(repo.root, "sub")]) {
      const context = { ...repo.context, cwd, env: { ...repo.context.env, [name]: value === "/" ? repo.root : value } };
      expect(said(findRepository, context)).toEqual(said(askForRepository, context));
    }
  });

  it("asks nobody in an ordinary one", () => {
    const repo = makeRepository();
    repo.write("sub/file", "x");
    for (const cwd of [repo.root, join(repo.root, "sub")]) {
      expect(findOrdinary({ ...repo.context, cwd })).toEqual({ root: repo.root, gitDir: join(repo.root, ".git") });
    }
  });

  it.runIf(process.getuid?.() === 0)("leaves another's repository to Git, which refuses it", () => {
    for (const owned of [".", ".git"]) {
      const repo = makeRepository();
      lchownSync(join(repo.root, owned), 12345, 12345);
      expect(findOrdinary(repo.context)).toBeNull();
      expect(said(findRepository, repo.context)).toEqual(said(askForRepository, repo.context));
    }
  });
});
