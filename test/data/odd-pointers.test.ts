/** Pointers that are not one file for one output of ours beside it: of several outputs, under another name, kept by Git only, two for one output, of a stage, of an import that was changed. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dvcCalls } from "../support/dvc.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";
import { DVC, makeTwins } from "../support/twins.ts";

/** `both.dvc` for `a` and `sub/b`, which are right. */
function shareOneFile(repository: TestRepository): void {
  repository.write("a", "1\n");
  repository.write("sub/b", "2\n");
  repository.write(
    "both.dvc",
    ["b026324c6904b2a9cb4b88d6d61c81d1", "26ab0db90d72e28ad0ba1e22ee510510"].reduce(
      (text, md5, index) => `${text}- md5: ${md5} # ${index + 1}\n  size: 2\n  hash: md5\n  path: ${["a", "sub/b"][index]}\n`,
      "outs:\n",
    ),
  );
  repository.write(".gitignore", "/a\n");
  repository.write("sub/.gitignore", "/b\n");
}

function change(repository: TestRepository, text: string): void {
  repository.write("a", `a ${text}\n`);
  repository.write("sub/b", `b ${text}\n`);
}

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("commit and add of several outputs of one file write all their entries", () => {
    const twins = makeTwins();
    twins.each(shareOneFile);
    twins.run(["commit", "-f"]);
    twins.agree();
    for (const [text, ...args] of [
      ["committed", "commit", "-f"],
      ["added", "add", "a", "sub/b"],
      ["named", "commit", "-f", "sub/b", "a"],
    ] as [string, ...string[]][]) {
      twins.each((repository) => change(repository, text));
      twins.run(args);
      twins.agree();
      twins.same(["status"]);
      expect(twins.ours.read("both.dvc").match(/# [12]/g)).toEqual(["# 1", "# 2"]);
    }
  });
});

