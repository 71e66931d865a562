/** Remotes that keep every version of files under their own names: what dvc pushed there comes back, each commit's own version of it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dvcCalls } from "../support/dvc.ts";
import { peerWith } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { keepVersions, versionsOf } from "./versioned-bucket.ts";

const WITH_DVC = peerWith("dvc", "dvc_s3") !== null && seaweedProgram() !== null;

describe.skipIf(!WITH_DVC)("a version_aware remote that dvc has pushed to", () => {
  let server: Seaweed;
  let theirs: TestRepository;

  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "versions");
    theirs = makeRepository();
    const options = { endpointurl: server.url, ...keysOf("all"), version_aware: "true" };
    dvcCalls(theirs, [
      ["init", "-q"],
      ["remote", "add", "-q", "-d", "store", "s3://versions/some where"],
      ...Object.entries(options).map(([key, value]): string[] => ["remote", "modify", "store", key, value]),
    ]);
    for (const [path, text] of FIRST) theirs.write(path, text);
    theirs.write("dvc.yaml", "stages:\n  make:\n    cmd: mkdir -p made && cp f.txt made/of-f\n    deps: [f.txt]\n    outs: [made]\n");
    dvcCalls(theirs, [["add", "d", "f.txt"], ["repro", "-q"], ["push"]]);
    theirs.commit("first");
    for (const [path, text] of SECOND) theirs.write(path, text);
    dvcCalls(theirs, [["add", "d", "f.txt"], ["push"]]);
    theirs.commit("second");
  });
  afterAll(() => server?.stop());

  const FIRST: [string, string][] = [
    ["d/a", "one"],
    ["d/sub/b é", "two\r\n"],
    ["f.txt", "first"],
  ];
  const SECOND: [string, string][] = [
    ["d/sub/b é", "two, changed"],
    ["d/c", "three"],
    ["f.txt", "second"],
  ];
  const clone = () => makeRepository({ cloneOf: theirs.root });
  const run = (repository: TestRepository, args: string[]) => {
    const answer = repository.expver(["data", ...args]);
    expect([args, answer]).toMatchObject([args, { code: 0 }]);
    return answer.stdout;
  };
  const tracked = (repository: TestRepository) => ["d/a", "d/sub/b é", "f.txt", "made/of-f"].map((path) => repository.read(path));

  it("gives every commit its own versions, checked, into the cache as dvc has it", () => {
    const ours = clone();
    run(ours, ["pull"]);
    expect(tracked(ours)).toEqual(["one", "two, changed", "second", "first"]);
    expect(ours.read("d/c")).toBe("three");
    expect(ours.git("status", "--short")).toBe("");
    // Of a folder in a tracked folder dvc makes a listing too, which nothing names.
    const dvcs = clone();
    dvcCalls(dvcs, [["pull"]]);
    expect(objectsIn(dvcs)).toEqual(expect.arrayContaining(objectsIn(ours)));
    expect(objectsIn(dvcs)).toHaveLength(objectsIn(ours).length + 1);
    expect(dvcCalls(ours, [["status"], ["fetch"]]).map(({ stdout }) => stdout)).toEqual([
      expect.stringContaining("make"),
      expect.stringContaining("up to date"),
    ]);
    ours.git("checkout", "-q", "HEAD~1");
    ours.run("rm", ["-rf", ".dvc/cache", "d", "f.txt", "made"]);
    run(ours, ["fetch"]);
    run(ours, ["checkout"]);
    expect(tracked(ours)).toEqual(["one", "two\r\n", "first", "first"]);
    expect(run(ours, ["data", "status", "--json"])).toBe("{}\n");
  });

  it("is read by whoever takes files from the repository, at any commit, and part of a folder by itself", () => {
    const elsewhere = makeRepository();
    run(elsewhere, ["get", theirs.root, "d/sub", "--rev", "HEAD~1"]);
    expect(elsewhere.read("sub/b é")).toBe("two\r\n");
    const ours = clone();
    run(ours, ["pull", "d/sub"]);
    expect(objectsIn(ours)).toHaveLength(2);
    run(ours, ["fetch", "--all-commits"]);
    expect(objectsIn(ours)).toHaveLength(9);
  });

  it("says what is there and what is not", async () => {
    const ours = clone();
    const lacking = () => JSON.parse(run(ours, ["data", "status", "--not-in-remote", "--granular", "--json"])).not_in_remote;
    run(ours, ["pull"]);
    expect(JSON.parse(run(ours, ["status", "-c", "--json"]))).toEqual({});
    expect(lacking()).toBeUndefined();
    ours.write("d/new", "new");
    run(ours, ["add", "d"]);
    expect(lacking()).toEqual(expect.arrayContaining(["d/", "d/new"]));
    expect(JSON.parse(run(ours, ["status", "-c", "--json"]))).toMatchObject({ "d/new": "new" });
    ours.git("checkout", "-q", "d.dvc");
    ours.write("f.txt.dvc", ours.read("f.txt.dvc").replace(/version_id: .*/, `version_id: ${"0".repeat(32)}`));
    ours.run("rm", ["-rf", ".dvc/cache", "f.txt", "d/new"]);
    expect(ours.expverJson(["data", "pull"])).toMatchObject({
      code: 1,
      error: { code: "E_NOT_STORED", message: expect.stringContaining("f.txt") },
    });
    // What could be had is here.
    expect(ours.read("d/c")).toBe("three");
  });

  it("takes no other bytes than the pointer's hash says", () => {
    const ours = clone();
    const [older] = versionsOf(theirs.git("show", "HEAD~1:f.txt.dvc"));
    ours.write("f.txt.dvc", ours.read("f.txt.dvc").replace(/version_id: .*/, `version_id: ${older}`));
    expect(ours.expverJson(["data", "fetch", "f.txt"])).toMatchObject({ code: 1, error: { code: "E_OBJECT" } });
    expect(objectsIn(ours)).toEqual([]);
  });

  it("is not swept by its listing, and versions are kept by object stores only", () => {
    const ours = clone();
    expect(ours.expverJson(["data", "gc", "-w", "-c", "-f"])).toMatchObject({
      code: 251,
      error: { code: "E_REMOTE", message: expect.stringContaining("versions") },
    });
    ours.write("loose.txt", "loose");
    expect(ours.expverJson(["data", "add", "loose.txt", "--to-remote"]).error).toMatchObject({ code: "E_REMOTE" });
    expect(objectsIn(ours)).toEqual([]);
    run(ours, ["remote", "add", "clouds", "azure://container/x"]);
    run(ours, ["remote", "modify", "clouds", "version_aware", "true"]);
    expect(ours.expverJson(["data", "push", "-r", "clouds"]).error).toMatchObject({
      message: expect.stringContaining("Azure keeps are not used"),
    });
    run(ours, ["remote", "add", "here", ours.root]);
    for (const option of ["version_aware", "worktree"]) {
      run(ours, ["remote", "modify", "here", option, "true"]);
      expect(ours.expverJson(["data", "push", "-r", "here"]).error).toMatchObject({
        code: "E_REMOTE",
        message: expect.stringContaining(option),
      });
      run(ours, ["remote", "modify", "--unset", "here", option]);
    }
  });
});

function objectsIn({ root }: TestRepository): string[] {
  const folder = join(root, ".dvc/cache/files/md5");
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /^..\/[0-9a-f]{30}(\.dir)?$/.test(name))
      .sort();
  } catch {
    return [];
  }
}
