/** What is asked of dvc seldom, and is answered as dvc does. */
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { DVC, makeTwins, objectsBelow } from "../support/twins.ts";

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("shows and removes all that is said of a remote by its name alone", () => {
    const twins = makeTwins();
    for (const words of ["add -q -d one s3://bucket/path", "add -q two ../two", "modify one jobs 3", "modify one profile it's"])
      twins.run(["remote", ...words.split(" ")]);
    twins.run(["remote", "modify", "--local", "one", "access_key_id", 'a"b']);
    for (const words of ["remote.one", "remote.one --project", "remote.one --local --show-origin", "remote.none", "remote.none --project"])
      twins.same(["config", ...words.split(" ")]);
    for (const words of ["remote.two -u", "remote.two -u", "remote.one -u --local"]) twins.run(["config", ...words.split(" ")]);
    expect(twins.ours.read(".dvc/config")).toBe(twins.theirs.read(".dvc/config"));
    expect(twins.ours.read(".dvc/config.local")).toBe(twins.theirs.read(".dvc/config.local"));
  });

  it("knows a pipeline by its dvc.yaml, not by its dvc.lock", () => {
    const twins = makeTwins();
    const lock =
      "schema: '2.0'\nstages:\n  s:\n    cmd: echo 1 > out\n    outs:\n    - path: out\n      hash: md5\n      md5: b026324c6904b2a9cb4b88d6d61c81d1\n      size: 2\n";
    twins.each(({ commit }) =>
      commit("pipeline", { "dvc.yaml": "stages:\n  s:\n    cmd: echo 1 > out\n    outs: [out]\n", "dvc.lock": lock }),
    );
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    for (const words of ["status", "checkout", "push", "fetch", "commit -f", "update", "diff --targets"])
      expect(twins.run([...words.split(" "), "dvc.lock"]).ours.stderr, words).toContain("dvc.lock");
    twins.run(["status", "dvc.yaml"]);
  });

  it("outputs in whose folder's place a file stands are gone, and the file stays", () => {
    const twins = makeTwins();
    const stage = "stages:\n  s:\n    cmd: mkdir -p made && echo 1 > made/out\n    outs: [made/out]\n";
    const lock =
      "schema: '2.0'\nstages:\n  s:\n    cmd: mkdir -p made && echo 1 > made/out\n    outs:\n    - path: made/out\n      hash: md5\n      md5: b026324c6904b2a9cb4b88d6d61c81d1\n      size: 2\n";
    twins.each(({ commit, write }) => {
      write("made/out", "1\n");
      write(".gitignore", "made\n");
      commit("pipeline", { "dvc.yaml": stage, "dvc.lock": lock });
    });
    twins.run(["commit", "-q", "-f", "s"]);
    twins.each(({ root, write }) => {
      rmSync(join(root, "made"), { recursive: true });
      write("made", "of somebody");
    });
    for (const words of ["status", "diff"]) twins.same(words.split(" "));
    expect(twins.ours.expver(["data", "status"]).stdout).toContain("deleted:            made/out");
    const refused = twins.ours.expverJson(["data", "checkout", "s"]);
    expect(refused.error).toMatchObject({ code: "E_UNSAVED", message: expect.stringContaining("made stands where a folder") });
    expect(twins.ours.read("made")).toBe("of somebody");
  });

  it("an import from a folder is known by all its files, those too that are ignored here", () => {
    const twins = makeTwins();
    twins.each(({ root, commit }) => {
      commit("ignoring", { ".dvcignore": "*.tmp\n" });
      mkdirSync(join(root, "../from/sub"), { recursive: true });
      for (const path of ["a", "b.tmp", "sub/c"]) writeFileSync(join(root, "../from", path), path);
    });
    for (const args of [["import-url", "-q", "../from", "here"], ["update", "-q", "here.dvc"], ["status"]]) twins.run(args);
    expect(twins.ours.read("here.dvc")).toBe(twins.theirs.read("here.dvc"));
    expect(twins.ours.read("here.dvc")).toMatch(/nfiles: 3[\s\S]*nfiles: 2/);
    twins.each(({ root }) => writeFileSync(join(root, "../from/b.tmp"), "changed"));
    twins.run(["update", "-q", "here.dvc"]);
    expect(twins.ours.read("here.dvc")).toBe(twins.theirs.read("here.dvc"));
  });

  it("gc ends with dvc's code when a pipeline or a pointer cannot be read", () => {
    const twins = makeTwins();
    for (const [path, text] of [
      ["bad.dvc", "outs: 3\n"],
      ["dvc.yaml", "stages: [\n"],
    ] as const) {
      twins.each(({ write, commit }) => {
        commit("lock", { "dvc.lock": "schema: '2.0'\nstages: {}\n" });
        write(path, text);
      });
      twins.run(["gc", "-w", "-f"]);
      twins.each(({ git }) => git("clean", "-q", "-f", path));
    }
  });

  it("commit makes the links that are wanted today, of unchanged data too, and --no-relink does not", () => {
    const twins = makeTwins();
    twins.each(({ write }) => [write("d/a", "a"), write("one", "1")]);
    twins.run(["add", "-q", "d", "one"]);
    const made = (is: boolean) => {
      for (const { root } of [twins.ours, twins.theirs])
        expect(["d/a", "one"].map((path) => lstatSync(join(root, path)).isSymbolicLink())).toEqual([is, is]);
    };
    twins.run(["config", "cache.type", "symlink"]);
    twins.run(["commit", "-q", "--no-relink"]);
    made(false);
    twins.run(["commit", "-q"]);
    made(true);
    twins.run(["config", "cache.type", "copy"]);
    twins.run(["commit", "-q", "-f"]);
    made(false);
  });

  it("checkout of one file of a folder leaves the empty folders beside it, and --relink what may be run", () => {
    const twins = makeTwins();
    const here = ({ root }: TestRepository) => [
      existsSync(join(root, "d/void/in")),
      existsSync(join(root, "d/sub/void")),
      ["d/run.sh", "one.sh"].map((path) => (lstatSync(join(root, path)).mode & 0o100) !== 0),
    ];
    twins.each(({ root, write, run }) => {
      for (const path of ["d/run.sh", "one.sh", "d/sub/x"]) write(path, path);
      run("chmod", ["+x", "d/run.sh", "one.sh"]);
      for (const folder of ["d/void/in", "d/sub/void"]) mkdirSync(join(root, folder), { recursive: true });
    });
    twins.run(["add", "-q", "d", "one.sh"]);
    for (const args of [["d/run.sh"], ["-f", "d/sub"], ["--relink"], ["one.sh"]]) {
      // The pointer of a single file says that it may be run.
      if (args[0] === "one.sh") twins.each(({ run }) => run("chmod", ["-x", "one.sh"]));
      const { ours, theirs } = twins.run(["checkout", ...args]);
      if (args[0] === "one.sh") expect(ours.stdout).toBe(theirs.stdout);
      expect(here(twins.ours), args.join(" ")).toEqual(here(twins.theirs));
      expect(here(twins.ours)[2]).toEqual([true, true]);
    }
  });

  it("checkout names what it changed: no file that was only made anew, and a folder that lost an empty one", () => {
    const twins = makeTwins();
    twins.each(({ write }) => [write("d/sub/x", "1"), write("f", "2"), write("g", "3")]);
    twins.run(["add", "-q", "d", "f", "g"]);
    const says = (...args: string[]) => {
      const { ours, theirs } = twins.run(["checkout", ...args]);
      expect(ours.stdout.trim(), args.join(" ")).toBe(theirs.stdout.trim());
      return ours.stdout.trim();
    };
    expect(says("--relink")).toBe("Relinked successfully");
    expect(says("--relink", "--summary")).toBe("No changes.\nRelinked successfully");
    twins.each(({ root }) => rmSync(join(root, "f")));
    expect(says("--relink")).toBe("A       f\nRelinked successfully");
    for (const args of [["d/void"], ["d"], ["--relink"]]) {
      twins.each(({ root }) => mkdirSync(join(root, "d/void/in"), { recursive: true }));
      expect(says(...args).split("\n")[0]).toBe("M       d/");
      twins.each(({ root }) => expect(existsSync(join(root, "d/void"))).toBe(false));
    }
    says("--summary");
  });

  it("a .dvc file whose own md5 is not of what it says was edited: status names it, commit wants to be told that it is meant", () => {
    const twins = makeTwins();
    twins.each(({ root, write }) => [write("own", "1"), writeFileSync(join(root, "../from"), "x")]);
    twins.run(["add", "-q", "own"]);
    twins.run(["import-url", "-q", "../from", "imported"]);
    twins.same(["status", "--json"]);
    const wrong = "md5: a111111111111111111111111111111b\n";
    twins.each(({ read, write }) => {
      write("own.dvc", wrong + read("own.dvc"));
      write("imported.dvc", read("imported.dvc").replace(/^md5: .*\n/, wrong));
    });
    twins.same(["status", "--json"]);
    for (const name of ["own.dvc", "imported.dvc"]) {
      const { ours, theirs } = twins.run(["commit", name]);
      expect([ours.code !== 0, theirs.code !== 0], name).toEqual([true, true]);
      expect(ours.stderr + ours.stdout).toMatch(new RegExp(`${name} +it was edited`));
    }
    twins.run(["commit", "-f"]);
    for (const name of ["own.dvc", "imported.dvc"]) expect(twins.ours.read(name)).toBe(twins.theirs.read(name));
    expect(twins.ours.read("own.dvc") + twins.ours.read("imported.dvc")).not.toContain(wrong);
    twins.same(["status", "--json"]);
  });

  it("an import that is only noted gets its digest when it is moved", () => {
    const twins = makeTwins();
    twins.each(({ root }) => writeFileSync(join(root, "../from"), "x"));
    twins.run(["import-url", "-q", "--no-exec", "../from", "noted"]);
    twins.each(({ write }) => write("noted", ""));
    twins.run(["move", "-q", "noted", "other"]);
    expect(twins.ours.read("other.dvc")).toMatch(/^md5: /);
    expect(twins.ours.read("other.dvc")).toBe(twins.theirs.read("other.dvc"));
  });

  it("without Git ignore files are nobody's", () => {
    const twins = makeTwins();
    twins.each(({ write }) => [write("f", "1"), write("g", "1")]);
    twins.run(["config", "core.no_scm", "true"]);
    for (const { root } of [twins.ours, twins.theirs]) rmSync(join(root, ".git"), { recursive: true });
    twins.run(["add", "-q", "f", "g"]);
    twins.each(({ write }) => write(".gitignore", "/f\n/g\n"));
    twins.run(["remove", "-q", "f.dvc"]);
    twins.run(["move", "-q", "g", "h"]);
    for (const { read } of [twins.ours, twins.theirs]) expect(read(".gitignore")).toBe("/f\n/g\n");
  });

  it("gc without Git has no commits to count from, and no dates that are none", () => {
    const twins = makeTwins();
    twins.each(({ write }) => write("f", "1"));
    twins.run(["config", "core.no_scm", "true"]);
    for (const { root } of [twins.ours, twins.theirs]) rmSync(join(root, ".git"), { recursive: true });
    twins.run(["add", "-q", "f"]);
    for (const { root } of [twins.ours, twins.theirs]) rmSync(join(root, "f.dvc"));
    const cacheOf = ({ root }: TestRepository) => objectsBelow(join(root, ".dvc/cache/files"));
    for (const scope of ["--date nosense", "--date nosense -w", "-n 2 --rev HEAD", "-w --rev HEAD -n 1"]) {
      twins.run(["gc", "-f", ...scope.split(" ")]);
      expect([cacheOf(twins.ours).length, cacheOf(twins.theirs).length], scope).toEqual([1, 1]);
    }
    twins.run(["gc", "-f", "--date", "2026-01-01"]);
    expect(cacheOf(twins.ours)).toEqual(cacheOf(twins.theirs));
  });

  it("push takes patterns that only .dvc files fit, and commit -f notes that a file may be run, or not any more", () => {
    const twins = makeTwins();
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    for (const path of ["a.csv", "b.bin", "sub/c.csv"]) twins.each(({ write }) => write(path, path));
    twins.run(["add", "-q", "a.csv", "b.bin", "sub/c.csv"]);
    for (const pattern of ["*.csv.dvc", "nothing*.dvc", "sub/*.dvc", "b*"]) {
      twins.same(["push", "--glob", pattern]);
      twins.agree();
    }
    // Written anew: of a file that is as it was dvc remembers that it may be run, or may not.
    for (const mode of ["755", "644"]) {
      twins.each(({ run, root, write }) => {
        rmSync(join(root, "b.bin"));
        write("b.bin", "b.bin");
        run("chmod", [mode, "b.bin"]);
      });
      twins.run(["commit", "-q", "-f", "b.bin"]);
      twins.agree();
      expect(twins.ours.read("b.bin.dvc").includes("isexec: true")).toBe(mode === "755");
    }
  });

  it("data status --granular names the folders too in one whose listing nobody has", () => {
    const twins = makeTwins();
    for (const path of ["d/one", "d/n/m/two"]) twins.each(({ write }) => write(path, path));
    twins.each(({ root }) => mkdirSync(join(root, "d/void/in"), { recursive: true }));
    twins.run(["add", "-q", "d"]);
    twins.each((repository) => repository.commit("tracked"));
    for (const { root } of [twins.ours, twins.theirs]) rmSync(join(root, ".dvc/cache"), { recursive: true });
    twins.sameJson(["data", "status", "--granular", "--unchanged", "--json"]);
    twins.sameJson(["data", "status", "--granular", "--json", "d/n"]);
    expect(twins.ours.expver(["data", "data", "status", "--granular"]).stdout).toContain("unknown: d/void/in/\n");
  });

  it("--cd of what is no folder ends as with dvc", () => {
    const twins = makeTwins();
    for (const verb of ["status", "root"]) expect(twins.run(["--cd", "nosuch", verb]).ours.stderr).toContain("there is no folder");
    expect(twins.ours.expver(["-C", "nosuch", "list"]).code).toBe(1);
  });

  it("list .. names what is below as it is typed from here, and diff --md has columns that stand", () => {
    const twins = makeTwins();
    for (const path of ["sub/s/y", "sub/z", "d/u\u0308", "d/\u00fc", "\u6570"]) twins.each(({ write }) => write(path, path));
    twins.run(["add", "-q", "d", "sub/s", "\u6570"]);
    twins.each((repository) => repository.commit("tracked"));
    for (const cwd of ["sub", "sub/s"]) for (const args of [[], ["-R"], ["-R", "--json"]]) twins.same(["list", "..", ...args], cwd);
    twins.same(["diff", "HEAD~1", "HEAD", "--md"]);
  });

  it.each(["status", "diff", "list ."])("%s ends with dvc's code when a pipeline is none", (words) => {
    const twins = makeTwins();
    for (const text of [
      "stages: [",
      "stages: 3",
      "stages: {a: 3}",
      "nonsense: 1",
      "plots:",
      "stages: {a: {outs: [x]}}",
      "stages: {a: {cmd: x, outz: [y]}}",
      "stages: {a: {cmd: x, deps: }}",
      "stages: {a: {foreach: [1]}}",
    ]) {
      twins.each(({ write }) => write("dvc.yaml", `${text}\n`));
      expect(twins.run(words.split(" ")).ours.stderr, text).toContain("dvc.yaml");
    }
    for (const text of [
      "",
      "stages: {a: {cmd: '', deps: []}}",
      "stages: {a: {foreach: [1], do: {cmd: x}}, b: {matrix: {m: [1]}, cmd: y}}",
    ]) {
      twins.each(({ write }) => write("dvc.yaml", `${text}\n`));
      expect(twins.run(words.split(" ")).ours.stderr, text).not.toContain("dvc.yaml");
    }
  });
});

it("update brings back what links lead to nowhere, in a folder too", () => {
  const repository = makeRepository();
  const data = (...args: string[]) => expect(repository.expver(["data", ...args])).toMatchObject({ code: 0 });
  data("init", "-q");
  data("config", "cache.type", "symlink");
  mkdirSync(join(repository.root, "../from"));
  writeFileSync(join(repository.root, "../from/a"), "bytes");
  data("import-url", "../from", "d");
  renameSync(join(repository.root, ".dvc/cache"), join(repository.root, "../cache"));
  data("cache", "dir", join(repository.root, "../cache"));
  expect(existsSync(join(repository.root, "d/a"))).toBe(false);
  data("update", "d.dvc");
  expect(repository.read("d/a")).toBe("bytes");
});
