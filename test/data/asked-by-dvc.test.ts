/** What dvc's own functional tests ask of dvc, where expver once answered otherwise. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TestRepository } from "../support/repository.ts";
import { DVC, makeTwins, runDvc } from "../support/twins.ts";

const OLD_URL_IMPORT = `# top comment
desc: top desc
deps:
- path: foo # dep comment
  md5: 8fc199641730e3f512deac0bd9a0e0b6
  size: 3
outs:
- path: bar # out comment
  desc: out desc
  labels:
  - label1
  meta:
    key1: value1
  remote: rem
meta: some metadata
`;

const OLD_IMPORT = `# top
desc: mine
frozen: true
deps:
- path: d
  repo:
    url: ../from
outs:
- path: imp # comment
  desc: my out
  labels: [x]
`;

/** A repository beside, with a tracked folder and file, and files of Git's. */
function makeSource(repository: TestRepository): void {
  const from = join(repository.root, "../from");
  for (const folder of ["from", "from/d"]) mkdirSync(join(repository.root, "..", folder));
  for (const [path, text] of Object.entries({ "d/a": "1", f: "f", g: "g" })) writeFileSync(join(from, path), text);
  repository.run("git", ["init", "-q", from]);
  for (const args of [
    ["init", "-q"],
    ["add", "-q", "d", "f"],
  ])
    expect(runDvc(repository, args, "../from").code).toBe(0);
  for (const args of [
    ["add", "-A"],
    ["commit", "-qm", "from"],
  ])
    repository.run("git", ["-C", from, ...args]);
}

