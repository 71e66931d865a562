/** Push to remotes that keep versions of files: twins, one pushed by dvc, one by us, say the same in every pointer, and either tool goes on from the other. */
import { chmodSync, cpSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStudy, must, refsOf, runOnce } from "../publish/story.ts";
import { type DvcCall, dvcCalls } from "../support/dvc.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { dropVersion, keepVersions, newestIn, putByOtherHands, versionsOf } from "./versioned-bucket.ts";

const WITH_SERVER = seaweedProgram() !== null;
const WITH_DVC = WITH_SERVER && peerWith("dvc", "dvc_s3") !== null;
const POINTERS = ["d.dvc", "deep/f.txt.dvc", "dvc.lock"];

describe.skipIf(!WITH_DVC)("pushing to a version_aware remote", () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "twins");
  });
  afterAll(() => server?.stop());

  function setUp(name: string, more: Record<string, string> = { version_aware: "true" }): { repository: TestRepository; calls: DvcCall[] } {
    const repository = makeRepository();
    const options = { endpointurl: server.url, ...keysOf("all"), ...more };
    const lines = [
      ["init", "-q"],
      ["remote", "add", "-q", "-d", "store", `s3://twins/${name}`],
      ...Object.entries(options).map(([key, value]) => ["remote", "modify", "store", key, value]),
    ];
    return { repository, calls: lines.map((args) => ({ args, in: repository })) };
  }

  const run = (repository: TestRepository, ...args: string[]) => {
    const answer = repository.expver(["data", ...args]);
    expect([args, answer]).toMatchObject([args, { code: 0, stderr: expect.not.stringContaining("error") }]);
    return answer.stdout;
  };
  const texts = (repository: TestRepository) => POINTERS.map((file) => repository.read(file).replace(/version_id: .*/g, "version_id: V"));
  const versions = (repository: TestRepository) => POINTERS.flatMap((file) => versionsOf(repository.read(file)));

  it("writes into pointers what dvc writes, and keeps what people wrote", async () => {
    const [ours, theirs] = [setUp("ours"), setUp("theirs")];
    const both = [ours.repository, theirs.repository] as const;
    const prepare = (repository: TestRepository): DvcCall[] => {
      repository.write("d/a", "one");
      repository.write("d/sub/b é", "two\r\n");
      repository.write("d/12", "");
      repository.write("deep/f.txt", "first");
      repository.write(
        "dvc.yaml",
        "stages:\n  make:\n    cmd: mkdir -p made && cp deep/f.txt made/o && cp deep/f.txt one\n    deps: [deep/f.txt]\n    outs: [made, one]\n",
      );
      return [
        ["add", "d", "deep/f.txt"],
        ["repro", "-q"],
      ].map((args) => ({ args, in: repository }));
    };
    dvcCalls(
      ours.repository,
      [ours, theirs].flatMap(({ repository, calls }) => [...calls, ...prepare(repository)]),
    );
    for (const repository of both) {
      repository.write("d.dvc", `# of us\n${repository.read("d.dvc").replace("outs:", "outs: # all")}  desc: some words\n  meta: {a: 1}\n`);
      repository.write("deep/f.txt.dvc", repository.read("deep/f.txt.dvc").replace("  size:", "  # how large\n  size:"));
    }
    dvcCalls(theirs.repository, [["push"]]);
    expect(run(ours.repository, "push", "--dry-run")).toContain("deep/f.txt");
    expect(versions(ours.repository)).toEqual([]);
    run(ours.repository, "push");
    expect(texts(ours.repository)).toEqual(texts(theirs.repository));
    expect(new Set(versions(ours.repository)).size).toBe(6);

    for (const repository of both) {
      repository.commit("first");
      repository.write("d/sub/b é", "two, changed");
      repository.write("d/c", "three");
      repository.run("rm", ["d/a"]);
      repository.write("deep/f.txt", "second");
    }
    dvcCalls(theirs.repository, [["add", "d", "deep/f.txt"]]);
    run(ours.repository, "add", "d", "deep/f.txt");
    expect(texts(ours.repository)).toEqual(texts(theirs.repository));
    dvcCalls(theirs.repository, [["push"]]);
    expect(run(ours.repository, "push")).toContain("3 files pushed");
    expect(texts(ours.repository)).toEqual(texts(theirs.repository));
    expect(await newestIn(server, "twins", "ours")).toEqual(await newestIn(server, "twins", "theirs"));

    // Nothing is left for either tool, and what either wrote the other reads.
    const settled = versions(ours.repository);
    expect(dvcCalls(ours.repository, [["push"]])[0]?.stdout).toContain("up to date");
    expect(run(ours.repository, "push")).toContain("up to date");
    expect(run(theirs.repository, "push")).toContain("up to date");
    expect(versions(ours.repository)).toEqual(settled);
    for (const repository of both) repository.commit("second");
    const clones = both.map(({ root }) => makeRepository({ cloneOf: root })) as [TestRepository, TestRepository];
    dvcCalls(clones[0], [["pull"]]);
    run(clones[1], "pull");
    for (const clone of clones) {
      expect(clone.read("d/sub/b é")).toBe("two, changed");
      expect([clone.read("d/c"), clone.read("d/12"), clone.read("deep/f.txt"), clone.read("made/o")]).toEqual([
        "three",
        "",
        "second",
        "first",
      ]);
      clone.git("checkout", "-q", "HEAD~1");
    }
    run(clones[0], "pull");
    dvcCalls(clones[1], [["pull"]]);
    for (const clone of clones)
      expect([clone.read("d/sub/b é"), clone.read("d/a"), clone.read("deep/f.txt")]).toEqual(["two\r\n", "one", "first"]);
  });

  it("sends what is not there yet, once, goes on after a failure, and is undone", async () => {
    const { repository, calls } = setUp("again");
    dvcCalls(repository, calls);
    repository.write("d/a", "one");
    repository.write("d/b", "two");
    repository.write("x.sh", "#!/bin/sh\n");
    chmodSync(join(repository.root, "x.sh"), 0o755);
    run(repository, "add", "d", "x.sh");
    const before = [repository.read("d.dvc"), repository.read("x.sh.dvc")];
    // One file of a folder by itself: the others have no version yet.
    run(repository, "push", "d/a");
    expect(versionsOf(repository.read("d.dvc"))).toHaveLength(1);
    expect(await newestIn(server, "twins", "again")).toEqual([["d/a", "one"]]);
    // A damaged object is not sent, all else is.
    const object = join(repository.root, ".dvc/cache/files/md5/b8/a9f715dbb64fd5c56e7783c6820a61");
    chmodSync(object, 0o644);
    writeFileSync(object, "TWO");
    chmodSync(object, 0o444);
    expect(repository.expverJson(["data", "push"])).toMatchObject({ code: 1, error: { message: expect.stringContaining("d/b") } });
    expect(versionsOf(repository.read("d.dvc"))).toHaveLength(1);
    expect(versionsOf(repository.read("x.sh.dvc"))).toHaveLength(1);
    repository.run("rm", ["-f", object]);
    run(repository, "add", "d");
    expect(run(repository, "push")).toContain("1 file pushed");
    expect(versionsOf(repository.read("d.dvc"))).toHaveLength(2);
    // That it may be run stays in the pointer; a pointer that lost its versions finds them again, without sending.
    expect(repository.read("x.sh.dvc")).toContain("isexec: true");
    const [folder, script] = [repository.read("d.dvc"), repository.read("x.sh.dvc")];
    expect(repository.expver(["undo"]).code).toBe(0);
    expect(versionsOf(repository.read("d.dvc"))).toHaveLength(1);
    repository.write("d.dvc", before[0] ?? "");
    repository.write("x.sh.dvc", before[1] ?? "");
    expect(run(repository, "push")).toContain("only its version had to be written down");
    expect([repository.read("d.dvc"), repository.read("x.sh.dvc")]).toEqual([folder, script]);
    expect(dvcCalls(repository, [["push"]])[0]?.stdout).toContain("up to date");
    // Of a folder's files the pointer says it too, once it lists them.
    repository.write("d/run", "#!/bin/sh\n# two\n");
    chmodSync(join(repository.root, "d/run"), 0o755);
    run(repository, "add", "d");
    run(repository, "push");
    for (const pull of [() => run(repository, "pull"), () => dvcCalls(repository, [["pull"]])]) {
      repository.run("rm", ["-rf", ".dvc/cache", "d", "x.sh"]);
      pull();
      expect(["d/run", "x.sh"].map((file) => statSync(join(repository.root, file)).mode & 0o111)).not.toContain(0);
      expect(statSync(join(repository.root, "d/a")).mode & 0o111).toBe(0);
    }
  });

  it("sends where other bytes of the same size are newest there, and again where a version it had sent is gone", async () => {
    const { repository, calls } = setUp("hands");
    dvcCalls(repository, calls);
    repository.write("f", "mine");
    run(repository, "add", "f");
    await putByOtherHands(server, "twins", "hands/f", "else");
    const answer = repository.expver(["data", "push"]);
    expect([answer.stdout, answer.stderr]).toEqual([
      expect.stringContaining("1 file pushed"),
      expect.stringContaining("now to be committed: f.dvc"),
    ]);
    expect(await newestIn(server, "twins", "hands")).toEqual([["f", "mine"]]);
    const [version = ""] = versionsOf(repository.read("f.dvc"));
    expect(version).not.toBe("");
    await putByOtherHands(server, "twins", "hands/f", "else");
    expect(run(repository, "push")).toContain("up to date");
    await dropVersion(server, "twins", { key: "hands/f", version });
    expect(run(repository, "push")).toContain("1 file pushed");
    expect(await newestIn(server, "twins", "hands")).toEqual([["f", "mine"]]);
    expect(versionsOf(repository.read("f.dvc"))).toEqual([expect.not.stringMatching(version)]);
  });

  it("takes a bucket's word that it keeps no versions, and other commits are not pushed", async () => {
    await server.makeBucket("plain");
    const { repository, calls } = setUp("plain");
    dvcCalls(repository, calls);
    repository.write("f.txt", "first");
    run(repository, "add", "f.txt");
    repository.commit("first");
    expect(repository.expverJson(["data", "push", "-T"]).error).toMatchObject({
      code: "E_REMOTE",
      message: expect.stringContaining("commits"),
    });
    run(repository, "remote", "modify", "store", "url", "s3://plain/x");
    expect(repository.expverJson(["data", "push"]).error).toMatchObject({
      code: "E_CONFIG",
      message: expect.stringContaining("no versions"),
    });
    expect(repository.git("status", "--short", "f.txt.dvc")).toBe("");
  });
});

