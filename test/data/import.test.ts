import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { md5Of } from "../../src/platform/hashing.ts";
import { openRemote } from "../../src/store/remotes/open-remote.ts";
import { lookElsewhere } from "../../src/workflows/data/sources/elsewhere.ts";
import { atEveryKill, runKilledAt, SIGKILLED, sampledPoints } from "../support/kill-at.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { readTree, writeTree } from "../support/trees.ts";
import { DVC, makeTwins, snapshot } from "../support/twins.ts";

// Commits of twins have the same names.
const WHEN = { GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z", GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z" };

/** A repository beside `beside`, the same bytes and commits wherever it is made. */
function makeSource(beside: TestRepository): { write(path: string, text: string): void; commit(tag: string): void } {
  const root = join(beside.root, "../src");
  const git = (...args: string[]) =>
    expect(beside.run("git", args, { cwd: "../src", env: WHEN }), args.join(" ")).toMatchObject({ code: 0 });
  beside.run("mkdir", [root]);
  git("init", "-q");
  expect(beside.expver(["data", "init"], { cwd: "../src" }).code).toBe(0);
  return {
    write: (path, text) => beside.write(`../src/${path}`, text),
    commit(tag) {
      expect(beside.expver(["data", "add", "a", "d"], { cwd: "../src" }).code).toBe(0);
      git("add", "-A");
      git("commit", "-qm", tag);
      git("tag", tag);
    },
  };
}

function fill(source: ReturnType<typeof makeSource>): void {
  for (const [path, text] of Object.entries({ a: "1\n", "d/x": "2\n", "d/e/y": "22\n", "code/plain.py": "5\n" })) source.write(path, text);
  source.commit("v1");
}

function renew(source: ReturnType<typeof makeSource>): void {
  for (const [path, text] of Object.entries({ a: "9\n", "d/n": "new\n", "code/q.py": "6\n" })) source.write(path, text);
  source.commit("v2");
}

