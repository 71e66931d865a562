import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { findVersion, readRegistry, readVersions } from "../../src/versions/registry.ts";
import { countGit } from "../support/git-counter.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

function names(repo: TestRepository): string[] {
  return readVersions(openProject(repo.context)).map(({ name }) => name);
}

describe("reading the registry", () => {
  it("takes two git processes for two tags and for two hundred", () => {
    const repo = makeRepository();
    const commit = repo.commit("first");
    const counter = countGit();
    const counted = openTestRepository(repo.root, { ...(repo.context.env as Record<string, string>), PATH: counter.path });
    for (const count of [2, 200]) {
      const refs = Array.from({ length: count }, (_, index) => `create refs/tags/e${count}.${index}.0 ${commit}\n`);
      repo.run("git", ["update-ref", "--stdin"], { input: refs.join("") });
      const project = openProject(counted.context);
      counter.reset();
      expect(readVersions(project)).toHaveLength(count === 2 ? 2 : 202);
      expect(counter.calls()).toHaveLength(2);
    }
  });

  it("orders by number, and leaves out tags that are none, naming the mistaken ones", () => {
    const repo = makeRepository();
    repo.commit("first");
    for (const tag of ["e0.10.0", "e0.9.0", "e2", "e1.2", "exp-augment-v1", "early-1.0.0", "v1.0.0"]) repo.git("tag", tag);
    expect(readRegistry(openProject(repo.context))).toMatchObject({
      versions: [{ name: "e0.9.0", number: { major: 0, minor: 9, patch: 0 } }, { name: "e0.10.0" }],
      misnamed: ["e1.2", "e2"],
    });
  });

  it("follows the prefix of expver.yaml", () => {
    const repo = makeRepository();
    repo.commit("first", { "expver.yaml": "versions: { prefix: exp/m }\n" });
    for (const tag of ["exp/m1.0.0", "e0.1.0"]) repo.git("tag", tag);
    expect(names(repo)).toEqual(["exp/m1.0.0"]);
  });

  it("is empty in a repository without a commit", () => {
    expect(readRegistry(openProject(makeRepository().context))).toEqual({ versions: [], misnamed: [] });
  });

  it("has what an annotated tag says, with the commit and when", () => {
    const repo = makeRepository();
    repo.setTime("2026-03-01T12:00:00Z");
    const commit = repo.commit("first");
    repo.git("tag", "-a", "e0.1.0", "-m", "model=bert-base | lr=1e-4 | F1=0.89 | data=3a2f1b | text");
    expect(readVersions(openProject(repo.context))).toEqual([
      expect.objectContaining({
        name: "e0.1.0",
        commit,
        tagObject: repo.git("rev-parse", "e0.1.0"),
        tagger: "Ada Tester <ada@example.com>",
        date: expect.stringMatching(/^2026-03-01T12:00:01(Z|\+00:00)$/),
        onBranch: true,
        unpublished: false,
        problems: [],
        message: expect.objectContaining({ description: "text", kind: null }),
      }),
    ]);
  });

  it("keeps versions whose branch was rewritten or deleted, and says so", () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e0.1.0");
    repo.git("checkout", "-q", "-b", "side");
    repo.commit("lost");
    repo.git("tag", "-a", "e0.2.0", "-m", "x");
    repo.git("checkout", "-q", "main");
    repo.git("branch", "-D", "side");
    repo.commit("amended away");
    repo.git("tag", "e0.3.0");
    repo.git("commit", "-q", "--amend", "--allow-empty", "-m", "other");
    expect(readVersions(openProject(repo.context)).map(({ name, onBranch }) => [name, onBranch])).toEqual([
      ["e0.1.0", true],
      ["e0.2.0", false],
      ["e0.3.0", false],
    ]);
  });

  it("says of no version that it is on no branch where the history is cut", () => {
    const upstream = makeRepository();
    upstream.commit("first");
    upstream.git("tag", "-a", "e0.1.0", "-m", "x");
    upstream.commit("second");
    const clone = makeRepository();
    clone.git("fetch", "-q", "--depth", "1", `file://${upstream.root}`, "main", "refs/tags/e0.1.0:refs/tags/e0.1.0");
    clone.git("reset", "-q", "--hard", upstream.git("rev-parse", "main"));
    expect(readVersions(openProject(clone.context))).toMatchObject([{ name: "e0.1.0", onBranch: true }]);
  });

  it("says it where the history is cut, of what comes after every cut", () => {
    const upstream = makeRepository();
    upstream.commit("first");
    upstream.git("tag", "e0.1.0");
    upstream.git("branch", "side");
    upstream.commit("second");
    const clone = makeRepository();
    clone.git("remote", "add", "origin", `file://${upstream.root}`);
    clone.git("fetch", "-q", "--depth", "1", "origin", "main:refs/remotes/origin/main", "refs/tags/e0.1.0:refs/tags/e0.1.0");
    const first = upstream.git("rev-parse", "main");
    clone.git("checkout", "-q", "--detach", first);
    expect(clone.expver(["init"]).code).toBe(0);
    expect(clone.expverJson(["run", "-m", "on no branch", "--version", "e0.2.0", "--", "true"]).code).toBe(0);
    const marked = () => readVersions(openProject(clone.context)).map(({ name, onBranch }) => [name, onBranch]);
    expect(marked()).toEqual([
      ["e0.1.0", true],
      ["e0.2.0", false],
    ]);
    expect(clone.expver(["list"]).stdout).toMatch(/e0\.2\.0 .* off-branch/);
    clone.git("branch", "kept");
    expect(marked()[1]).toEqual(["e0.2.0", true]);
    clone.git("branch", "-D", "kept");
    // A second cut, which does not come before it: e0.2.0 may lie behind that one.
    const later = upstream.git("commit-tree", "-p", first, "-m", "later", "HEAD^{tree}");
    upstream.git("branch", "later", later);
    clone.git("fetch", "-q", "--depth", "1", "origin", "later:refs/remotes/origin/later");
    expect(marked()[1]).toEqual(["e0.2.0", true]);
  });

  it("counts a remote-tracking branch as a branch", () => {
    const upstream = makeRepository();
    upstream.commit("first");
    upstream.git("checkout", "-q", "-b", "side");
    upstream.commit("on side");
    upstream.git("tag", "e0.1.0");
    upstream.git("checkout", "-q", "main");
    const clone = makeRepository({ cloneOf: upstream.root });
    expect(readVersions(openProject(clone.context))).toMatchObject([{ name: "e0.1.0", onBranch: true }]);
  });

  it("reads lightweight, nested, odd and broken tags, and says what is wrong with them", () => {
    const repo = makeRepository();
    const commit = repo.commit("the subject\n\nand body");
    repo.git("tag", "e1.0.0");
    repo.git("tag", "-a", "inner", "-m", "inner");
    repo.git("tag", "-a", "e2.0.0", "inner", "-m", "outer");
    repo.write("file", "x");
    const blob = repo.git("hash-object", "-w", "file");
    repo.git("tag", "e3.0.0", blob);
    repo.git("tag", "-a", "e4.0.0", blob, "-m", "a blob");
    repo.run("git", ["tag", "-a", "e5.0.0", "-F", "-"], { input: Buffer.from("caf\xe9 \x01 | x\n\n--\0hidden", "latin1") });
    repo.git("tag", "-a", "e6.0.0", "-m", "");
    repo.run("git", ["tag", "-a", "e7.0.0", "--cleanup=verbatim", "-F", "-"], { input: "x\n\nKind: run\nData: nonsense\n" });
    const tag = `object ${commit}\ntype commit\ntag e8.0.0\n\nno tagger\n`;
    repo.git(
      "update-ref",
      "refs/tags/e8.0.0",
      repo.run("git", ["hash-object", "-t", "tag", "-w", "--literally", "--stdin"], { input: tag }).stdout.trim(),
    );

    const versions = readVersions(openProject(repo.context));
    expect(versions.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `e${n}.0.0`));
    expect(versions[0]).toMatchObject({
      commit,
      tagObject: null,
      tagger: null,
      problems: [],
      message: { description: "the subject", body: "" },
    });
    expect(versions[0]?.date).toMatch(/^2026-03-01T/);
    expect(versions[1]).toMatchObject({ commit, problems: [], message: { description: "outer" } });
    expect(versions[2]).toMatchObject({ commit: "", problems: ["the tag points to a blob, not to a commit"] });
    expect(versions[3]).toMatchObject({
      commit: "",
      problems: ["the tag points to a blob, not to a commit"],
      message: { description: "a blob" },
    });
    expect(versions[4]).toMatchObject({
      commit,
      problems: [expect.stringContaining("UTF-8")],
      message: { description: "caf\ufffd \x01 | x" },
    });
    expect(versions[5]).toMatchObject({ commit, problems: [], message: { description: "" } });
    expect(versions[6]).toMatchObject({ commit, problems: [expect.stringContaining("nonsense")], message: { kind: "run" } });
    expect(versions[7]).toMatchObject({ commit, tagger: null, message: { description: "no tagger" } });
    expect(versions[7]?.date).toMatch(/^2026-03-01T/);
  });

  it("works in a bare repository", () => {
    const upstream = makeRepository();
    upstream.commit("first", { "expver.yaml": "versions: { prefix: m }\n" });
    upstream.git("tag", "m0.1.0");
    upstream.git("clone", "-q", "--bare", ".", "../bare");
    expect(names(openTestRepository(`${upstream.root}/../bare`))).toEqual(["m0.1.0"]);
  });
});

describe("finding a version", () => {
  it("takes its name with or without the prefix", () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e0.1.0");
    const project = openProject(repo.context);
    expect([findVersion(project, "e0.1.0").name, findVersion(project, "0.1.0").name]).toEqual(["e0.1.0", "e0.1.0"]);
  });

  it("names the nearest when there is none of that name", () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e0.1.0");
    expect(() => findVersion(openProject(repo.context), "e0.1.1")).toThrowError(
      expect.objectContaining({ code: "E_NOT_FOUND", message: expect.stringContaining("did you mean e0.1.0") }),
    );
  });

  it("refuses a tag that leads to no commit", () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e0.1.0", repo.git("rev-parse", "HEAD^{tree}"));
    expect(() => findVersion(openProject(repo.context), "e0.1.0")).toThrowError(
      expect.objectContaining({ code: "E_VERSION", message: expect.stringContaining("tree") }),
    );
  });
});
