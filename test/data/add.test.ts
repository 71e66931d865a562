import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeRepository } from "../support/repository.ts";
import { DVC, makeTwins } from "../support/twins.ts";

function project() {
  const repository = makeRepository();
  expect(repository.expver(["init"]).code).toBe(0);
  repository.git("add", "-A");
  repository.git("commit", "-qm", "set up");
  return repository;
}

it("stores bytes read-only, writes pointer and ignore line, stages and commits nothing", () => {
  const repository = project();
  repository.write("data/train.csv", "a,b\n1,2\n");
  const answer = repository.expverJson(["data", "add", "data/train.csv"]);
  expect(answer).toMatchObject({ ok: true, data: { added: [{ path: "data/train.csv", size: 8, changed: true }] } });
  const { hash } = answer.data.added[0];
  const object = join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  expect(readFileSync(object, "utf8")).toBe("a,b\n1,2\n");
  expect(lstatSync(object).mode & 0o777).toBe(0o444);
  expect(repository.read("data/train.csv.dvc")).toBe(`outs:\n- md5: ${hash}\n  size: 8\n  hash: md5\n  path: train.csv\n`);
  expect(repository.read("data/.gitignore")).toBe("/train.csv\n");
  expect(repository.git("diff", "--cached", "--name-only")).toBe("");
  expect(repository.expverJson(["data", "add", "data/train.csv"]).data.added[0].changed).toBe(false);
});

it.each([
  ["/f\n", "/f\n"],
  ["*.txt\n/f\n# the data", "*.txt\n/f\n# the data"],
  ["/f\n!*\n", "/f\n!*\n/f\n"],
  ["/f2\n", "/f2\n/f\n"],
  [" /f\n", " /f\n/f\n"],
  ["*\n!*.dvc\n", "*\n!*.dvc\n"],
])("leaves an ignore file alone that has %j, unless Git would see the data", (before, after) => {
  const repository = project();
  repository.write("f", "data");
  repository.write(".gitignore", before);
  expect(repository.expver(["data", "add", "f"]).code).toBe(0);
  expect(repository.read(".gitignore")).toBe(after);
  expect(repository.git("status", "--porcelain", "--untracked-files=all")).not.toMatch(/ f$/m);
  const path = join(repository.root, ".gitignore");
  const { mtimeMs } = lstatSync(path);
  expect(repository.expver(["data", "add", "f"]).code).toBe(0);
  expect(lstatSync(path).mtimeMs).toBe(mtimeMs);
});

it("asks whether a name was mistyped, of files and of what is tracked", () => {
  const repository = project();
  repository.write("data/train.csv", "a");
  const hint = (...args: string[]) => repository.expverJson(["data", ...args]).error?.hint;
  expect(hint("add", "data/trian.csv")).toBe("Did you mean train.csv?");
  expect(hint("add", "data/other")).toBe("Check the spelling.");
  repository.expver(["data", "add", "data/train.csv"]);
  expect(hint("checkout", "data/tran.csv")).toBe("Did you mean data/train.csv?");
  expect(hint("push", "data/train.csv.dcv")).toBe("Did you mean data/train.csv.dvc?");
  symlinkSync("nowhere", join(repository.root, "data/link"));
  expect(hint("add", "data/link")).not.toContain("Did you mean");
});

it("is taken back by undo, the data staying where it is", () => {
  const repository = project();
  repository.write("d.bin", "x");
  repository.expver(["data", "add", "d.bin"]);
  expect(repository.expver(["undo", "--yes"]).code).toBe(0);
  expect(existsSync(join(repository.root, "d.bin.dvc"))).toBe(false);
  expect(repository.read("d.bin")).toBe("x");
});

