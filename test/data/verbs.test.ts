import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeRepository } from "../support/repository.ts";
import { DVC, makeTwins, runDvc, runExpver } from "../support/twins.ts";

const STAGES = `stages:
  first:
    cmd: cp a made
    deps:
    - a
    outs:
    - made
  second:
    cmd: cp made last
    deps:
    - made
    outs:
    - last
`;

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("takes names as long as a file system allows, and one that leaves no room for .dvc is refused", () => {
    const twins = makeTwins();
    const names = ["a".repeat(251), "ü".repeat(125), "d"];
    twins.each(({ write }) => {
      for (const name of names.slice(0, 2)) write(name, `${name}\n`);
      for (const name of ["b".repeat(255), "ü".repeat(127)]) write(`d/${name}`, `${name}\n`);
    });
    twins.run(["add", "-q", ...names]);
    twins.agree();
    twins.each(({ root }) => {
      for (const name of names) rmSync(join(root, name), { recursive: true });
    });
    twins.run(["checkout", "-q"]);
    twins.agree();

    const repository = makeRepository();
    expect(repository.expver(["init", "--yes"]).code).toBe(0);
    repository.write("short", "1\n");
    for (const args of [
      ["add", "short"],
      ["move", "short", names[0] as string],
    ])
      expect(repository.expver(["data", ...args]).code).toBe(0);
    const name = "m".repeat(252);
    repository.write(name, "1\n");
    const { error } = repository.expverJson(["data", "add", name]);
    expect(error).toMatchObject({ code: "E_DATA", hint: "Rename it: 251 bytes are the most." });
    expect(repository.read(".gitignore")).not.toContain(name);
  });

  it("takes every form of dvc's options, and refuses what dvc refuses", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const name of ["a.txt", "b.bin", "d/x", "d/y"]) write(name, `${name}\n`);
      write("../w/in", "in\n");
      write("../w/x.log", "log\n");
      write(".dvcignore", "*.log\n");
    });
    twins.run(["add", "-q", "a.txt", "b.bin", "d"]);
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    twins.each(({ commit }) => commit("one"));
    for (const args of [
      ["push", "--glob", "*.txt"],
      ["push", "--glob", "nothing*"],
      ["push", "-q", "--no-run-cache", "-j", "0"],
      ["push", "-j", "x"],
      ["push", "--all-t"],
      ["push", "--a"],
    ])
      twins.run(args);
    twins.agree();
    twins.each(({ root }) => rmSync(join(root, ".dvc/cache/files"), { recursive: true }));
    for (const size of ["x", "7", "12"]) {
      twins.run(["fetch", "--max-size", size]);
      twins.agree();
    }
    twins.run(["pull", "--no-run-cache"]);
    twins.agree();
    twins.each(({ write }) => write("a.txt", "changed\n"));
    for (const args of [
      ["status", "-q", "--json"],
      ["diff", "-q", "--json"],
      ["list", ".", "-q", "--json"],
      ["list-url", "../w", "-T"],
    ])
      twins.same(args);
    for (const args of [
      ["status", "-c", "-j", "x"],
      ["gc", "-w", "-f", "-j", "x"],
      ["gc", "-a", "-f", "--num", "x"],
      ["gc", "-f", "--date", "x"],
      ["gc", "-w", "-f", "-c", "-r", "nothing"],
      ["gc", "-w", "-f", "-p", "../nothing"],
      ["check-ignore", "-a", "x.log"],
      ["add", "--remote-jobs", "2", "a.txt"],
      ["add", "-q", "--to-remote", "--remote-jobs", "2", "../w"],
      [],
      ["remote"],
      ["cache"],
      ["config"],
      ["config", "-l", "core.remote"],
      ["config", "--show-origin", "core.remote", "x"],
      ["config", "core.experiments", "x"],
      ["config", "parsing.bool", "x"],
      ["init", "--no-scm", "--subdir"],
      ["init", "--subdir", "-q", "deep/er"],
      ["init", "-q", "other"],
    ])
      twins.run(args);
    twins.each(({ root }) => rmSync(join(root, ".dvc/cache"), { recursive: true }));
    expect(twins.ours.read("w.dvc")).toBe(twins.theirs.read("w.dvc"));
    expect(existsSync(join(twins.ours.root, "deep/er/.dvc/config"))).toBe(true);
  });

  it("hears -q and -v only after the last word", () => {
    const twins = makeTwins();
    twins.each(({ write }) => write("a", "1"));
    twins.run(["add", "-q", "a"]);
    twins.each(({ write }) => write("a", "other"));
    for (const words of ["-q status", "--quiet status", "status -q", "-v status", "-q status -q", "remote -q list"])
      twins.same(words.split(" "));
  });

  it("knows the user's settings where there is no repository", () => {
    const twins = makeTwins();
    twins.each(({ root }) => rmSync(join(root, ".dvc"), { recursive: true }));
    for (const args of [
      ["remote", "list"],
      ["remote", "add", "one", "/one"],
      ["remote", "add", "--global", "-d", "one", "/one"],
      ["remote", "list"],
      ["remote", "default"],
      ["config", "--global", "core.remote"],
      ["config", "core.remote"],
      ["config", "core.autostage", "true"],
      ["cache", "dir"],
      ["cache", "dir", "--global", "/somewhere"],
      ["cache", "dir"],
      ["remote", "remove", "--global", "one"],
    ])
      twins.same(args);
  });

  it("leaves the user's settings the link to elsewhere that they may be", () => {
    const twins = makeTwins();
    for (const { context } of [twins.theirs, twins.ours]) {
      const home = String(context.env.HOME);
      for (const folder of [".config/dvc", "dotfiles"]) mkdirSync(join(home, folder), { recursive: true });
      writeFileSync(join(home, "dotfiles/dvc"), "[core]\n    analytics = false\n");
      symlinkSync(join(home, "dotfiles/dvc"), join(home, ".config/dvc/config"));
    }
    twins.same(["remote", "add", "--global", "one", "/one"]);
    const [theirs, ours] = [twins.theirs, twins.ours].map(({ context }) =>
      readFileSync(join(String(context.env.HOME), "dotfiles/dvc"), "utf8"),
    );
    expect(ours).toBe(theirs);
    expect(ours).toContain("url = /one");
  });

  it("unsets what is also given a value, and refuses values that dvc would refuse with everything else", () => {
    const twins = makeTwins();
    for (const args of [
      ["remote", "add", "-d", "one", "ssh://h/p"],
      ["config", "-u", "core.remote", "two"],
      ["config", "core.remote"],
      ["cache", "dir", "../elsewhere"],
      ["cache", "dir", "-u", "../other"],
      ["remote", "modify", "one", "allow_agent", "maybe"],
      ["remote", "modify", "one", "ask_password", "1"],
      ["remote", "modify", "one", "gss_auth", "True"],
      ["remote", "add", "here", "/here"],
      ["remote", "modify", "here", "slow_link_warning", "no"],
      ["config", "--list", "--project"],
    ])
      twins.same(args);
  });

  it("takes no pointer file that is not there for a file of a tracked folder", () => {
    const twins = makeTwins();
    twins.each(({ write }) => write("d/a", "1\n"));
    twins.run(["add", "-q", "d"]);
    twins.each(({ write }) => write("d/a", "2\n"));
    for (const verb of ["status", "commit -f", "checkout", "fetch"]) twins.run([...verb.split(" "), "-q", "d/a.dvc"]);
    twins.agree();
  });

  it("commits nothing that Git tracks too", () => {
    const twins = makeTwins();
    twins.each(({ write }) => write("a", "1"));
    twins.each(({ write }) => write("b", "1"));
    twins.run(["add", "-q", "a", "b"]);
    twins.each(({ git, commit }) => {
      git("add", "-f", "a");
      commit("both");
    });
    twins.each(({ write }) => write("a", "2"));
    twins.each(({ write }) => write("b", "2"));
    for (const names of [[], ["a.dvc"], ["b.dvc"]]) twins.run(["commit", "-f", "-q", ...names]);
    twins.same(["status"]);
  });

  it("takes a name in every commit that is asked for, and with a stage those it needs", () => {
    const twins = makeTwins();
    twins.each(({ root, write }) =>
      write(".dvc/config.local", `['remote "store"']\n    url = ${join(root, "../store")}\n[core]\n    remote = store\n`),
    );
    for (const state of ["one", "two"]) {
      twins.each(({ write }) => {
        write("a", `${state}\n`);
        write("d/x", `${state} x\n`);
      });
      twins.run(["add", "-q", "a", "d"]);
      twins.each(({ commit }) => commit(state));
    }
    twins.run(["push", "-q", "-A", "a"]);
    twins.agree();
    twins.run(["push", "-q", "-A"]);
    twins.each(({ root }) => rmSync(join(root, ".dvc/cache/files"), { recursive: true }));
    twins.run(["fetch", "-q", "-A", "d"]);
    twins.agree();

    twins.each((repository) => {
      repository.write("dvc.yaml", STAGES);
      repository.write("made", "two\n");
      repository.write("last", "last\n");
      runDvc(repository, ["commit", "-q", "-f", "dvc.yaml"]);
    });
    for (const args of [
      ["push", "-q", "last"],
      ["push", "-q", "--with-deps", "last"],
      ["push", "-q", "-d", "second"],
    ]) {
      twins.run(args);
      twins.agree();
    }
    twins.each(({ write }) => write("a", "changed\n"));
    for (const args of [["second"], ["-d", "second"], ["-d", "last"], ["-c", "-d", "second"]])
      twins.sameJson(["status", "--json", ...args]);
    twins.each(({ root }) => rmSync(join(root, "made")));
    twins.run(["checkout", "-q", "-f", "-d", "second"]);
    twins.agree();
  });

  it("fails where something was never stored, and not where a folder has nothing that is tracked", () => {
    const twins = makeTwins();
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    twins.each(({ root, write }) => {
      mkdirSync(join(root, "sub/deep"), { recursive: true });
      mkdirSync(join(root, "../store"));
      write("a", "1\n");
      write("never.txt.dvc", "outs:\n- path: never.txt\n");
    });
    twins.run(["add", "-q", "a"]);
    for (const args of [[], ["never.txt"], ["a"], ["--allow-missing"], ["-R", "sub"], ["-R", "nowhere"]]) {
      twins.run(["checkout", "-q", ...args]);
      twins.run(["pull", "-q", ...args]);
    }
    const { stderr } = runExpver(twins.ours, ["pull"]);
    expect(stderr).toContain("never.txt: never stored");
    for (const verb of ["push", "fetch", "commit", "status"]) {
      twins.run([verb, "-q", "-R", "sub"]);
      twins.run([verb, "-q", "-R", "nowhere"]);
    }
    // What stands there is nobody's but the user's.
    twins.each(({ write }) => write("never.txt", "mine\n"));
    twins.run(["checkout", "-q"]);
    expect(twins.ours.read("never.txt")).toBe("mine\n");
    expect(runExpver(twins.ours, ["pull"]).code).toBe(0);
  });

  it("moves data with its pointer and ignore line", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      write("a", "1\n");
      write("d/x", "2\n");
      write("sub/s", "3\n");
      write("sub/zz", "4\n");
      write("sub/.gitignore", "*.dvc\n");
    });
    twins.run(["add", "-q", "a", "d"]);
    const text = "outs:\n- md5: b026324c6904b2a9cb4b88d6d61c81d1\n  size: 2\n  hash: md5\n  path: a\n  desc: mine\nmeta:\n  x: 1\n";
    twins.each(({ write, commit }) => {
      write("a.dvc", text);
      commit("add");
    });
    for (const args of [
      ["a", "b"],
      ["d", "dd"],
      ["b", "dd2/b"],
      ["b", "nowhere/"],
      ["b", "sub"],
      ["nope", "x"],
      ["dd/x", "y"],
      ["dd", "../out"],
    ]) {
      twins.run(["move", ...args]);
      twins.agree();
    }
    twins.run(["add", "-q", "sub/zz"]);
    twins.each(({ root }) => rmSync(join(root, "sub/.gitignore")));
    twins.each(({ write }) => write("sub/new", "5\n"));
    twins.run(["add", "-q", "sub/new"]);
    twins.run(["mv", "new", "../t"], "sub");
    twins.each(({ root }) => rmSync(join(root, "t")));
    twins.run(["move", "t", "gone"]);
    twins.agree();
  });

  it("stages what dvc stages by itself", () => {
    const twins = makeTwins();
    twins.run(["config", "core.autostage", "true"]);
    const source = makeRepository();
    for (const args of [
      ["init", "-q"],
      ["add", "-q", "data"],
    ]) {
      if (args[0] === "add") source.write("data", "1");
      expect(runDvc(source, args).code).toBe(0);
    }
    source.commit("1");
    twins.each(({ write, commit }) => {
      write("a", "a");
      write("sub/b", "b");
      write("sub/c", "c");
      commit("code", { ".gitignore": "/a\n", "sub/.gitignore": "/b\n/c\n" });
    });
    const steps: string[][] = [
      ["add", "a", "sub/b", "sub/c"],
      ["add", "a"],
      ["import", source.root, "data", "-o", "imported"],
      ["update", "imported.dvc"],
      ["commit", "-f", "a.dvc"],
      ["move", "sub/b", "bb"],
      ["move", "sub/c", "cc"],
      ["remove", "a.dvc"],
      ["remove", "--outs", "bb.dvc"],
    ];
    for (const [verb = "", ...args] of steps) {
      if (verb === "update") {
        source.write("data", "2");
        runDvc(source, ["add", "-q", "data"]);
        source.commit("2");
      }
      // What was taken out of the index is put there again.
      if (args.length === 1) twins.each(({ git }) => git("rm", "-q", "--cached", "--ignore-unmatch", "a.dvc"));
      if (verb === "commit") twins.each(({ write }) => write("a", "changed"));
      twins.run([verb, "-q", ...args]);
      const [ours, theirs] = [twins.ours, twins.theirs].map(({ git }) => git("status", "--porcelain", "-uall"));
      expect([verb, ...args, ours]).toEqual([verb, ...args, theirs]);
      twins.each(({ commit }) => commit(verb));
    }
  });

  it("leaves out of the index what Git ignores, be it the ignore file itself", () => {
    const twins = makeTwins();
    twins.run(["config", "core.autostage", "true"]);
    twins.each(({ write }) => {
      write(".git/info/exclude", ".gitignore\n.dvcignore\nconfig\n");
      for (const name of ["d/a", "f"]) write(name, name);
    });
    for (const args of [
      ["add", "-q", "d", "f"],
      ["move", "-q", "f", "g"],
      ["init", "-q", "--force"],
    ]) {
      twins.run(args);
      const [ours, theirs] = [twins.ours, twins.theirs].map(({ git }) => git("status", "--porcelain", "-uall"));
      expect([...args, ours]).toEqual([...args, theirs]);
    }
    twins.agree();
  });

  it("stages a move of what Git never had, and no other file that fits its name", () => {
    const twins = makeTwins();
    twins.run(["config", "core.autostage", "true"]);
    twins.each(({ write }) => {
      for (const name of ["x1", "x[1]"]) write(name, name);
    });
    twins.run(["add", "-q", "x1", "x[1]"]);
    twins.each(({ git }) => git("rm", "-q", "--cached", "x1.dvc", ":(literal)x[1].dvc"));
    for (const args of [
      ["add", "-q", "x[1]"],
      ["move", "-q", "x1", "y"],
    ]) {
      twins.run(args);
      const [ours, theirs] = [twins.ours, twins.theirs].map(({ git }) => git("ls-files"));
      expect(ours).toBe(theirs);
    }
  });

  it("checks out what .dvcignore leaves out since it was stored, again and again, and loses no change of it", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const name of ["d/x", "d/y", "d/n/z"]) write(name, name);
    });
    twins.run(["add", "-q", "d"]);
    twins.each(({ write }) => write(".dvcignore", "x\nn\n"));
    twins.each(({ root }) => mkdirSync(join(root, "d/empty")));
    const hasEmpty = () => [twins.ours, twins.theirs].map(({ root }) => existsSync(join(root, "d/empty")));
    for (const args of [["d/x"], ["d"], [], ["-f"]]) {
      twins.run(["checkout", "-q", ...args]);
      twins.agree();
      expect(hasEmpty()[0]).toBe(hasEmpty()[1]);
    }
    twins.each(({ root }) => rmSync(join(root, "d"), { recursive: true }));
    twins.run(["checkout", "-q"]);
    twins.agree();
    twins.each(({ write }) => write("d/x", "changed\n"));
    // Where dvc writes over it.
    expect(runExpver(twins.ours, ["checkout"])).toMatchObject({ code: 255, stderr: expect.stringContaining("E_UNSAVED") });
    expect(twins.ours.read("d/x")).toBe("changed\n");
    twins.run(["checkout", "-q", "-f"]);
    twins.agree();
  });

  it("lists remotes in columns", () => {
    const twins = makeTwins();
    for (const [name, url] of [
      ["a", "s3://x"],
      ["eightchr", "s3://bucket/y"],
      ["store", "s3://bucket/z"],
    ] as const)
      twins.run(["remote", "add", "-q", ...(name === "store" ? ["-d"] : []), name, url]);
    twins.same(["remote", "list"]);
    twins.run(["remote", "default", "-q", "eightchr"]);
    twins.same(["remote", "list"]);
  });

  it("tells where the root is and what is ignored", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      write(".dvcignore", "*.log\n!keep.log\n/build/\n# no\n\n");
      write("sub/.dvcignore", "q*\n!deep.txt\n");
      write("build/x", "");
    });
    twins.same(["root"], "sub");
    for (const args of [
      ["x.log", "keep.log", "build", "sub/build", "sub/q1", "sub/z.log"],
      ["-d", "x.log", "keep.log", "build", "build/x", "sub/build/x", "sub/q1/deep", "sub/z.log", ".git", ".dvc/config", "a"],
      ["-d", "-n", "a", "x.log"],
      ["keep.log"],
      ["-d", "-a", "keep.log"],
      ["-n", "a"],
      [],
      ["../outside.log"],
      ["build/keep.log", "build/deep/keep.log"],
      ["-d", "build/keep.log"],
      ["sub/q1/deep.txt"],
      ["-d", "sub/q1/deep.txt"],
      ["-q", "x.log"],
      ["-q", "a"],
      ["-q", "-d", "x.log"],
      ["--stdin", "x.log"],
    ])
      twins.same(["check-ignore", ...args]);
    twins.same(["check-ignore", "-d", "q1", "../x.log"], "sub");
    const typed = (input: string, ...args: string[]) => twins.ours.expver(["data", "check-ignore", "--stdin", ...args], { input });
    expect(typed("x.log\na\n\nz.log\n")).toMatchObject({ code: 0, stdout: "x.log\n" });
    expect(typed("a\n", "-d", "-n")).toMatchObject({ code: 1, stdout: "::\ta\n" });
  });

  it("turns links into files of their own", () => {
    const twins = makeTwins();
    twins.run(["config", "cache.type", "symlink"]);
    twins.each(({ write }) => write("d/x", "1"));
    twins.each(({ write }) => write("a", "2"));
    twins.run(["add", "-q", "d", "a"]);
    twins.run(["unprotect", "d", "a"]);
    twins.run(["unprotect", "nothing"]);
    const kinds = ({ root }: { root: string }) => ["d/x", "a"].map((path) => lstatSync(join(root, path)).mode.toString(8));
    expect(kinds(twins.ours)).toEqual(kinds(twins.theirs));
    twins.agree();
  });

  it("destroys its own files, never the data, and only when told so", () => {
    const twins = makeTwins();
    twins.run(["config", "cache.type", "symlink"]);
    twins.each(({ write }) => write("d/x", "1"));
    twins.run(["add", "-q", "d"]);
    twins.run(["destroy"]);
    twins.agree();
    twins.run(["destroy", "-f"]);
    twins.agree();
    expect(twins.ours.read("d/x")).toBe("1");
    expect(twins.ours.expver(["undo"]).code).toBe(0);
    expect(twins.ours.expver(["data", "status", "--json"]).stdout).toBe("{}\n");
  });
});

