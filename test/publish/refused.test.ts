/** What stands in the way of publishing: nothing becomes public without its data, and the message says what to type. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, it } from "vitest";
import { inBackground, until } from "../run/story.ts";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { cloneOf, installHook, makeStudy, must, objectsIn, refsOf, runOnce } from "./story.ts";

const cachedObject = (repo: TestRepository, hash: string) => join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
const hashIn = (text: string) => /[0-9a-f]{32}(\.dir)?/.exec(text)?.[0] ?? "";

it("without a data remote: refused with the command that adds one", () => {
  const { repo, upstream } = makeStudy();
  runOnce(repo);
  must(repo, ["data", "remote", "remove", "storage"]);
  const { code, error } = repo.expverJson(["publish"]);
  expect({ code, error }).toMatchObject({
    code: 4,
    error: { code: "E_PUBLISH", hint: expect.stringContaining("expver data remote add -d") },
  });
  expect(refsOf(upstream, "refs")).toEqual([]);
});

it("a remote that keeps files under their names is refused, with what to do", () => {
  const { repo, upstream } = makeStudy();
  runOnce(repo);
  must(repo, ["data", "remote", "modify", "storage", "version_aware", "true"]);
  expect(repo.expverJson(["publish"])).toMatchObject({
    code: 4,
    error: { code: "E_PUBLISH", message: expect.stringContaining("version_aware") },
  });
  expect(refsOf(upstream, "refs")).toEqual([]);
});

it("without a Git remote only objects go, which is said; the version stays unpublished", () => {
  const { repo, storage } = makeStudy();
  const version = runOnce(repo);
  repo.git("remote", "remove", "origin");
  const { data } = must(repo, ["publish"]);
  expect(data).toMatchObject({
    remote: null,
    branch: null,
    versions: [{ version, state: "objects only" }],
    next: ["git remote add origin URL", "expver publish"],
  });
  expect(objectsIn(storage)).toHaveLength(6);
  expect(repo.expver(["publish"]).stdout).toContain("no Git remote");
  expect(refsOf(repo, "refs/expver/unpublished")).toEqual([`refs/expver/unpublished/${version}`]);
});

it("several Git remotes and no choice: refused with the setting that makes one", () => {
  const { repo, upstream } = makeStudy();
  runOnce(repo);
  repo.git("remote", "rename", "origin", "one");
  repo.git("remote", "add", "two", upstream.root);
  expect(repo.expverJson(["publish"])).toMatchObject({
    code: 4,
    error: { hint: expect.stringContaining("git config remote.pushDefault one") },
  });
});

it.each([
  ["a file", "data.csv", "data.csv"],
  ["a member of a folder", "images", "images/deep/b.txt"],
])("bytes of %s that are nowhere: refused before anything is public, naming path and version", (_what, output, path) => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  const hash = output === path ? hashIn(repo.read(`${output}.dvc`)) : "a9f0e61a137d86aa9db53465e0801612"; // md5 of "second"
  rmSync(cachedObject(repo, hash));
  const { code, error } = repo.expverJson(["publish"]);
  expect(code).toBe(4);
  expect(error).toMatchObject({ code: "E_PUBLISH", details: { missing: [{ path, version }] } });
  expect(error?.message).toContain(`${path} (${version})`);
  expect(refsOf(upstream, "refs")).toEqual([]);
});

it("an object whose bytes are not what its name says: all else is sent, no tag is public", () => {
  const { repo, upstream, storage } = makeStudy();
  runOnce(repo);
  const object = cachedObject(repo, hashIn(repo.read("data.csv.dvc")));
  chmodSync(object, 0o644);
  writeFileSync(object, "x,y\n1,3\n");
  chmodSync(object, 0o444);
  expect(repo.expverJson(["publish"])).toMatchObject({
    code: 1,
    error: { code: "E_OBJECT", message: expect.stringContaining("data.csv") },
  });
  expect(objectsIn(storage)).toHaveLength(5);
  expect(refsOf(upstream, "refs")).toEqual([]);
});

it("an object that a server does not take: all else is sent, no tag is public, and repeating goes on", async () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  let unwanted: string | null = hashIn(repo.read("data.csv.dvc")).slice(2);
  const there = new Map<string, Buffer>();
  const server = createServer(async (asked, answer) => {
    const { url = "", method } = asked;
    if (method !== "PUT") answer.writeHead(there.has(url) ? 200 : 404, { "content-length": there.get(url)?.length ?? 0 });
    else if (unwanted !== null && url.endsWith(unwanted)) answer.writeHead(403);
    else there.set(url, Buffer.concat(await asked.toArray()));
    answer.end(method === "GET" ? there.get(url) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    must(repo, ["data", "remote", "add", "-d", "web", `http://127.0.0.1:${(server.address() as { port: number }).port}/store`]);
    must(repo, ["data", "remote", "modify", "web", "method", "PUT"]);
    const refused = await inBackground(repo, ["publish"]).ended;
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/1 object did not reach web, so no tag was pushed; first data\.csv/),
    ]);
    expect([there.size, refsOf(upstream, "refs")]).toEqual([5, []]);
    unwanted = null;
    expect(await inBackground(repo, ["publish"]).ended).toMatchObject({ code: 0 });
    expect([there.size, refsOf(upstream, "refs/tags")]).toEqual([6, [`refs/tags/${version}`]]);
  } finally {
    server.close();
  }
});

it("bytes that only an earlier commit named, and that are nowhere, do not keep a version back", () => {
  const { repo, upstream } = makeStudy();
  const lost = hashIn(repo.read("data.csv.dvc"));
  repo.write("data.csv", "better\n");
  must(repo, ["data", "add", "data.csv"]);
  repo.commit("better data");
  const version = runOnce(repo);
  rmSync(cachedObject(repo, lost));
  const { warnings } = must(repo, ["publish"]);
  expect(warnings).toMatchObject([{ text: expect.stringContaining("data.csv") }]);
  expect(refsOf(upstream, "refs/tags")).toEqual([`refs/tags/${version}`]);
});

it.each([
  ["an update hook", "update", 'case "$1" in refs/heads/*) echo "branch is protected" >&2; exit 1;; esac'],
  ["a pre-receive hook", "pre-receive", "while read old new ref; do case $ref in refs/heads/*) exit 1;; esac; done"],
])("a branch refused by %s: the tag goes alone, with a warning", (_what, hook, script) => {
  const { repo, upstream, storage } = makeStudy();
  const version = runOnce(repo);
  installHook(upstream, hook, script);
  const { data, warnings } = must(repo, ["publish"]);
  expect(data).toMatchObject({ branch: { name: "main", state: "refused" }, versions: [{ version, state: "published" }] });
  expect(warnings).toMatchObject([{ text: expect.stringMatching(/origin refused the branch main.*the tags went alone/) }]);
  expect(refsOf(upstream, "refs")).toEqual([`refs/tags/${version}`]);
  expect(objectsIn(storage)).toHaveLength(6);
  expect(refsOf(repo, "refs/expver/unpublished")).toEqual([]);
});

it("a branch that is behind, in a clone without the merge driver: what it says to type merges the rows of both", () => {
  const study = makeStudy();
  const { repo } = study;
  runOnce(repo);
  must(repo, ["publish"]);
  const clone = cloneOf(study);
  must(clone, ["data", "pull"]);
  runOnce(clone);
  must(clone, ["publish"]);
  must(repo, ["sync"]);
  repo.git("config", "--unset", "merge.expver.driver");
  runOnce(repo, "--param", "x=1");
  const { stderr } = repo.expver(["publish"]);
  const [, typed = ""] = /hint: Bring in what is there: (expver doctor --fix && git pull --no-rebase origin main); then/.exec(stderr) ?? [];
  expect(typed).not.toBe("");
  expect(repo.expver(["doctor", "--fix"]).code).toBe(0);
  repo.run("sh", ["-c", typed.replace(/^.*&& /, "").replace("pull", "pull -q --no-edit")]);
  expect(repo.git("status", "--porcelain", "results")).not.toContain("UU");
});

it("a remote that refuses tags too: an error with its words, and the run can still be undone", () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  installHook(upstream, "pre-receive", 'echo "closed on sundays" >&2; exit 1');
  const { code, error } = repo.expverJson(["publish"]);
  expect(code).toBe(4);
  expect(error).toMatchObject({
    code: "E_HOOK",
    message: expect.stringContaining(version),
    hint: expect.stringContaining("closed on sundays"),
  });
  expect(refsOf(repo, "refs/expver/unpublished")).toHaveLength(1);
  const run = repo.expverJson(["ops", "list"]).data.operations.find(({ command }: { command: string }) => command === "run");
  expect(repo.expverJson(["undo", run.id])).toMatchObject({ code: 0 });
});

it("a remote without atomic pushes: branch, then tag", () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  upstream.git("config", "receive.advertiseAtomic", "false");
  expect(must(repo, ["publish"]).data).toMatchObject({ branch: { state: "pushed" }, versions: [{ state: "published" }] });
  expect(refsOf(upstream, "refs")).toEqual(["refs/heads/main", `refs/tags/${version}`]);

  runOnce(repo, "--param", "lr=0.2");
  installHook(upstream, "update", 'case "$1" in refs/heads/*) exit 1;; esac');
  const { data, warnings } = must(repo, ["publish"]);
  expect(data).toMatchObject({ branch: { state: "refused" }, versions: [{ version: "e0.2.0", state: "published" }] });
  expect(warnings).toHaveLength(1);
});

it("a detached HEAD: the tag goes alone, with a warning", () => {
  const { repo, upstream } = makeStudy();
  repo.git("checkout", "-q", "--detach");
  const version = runOnce(repo);
  const { data, warnings } = must(repo, ["publish"]);
  expect(data).toMatchObject({ branch: { name: null, state: "left" }, versions: [{ version, state: "published" }] });
  expect(warnings).toMatchObject([{ text: expect.stringContaining("detached") }]);
  expect(refsOf(upstream, "refs")).toEqual([`refs/tags/${version}`]);
});

it("a branch that has none of the versions is left alone", () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  repo.git("checkout", "-q", "-b", "elsewhere", "HEAD~1");
  repo.commit("other work");
  expect(must(repo, ["publish"]).data.branch).toMatchObject({ name: "elsewhere", state: "left" });
  expect(refsOf(upstream, "refs")).toEqual([`refs/tags/${version}`]);
});

it("tags that are not named do not go along, whatever push.followTags says", () => {
  const { repo, upstream } = makeStudy();
  runOnce(repo);
  const second = runOnce(repo, "--param", "lr=0.2");
  repo.git("tag", "-a", "private", "-m", "mine");
  repo.git("config", "push.followTags", "true");
  must(repo, ["publish", second]);
  expect(refsOf(upstream, "refs/tags")).toEqual([`refs/tags/${second}`]);
});

it("a tag that was not made here goes only by name, which is said", () => {
  const { repo, upstream } = makeStudy();
  repo.git("tag", "-a", "e0.5.0", "-m", "by hand");
  expect(must(repo, ["publish"]).data).toMatchObject({ versions: [], others: ["e0.5.0"] });
  expect(repo.expver(["publish"]).stdout).toContain("expver publish e0.5.0");
  must(repo, ["publish", "e0.5.0"]);
  expect(refsOf(upstream, "refs/tags")).toEqual(["refs/tags/e0.5.0"]);
  expect(must(repo, ["publish"]).data.others).toEqual([]);
});

it("a data remote that cannot be written: no tag is public, and repeating goes on", () => {
  const { repo, upstream, storage } = makeStudy();
  const version = runOnce(repo);
  rmSync(storage, { recursive: true });
  writeFileSync(storage, "a file where a folder should be");
  expect(repo.expverJson(["publish"])).toMatchObject({ code: 1, error: { message: expect.stringContaining(storage) } });
  expect(refsOf(upstream, "refs")).toEqual([]);
  rmSync(storage);
  expect(must(repo, ["publish"]).data.versions).toMatchObject([{ version, state: "published" }]);
});

it("a Git remote that cannot be reached: nothing was sent, git's own words are told", () => {
  const { repo, storage } = makeStudy();
  runOnce(repo);
  repo.git("remote", "set-url", "origin", join(makeFolder(), "gone"));
  expect(repo.expverJson(["publish"])).toMatchObject({ code: 1, error: { code: "E_GIT", message: expect.stringContaining("gone") } });
  expect(objectsIn(storage)).toEqual([]);
});

it("a published tag never moves", () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  repo.git("tag", "-f", "-a", version, "-m", "another", "HEAD~1");
  const { code, error } = repo.expverJson(["publish", version]);
  expect({ code, error }).toMatchObject({
    code: 4,
    error: { code: "E_VERSION_TAKEN", hint: expect.stringContaining("git fetch --force origin tag") },
  });
  expect(upstream.git("rev-parse", version)).not.toBe(repo.git("rev-parse", version));
});

it("a published version whose name the remote gave to another: what is said to be typed keeps both", () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  upstream.git("tag", "-f", "-a", version, "-m", "theirs\n\nKind: run\nRun: other-otter-0001", `${version}^{commit}~1`);
  const { hint } = repo.expverJson(["publish", version]).error as { hint: string };
  expect(repo.expverJson(["doctor"]).data.findings).toContainEqual(expect.objectContaining({ check: "moved-tags", remedy: hint }));
  const [fetch = "", tag = ""] = hint.replace(/^.*?: /, "").split(" && ");
  repo.git(...fetch.split(" ").slice(1));
  must(repo, tag.split(" ").slice(1));
  expect(repo.git("rev-parse", version)).toBe(upstream.git("rev-parse", version));
  must(repo, ["verify", "e0.2.0"]);
  must(repo, ["publish", "e0.2.0"]);
});

it("a data remote that others will not know of is told", () => {
  const { repo, storage } = makeStudy();
  must(repo, ["data", "remote", "remove", "storage"]);
  must(repo, ["data", "remote", "add", "-d", "disk", storage]);
  runOnce(repo, "--version", "e0.1.0");
  expect(must(repo, ["publish"]).warnings).toEqual([]); // the snapshot took .dvc/config along
  must(repo, ["data", "remote", "add", "--local", "-d", "mine", storage]);
  runOnce(repo, "--version", "e0.2.0", "--param", "lr=0.2");
  const { warnings } = must(repo, ["publish"]);
  expect(warnings).toMatchObject([
    { text: expect.stringContaining("the remote mine is not in the .dvc/config"), hint: expect.stringContaining("expver data remote add") },
  ]);
});

/** A file system of 64 KiB; null where we may not mount one. */
function mountSmall(folder: string): (() => void) | null {
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).status === 0;
  return mounted ? () => void spawnSync("umount", [folder]) : null;
}