describe.skipIf(DVC === null)("as dvc does it", { timeout: 240_000 }, () => {
  it("brings what an import was in earlier commits too", () => {
    const twins = makeTwins();
    const sources = [twins.theirs, twins.ours].map(makeSource);
    for (const source of sources) fill(source);
    twins.run(["import", "-q", "../src", "a"]);
    twins.each(({ commit }) => commit("v1"));
    for (const source of sources) renew(source);
    twins.run(["update", "-q", "a.dvc"]);
    twins.each(({ root, commit }) => {
      commit("v2");
      rmSync(join(root, ".dvc/cache"), { recursive: true });
    });
    twins.run(["fetch", "-q", "-A"]);
    twins.agree();
  });

  it("commits what was edited of an import, with the digest that its file carries", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) fill(source);
    twins.run(["import", "-q", "../src", "a"]);
    twins.each(({ write }) => write("a", "by hand\n"));
    twins.run(["commit", "-q", "-f", "a.dvc"]);
    twins.sameJson(["status", "--json"]);
    twins.agree();
  });

  it("applies line endings to files of Git, and no filter that is set up here", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) {
      source.write(".gitattributes", "*.crlf text eol=crlf\n*.up filter=upper\n*.half text eol=crlf filter=half\n");
      source.write("code/d.half", "3\n");
      source.write("code/b.crlf", "1\n2\n");
      source.write("code/c.up", "hello\n");
      fill(source);
    }
    twins.each(({ run }) => {
      const git = (...args: string[]) => expect([args, run("git", args, { cwd: "../src", env: WHEN })]).toMatchObject([args, { code: 0 }]);
      run("chmod", ["+x", "code/plain.py"], { cwd: "../src" });
      git("commit", "-qam", "a program");
      git("tag", "v2");
      git("commit", "-q", "--allow-empty", "-m", "later");
      // Only now: a file as young as the index would be cleaned by a required filter that cannot.
      git("config", "filter.upper.smudge", "tr a-z A-Z");
      git("config", "filter.upper.required", "true");
      git("config", "filter.half.required", "true");
      git("config", "filter.half.clean", "cat");
    });
    twins.run(["import", "-q", "--rev", "v2", "../src", "code"]);
    expect(twins.ours.read("code/b.crlf")).toBe("1\r\n2\r\n");
    expect(twins.ours.read("code/c.up")).toBe("hello\n");
    twins.run(["import", "-q", "--rev", "v2", "../src", "code/plain.py", "-o", "plain.py"]);
    twins.agree();
  });

  it("imports from a repository and from a path, and updates", () => {
    const twins = makeTwins();
    const sources = [twins.theirs, twins.ours].map(makeSource);
    for (const source of sources) fill(source);
    twins.each(({ write }) => write("../w", "outside\n"));
    for (const args of [
      ["import", "../src", "a"],
      ["import", "../src", "d", "-o", "dd", "--rev", "v1"],
      ["import", "../src", "code"],
      ["import", "../src", "d/x", "--no-download"],
      ["import", "../src", "nothing"],
      ["import", "../src", "a"],
      ["import-url", "../w"],
      ["import-url", "../w", "w3", "--no-exec"],
      ["import-url", "code", "code2"],
    ])
      twins.run(args);
    twins.agree();
    twins.sameJson(["status", "--json"]);
    for (const source of sources) renew(source);
    twins.each(({ write }) => write("../w", "changed\n"));
    twins.sameJson(["status", "--json"]);
    twins.sameJson(["status", "--json", "--no-updates", "a.dvc"]);
    twins.same(["status", "a.dvc"]);
    for (const args of [
      ["a.dvc"],
      ["dd.dvc"],
      ["dd.dvc", "--rev", "v2"],
      ["w.dvc", "w3.dvc"],
      ["code.dvc", "--no-download"],
      ["nothing.dvc"],
    ])
      twins.run(["update", ...args]);
    twins.agree();
    twins.run(["move", "w", "moved"]);
    twins.agree();
  });

  it("leaves out of a commit what its .dvcignore files do, but for a file that is named", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) {
      source.write(".dvcignore", "*.skip\ncode/no\n");
      source.write("code/n/.dvcignore", "drop\n!kept.skip\n");
      for (const path of ["a.skip", "no/x", "n/drop", "n/kept.skip", "n/y.skip", "drop"]) source.write(`code/${path}`, `${path}\n`);
      fill(source);
    }
    twins.run(["import", "-q", "../src", "code"]);
    twins.run(["import", "-q", "../src", "code/n"]);
    twins.run(["import", "-q", "../src", "code/a.skip"]);
    twins.run(["import", "-q", "../src", "code/no"]);
    twins.agree();
    expect(existsSync(join(twins.ours.root, "code/n/kept.skip"))).toBe(true);
    twins.sameJson(["list", "../src", "code", "-R", "--rev", "v1", "--json"]);
    twins.sameJson(["list", "../src", "-R", "--rev", "v1", "--json"]);
    twins.run(["list", "../src", "code/no", "--rev", "v1"]);
    twins.run(["get", "-q", "../src", "code", "-o", "copy", "--rev", "v1"]);
    twins.agree();
  });

  it("imports no pointer file or pipeline: dvc would read nothing any more in a repository that has", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) {
      source.write("sub/dvc.yaml", "stages: {}\n");
      fill(source);
    }
    for (const args of [
      ["import", "../src", "a.dvc", "-o", "named.otherwise"],
      ["import", "../src", "sub/dvc.yaml", "-o", "pipeline"],
      ["import-url", "../src/a.dvc", "here"],
      ["status", "--json"],
    ])
      twins.same(args);
    twins.agree();
  });

  it("gets all of a folder that is a repository", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) fill(source);
    twins.each(({ write }) => write("../src/d/.dvcignore", "y\n"));
    twins.each(({ run }) => run("rm", ["-rf", ".dvc/tmp", ".git/expver"], { cwd: "../src" }));
    twins.run(["get-url", "-q", "../src", "../copy"]);
    const [theirs, ours] = [twins.theirs, twins.ours].map(({ root }) =>
      Object.keys(readTree(join(root, "../copy"), { skip: ["objects", "index"] })),
    );
    expect(ours).toEqual(theirs);
    expect(ours).toEqual(expect.arrayContaining([".dvc/config", ".git/HEAD", "d/.dvcignore", "d/e/y"]));
  });

  it("says of a program that it is one where it lies, and imports anew in the place of what the file said", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) fill(source);
    twins.each(({ root, write }) => {
      write("../program", "run\n");
      chmodSync(join(root, "../program"), 0o755);
    });
    twins.run(["import-url", "-q", "../program"]);
    twins.run(["import-url", "-q", "../program", "later", "--no-download"]);
    twins.agree();
    twins.each(({ write }) => write("../program", "run again\n"));
    twins.run(["update", "-q", "program.dvc"]);
    twins.agree();
    twins.each(({ root }) => chmodSync(join(root, "../program"), 0o644));
    twins.each(({ write }) => write("../program", "no program\n"));
    twins.run(["update", "-q", "program.dvc"]);
    twins.agree();
    twins.run(["import", "-q", "../src", "d", "-o", "x", "--no-download"]);
    twins.run(["import", "-q", "../src", "a", "-o", "x"]);
    twins.agree();
  });

  it("moves what came from a path to another folder: it still lies where it lay", () => {
    const twins = makeTwins();
    twins.each(({ root, write }) => {
      mkdirSync(join(root, "sub"));
      for (const name of ["w", "it's: one"]) write(`../${name}`, "1\n");
    });
    for (const [path, name] of [
      ["../w", "w"],
      ["../it's: one", "one"],
    ] as const) {
      twins.run(["import-url", "-q", path, name]);
      twins.run(["move", "-q", name, `sub/${name}`]);
      twins.agree();
    }
    twins.each(({ write }) => write("../w", "2\n"));
    twins.sameJson(["status", "--json"]);
    twins.run(["update", "-q", "sub/w.dvc"]);
    twins.agree();
    twins.run(["move", "-q", "sub/w", "w"]);
    twins.agree();
  });
});