it("of a tracked folder takes a member that is gone out of the listing, and refuses one that never was there, as dvc does", () => {
  const repository = project();
  repository.write("d/x", "x");
  repository.write("d/y", "y");
  repository.expver(["data", "add", "d"]);
  const before = repository.read("d.dvc");
  expect(repository.expver(["data", "add", "d/z"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("d/z is neither there nor stored"),
  });
  expect(repository.read("d.dvc")).toBe(before);
  rmSync(join(repository.root, "d/y"));
  expect(repository.expverJson(["data", "add", "d/y"])).toMatchObject({ code: 0, data: { added: [{ path: "d", nfiles: 1 }] } });
});

it("of a member in a folder that was a file gives up the file: a listing with both could be read by nobody", () => {
  const repository = project();
  repository.write("d/x", "1");
  repository.write("d/k", "2");
  expect(repository.expver(["data", "add", "d"]).code).toBe(0);
  rmSync(join(repository.root, "d/x"));
  repository.write("d/x/y", "3");
  expect(repository.expver(["data", "add", "d/x/y"]).code).toBe(0);
  expect(repository.expver(["data", "status", "-q"]).code).toBe(0);
  rmSync(join(repository.root, "d"), { recursive: true });
  expect(repository.expver(["data", "checkout"]).code).toBe(0);
  expect([repository.read("d/x/y"), repository.read("d/k")]).toEqual(["3", "2"]);
});

it("refuses a link to a folder in a tracked folder, whose files the folder would not have, as dvc does", () => {
  const repository = project();
  repository.write("d/x", "1");
  expect(repository.expver(["data", "add", "d"]).code).toBe(0);
  const before = repository.read("d.dvc");
  repository.write("elsewhere/y", "2");
  symlinkSync("../elsewhere", join(repository.root, "d/link"));
  expect(repository.expverJson(["data", "add", "d/link"])).toMatchObject({ ok: false, error: { code: "E_DATA" } });
  expect(repository.read("d.dvc")).toBe(before);
});

it("of a member writes the folder's ignore line when it is not there, as dvc does", () => {
  const repository = project();
  repository.write("d/x", "1");
  expect(repository.expver(["data", "add", "d"]).code).toBe(0);
  rmSync(join(repository.root, ".gitignore"));
  repository.write("d/y", "2");
  expect(repository.expver(["data", "add", "d/y"]).code).toBe(0);
  expect(repository.read(".gitignore")).toBe("/d\n");
});

it.skipIf(DVC === null)("commit --force writes ignore lines that are not there, also of what has not changed, as dvc does", () => {
  const twins = makeTwins();
  twins.each(({ write }) => {
    write("a", "1\n");
    write("s/b", "2\n");
  });
  twins.run(["add", "-q", "a", "s/b"]);
  const forget = ({ root }: { root: string }) => {
    for (const name of [".gitignore", "s/.gitignore"]) rmSync(join(root, name), { force: true });
  };
  for (const args of [["commit"], ["commit", "-f", "a"], ["commit", "-f"]]) {
    twins.each(forget);
    twins.run(args);
    twins.agree();
  }
  expect(twins.ours.read("s/.gitignore")).toBe("/b\n");
});

it("puts right an object that somebody has changed under its name", () => {
  const repository = project();
  repository.write("f", "good");
  const { hash } = repository.expverJson(["data", "add", "f"]).data.added[0];
  const object = join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  chmodSync(object, 0o644);
  writeFileSync(object, "evil");
  expect(JSON.parse(repository.expver(["data", "status", "--json"]).stdout)).toEqual({
    "f.dvc": [{ "changed outs": { f: "not in cache" } }],
  });
  expect(repository.expver(["data", "add", "f"]).code).toBe(0);
  expect(readFileSync(object, "utf8")).toBe("good");
  expect(lstatSync(object).mode & 0o777).toBe(0o444);
});

it("tells changed, lost and forgotten data apart", () => {
  const repository = project();
  for (const name of ["same", "changed", "gone", "lost"]) repository.write(name, name);
  repository.expver(["data", "add", "same", "changed", "gone", "lost"]);
  repository.write("changed", "other");
  repository.run("rm", ["gone", "-r"]);
  const lost = /md5: (\w+)/.exec(repository.read("lost.dvc"))?.[1] ?? "";
  repository.run("rm", ["-f", `.dvc/cache/files/md5/${lost.slice(0, 2)}/${lost.slice(2)}`]);
  expect(JSON.parse(repository.expver(["data", "status", "--json"]).stdout)).toEqual({
    "changed.dvc": [{ "changed outs": { changed: "modified" } }],
    "gone.dvc": [{ "changed outs": { gone: "deleted" } }],
    "lost.dvc": [{ "changed outs": { lost: "not in cache" } }],
  });
});

describe("refuses, writing nothing,", () => {
  it.each<[what: string, code: string, path: string, prepare: (repository: ReturnType<typeof project>) => void]>([
    ["what Git tracks", "E_DATA", "a.py", (repository) => void repository.commit("code", { "a.py": "1" })],
    ["what is not there", "E_NOT_FOUND", "nothing", () => {}],
    ["what lies outside", "E_OUTSIDE", "../x", () => {}],
    ["a pointer", "E_DATA", "a.dvc", (repository) => repository.write("a.dvc", "")],
    ["what holds tracked data", "E_DATA", "tracked", (repository) => void repository.expver(["data", "add", "tracked/x"])],
    ["a pipe", "E_DATA", "d", (repository) => void repository.run("mkfifo", ["d/pipe"])],
    [
      "a name that is no UTF-8, which no listing could hold",
      "E_DATA",
      "d",
      ({ root }) => writeFileSync(Buffer.concat([Buffer.from(`${root}/d/bad`), Buffer.from([0xff])]), "1"),
    ],
    ["a link to nothing", "E_DATA", "d", (repository) => symlinkSync("nowhere", join(repository.root, "d/l"))],
  ])("%s", (_what, code, path, prepare) => {
    const repository = project();
    repository.write("d/y", "1");
    repository.write("tracked/x", "1");
    prepare(repository);
    const before = repository.git("status", "--porcelain", "-uall", "--ignored");
    expect(repository.expverJson(["data", "add", path])).toMatchObject({ ok: false, error: { code } });
    expect(repository.git("status", "--porcelain", "-uall", "--ignored")).toBe(before);
  });
});

const dvc = peer("dvc");

describe.skipIf(dvc === null)("real dvc", () => {
  it("finds nothing to change in what expver made, and would have written the same", () => {
    const ours = project();
    const theirs = project();
    for (const repository of [ours, theirs]) {
      const files = {
        "tree/a b.txt": "1",
        "tree/ünï/é 😀": "2",
        "tree/-dash": "",
        "tree/new\nline": "3",
        "tree/deep/1/2/3/4": "4",
        "one [x]!.bin": "5",
        "sub/run.sh": "#!/bin/sh\n",
      };
      for (const [path, content] of Object.entries(files)) repository.write(path, content);
      chmodSync(join(repository.root, "sub/run.sh"), 0o755);
      mkdirSync(join(repository.root, "empty"));
      mkdirSync(join(repository.root, "tree/empty"));
    }
    const paths = ["tree", "one [x]!.bin", "sub/run.sh", "empty"];
    expect(ours.expver(["data", "add", ...paths])).toMatchObject({ code: 0 });
    const run = (repository: typeof ours, ...args: string[]) => repository.run(dvc ?? "", args, { env: { DVC_NO_ANALYTICS: "1" } });
    expect(run(theirs, "add", "-q", ...paths)).toMatchObject({ code: 0 });
    for (const file of [".gitignore", "sub/.gitignore", ...paths.map((path) => `${path}.dvc`)])
      expect(ours.read(file), file).toBe(theirs.read(file));
    const objects = (repository: typeof ours) =>
      readdirSync(join(repository.root, ".dvc/cache/files/md5"), { recursive: true }).map(String).sort();
    expect(objects(ours)).toEqual(objects(theirs));
    expect(run(ours, "status", "--json").stdout.trim()).toBe("{}");
    expect(JSON.parse(run(ours, "data", "status", "--granular", "--json").stdout)).not.toHaveProperty("uncommitted");
    expect(theirs.expver(["data", "status", "--json"]).stdout).toBe("{}\n");
  });
});

it.skipIf(DVC === null)("lets Git see neither cache nor temporary files in a repository whose `.dvc/.gitignore` is older", () => {
  const twins = makeTwins();
  twins.each(({ write, commit }) => {
    write(".dvc/.gitignore", "/lock\n/config.local\n/updater");
    commit("old");
    write("a", "1\n");
  });
  twins.run(["add", "-q", "a"]);
  twins.agree();
  expect(twins.ours.git("status", "--short", "-uall").split("\n")).toEqual([" M .dvc/.gitignore", "?? .gitignore", "?? a.dvc"]);
});

it.skipIf(DVC === null)("a commit lets Git see no data whose pointer came without its ignore line", () => {
  const twins = makeTwins();
  twins.each(({ write }) => write("d/x", "1\n"));
  twins.run(["add", "-q", "d"]);
  twins.each(({ root, write }) => {
    rmSync(join(root, ".gitignore"));
    write("d/x", "2\n");
  });
  twins.run(["commit", "-q", "-f"]);
  twins.agree();
  expect(twins.ours.read(".gitignore")).toBe("/d\n");
});

it("refuses what overlaps, naming it, and takes the outermost of what a pattern fits", () => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  for (const path of ["e/in/x", "f/g/x", "s/x", "p/a/b/x", "p/a-b"]) repo.write(path, path);
  repo.write("dvc.yaml", "stages:\n  make:\n    cmd: x\n    outs: [s]\n");
  repo.write(
    "dvc.lock",
    `schema: '2.0'\nstages:\n  make:\n    cmd: x\n    outs:\n    - {path: s, hash: md5, md5: ${"a".repeat(32)}.dir}\n`,
  );
  repo.expver(["data", "add", "e/in"]);
  const refused = (...paths: string[]) => repo.expver(["data", "add", ...paths]).stderr.split("\n")[0];
  expect(refused("e")).toBe("error E_DATA: e overlaps e/in, which e/in.dvc tracks");
  expect(refused("f/g", "f")).toBe("error E_DATA: f/g and f overlap");
  expect(refused("s")).toBe("error E_DATA: s belongs to stage make of dvc.lock");
  expect(refused("s/x")).toBe("error E_DATA: s/x belongs to stage make of dvc.lock");
  const { stdout } = repo.expver(["data", "add", "--glob", "p/**", "--json"]);
  expect(JSON.parse(stdout).data.added).toMatchObject([{ path: "p/a" }, { path: "p/a-b" }]);
});