it("one of several outputs of one file is moved, also out of the file's folder, and the others stay tracked: dvc forgets them", () => {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  shareOneFile(repository);
  repository.write("both.dvc", repository.read("both.dvc").replaceAll("path: ", "path: ../"));
  repository.run("mkdir", ["pointers"]);
  repository.run("mv", ["both.dvc", "pointers/a.dvc"]);
  expect(repository.expver(["data", "commit", "-f"]).code).toBe(0);
  for (const [from, to] of [
    ["a", "c"],
    ["sub/b", "pointers/"],
    ["pointers/b", "sub"],
    ["c", "pointers/d"],
  ] as const)
    expect(repository.expver(["data", "move", from, to])).toMatchObject({ code: 0 });
  const text = repository.read("pointers/a.dvc");
  expect([text.match(/# [12]/g), text.match(/path: .*/g)]).toEqual([
    ["# 1", "# 2"],
    ["path: d", "path: ../sub/b"],
  ]);
  expect([repository.read("pointers/d"), repository.read("sub/b")]).toEqual(["1\n", "2\n"]);
  expect([repository.read("pointers/.gitignore"), repository.read("sub/.gitignore")]).toEqual(["/d\n", "/b\n"]);
  expect(repository.expver(["data", "status"]).stdout).toContain("up to date");
  if (DVC !== null) expect(dvcCalls(repository, [["status", "--json"]])[0]?.stdout.trim()).toBe("{}");
  expect(repository.expver(["undo", "--yes"]).code).toBe(0);
  expect(repository.read("c")).toBe("1\n");
});

describe.skipIf(DVC === null)("outputs that only Git has (cache: false), as dvc does it", () => {
  const track = (repository: TestRepository) => {
    repository.write("a", "1\n");
    repository.write("d/x", "x\n");
    repository.write("a.dvc", "outs:\n- md5: b026324c6904b2a9cb4b88d6d61c81d1\n  size: 2\n  hash: md5\n  cache: false\n  path: a\n");
    repository.commit("tracked");
    repository.write("b", "cached\n");
  };

  it("commit and add write their hashes, and store nothing", () => {
    const twins = makeTwins();
    twins.each(track);
    twins.run(["add", "-q", "b"]);
    for (const [text, ...args] of [
      ["committed", "commit", "-f"],
      ["named", "commit", "-f", "a", "b.dvc"],
      ["added", "add", "a"],
      ["added both", "add", "b", "a"],
    ] as [string, ...string[]][]) {
      twins.each((repository) => {
        repository.write("a", `a ${text}\n`);
        repository.write("b", `b ${text}\n`);
      });
      twins.run(args);
      twins.agree();
      twins.same(["status"]);
    }
  });
});

describe("an output that two files point to", () => {
  const track = () => {
    const repository = makeRepository();
    const data = (...args: string[]) => repository.expver(["data", ...args]);
    expect(repository.expver(["init", "--yes"]).code).toBe(0);
    repository.write("b", "2\n");
    expect(data("add", "b").code).toBe(0);
    repository.write("copy.dvc", repository.read("b.dvc"));
    repository.commit("tracked twice");
    return { repository, data };
  };

  it("is not added, as with dvc, and doctor names both", () => {
    const { repository, data } = track();
    repository.write("b", "22\n");
    const { code, stderr } = data("add", "b");
    expect([code, stderr]).toEqual([1, expect.stringContaining("b is an output of b.dvc and of copy.dvc")]);
    expect(repository.read("b.dvc")).toBe(repository.read("copy.dvc"));
    const { findings } = JSON.parse(repository.expver(["doctor", "--json"]).stdout).data;
    expect(findings).toContainEqual(expect.objectContaining({ check: "contested-outputs", level: "warning" }));
    expect(data("commit", "-f").code).toBe(0);
    expect(repository.read("b.dvc")).toBe(repository.read("copy.dvc"));
    expect(data("status", "--json").stdout).toBe("{}\n");
  });

  it("is neither checked out nor an input of a run when they say different things, until one is gone", () => {
    const { repository, data } = track();
    repository.write("b", "22\n");
    expect(data("commit", "-f", "b.dvc").code).toBe(0);
    repository.write("same.dvc", repository.read("b.dvc"));
    for (const args of [
      ["data", "checkout"],
      ["run", "--yes", "--", "true"],
    ]) {
      const { code, stderr } = repository.expver(args);
      expect([code > 0, stderr]).toEqual([true, expect.stringContaining("is an output of b.dvc and of copy.dvc")]);
    }
    expect(repository.read("b")).toBe("22\n");
    const { findings } = JSON.parse(repository.expver(["doctor", "--json"]).stdout).data;
    const [found] = findings.filter(({ check }: { check: string }) => check === "contested-outputs");
    expect(found).toMatchObject({ level: "problem", remedy: expect.stringContaining("expver data remove copy.dvc") });
    expect(data("checkout", "copy.dvc").code).toBe(0);
    expect(repository.read("b")).toBe("2\n");
    expect(data("remove", "copy.dvc").code).toBe(0);
    for (const args of [
      ["data", "checkout"],
      ["restore", "HEAD", "b"],
    ]) {
      repository.commit("they agree");
      repository.run("rm", ["b"]);
      expect(repository.expver(args)).toMatchObject({ code: 0 });
      expect(repository.read("b")).toBe("22\n");
    }
  });
});

it("an output in another one, as a git merge leaves them, is told, and neither is brought until one is gone", () => {
  const repository = makeRepository();
  const data = (...args: string[]) => repository.expver(["data", ...args]);
  expect(repository.expver(["init", "--yes"]).code).toBe(0);
  const start = repository.commit("start");
  repository.write(".git/info/exclude", "/d/\n");
  repository.write("x", "x of theirs\n");
  expect(data("add", "x").code).toBe(0);
  repository.write("x.dvc", repository.read("x.dvc").replace("path: x", "path: d/x"));
  repository.commit("a file");
  repository.git("branch", "theirs");
  repository.git("reset", "-q", "--hard", start);
  for (const [path, text] of [
    ["d/x", "x of ours\n"],
    ["d/z", "z\n"],
  ] as const)
    repository.write(path, text);
  expect(data("add", "d").code).toBe(0);
  repository.commit("a folder");
  repository.git("merge", "-q", "theirs", "-m", "both");
  const told =
    /d\/x is an output of x\.dvc and of d\.dvc, which tracks d[\s\S]*expver data remove x\.dvc {2}or {2}expver data remove d\.dvc/;
  expect(data("status")).toMatchObject({ code: 0, stderr: expect.stringMatching(told) });
  for (const args of [
    ["data", "checkout"],
    ["data", "checkout", "--force"],
    ["run", "--yes", "--", "true"],
  ]) {
    const { code, stderr } = repository.expver(args);
    expect([code > 0, stderr]).toEqual([true, expect.stringMatching(told)]);
  }
  expect([repository.read("d/x"), repository.read("d/z")]).toEqual(["x of ours\n", "z\n"]);
  const found = () =>
    JSON.parse(repository.expver(["doctor", "--json"]).stdout).data.findings.find(
      ({ check }: { check: string }) => check === "contested-outputs",
    );
  expect(found()).toMatchObject({ level: "problem", what: expect.stringContaining("which tracks d") });
  expect(data("checkout", "x.dvc", "--force").code).toBe(0);
  expect(repository.read("d/x")).toBe("x of theirs\n");
  expect(data("commit", "-f")).toMatchObject({ code: 0, stderr: expect.stringMatching(told) });
  expect(found()).toMatchObject({ level: "warning" });
  expect(data("checkout")).toMatchObject({ code: 0, stderr: "" });
  expect([repository.read("d/x"), repository.read("d/z")]).toEqual(["x of theirs\n", "z\n"]);
  expect(data("remove", "x.dvc").code).toBe(0);
  expect(found()).toBeUndefined();
});

/** Each entry of the file as a version's commit has it, with the bytes that its hash names. */
function recorded(repository: TestRepository, file: string): Record<string, string> {
  const text = repository.git("show", `e0.1.0:${file}`);
  const entries = [...text.matchAll(/md5: ([0-9a-f]{32})[\s\S]*?path: (\S+)/g)];
  return Object.fromEntries(
    entries.map(([, md5 = "", path = ""]) => [path, repository.read(`.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`)]),
  );
}

describe("an output of a stage as an input, whose entry is dvc's to write", () => {
  const LOCK = `schema: '2.0'
stages:
  feat:
    cmd: cp in feat.csv
    outs:
    - path: feat.csv
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
`;
  const staged = () => {
    const repository = makeRepository();
    expect(repository.expver(["init", "--yes"])).toMatchObject({ code: 0 });
    repository.write("dvc.yaml", "stages:\n  feat:\n    cmd: cp in feat.csv\n    outs: [feat.csv]\n");
    repository.write("dvc.lock", LOCK);
    repository.write("feat.csv", "1\n");
    repository.write(".gitignore", "/feat.csv\n");
    repository.commit("pipeline");
    return repository;
  };

  it("is stored by a run when the cache lacks it, and dvc.lock stays as it is", () => {
    const repository = staged();
    expect(repository.expver(["run", "--yes", "-m", "x", "--", "true"])).toMatchObject({ code: 0 });
    expect(repository.git("show", "e0.1.0:dvc.lock")).toBe(LOCK.trim());
    expect(repository.read("dvc.lock")).toBe(LOCK);
    expect(repository.read(".dvc/cache/files/md5/b0/26324c6904b2a9cb4b88d6d61c81d1")).toBe("1\n");
    expect(repository.git("status", "--porcelain")).toBe("");
  });

  it("is no part of a model that is tracked as a folder, when a run makes both for the first time", () => {
    const repository = makeRepository();
    expect(repository.expver(["init", "--yes"])).toMatchObject({ code: 0 });
    const lock = LOCK.replaceAll("feat.csv", "models/net/w.bin");
    repository.write("dvc.yaml", "stages:\n  feat:\n    cmd: cp in models/net/w.bin\n    outs: [models/net/w.bin]\n");
    repository.commit("pipeline");
    const program = `mkdir -p models/net && echo 1 > models/net/w.bin && echo n > models/net/notes.txt && printf %s "${lock}" > dvc.lock`;
    expect(repository.expver(["run", "--yes", "-m", "x", "--", "sh", "-c", program])).toMatchObject({ code: 0 });
    const files = repository.git("ls-tree", "-r", "--name-only", "e0.1.0").split("\n");
    expect(files.filter((file) => /^models.*\.dvc$/.test(file))).toEqual(["models/net/notes.txt.dvc"]);
  });

  it("refuses a run when it was changed, with what to do", () => {
    const repository = staged();
    repository.write("feat.csv", "edited\n");
    const head = repository.git("rev-parse", "HEAD");
    for (const more of [["--dry-run"], ["--yes"]]) {
      const { code, stderr } = repository.expver(["run", ...more, "-m", "x", "--", "true"]);
      expect([code > 0, stderr]).toEqual([true, expect.stringContaining("dvc commit feat")]);
    }
    expect([repository.git("rev-parse", "HEAD"), repository.git("tag"), repository.read("dvc.lock")]).toEqual([head, "", LOCK]);
  });

  it("may have another file that points to it, or another stage: of files the one that is no stage's goes", () => {
    const repository = staged();
    const remedy = () => {
      const { findings } = JSON.parse(repository.expver(["doctor", "--json"]).stdout).data;
      return findings.find(({ check }: { check: string }) => check === "contested-outputs").remedy;
    };
    repository.write("copy.dvc", `outs:\n- ${LOCK.slice(LOCK.indexOf("path: feat.csv")).replaceAll("      ", "  ")}`);
    expect(remedy()).toBe("Keep one of them: expver data remove copy.dvc");
    repository.run("rm", ["copy.dvc"]);
    repository.write("dvc.yaml", `${repository.read("dvc.yaml")}  other:\n    cmd: cp in feat.csv\n    outs: [feat.csv]\n`);
    repository.write("dvc.lock", LOCK + LOCK.slice(LOCK.indexOf("  feat:")).replace("feat:", "other:"));
    expect(remedy()).toBe("Keep it in one stage only.");
  });

  it("lets a worktree be finished when the cache lacks it, and not when it was changed", () => {
    const repository = staged();
    expect(repository.expver(["worktree", "create", "try"])).toMatchObject({ code: 0 });
    const root = JSON.parse(repository.expver(["worktree", "list", "--json"]).stdout).data.worktrees.find(
      ({ name }: { name: string | null }) => name === "try",
    ).root as string;
    writeFileSync(join(root, "feat.csv"), "edited\n");
    writeFileSync(join(root, "code.py"), "1\n");
    repository.run("git", ["-C", root, "add", "code.py"]);
    const finish = () => repository.expver(["worktree", "finish", "try", "--yes", "-m", "tried"]);
    const refused = finish();
    expect([refused.code > 0, refused.stderr]).toEqual([true, expect.stringContaining("dvc commit feat")]);
    writeFileSync(join(root, "feat.csv"), "1\n");
    expect(finish()).toMatchObject({ code: 0 });
    expect(repository.git("show", "HEAD:dvc.lock")).toBe(LOCK.trim());
    expect(repository.git("ls-tree", "-r", "--name-only", "HEAD")).not.toContain("feat.csv");
  });
});

it("a run whose program leaves a pointer that cannot be read keeps what it made", () => {
  const repository = makeRepository();
  expect(repository.expver(["init", "--yes"])).toMatchObject({ code: 0 });
  repository.write("a", "1\n");
  expect(repository.expver(["data", "add", "a"]).code).toBe(0);
  repository.commit("tracked");
  const program = "mkdir -p models && echo model > models/m.bin && echo '{' > broken.dvc";
  expect(repository.expver(["run", "--yes", "-m", "x", "--", "sh", "-c", program])).toMatchObject({ code: 0 });
  expect(recorded(repository, "models/m.bin.dvc")).toEqual({ "m.bin": "model\n" });
});

it.each([
  ["fails", "exit 3", /E_RUN_FAILED/],
  ["takes rows away", "rm results/experiments.db", /rows as they were: .*files.md5/],
])("a run whose program leaves a pointer that cannot be read and %s is recorded all the same", (_, does, told) => {
  const repository = makeRepository();
  expect(repository.expver(["init", "--yes"])).toMatchObject({ code: 0 });
  repository.commit("start");
  expect(repository.expver(["run", "--yes", "-m", "first", "--", "true"])).toMatchObject({ code: 0 });
  const { code, stderr } = repository.expver(["run", "--yes", "-m", "x", "--", "sh", "-c", `echo '{' > broken.dvc; ${does}`]);
  expect([code > 0, stderr]).toEqual([true, expect.stringMatching(told)]);
  const { runs } = repository.expverJson(["runs", "list"]).data;
  expect(runs).toHaveLength(2);
  expect(repository.git("tag")).toBe("e0.1.0");
});

it("an import that was changed becomes data of its own in the version that read it: imports are never pushed, and others shall have it", () => {
  const source = makeRepository();
  source.expver(["data", "init"]);
  source.write("f", "theirs\n");
  source.write("d/x", "theirs\n");
  expect(source.expver(["data", "add", "f", "d"]).code).toBe(0);
  source.commit("theirs");
  const [ours, bare] = [makeRepository(), makeRepository({ bare: true })];
  const remote = makeFolder("of-changed-imports");
  for (const line of [["init", "--yes"], ...["f", "d"].map((path) => ["data", "import", source.root, path])])
    expect([line, ours.expver(line)]).toMatchObject([line, { code: 0 }]);
  expect(ours.expver(["data", "remote", "add", "-d", "store", remote]).code).toBe(0);
  ours.write("f.dvc", `# why it is here\n${ours.read("f.dvc")}desc: mine # kept\n`);
  ours.commit("imported");
  ours.git("remote", "add", "origin", bare.root);
  const untouched = ours.read("d.dvc");
  ours.write("f", "changed\n");
  // What the cache lacks of `d` is stored again, and is what was imported all the same.
  ours.run("rm", ["-r", ".dvc/cache"]);
  const ran = ours.expver(["run", "--yes", "-m", "x", "--", "true"]);
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining("f was imported from")]);
  expect(ours.read("f.dvc")).toMatch(
    /^# why it is here\nouts:\n- md5: [0-9a-f]{32}\n {2}size: 8\n {2}hash: md5\n {2}path: f\ndesc: mine # kept\n$/,
  );
  expect(ours.read("d.dvc")).toBe(untouched);
  expect(ours.expver(["publish", "e0.1.0", "--yes"])).toMatchObject({ code: 0 });
  const other = makeRepository({ cloneOf: bare.root });
  other.git("checkout", "-q", "e0.1.0");
  expect(other.expver(["data", "pull"])).toMatchObject({ code: 0 });
  expect([other.read("f"), other.read("d/x")]).toEqual(["changed\n", "theirs\n"]);
  ours.write("d/x", "changed\n");
  expect(ours.expver(["data", "commit", "-f", "d"])).toMatchObject({ code: 0, stderr: expect.stringContaining("never pushed") });
  expect(ours.read("d.dvc")).toContain("rev_lock");
  ours.write("d/y", "more\n");
  for (const path of ["d/y", "d"]) {
    ours.write(path === "d" ? "d/x" : path, `${path}\n`);
    expect(ours.expver(["data", "add", path])).toMatchObject({ code: 0, stderr: expect.stringContaining("never pushed") });
  }
});