describe.skipIf(DVC === null)("pull of what came with --no-download", { timeout: 240_000 }, () => {
  function imported(): ReturnType<typeof makeTwins> {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) fill(source);
    twins.each(({ write }) => {
      write("../plain/a", "3\n");
      write("../plain/b", "4\n");
      write("../w", "outside\n");
    });
    for (const args of [
      ["import", "../src", "d"],
      ["import", "../src", "code"],
      ["import-url", "../w"],
      ["import-url", "../plain"],
    ])
      twins.run([...args, "-q", "--no-download"]);
    twins.run(["import", "-q", "../src", "a"]);
    twins.run(["import", "-q", "--no-exec", "../src", "a", "-o", "unknown"]);
    twins.each(({ commit }) => commit("imports"));
    return twins;
  }

  // dvc keeps these bytes beside its cache, we in it.
  const agree = (twins: ReturnType<typeof makeTwins>) =>
    expect({ ...snapshot(twins.ours), cache: null }).toEqual({ ...snapshot(twins.theirs), cache: null });

  it("needs no remote, takes each from where it is, and leaves the pointers", () => {
    const twins = imported();
    for (const verb of ["fetch", "checkout"])
      expect(twins.ours.expver(["data", verb, "w", "d"]).stderr).toMatch(
        /w was imported without its bytes\n.*data pull w\n.*d was imported without its bytes\n.*data pull d\n/,
      );
    twins.same(["pull", "w"]);
    twins.run(["pull", "d", "code"]);
    agree(twins);
    twins.run(["fetch", "-q"]);
    twins.run(["commit", "-q", "-f", "d.dvc", "w.dvc", "code.dvc"]);
    agree(twins);
    // Of a folder that is no repository's dvc cannot do it.
    expect(twins.ours.expver(["data", "pull", "plain"])).toMatchObject({
      code: 0,
      stdout: "A       plain/\n2 files fetched and 2 files added\n",
    });
  });

  it("brings what came with --no-exec from a repository, and fails where it was a path", () => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) fill(source);
    twins.each(({ write }) => write("../w", "outside\n"));
    twins.run(["import", "-q", "--no-exec", "../src", "d"]);
    twins.run(["import-url", "-q", "--no-exec", "../w"]);
    twins.run(["pull", "d"]);
    expect(twins.ours.read("d/x")).toBe("2\n");
    agree(twins);
    twins.run(["pull", "w"]);
    agree(twins);
  });

  it("takes nothing from a source that has changed, and leaves what stands there", () => {
    const twins = imported();
    twins.each(({ write }) => {
      write("../w", "changed\n");
      write("plain/mine", "mine\n");
    });
    const { ours } = twins.run(["pull", "w"]);
    expect(ours.stderr).toContain("expver data update w.dvc");
    expect(ours.stderr).not.toContain("never stored");
    agree(twins);
    expect(twins.ours.expver(["data", "pull", "plain"]).code).toBe(0);
    expect(twins.ours.read("plain/mine")).toBe("mine\n");
  });
});