describe.skipIf(DVC === null)("as dvc answers it", () => {
  it("import-url over a pointer leaves what people wrote into it, byte for byte", () => {
    const twins = makeTwins();
    const same = () => expect(twins.ours.read("bar.dvc")).toBe(twins.theirs.read("bar.dvc"));
    twins.each(({ write }) => [write("foo", "a"), write("other", "o"), write("bar.dvc", OLD_URL_IMPORT)]);
    twins.run(["remote", "add", "-q", "rem", "../rem"]);
    twins.run(["import-url", "-q", "foo", "bar"]);
    same();
    expect(twins.ours.read("bar.dvc")).toMatch(/# top comment[\s\S]*# dep comment[\s\S]*remote: rem/);
    for (const args of [["foo"], ["--no-download", "other"]]) {
      twins.each(({ root, write }) => [rmSync(join(root, "bar"), { force: true }), write("foo", "changed")]);
      twins.run(["import-url", "-q", "--force", ...args, "bar"]);
      same();
    }
    twins.run(["import-url", "-q", "--force", "--no-exec", "foo", "bar"]);
    expect(twins.ours.read("bar.dvc")).toMatch(/# out comment[\s\S]*label1[\s\S]*key1: value1/);
    expect(twins.ours.read("bar.dvc")).not.toMatch(/^md5/m);
    twins.run(["update", "-q", "bar.dvc"]);
    twins.sameJson(["data", "status", "--json"]);
  });

  it("import over a pointer leaves what people wrote into it, from another place too", () => {
    const twins = makeTwins();
    twins.each((repository) => [makeSource(repository), repository.write("imp.dvc", OLD_IMPORT)]);
    const shape = ({ read }: TestRepository) => read("imp.dvc").replace(/^md5: .*\n|rev_lock: .*/gm, "");
    twins.run(["import", "-q", "../from", "d", "-o", "imp"]);
    expect(shape(twins.ours)).toBe(shape(twins.theirs));
    twins.each(({ root }) => rmSync(join(root, "imp"), { recursive: true }));
    twins.run(["import", "-q", "--force", "../from", "f", "-o", "imp"]);
    expect(twins.ours.read("imp.dvc")).toMatch(/# top\ndesc: mine[\s\S]*path: f\n[\s\S]*# comment[\s\S]*labels: \[x\]/);
    twins.run(["status", "imp.dvc"]);
    for (const text of ["outs:\n- path: one\n  hash: md5\n- path: two\n  hash: md5\n", "wdir: sub\nouts:\n- path: two\n  hash: md5\n"]) {
      twins.ours.write("two.dvc", text);
      expect(twins.ours.expver(["data", "import", "../from", "f", "-o", "two"])).toMatchObject({ code: 1 });
      expect([twins.ours.read("two.dvc"), existsSync(join(twins.ours.root, "two"))]).toEqual([text, false]);
    }
  });

  it("patterns of pull and push fit .dvc files, and an import without a lock comes from what is there now", () => {
    const twins = makeTwins();
    twins.each(makeSource);
    twins.run(["import", "-q", "../from", "d", "-o", "dir_imported"]);
    twins.run(["import", "-q", "../from", "f", "-o", "one"]);
    twins.each(({ root, read, write }) => {
      write("one.dvc", read("one.dvc").replace(/.*rev_lock.*\n/, ""));
      for (const path of ["dir_imported", "one", ".dvc/cache"]) rmSync(join(root, path), { recursive: true });
    });
    twins.run(["pull", "-q", "--glob", "dir_imp*.dvc"]);
    twins.run(["pull", "-q", "--glob", "o*"]);
    for (const { read } of [twins.ours, twins.theirs]) expect([read("dir_imported/a"), read("one")]).toEqual(["1", "f"]);
    twins.run(["pull", "-q", "--glob", "nothing*"]);
  });

  it("a whole repository, or a folder with ignore patterns, comes without the patterns", () => {
    const twins = makeTwins();
    twins.each(makeSource);
    twins.run(["get", "-q", "../from", ".", "-o", "all"]);
    twins.run(["import", "-q", "../from", ".", "-o", "imp"]);
    const outs = ({ read }: TestRepository) => read("imp.dvc").replace(/^md5: .*\n|rev_lock: .*/gm, "");
    expect(outs(twins.ours)).toBe(outs(twins.theirs));
    twins.each(({ root }) => rmSync(join(root, "imp.dvc")));
    twins.agree();
  });

  it("a folder of Git's that DVC does not know is read as it stands, from any folder in it", () => {
    const twins = makeTwins();
    twins.each(({ root, git }) => {
      const from = join(root, "../plain");
      for (const folder of ["", "s"]) mkdirSync(join(from, folder));
      for (const path of ["a", "s/b"]) writeFileSync(join(from, path), "old");
      git("init", "-q", from);
      git("-C", from, "add", "-A");
      git("-C", from, "commit", "-qm", "one");
      for (const path of ["a", "s/new"]) writeFileSync(join(from, path), "new");
    });
    for (const words of ["../plain -R", "../plain/s", "../plain s", "../plain -R --rev HEAD", "../plain nothing"])
      twins.same(["list", ...words.split(" ")]);
    for (const words of ["..", "..  -R", ".", ". b"]) twins.same(["list", ...words.split(" ").filter(Boolean)], "../plain/s");
    for (const words of ["../plain a", "../plain s", "../plain/s new", "../plain s/new --rev HEAD", "../plain . -o all"])
      twins.run(["get", "-q", ...words.split(" ")]);
    twins.agree();
    expect([twins.ours.read("a"), twins.ours.read("new"), twins.ours.read("all/s/new")]).toEqual(["new", "new", "new"]);
  });

  it("data status names what a stage that never ran would make, where it is there", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const path of ["b", "f", "d/x"]) write(path, path);
      write("b.dvc", "outs:\n- path: b\n");
      write("dvc.yaml", "stages:\n  s: { cmd: echo, deps: [b], outs: [f, gone, d], metrics: [m.json: { cache: false }] }\n");
    });
    for (const words of ["", "--granular", "f", "d", "b", "gone", "--unchanged"])
      twins.sameJson(["data", "status", "--json", ...words.split(" ").filter(Boolean)]);
    expect(twins.ours.expver(["data", "data", "status", "--json"]).stdout).toContain('"f"');
  });

  it("what a stage made that never ran is not stored, which is said with what does it", () => {
    const { ours } = makeTwins();
    ours.write("sub/out", "1");
    ours.write("sub/dvc.yaml", "stages:\n  s: { cmd: echo, outs: [out] }\n");
    expect(ours.expver(["data", "commit", "-f"])).toMatchObject({ code: 0, stderr: expect.stringContaining("dvc commit sub/dvc.yaml:s") });
    for (const target of ["sub/out", "sub/dvc.yaml", "sub/dvc.yaml:s"])
      expect(ours.expver(["data", "commit", "-f", target])).toMatchObject({ code: 1, stderr: expect.stringContaining("it has never run") });
    expect(ours.expver(["data", "commit", "-f", "nothing"]).stderr).toContain("no tracked data");
  });

  it("a new output needs a folder that is there; a copy makes it", () => {
    const twins = makeTwins();
    twins.each((repository) => [makeSource(repository), repository.write("f", "1")]);
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    const tries = [
      "add ../from/f -o no/x",
      "add ../from/f --to-remote -o no/x",
      "move f no/x",
      "get ../from f -o got/x",
      "get-url ../from/f got2/x",
    ];
    for (const mode of ["", "--no-download", "--to-remote"]) tries.push(`import-url ../from/f no/x ${mode}`);
    for (const mode of ["", "--no-download", "--no-exec"]) tries.push(`import ../from f -o no/x ${mode}`);
    for (const words of tries) twins.run(words.split(" ").filter(Boolean));
    twins.agree();
    expect(existsSync(join(twins.ours.root, "no"))).toBe(false);
  });

  it("a colon means the dvc.yaml here, before a name a stage of it", () => {
    const twins = makeTwins();
    twins.each(({ write }) => write("dvc.yaml", "stages:\n  a: { cmd: echo 1 > o, outs: [o] }\n  b: { cmd: echo 2 > p, outs: [p] }\n"));
    twins.each((repository) => runDvc(repository, ["repro", "-q"]));
    for (const target of [":", ":a", "dvc.yaml:b", ":c"]) {
      twins.each(({ root }) => ["o", "p"].map((name) => rmSync(join(root, name), { force: true })));
      twins.run(["checkout", "-q", target]);
      twins.agree();
    }
  });

  it("remove leaves a pointer whose data is a link to nothing", () => {
    const twins = makeTwins();
    twins.run(["config", "cache.type", "symlink"]);
    twins.each(({ write }) => [write("f", "1"), write("d/a", "2")]);
    twins.run(["add", "-q", "f", "d"]);
    twins.each(({ root }) => rmSync(join(root, ".dvc/cache"), { recursive: true }));
    for (const args of [["f.dvc"], ["d.dvc"], ["f.dvc", "--outs"]]) twins.run(["remove", "-q", ...args]);
    for (const { root } of [twins.ours, twins.theirs])
      expect([existsSync(join(root, "f.dvc")), existsSync(join(root, "d.dvc"))]).toEqual([false, true]);
  });

  it("a stage that needs and makes nothing has always changed", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      write("f", "1");
      write("dvc.yaml", "stages:\n  say: { cmd: echo 1 }\n  made: { cmd: echo 1, outs: [o] }\n  needs: { cmd: echo 2, deps: [f] }\n");
    });
    twins.sameJson(["status", "--json"]);
  });

  it("revisions are looked for by what their message says", () => {
    const twins = makeTwins();
    for (const [text, message] of [
      ["a", "first: a"],
      ["b", "second ^{commit}"],
    ] as const) {
      twins.each(({ write }) => write("f", text));
      twins.run(["add", "-q", "f"]);
      twins.each(({ commit }) => commit(message));
    }
    for (const revisions of [[":/first", ":/second"], [":/second ^{commit}"], ["HEAD^{/first}"]])
      twins.sameJson(["diff", "--json", ...revisions]);
    twins.run(["diff", ":/nothing says this"]);
    twins.same(["list", ".", "--rev", ":/first"]);
  });

  it("a name whose other one was not asked for is no renaming", () => {
    const twins = makeTwins();
    twins.each(({ write }) => [write("dir/foo", "a"), write("dir/bar", "b"), write("file", "c")]);
    twins.run(["add", "-q", "dir", "file"]);
    twins.each(({ commit }) => commit("data"));
    twins.run(["move", "-q", "dir", "dir2"]);
    twins.run(["move", "-q", "file", "file2"]);
    twins.each(({ root }) => expect(() => writeFileSync(join(root, "dir2/foobar"), "a")).not.toThrow());
    twins.each(({ root }) => rmSync(join(root, "dir2/foo")));
    for (const targets of ["", "dir", "dir2", "dir/bar", "dir2/bar", "dir2/foobar", "file", "file2", "dir2 file2", "dir2/foo dir2/foobar"])
      twins.sameJson(["data", "status", "--json", "--granular", ...targets.split(" ").filter(Boolean)]);
  });

  it("without Git what is unchanged here is unchanged", () => {
    const twins = makeTwins();
    twins.run(["config", "core.no_scm", "true"]);
    twins.each(({ root, write }) => [rmSync(join(root, ".git"), { recursive: true }), write("f", "1"), write("g", "1")]);
    twins.run(["add", "-q", "f", "g"]);
    twins.each(({ write }) => write("g", "2"));
    twins.sameJson(["data", "status", "--json", "--unchanged"]);
    expect(twins.ours.expver(["data", "data", "status", "--json", "--unchanged"]).stdout).toContain('"unchanged": ["f"]');
  });

  it("what a pipeline promises that has not run is no data of its own", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      write("dvc.yaml", "stages:\n  train:\n    cmd: sh train.sh\n    outs: [models/model.bin]\n    metrics: [m.json: { cache: false }]\n");
      for (const path of ["models/model.bin", "m.json", "free"]) write(path, "1");
    });
    for (const path of ["models/model.bin", "models", "m.json", "free"]) twins.run(["add", "-q", path]);
    twins.sameJson(["status", "--json"]);
  });

  it("check-ignore knows other repositories, and config that there is none", () => {
    const twins = makeTwins();
    twins.each(({ root, write }) => {
      mkdirSync(join(root, "dir/.dvc"), { recursive: true });
      write("dir/foo", "bar");
    });
    for (const args of [["-d", "dir/foo"], ["dir/foo"], ["-d", "dir"], ["-d", ".dvc"]]) twins.same(["check-ignore", ...args]);
    twins.each(({ root }) => mkdirSync(join(root, "../nowhere")));
    for (const words of ["-l --local", "-l --project", "-l", "core.remote", "--local core.remote"])
      twins.run(["config", ...words.split(" ")], "../nowhere");
  });
});
