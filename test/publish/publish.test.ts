/** `expver publish` against real Git remotes and a folder as data remote, with dvc as referee. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { countGit } from "../support/git-counter.ts";
import { peer } from "../support/peers.ts";
import { makeRepository } from "../support/repository.ts";
import { cloneOf, makeStudy, must, objectsIn, refsOf, runOnce } from "./story.ts";

const dvc = peer("dvc");

it("publishes what is not published: objects, then branch and tag in one step", () => {
  const { repo, upstream, storage } = makeStudy();
  const version = runOnce(repo, "-m", "first");
  const plan = must(repo, ["publish", "--dry-run"]).data;
  expect(plan.steps.map(({ verb, target }: { verb: string; target: string }) => `${verb} ${target}`)).toEqual([
    "send storage",
    "check storage",
    "push origin main",
    `push origin ${version}`,
  ]);
  expect(plan.steps[0]).toMatchObject({ count: 6, bytes: expect.any(Number) });
  expect(objectsIn(storage)).toEqual([]);
  expect(refsOf(upstream, "refs")).toEqual([]);

  const { data } = must(repo, ["publish"]);
  expect(data).toMatchObject({
    remote: "origin",
    dataRemotes: ["storage"],
    objects: { sent: 6 },
    branch: { name: "main", state: "pushed" },
    versions: [{ version, state: "published", was: null }],
  });
  expect(refsOf(upstream, "refs")).toEqual(["refs/heads/main", `refs/tags/${version}`]);
  expect(upstream.git("rev-parse", version)).toBe(repo.git("rev-parse", version));
  expect(refsOf(repo, "refs/expver/unpublished")).toEqual([]);
  expect(repo.expver(["list"]).stdout).not.toContain("not published");
});

it("does nothing when all is there, and says so", () => {
  const { repo, storage } = makeStudy();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  const before = objectsIn(storage).sort();
  expect(must(repo, ["publish"]).data.versions).toEqual([]);
  expect(must(repo, ["publish", version]).data).toMatchObject({
    objects: { sent: 0, there: before.length },
    branch: { state: "there" },
    versions: [{ version, state: "was there" }],
  });
  expect(objectsIn(storage).sort()).toEqual(before);
});

it("commits behind the last published version go the same way: what the warning about the data remote says works", () => {
  const { repo, upstream } = makeStudy();
  const config = repo.read(".dvc/config");
  repo.write(".dvc/config", "");
  repo.commit("no remote yet");
  repo.write(".dvc/config", config);
  repo.git("stash", "-q", "--", ".dvc/config");
  runOnce(repo);
  repo.git("stash", "pop", "-q");
  const warned = repo.expver(["publish"]);
  expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining("others will not find the data") });
  const hint = /hint: (git commit .*) && expver publish$/m.exec(warned.stderr)?.[1] ?? "exit 9";
  expect(repo.run("sh", ["-c", hint]).code).toBe(0);
  expect(repo.expverJson(["publish", "--dry-run"]).data.steps).toContainEqual(
    expect.objectContaining({ verb: "push", target: "origin main" }),
  );
  expect(repo.expver(["publish"])).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("branch   main  → origin") });
  expect(upstream.git("rev-parse", "main")).toBe(repo.git("rev-parse", "HEAD"));
  expect(repo.expver(["publish"]).stdout).toContain("nothing to publish");
  repo.git("switch", "-q", "-c", "private");
  repo.commit("of nobody's business", { "x.txt": "" });
  expect(repo.expver(["publish"]).stdout).toContain("nothing to publish");
  expect(upstream.git("branch", "--list", "private")).toBe("");
});

it("the branch stays as it is there when a version that is not on it is published, or it was rewritten here", () => {
  const { repo, upstream } = makeStudy();
  runOnce(repo);
  expect(repo.expver(["publish"]).code).toBe(0);
  const there = upstream.git("rev-parse", "main");
  repo.git("switch", "-q", "-c", "apart");
  runOnce(repo);
  repo.git("switch", "-q", "main");
  repo.commit("later", { "later.txt": "" });
  expect(repo.expver(["publish", "e0.2.0"])).toMatchObject({ code: 0, stdout: expect.stringContaining("e0.2.0") });
  repo.git("reset", "-q", "--soft", "HEAD~2");
  repo.commit("rewritten");
  expect(repo.expver(["publish"])).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("nothing to publish") });
  expect(upstream.git("rev-parse", "main")).toBe(there);
});

it.skipIf(dvc === null)("gives a fresh clone with dvc every byte, and leaves dvc nothing to push", () => {
  const study = makeStudy();
  const { repo } = study;
  runOnce(repo, "--param", "lr=0.1");
  repo.write("data.csv", "x,y\n3,4\n");
  must(repo, ["data", "add", "data.csv"]);
  repo.commit("more data");
  const second = runOnce(repo, "--param", "lr=0.2");
  expect(must(repo, ["publish"]).data.versions).toHaveLength(2);
  expect(repo.run(dvc ?? "", ["status", "--cloud", "--all-commits"]).stdout).toContain("are in sync");

  const clone = cloneOf(study);
  clone.git("fetch", "-q", "--tags");
  for (const version of ["e0.1.0", second]) {
    clone.git("checkout", "-q", version);
    const pulled = clone.run(dvc ?? "", ["pull"]);
    expect(pulled).toMatchObject({ code: 0 });
    expect(clone.run(dvc ?? "", ["status"]).stdout).toContain("up to date");
    rmSync(join(clone.root, "data.csv"));
    clone.run(dvc ?? "", ["checkout", "-f"]);
    expect(clone.read("images/deep/b.txt")).toBe("second");
    expect(JSON.parse(clone.read("models/model.json"))).toMatchObject({ lr: version === second ? 0.2 : 0.1 });
    expect(clone.read("data.csv")).toBe(version === second ? "x,y\n3,4\n" : "x,y\n1,2\n");
  }
});

it("asks git no more often for many versions than for one", () => {
  const { repo } = makeStudy();
  const counter = countGit();
  const published = (count: number) => {
    for (let index = 0; index < count; index += 1) must(repo, ["tag", "-d", "once more"]);
    counter.reset();
    const { code, stderr } = repo.expver(["publish"], { env: { PATH: counter.path } });
    expect(code, stderr).toBe(0);
    expect(refsOf(repo, "refs/expver/unpublished/")).toEqual([]);
    // Where pushes go is the same after one.
    expect(counter.calls().filter((call) => call.startsWith("remote get-url"))).toHaveLength(2);
    return counter.calls().length;
  };
  published(1);
  const one = published(1);
  expect(published(4)).toBe(one);
});

it("sends objects of every commit on the way, also of one that a later version has replaced", () => {
  const { repo, storage } = makeStudy();
  repo.write("data.csv", "in between\n");
  must(repo, ["data", "add", "data.csv"]);
  repo.commit("in between");
  const between = repo.read("data.csv.dvc").match(/[0-9a-f]{32}/)?.[0];
  repo.write("data.csv", "at last\n");
  must(repo, ["data", "add", "data.csv"]);
  repo.commit("at last");
  runOnce(repo);
  must(repo, ["publish"]);
  expect(objectsIn(storage)).toContain(between);
});

it("folders of very many files are looked at one after the other, and what they share is counted and sent once", () => {
  const { repo, storage } = makeStudy();
  const addMany = (message: string) => {
    must(repo, ["data", "add", "images"]);
    repo.write("images.dvc", repo.read("images.dvc").replace("nfiles: 2", "nfiles: 600000"));
    repo.commit(message);
  };
  repo.write("images/a.txt", "another first");
  addMany("in between");
  repo.write("images/a.txt", "the last first");
  addMany("at last");
  const version = runOnce(repo);
  const [send, check] = must(repo, ["publish", "--dry-run"]).data.steps;
  expect(must(repo, ["publish"]).data.objects).toMatchObject({ sent: send.count, there: 0 });
  expect(objectsIn(storage)).toHaveLength(send.count);
  expect(check.count).toBe(send.count);
  expect(must(repo, ["publish", version]).data.objects).toMatchObject({ sent: 0, there: expect.any(Number) });
});

it("never sends what dvc never sends", () => {
  const { repo, storage } = makeStudy();
  repo.write("private.bin", "mine");
  must(repo, ["data", "add", "private.bin"]);
  repo.write("private.bin.dvc", `${repo.read("private.bin.dvc")}  push: false\n`);
  repo.commit("private");
  const hash = repo.read("private.bin.dvc").match(/[0-9a-f]{32}/)?.[0];
  runOnce(repo);
  must(repo, ["publish"]);
  expect(objectsIn(storage)).not.toContain(hash);
});

it.skipIf(dvc === null)("sends what a pipeline of dvc made: outputs of dvc.lock", () => {
  const study = makeStudy();
  const { repo } = study;
  repo.write(
    "dvc.yaml",
    "stages:\n  train:\n    cmd: cp data.csv out.csv && mkdir -p deep && cp data.csv deep/copy.csv\n    deps: [data.csv]\n    outs: [out.csv, deep]\n",
  );
  expect(repo.run(dvc ?? "", ["repro"])).toMatchObject({ code: 0 });
  repo.commit("pipeline");
  must(repo, ["tag", "e0.1.0", "-d", "by a pipeline"]);
  must(repo, ["publish"]);
  expect(repo.run(dvc ?? "", ["status", "--cloud"]).stdout).toContain("in sync");
  const clone = cloneOf(study);
  expect(clone.run(dvc ?? "", ["pull"])).toMatchObject({ code: 0 });
  expect([clone.read("out.csv"), clone.read("deep/copy.csv")]).toEqual([repo.read("data.csv"), repo.read("data.csv")]);
});

it("asks the place pushes go to, where that is another than fetches come from", () => {
  const { repo, upstream } = makeStudy();
  const fork = makeRepository({ bare: true });
  const version = runOnce(repo);
  must(repo, ["publish"]);
  repo.git("config", "remote.origin.pushurl", fork.root);
  expect(must(repo, ["publish", version]).data).toMatchObject({ branch: { state: "pushed" }, versions: [{ version, state: "published" }] });
  const second = runOnce(repo, "--param", "lr=0.2");
  must(repo, ["publish"]);
  expect(refsOf(fork, "refs")).toEqual(["refs/heads/main", `refs/tags/${version}`, `refs/tags/${second}`]);
  expect(refsOf(upstream, "refs/tags")).toEqual([`refs/tags/${version}`]);
  expect(refsOf(repo, "refs/expver/unpublished")).toEqual([]);
});

// `only`: Git pushed the submodules and said well done; `on-demand`: it failed for the objects have no name.
it.each(["only", "on-demand", "check"])(
  "where submodules are to be pushed (%s), what is published is there, and leads to no commit that is not",
  (how) => {
    const { repo, upstream } = makeStudy();
    const inner = makeRepository();
    inner.commit("one", { f: "1" });
    repo.git("submodule", "--quiet", "add", inner.root, "lib");
    repo.git("config", "push.recurseSubmodules", how);
    repo.git("-C", "lib", "commit", "-q", "--allow-empty", "-m", "two");
    repo.commit("a library");
    const version = runOnce(repo);
    const refused = repo.expverJson(["publish"]);
    expect(refused.error).toMatchObject({ code: "E_GIT", message: expect.stringMatching(/not be found on any remote:\s+lib/) });
    expect(refsOf(upstream, "refs")).toEqual([]);
    repo.git("-C", "lib", "push", "-q", "origin", "HEAD:refs/heads/other");
    expect(must(repo, ["publish"]).data.versions).toMatchObject([{ version, state: "published" }]);
    expect(refsOf(upstream, "refs")).toEqual(["refs/heads/main", `refs/tags/${version}`]);
  },
);