describe.skipIf(!WITH_SERVER)("what goes on from a push to a version_aware remote", () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "bucket");
    await server.makeBucket("plain");
  });
  afterAll(() => server?.stop());

  function remoteFor(repository: TestRepository, name: string): void {
    const options = { url: `s3://bucket/${name}`, endpointurl: server.url, ...keysOf("all"), version_aware: "true" };
    for (const [key, value] of Object.entries(options))
      expect(repository.expver(["data", "remote", "modify", "storage", key, value]).code).toBe(0);
  }

  it("publishes versions whose pointers say where their bytes are, and no others", () => {
    const { repo, upstream } = makeStudy();
    remoteFor(repo, "study");
    repo.commit("another remote");
    const early = runOnce(repo);
    expect(repo.expverJson(["publish"])).toMatchObject({
      code: 4,
      error: { code: "E_PUBLISH", message: expect.stringContaining("name none"), hint: expect.stringContaining("expver data push") },
    });
    expect(refsOf(upstream, "refs")).toEqual([]);
    must(repo, ["data", "push"]);
    repo.commit("data is pushed");
    const { version } = must(repo, ["tag", "-m", "with its data"]).data;
    expect(version).not.toBe(early);
    must(repo, ["publish", version]);
    expect(refsOf(upstream, "refs/tags")).toContain(`refs/tags/${version}`);
    const clone = makeRepository({ cloneOf: upstream.root });
    clone.git("checkout", "-q", version);
    must(clone, ["data", "pull"]);
    expect([clone.read("images/deep/b.txt"), clone.read("models/model.json")]).toEqual(["second", repo.read("models/model.json")]);
  });

  it("publishes a run right away: its data goes first, and the tag names the versions", () => {
    const { repo, upstream } = makeStudy();
    remoteFor(repo, "straight");
    repo.commit("another remote");
    // Data that changed is in the snapshot, with another pointer than the worktree's.
    repo.write("data.csv", "x,y\n3,4\n");
    const version = runOnce(repo, "--publish");
    expect(refsOf(upstream, "refs/tags")).toContain(`refs/tags/${version}`);
    expect(repo.git("status", "--short")).toBe("");
    const pointers = repo.git("ls-files", "*.dvc").split("\n").filter(Boolean);
    expect(pointers.map((file) => [file, versionsOf(repo.read(file)).length])).toEqual(
      pointers.map((file) => [file, file === "images.dvc" ? 2 : 1]),
    );
    expect(pointers).toEqual(expect.arrayContaining(["data.csv.dvc", "models/model.json.dvc"]));
    const clone = makeRepository({ cloneOf: upstream.root });
    clone.git("checkout", "-q", version);
    must(clone, ["data", "pull"]);
    expect([clone.read("data.csv"), clone.read("images/deep/b.txt"), clone.read("models/model.json")]).toEqual([
      "x,y\n3,4\n",
      "second",
      repo.read("models/model.json"),
    ]);
    if (WITH_DVC) {
      const dvcs = makeRepository({ cloneOf: upstream.root });
      dvcs.git("checkout", "-q", version);
      dvcCalls(dvcs, [["pull"]]);
      expect([dvcs.read("data.csv"), dvcs.read("models/model.json")]).toEqual(["x,y\n3,4\n", repo.read("models/model.json")]);
    }
    expect(must(repo, ["data", "push"]).data).toMatchObject({ pushed: 0, recorded: [] });
    // What cannot be sent holds the version back from others, not from us.
    must(repo, ["data", "remote", "modify", "storage", "endpointurl", "http://127.0.0.1:9"]);
    repo.commit("nobody answers");
    const held = repo.expverJson(["run", "--publish", "--", "node", "train.js"]);
    expect(held).toMatchObject({ code: 1, error: { message: expect.stringContaining("not published") } });
    expect(refsOf(repo, "refs/tags")).toHaveLength(2);
    expect(refsOf(upstream, "refs/tags")).toEqual([`refs/tags/${version}`]);
  });

  it("is checked with an object of its own, of which no version stays", async () => {
    const { repo } = makeStudy();
    remoteFor(repo, "checked");
    const steps = (data: { probes: { step: string; state: string }[] }) => data.probes.map(({ step, state }) => `${step} ${state}`);
    const all = ["put ok", "head ok", "list ok", "get ok", "multipart ok", "delete ok"];
    expect(steps(must(repo, ["data", "remote", "check"]).data)).toEqual(all);
    expect([...(await server.contents("bucket", "checked")).keys()]).toEqual([]);
    must(repo, ["data", "remote", "modify", "storage", "url", "s3://plain/checked"]);
    const { data } = repo.expverJson(["data", "remote", "check"]);
    expect(data.probes[0]).toMatchObject({ step: "put", state: "failed", error: { message: expect.stringContaining("no versions") } });
    const [, put = ""] = /^ *put(.*)$/m.exec(repo.expver(["data", "remote", "check"]).stdout) ?? [];
    expect(put.trim()).toBe("failed");
  });

  it("killed anywhere, a push goes on with nothing lost and nothing sent twice", () => {
    const start = makeStudy().repo;
    let count = 0;
    const kills = atEveryKill((at) => {
      const repo = openTestRepository(join(copyOfFolder(start), "work"));
      count += 1;
      remoteFor(repo, `killed-${count}`);
      const result = runKilledAt(repo, ["data", "push"], at);
      must(repo, ["data", "push"]);
      const pointers = ["data.csv.dvc", "images.dvc"].map((file) => repo.read(file));
      expect([at, pointers.flatMap(versionsOf)]).toMatchObject([at, { length: 3 }]);
      expect(must(repo, ["data", "push"]).data.pushed).toBe(0);
      repo.run("rm", ["-rf", ".dvc/cache", "data.csv", "images"]);
      must(repo, ["data", "pull"]);
      expect(repo.read("images/deep/b.txt")).toBe("second");
      return result;
    }, sampledPoints(17));
    expect(kills).toBeGreaterThan(9);
  });
});

function copyOfFolder({ root }: TestRepository): string {
  const base = makeFolder("killed-push");
  cpSync(join(root, ".."), base, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return base;
}