it("a changed import that was committed as one is told by push, which leaves it out as dvc does, and published with the version that names it", () => {
  const [source, ours, bare] = [makeRepository(), makeRepository(), makeRepository({ bare: true })];
  const must = (repository: TestRepository, ...args: string[]) => {
    const answer = repository.expver(args);
    expect([args, answer]).toMatchObject([args, { code: 0 }]);
    return answer;
  };
  must(source, "data", "init");
  source.write("f", "theirs\n");
  source.write("d/x", "theirs\n");
  must(source, "data", "add", "f", "d");
  source.commit("theirs");
  const remote = makeFolder("of-committed-imports");
  must(ours, "init", "--yes");
  for (const path of ["f", "d"]) must(ours, "data", "import", source.root, path);
  must(ours, "data", "remote", "add", "-d", "store", remote);
  ours.commit("imported");
  ours.git("remote", "add", "origin", bare.root);
  expect(must(ours, "data", "push")).toMatchObject({ stdout: "Everything is up to date.\n", stderr: "" });
  must(ours, "tag", "-m", "as imported");
  ours.write("d/x", "changed\n");
  must(ours, "data", "commit", "-f", "d");
  ours.commit("changed");
  expect(must(ours, "data", "push")).toMatchObject({
    stdout: "Everything is up to date.\n",
    stderr: expect.stringMatching(/d was imported from .* never pushed.*\n.*expver data remove d\.dvc && expver data add d/),
  });
  must(ours, "tag", "-m", "changed");
  const published = must(ours, "publish", "--yes");
  expect(published.stderr).toMatch(/warning: d: imported, and changed here.*\n.*expver data remove d\.dvc && expver data add d/);
  const other = makeRepository({ cloneOf: bare.root });
  other.git("checkout", "-q", "e0.2.0");
  must(other, "data", "pull");
  expect([other.read("d/x"), other.read("f")]).toEqual(["changed\n", "theirs\n"]);
  must(ours, "publish", "e0.2.0", "--yes");
});