it("gc that is to keep none of the commits is refused, though dvc takes it", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  expect(repo.expver(["data", "gc", "-a", "-f", "--num", "0"])).toMatchObject({ code: 255, stderr: expect.stringContaining("--num is 0") });
});

it("takes back a move, the file it replaced too", () => {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  repository.write("a", "mine");
  repository.write("b", "untracked");
  repository.expver(["data", "add", "a"]);
  expect(repository.expver(["data", "move", "a", "b"]).code).toBe(0);
  expect(repository.read("b")).toBe("mine");
  expect(repository.expver(["undo"]).code).toBe(0);
  expect([repository.read("a"), repository.read("b")]).toEqual(["mine", "untracked"]);
  expect(existsSync(join(repository.root, "b.dvc"))).toBe(false);
  expect(repository.read(".gitignore")).toBe("/a\n");
});

it("takes back a forced checkout: what was stored nowhere is there again, unless somebody has changed what took its place", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  for (const [path, text] of [
    ["d/a", "a"],
    ["f", "f"],
  ] as const)
    repo.write(path, text);
  expect(repo.expver(["data", "add", "d", "f"]).code).toBe(0);
  const edit = () => {
    for (const path of ["d/a", "f", "d/extra"]) {
      rmSync(join(repo.root, path), { force: true });
      repo.write(path, `precious ${path}`);
    }
  };
  edit();
  expect(repo.expver(["data", "checkout", "--force"]).code).toBe(0);
  expect([repo.read("d/a"), repo.read("f")]).toEqual(["a", "f"]);
  expect(repo.expver(["undo", "--yes"])).toMatchObject({ code: 0 });
  for (const path of ["d/a", "f", "d/extra"]) expect(repo.read(path)).toBe(`precious ${path}`);
  expect(repo.expver(["data", "checkout", "--force"]).code).toBe(0);
  rmSync(join(repo.root, "f"));
  repo.write("f", "newer");
  expect(repo.expverJson(["undo", "--yes"]).error?.code).toBe("E_UNDO");
  expect([repo.read("f"), repo.read("d/a")]).toEqual(["newer", "a"]);
});

