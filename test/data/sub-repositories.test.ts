/** A DVC repository in a folder of the repository that is named: its data is read by its own settings. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { readTree } from "../support/trees.ts";
import { DVC, makeTwins } from "../support/twins.ts";

function fill(repository: TestRepository): void {
  for (const [path, text] of Object.entries({ "proj/data/a": "1\n", "proj/data/s/b": "2\n", "proj/in/one": "3\n", "proj/code.py": "4\n" }))
    repository.write(path, text);
}

describe.skipIf(DVC === null).each(["with", "without"])("of a repository %s data of its own, as dvc does it", (own) => {
  it("is listed and given out by the path from the top, as it stands and as it was", () => {
    const twins = makeTwins();
    twins.each(fill);
    if (own === "without") twins.each(({ root }) => rmSync(join(root, ".dvc"), { recursive: true }));
    twins.run(["init", "-q", "--subdir"], "proj");
    twins.run(["add", "-q", "data", "in/one"], "proj");
    twins.run(["remote", "add", "-q", "-d", "store", "../../store"], "proj");
    twins.each(({ commit, git }) => {
      commit("one");
      git("tag", "v1");
    });
    twins.run(["push", "-q"], "proj");
    twins.each(({ root, write }) => {
      write("proj/data/c", "9\n");
      mkdirSync(join(root, "../out"));
    });
    twins.run(["add", "-q", "data"], "proj");
    for (const path of ["proj", "proj/data", "proj/in/one"]) twins.sameJson(["list", ".", path, "-R", "--json"]);
    twins.run(["list", ".", "proj/nothing"]);
    for (const words of [".", ". --rev v1", ". -T", ". --dvc-only"])
      twins.same(["list", ...words.split(" "), ...(words.includes("-T") ? [] : ["-R"])]);
    const bytes = (text: string) => text.split("\n").sort();
    const { theirs: du, ours: ourDu } = twins.run(["du", "."]);
    expect(bytes(ourDu.stdout)).toEqual(bytes(du.stdout));
    const gets = [
      ["../work", "proj/data"],
      ["../work", "proj/data/s/b"],
      ["../work", "proj/data", "--rev", "v1", "-o", "old"],
      ["../work", "proj/in/one"],
      // dvc fails with one of Git's files there, when nothing of DVC is at the top.
      ...(own === "with" ? [["../work", "proj/code.py"]] : []),
      ["../work", "proj/nothing"],
      ["../work", ".", "-o", "all"],
      ["../work", "data"],
    ];
    for (const args of gets) twins.run(["get", "-q", ...args], "../out");
    const [theirs, ours] = [twins.theirs, twins.ours].map(({ root }) => readTree(join(root, "../out")));
    expect(ours).toEqual(theirs);
    expect(ours).toMatchObject({ "data/c": expect.anything(), b: expect.anything(), "old/a": expect.anything() });
  });
});

describe("of a Git URL", () => {
  it("is listed, given out and imported from the remote it names", () => {
    const origin = makeRepository();
    fill(origin);
    for (const args of [
      ["init", "--subdir"],
      ["add", "data", "in/one"],
      ["remote", "add", "-d", "store", makeFolder("store")],
    ])
      expect(origin.expver(["data", ...args], { cwd: "proj" }).code).toBe(0);
    origin.commit("one");
    origin.git("tag", "v1");
    expect(origin.expver(["data", "push"], { cwd: "proj" }).code).toBe(0);
    origin.git("rm", "-q", "proj/data.dvc");
    origin.commit("two");
    const bare = join(makeFolder("bare"), "data.git");
    origin.git("clone", "-q", "--bare", origin.root, bare);
    const url = pathToFileURL(bare).href;
    const here = openTestRepository(makeFolder("here"));
    expect(here.expver(["data", "list", url, "proj/data", "-R", "--rev", "v1"]).stdout).toBe("a\ns/b\n");
    expect(here.expver(["data", "get", url, "proj/data", "--rev", "v1"])).toMatchObject({ code: 0 });
    expect(here.read("data/s/b")).toBe("2\n");
    expect(here.expver(["data", "get", url, "proj/data", "-o", "gone"]).code).toBe(255);
    const ours = makeRepository();
    ours.expver(["data", "init"]);
    expect(ours.expver(["data", "import", url, "proj/data", "--rev", "v1"])).toMatchObject({ code: 0 });
    expect(ours.read("data/a")).toBe("1\n");
    rmSync(join(ours.root, ".dvc/cache"), { recursive: true });
    rmSync(join(ours.root, "data"), { recursive: true });
    expect(ours.expver(["data", "pull"])).toMatchObject({ code: 0 });
    expect(ours.read("data/s/b")).toBe("2\n");
  });
});

it("removes no pointer of another DVC repository in the same Git repository: its data would stay ignored, and nobody know of it", () => {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  repository.write("f", "1");
  repository.write("proj/g", "2");
  expect(repository.expver(["data", "init", "--subdir"], { cwd: "proj" }).code).toBe(0);
  expect(repository.expver(["data", "add", "g"], { cwd: "proj" }).code).toBe(0);
  expect(repository.expver(["data", "add", "f"]).code).toBe(0);
  const refused = { code: 1, stderr: expect.stringContaining("belongs to the DVC repository") };
  expect(repository.expver(["data", "remove", "proj/g.dvc"])).toMatchObject(refused);
  expect(repository.expver(["data", "remove", "--outs", "../f.dvc"], { cwd: "proj" })).toMatchObject(refused);
  expect([repository.read("proj/g.dvc"), repository.read("f.dvc")]).toEqual([expect.stringContaining("g"), expect.stringContaining("f")]);
  expect(repository.expver(["data", "remove", "g.dvc"], { cwd: "proj" }).code).toBe(0);
  expect(repository.expver(["data", "remove", "f.dvc"]).code).toBe(0);
});

it.skipIf(DVC === null)("imports from a sub-folder of a local repository are of what is in it, as for dvc", { timeout: 120_000 }, () => {
  const twins = makeTwins();
  twins.each((repository) => {
    repository.write("../mono/sub/dd/x", "1");
    repository.write("../mono/plain/file", "2");
    const inMono = (args: string[], folder = "../mono") => expect(repository.expver(args, { cwd: folder }).code).toBe(0);
    repository.git("init", "-q", "../mono");
    inMono(["data", "init", "-q", "--subdir"], "../mono/sub");
    inMono(["data", "add", "-q", "dd"], "../mono/sub");
    repository.git("-C", "../mono", "add", "-A");
    repository.git("-C", "../mono", "commit", "-qm", "data");
  });
  for (const args of [
    ["../mono/sub", "dd"],
    ["../mono/sub", "dd/x"],
    ["../mono/plain", "file"],
    ["../mono", "sub/dd", "-o", "whole"],
    ["--no-download", "../mono/sub", "dd", "-o", "later"],
  ])
    twins.run(["import", ...args]);
  const withoutCommit = ({ root }: TestRepository) =>
    ["dd", "x", "file", "whole", "later"].map((name) =>
      readFileSync(join(root, `${name}.dvc`), "utf8").replaceAll(/^ *(?:md5|rev_lock): \w{32,40}$/gm, ""),
    );
  expect(withoutCommit(twins.ours)).toEqual(withoutCommit(twins.theirs));
  rmSync(join(twins.ours.root, ".dvc/cache"), { recursive: true });
  rmSync(join(twins.ours.root, "dd"), { recursive: true });
  expect(twins.ours.expver(["data", "pull"])).toMatchObject({ code: 0, stderr: "" });
  expect(twins.ours.read("dd/x")).toBe("1");
});