describe.skipIf(DVC === null)("as dvc shows it", () => {
  it.each(["--no-download", "--no-exec"])("knows of what came with %s no more than its source said", (flag) => {
    const twins = makeTwins();
    for (const source of [twins.theirs, twins.ours].map(makeSource)) fill(source);
    twins.each(({ write }) => {
      write("../plain/a", "3\n");
      write("../plain/b", "4\n");
      write("../w", "outside\n");
    });
    for (const args of [
      ["import", "../src", "a"],
      ["import", "../src", "d"],
      ["import-url", "../w"],
      ["import-url", "../plain"],
    ])
      twins.run([...args, "-q", flag]);
    const look = () => {
      twins.sameJson(["data", "status", "--granular", "--unchanged", "--json"]);
      twins.sameJson(["data", "status", "--not-in-remote", "--json"]);
      twins.sameJson(["status", "--no-updates", "--json"]);
    };
    look();
    twins.each(({ commit }) => commit("imports"));
    look();
    twins.each(({ write }) => {
      write("a", "other\n");
      write("w", "outside\n");
    });
    look();
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    twins.each(({ write }) => write("own", "own\n"));
    twins.run(["add", "-q", "own"]);
    look();
  });
});

describe("import", () => {
  const imported = () => {
    const repository = makeRepository();
    const source = makeSource(repository);
    fill(source);
    repository.expver(["data", "init"]);
    expect(repository.expver(["data", "import", "../src", "d"])).toMatchObject({ code: 0 });
    repository.commit("import");
    return { repository, source };
  };

  it("comes back from where it was imported, as of the commit its file names", () => {
    const { repository, source } = imported();
    renew(source);
    for (const path of [".dvc/cache", "d"]) rmSync(join(repository.root, path), { recursive: true });
    expect(repository.expver(["data", "pull"])).toMatchObject({ code: 0 });
    expect(repository.read("d/e/y")).toBe("22\n");
    expect(existsSync(join(repository.root, "d/n"))).toBe(false);
    const newer = { "d.dvc": [{ "changed deps": { "d (../src)": "update available" } }] };
    expect(JSON.parse(repository.expver(["data", "status", "--json"]).stdout)).toEqual(newer);
    expect(repository.expver(["data", "status", "--json", "--no-updates"]).stdout).toBe("{}\n");
    rmSync(join(repository.root, "../src"), { recursive: true });
    expect(repository.expver(["data", "status"])).toMatchObject({ code: 0, stderr: expect.stringContaining("cannot be told") });
  });

  it("comes back whatever .dvcignore said of its files, or says by now, and whatever it says of other names", () => {
    const repository = makeRepository();
    fill(makeSource(repository));
    repository.expver(["data", "init"]);
    const pull = () => {
      for (const path of [".dvc/cache", "d"]) rmSync(join(repository.root, path), { recursive: true });
      expect(repository.expver(["data", "pull"])).toMatchObject({ code: 0 });
    };
    repository.write(".dvcignore", "*.tmp\n/d/e\n");
    expect(repository.expver(["data", "import", "../src", "d"])).toMatchObject({ code: 0 });
    pull();
    expect(existsSync(join(repository.root, "d/e"))).toBe(false);
    repository.write(".dvcignore", "*.tmp\nmade/\n");
    expect(repository.expver(["data", "import", "-f", "../src", "d"])).toMatchObject({ code: 0 });
    repository.write(".dvcignore", "*.tmp\n/d/e\n");
    pull();
    expect(["d/x", "d/e/y"].map(repository.read)).toEqual(["2\n", "22\n"]);
  });

  it("of DVC 2 comes back by the names it has there, and leaves texts of equal names alone", () => {
    const repository = makeRepository();
    const source = makeSource(repository);
    for (const [path, text] of Object.entries({ a: "1\n", "d/x": "2\n", "d/y": "3\r\n" })) source.write(path, text);
    source.commit("v1");
    repository.expver(["data", "init"]);
    expect(repository.expver(["data", "import", "../src", "d"])).toMatchObject({ code: 0 });
    const listing = `[{"md5": "${md5Of(Buffer.from("2\n"))}", "relpath": "x"}, {"md5": "${md5Of(Buffer.from("3\n"))}", "relpath": "y"}]`;
    const others = repository
      .read("d.dvc")
      .replace(/^md5: .*\n/, "")
      .split("outs:")[0];
    repository.write("d.dvc", `${others}outs:\n- md5: ${md5Of(Buffer.from(listing))}.dir\n  size: 5\n  nfiles: 2\n  path: d\n`);
    for (const path of [".dvc/cache", "d"]) rmSync(join(repository.root, path), { recursive: true });
    // The same text with other line ends, of other data.
    const standing = `.dvc/cache/${md5Of(Buffer.from("2\n")).slice(0, 2)}/${md5Of(Buffer.from("2\n")).slice(2)}`;
    repository.write(standing, "2\r\n");
    chmodSync(join(repository.root, standing), 0o444);
    expect(repository.expver(["data", "pull"])).toMatchObject({ code: 0, stdout: expect.stringContaining("A       d/\n") });
    expect(["d/x", "d/y"].map(repository.read)).toEqual(["2\r\n", "3\r\n"]);
    expect(repository.expver(["data", "status"]).stdout).not.toContain("outs");
  });

  it("is what get takes from there, cache and worktree left alone", () => {
    const { repository } = imported();
    for (const path of [".dvc/cache", "d"]) rmSync(join(repository.root, path), { recursive: true });
    expect(repository.expver(["get", "HEAD", "d/e/y", "-o", "y"])).toMatchObject({ code: 0 });
    expect(repository.expver(["get", "HEAD", "d", "-o", "all"])).toMatchObject({ code: 0 });
    expect([repository.read("y"), repository.read("all/e/y"), repository.read("all/x")]).toEqual(["22\n", "22\n", "2\n"]);
    expect([".dvc/cache/files", "d"].filter((path) => existsSync(join(repository.root, path)))).toEqual([]);
  });

  it("is restored from there too, and when that is gone it is said so, nothing changed", () => {
    const { repository } = imported();
    const forget = () => {
      for (const path of [".dvc/cache", "d"]) rmSync(join(repository.root, path), { recursive: true });
    };
    for (const remote of [false, true]) {
      if (remote) expect(repository.expver(["data", "remote", "add", "-d", "store", "../store"])).toMatchObject({ code: 0 });
      forget();
      expect(repository.expver(["restore", "HEAD", "d/e/y"])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("expver restore HEAD d\n"),
      });
      expect(repository.expver(["restore", "HEAD", "d"])).toMatchObject({ code: 0 });
      expect([repository.read("d/e/y"), repository.read("d/x")]).toEqual(["22\n", "2\n"]);
      rmSync(join(repository.root, "d"), { recursive: true });
      expect(repository.expver(["restore", "HEAD", "d/e/y"])).toMatchObject({ code: 0 });
      expect([repository.read("d/e/y"), existsSync(join(repository.root, "d/x"))]).toEqual(["22\n", false]);
    }
    forget();
    rmSync(join(repository.root, "../src"), { recursive: true });
    expect(repository.expver(["restore", "HEAD", "d"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/E_NOT_STORED: .*, first d\n/),
    });
    expect(existsSync(join(repository.root, "d"))).toBe(false);
  });

  it("is taken back, and so is an update that replaced what was stored nowhere", () => {
    const { repository, source } = imported();
    renew(source);
    repository.write("d/x", "mine");
    expect(repository.expver(["data", "update", "d.dvc"]).code).toBe(0);
    expect(repository.read("d/n")).toBe("new\n");
    expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
    expect(repository.read("d/x")).toBe("mine");
    expect(repository.git("status", "--porcelain")).toBe("");
  });

  it("undo brings back what an update took away that was to bring nothing", () => {
    const { repository, source } = imported();
    const before = readTree(join(repository.root, "d"));
    renew(source);
    expect(repository.expver(["data", "update", "--no-download", "d.dvc"]).code).toBe(0);
    expect(existsSync(join(repository.root, "d"))).toBe(false);
    expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
    expect(readTree(join(repository.root, "d"))).toEqual(before);
    expect(repository.git("status", "--porcelain")).toBe("");
  });

  it("is not taken back once it was edited", () => {
    const { repository } = imported();
    repository.write("kept", "kept nowhere");
    expect(repository.expver(["data", "import", "../src", "a", "-o", "kept", "--force"])).toMatchObject({ code: 0 });
    repository.run("rm", ["kept"]);
    repository.write("kept", "edited");
    expect(repository.expver(["undo"])).toMatchObject({ code: 4, stderr: expect.stringContaining("kept (changed)") });
    expect(repository.read("kept")).toBe("edited");
    repository.write("kept", "1\n");
    expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
    expect(repository.read("kept")).toBe("kept nowhere");
  });

  it("leaves what stands there when what comes cannot be put aside", () => {
    const { repository } = imported();
    repository.write("stored", "stored");
    expect(repository.expver(["data", "add", "stored"]).code).toBe(0);
    const trash = join(openProject(repository.context).stateDir, "trash");
    rmSync(trash, { recursive: true, force: true });
    writeFileSync(trash, "in the way");
    const again = ["data", "import", "../src", "a", "-o", "stored", "--force"];
    expect(repository.expver(again)).toMatchObject({ code: 1, stderr: expect.stringContaining(`${trash} is in the way`) });
    expect(repository.read("stored")).toBe("stored");
    rmSync(trash);
    expect(repository.expver(again)).toMatchObject({ code: 0 });
    expect(repository.read("stored")).toBe("1\n");
  });

  it("is not said to be damaged when somebody writes there while it is sent", async () => {
    const repository = makeRepository();
    repository.expver(["data", "init"]);
    repository.expver(["data", "remote", "add", "-d", "store", "../store"]);
    repository.write("../plain/a", "first\n");
    const project = openProject(repository.context);
    const remote = openRemote(project, "store");
    const there = await lookElsewhere(repository.context, "../plain");
    const whileWriting: typeof remote = {
      ...remote,
      send(...args) {
        repository.write("../plain/a", "other\n");
        return remote.send(...args);
      },
    };
    const message = `${join(repository.root, "../plain")} was changed while it was sent`;
    await expect(there.send(project, whileWriting)).rejects.toMatchObject({ code: "E_DATA", message });
    expect(repository.run("find", ["../store", "-type", "f"]).stdout).toBe("");
    expect((await there.send(project, remote)).nfiles).toBe(1);
  });

  it.each(["copy", "symlink"])("stands as it stood when an update cannot store what came, and after its undo (%s)", (type) => {
    const repository = makeRepository();
    const data = (...args: string[]) => repository.expver(["data", ...args]);
    data("init");
    data("config", "cache.type", type);
    const [old, newer] = [
      { a: "1\n", "n/b": "2\n", empty: "" },
      { a: "3\n", "n/c": "4\n" },
    ];
    const write = (files: Record<string, string>) => writeTree(join(repository.root, "../plain"), files);
    write(old);
    data("import-url", "../plain");
    repository.commit("import");
    rmSync(join(repository.root, "../plain"), { recursive: true });
    write(newer);
    const stands = () => [
      repository.run("grep", ["-R", "", "plain"]).stdout.split("\n").sort().join(" ").trim(),
      repository.git("status", "--short"),
    ];
    const before = ["plain/a:1 plain/n/b:2", ""];
    expect(stands()).toEqual(before);
    // No folder for the object of "4\n".
    const inTheWay = join(repository.root, ".dvc/cache/files/md5", md5Of(Buffer.from("4\n")).slice(0, 2));
    writeFileSync(inTheWay, "");
    expect(data("update", "plain.dvc")).toMatchObject({ code: 1, stderr: expect.not.stringContaining("taken back") });
    expect(stands()).toEqual(before);
    expect(existsSync(join(repository.root, "plain/empty"))).toBe(true);
    rmSync(inTheWay);
    expect(data("update", "plain.dvc").code).toBe(0);
    expect(stands()[0]).toBe("plain/a:3 plain/n/c:4");
    expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
    expect(stands()).toEqual(before);
  });

  it("stands as it stood after an update that was killed", { timeout: 120_000 }, () => {
    let gone = 0;
    const points = atEveryKill((at) => {
      const repository = makeRepository();
      repository.expver(["data", "init"]);
      repository.write("../plain/a", "1\n");
      repository.expver(["data", "import-url", "../plain"]);
      repository.write("../plain/a", "2\n");
      const killed = runKilledAt(repository, ["data", "update", "plain.dvc"], at);
      repository.expver(["data", "config", "core.autostage", "true"]);
      if (!existsSync(join(repository.root, "plain/a"))) gone += 1;
      else expect(repository.expver(["data", "status", "--no-updates", "--json"]).stdout).toBe("{}\n");
      return killed;
    }, sampledPoints(11));
    expect(points).toBeGreaterThan(10);
    expect(gone).toBe(0);
  });

  describe("leaves no copy in the trash, where each further try would add one,", () => {
    const files = ({ root }: TestRepository) => {
      const trash = join(root, ".git/expver/trash");
      return existsSync(trash) ? Object.entries(readTree(trash)).flatMap(([path, bytes]) => (bytes === "folder" ? [] : path)) : [];
    };
    const started = () => {
      const repository = makeRepository();
      repository.expver(["data", "init"]);
      repository.write("../plain/a", "1\n");
      return repository;
    };

    it("when the bytes cannot be stored", () => {
      const repository = started();
      repository.write(".dvc/cache/files", "no folder");
      expect(repository.expver(["data", "import-url", "../plain"])).toMatchObject({ code: 1 });
      expect([files(repository), existsSync(join(repository.root, "plain"))]).toEqual([[], false]);
    });

    it("when it was killed", { timeout: 120_000 }, () => {
      let leaves = 0;
      const points = atEveryKill((at) => {
        const repository = started();
        const killed = runKilledAt(repository, ["data", "import-url", "../plain"], at);
        if (killed.code === SIGKILLED) repository.expver(["data", "import-url", "../plain"]);
        expect(repository.read("plain/a")).toBe("1\n");
        leaves += files(repository).length;
        return killed;
      }, sampledPoints(9));
      expect(points).toBeGreaterThan(10);
      // Put aside already, and not noted yet.
      expect(leaves).toBeLessThanOrEqual(1);
    });
  });

  it("leaves nothing when the source lacks the bytes", () => {
    const { repository } = imported();
    for (const path of ["../src/.dvc/cache", "../src/a"]) rmSync(join(repository.root, path), { recursive: true });
    expect(repository.expver(["data", "import", "../src", "a"])).toMatchObject({ code: 255 });
    expect(repository.git("status", "--porcelain", "-uall")).toBe("");
  });
});