it("a pointer that Git would ignore is refused with the lines by which Git finds it, and nothing but pointers", () => {
  const rules: [rule: string, lines: string[]][] = [
    ["data/", ["/data/**", "!/data/**/", "!.gitignore", "!*.dvc"]],
    ["raw", ["/data/raw/**", "!/data/raw/**/", "!.gitignore", "!*.dvc"]],
    ["*.csv*", ["*.csv*", "!*.dvc"]],
  ];
  for (const [rule, lines] of rules) {
    const repository = project();
    repository.write("data/raw/a.csv", "1");
    repository.write("data/raw/other.csv", "2");
    const before = `# ours\n${rule}\n`;
    repository.write(".gitignore", before);
    const { code, error } = repository.expverJson(["data", "add", "data/raw/a.csv"]);
    expect([code, error?.code]).toEqual([1, "E_DATA"]);
    expect(error?.hint).toContain(`Line 2 of .gitignore says ${rule}: `);
    for (const line of lines.filter((one) => one !== rule)) expect(error?.hint).toContain(line);
    expect([existsSync(join(repository.root, "data/raw/a.csv.dvc")), repository.read(".gitignore")]).toEqual([false, before]);

    repository.write(".gitignore", `# ours\n${lines.join("\n")}\n`);
    expect(repository.expver(["data", "add", "data/raw/a.csv"]).code).toBe(0);
    repository.git("add", "-A");
    expect(repository.git("ls-files", "data").split("\n")).toEqual(["data/raw/a.csv.dvc"]);
  }
});