it("commit writes the size that a pointer lacks, asks nothing for it, and says nothing when there is nothing to do", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  repo.write("d/a", "a");
  expect(repo.expver(["data", "add", "d"]).code).toBe(0);
  const whole = repo.read("d.dvc");
  repo.write("d.dvc", whole.replace(/ {2}size: .*\n/, ""));
  expect(repo.expver(["data", "commit"]).code).toBe(0);
  expect(repo.read("d.dvc").split("\n").sort()).toEqual(whole.split("\n").sort());
  expect(repo.expver(["data", "commit"]).stdout).toContain("up to date");
});

it("takes back an init that began anew, with what the cache had", () => {
  const repository = makeRepository();
  const data = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  data("init");
  data("config", "cache.type", "symlink");
  repository.write("x", "1\n");
  data("add", "x");
  data("init", "--force", "--yes");
  expect(readdirSync(join(repository.root, ".dvc"))).not.toContain("cache");
  expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
  expect(repository.read("x")).toBe("1\n");
  data("status", "-q");
});

it("does not take the cache away from a linked worktree", () => {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  repository.commit("set up");
  repository.git("worktree", "add", "-q", "../other");
  expect(repository.expver(["data", "destroy", "-f"])).toMatchObject({ code: 1, stderr: expect.stringContaining("other") });
});

it("says which dvc it stands for", () => {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  for (const verb of ["version", "doctor"]) expect(repository.expver(["data", verb]).stdout).toMatch(/^DVC version: 3\.67\.1 \(expver /);
});