const mayMount = (() => {
  const unmount = mountSmall(makeFolder());
  unmount?.();
  return unmount !== null;
})();

it.skipIf(!mayMount)("a data remote whose disk is full: no tag is public, nothing half-written, and repeating goes on", () => {
  const { repo, upstream, storage } = makeStudy();
  repo.write("large.bin", "x".repeat(100_000));
  must(repo, ["data", "add", "large.bin"]);
  repo.commit("large");
  const version = runOnce(repo);
  const unmount = mountSmall(storage);
  try {
    expect(repo.expverJson(["publish"])).toMatchObject({ code: 1, error: { code: "E_DISK_FULL" } });
    expect(objectsIn(storage)).toEqual([]);
    expect(refsOf(upstream, "refs")).toEqual([]);
  } finally {
    unmount?.();
  }
  expect(must(repo, ["publish"]).data.versions).toMatchObject([{ version, state: "published" }]);
});

it("interrupted while the remote takes its time: told so, and repeating goes on", async () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  installHook(upstream, "pre-receive", "touch reached; sleep 30");
  const child = spawn("node", [MAIN, "publish"], { cwd: repo.root, env: repo.context.env, detached: true });
  const ended = new Promise((resolve) => child.on("close", resolve));
  await until(() => existsSync(join(upstream.root, "reached")));
  process.kill(-(child.pid ?? 0), "SIGINT"); // as a terminal does: to everything in front of it
  expect(await ended).toBe(130);
  rmSync(join(upstream.root, "hooks/pre-receive"));
  expect(must(repo, ["publish"]).data.versions).toMatchObject([{ version, state: "published" }]);
});