it("a run records changed inputs and what it wrote in the files that point to them, beside what else those say", () => {
  const repository = makeRepository();
  expect(repository.expver(["init", "--yes"])).toMatchObject({ code: 0 });
  shareOneFile(repository);
  repository.write("out.bin", "old\n");
  repository.write("c", "3\n");
  expect(repository.expver(["data", "add", "out.bin", "c"])).toMatchObject({ code: 0 });
  expect(repository.expver(["data", "commit", "-f"])).toMatchObject({ code: 0 });
  // As with `dvc add --file`.
  repository.write("elsewhere.dvc", repository.read("out.bin.dvc"));
  repository.write("other.dvc", repository.read("c.dvc"));
  repository.run("rm", ["out.bin.dvc", "c.dvc"]);
  // What is no input is an output when the program changes it.
  repository.write("expver.yaml", `${repository.read("expver.yaml")}\ndata: [a, sub/b, c]\n`);
  repository.commit("tracked");
  change(repository, "changed");
  repository.write("c", "33\n");
  const ran = repository.expver(["run", "--yes", "-m", "x", "--", "sh", "-c", "echo new > out.bin"]);
  expect([ran.code, ran.stderr]).toEqual([0, expect.any(String)]);
  expect(recorded(repository, "both.dvc")).toEqual({ a: "a changed\n", "sub/b": "b changed\n" });
  expect(recorded(repository, "other.dvc")).toEqual({ c: "33\n" });
  expect(recorded(repository, "elsewhere.dvc")).toEqual({ "out.bin": "new\n" });
  for (const path of ["a.dvc", "sub/b.dvc", "c.dvc", "out.bin.dvc"]) expect(existsSync(join(repository.root, path)), path).toBe(false);
  expect(repository.git("ls-tree", "-r", "--name-only", "e0.1.0").split("\n")).not.toContain("out.bin.dvc");
});