describe("an import of what was imported", { timeout: 240_000 }, () => {
  it("comes from where that was imported, also through a Git URL", () => {
    const repository = makeRepository();
    repository.expver(["data", "init"]);
    fill(makeSource(repository));
    const must = (args: string[], cwd = ".") =>
      expect([args, repository.expver(["data", ...args], { cwd })]).toMatchObject([args, { code: 0 }]);
    repository.run("mkdir", ["../mid"]);
    const git = (args: string[], cwd = "../mid") => expect([args, repository.run("git", args, { cwd })]).toMatchObject([args, { code: 0 }]);
    git(["init", "-q"]);
    must(["init"], "../mid");
    const url = join(repository.root, "../src");
    for (const path of ["d", "a", "code"]) must(["import", url, path], "../mid");
    git(["add", "-A"]);
    git(["commit", "-qm", "imports"]);
    git(["clone", "-q", "--bare", "mid", "mid.git"], "..");
    for (const [index, path] of ["d", "d/e/y", "a", "code"].entries()) {
      must(["get", "../mid.git", path, "-o", `g${index}`]);
      must(["import", "../mid.git", path, "-o", `i${index}`]);
    }
    const listed = JSON.parse(repository.expver(["data", "list", "../mid.git", "d", "-R", "--json"]).stdout);
    expect(listed.map(({ path }: { path: string }) => path)).toEqual(["e/y", "x"]);
    must(["update", "i0.dvc", "i1.dvc"]);
    expect(["g0/e/y", "i0/e/y", "g1", "i1", "g2", "i2", "g3/plain.py", "i3/plain.py"].map((path) => repository.read(path))).toEqual([
      "22\n",
      "22\n",
      "22\n",
      "22\n",
      "1\n",
      "1\n",
      "5\n",
      "5\n",
    ]);
    for (const path of [".dvc/cache", "i0"]) rmSync(join(repository.root, path), { recursive: true });
    must(["pull", "i0"]);
    expect(repository.read("i0/x")).toBe("2\n");
    // What is here already need not be there any more.
    must(["pull"]);
    rmSync(join(repository.root, "../src/.dvc/cache"), { recursive: true });
    must(["import", "../src", "a", "-o", "again"]);
    expect(repository.expver(["data", "import", "../mid.git", "a", "-o", "j", "-j", "x"])).toMatchObject({ code: 254 });
  });
});

it("brings more of what only Git has than is in memory at once, whole", () => {
  const repository = makeRepository();
  const git = (...args: string[]) => expect(repository.run("git", ["-C", "../src", ...args]), args.join(" ")).toMatchObject({ code: 0 });
  mkdirSync(join(repository.root, "../src/d"), { recursive: true });
  const files = { "d/1": "a".repeat(2 ** 25 + 1), "d/2": "b".repeat(2 ** 25), "d/3": "c", "d/4": "d".repeat(2 ** 25), "d/5": "" };
  for (const [path, text] of Object.entries(files)) repository.write(`../src/${path}`, text);
  git("init", "-q");
  git("add", "-A");
  git("commit", "-qm", "large");
  for (const [index, url] of ["../src", `file://${join(repository.root, "../src")}`].entries()) {
    expect(repository.expver(["data", "get", "--rev", "HEAD", url, "d", "-o", `got-${index}`])).toMatchObject({ code: 0 });
    for (const [path, text] of Object.entries(files)) expect(repository.read(path.replace("d", `got-${index}`)) === text, path).toBe(true);
  }
});
