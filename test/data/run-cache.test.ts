/** `--run-cache` beside hostile and half-written things; that dvc and we share it on every kind of remote is tried in test/remotes. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";

const KEY = "ab".repeat(32);
const NAME = `ab/${KEY}/${"cd".repeat(32)}`;
const OTHER = `ab/${KEY}/${"ef".repeat(32)}`;

function withRemote(remote = makeFolder("runs-remote")): { repository: TestRepository; remote: string; cache: string } {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  expect(repository.expver(["data", "remote", "add", "-d", "store", remote]).code).toBe(0);
  repository.write("a.txt", "a\n");
  expect(repository.expver(["data", "add", "a.txt"]).code).toBe(0);
  return { repository, remote, cache: join(repository.root, ".dvc/cache/runs") };
}

function namesBelow(top: string): string[] {
  const files = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(top, join(parentPath, name))).sort();
}

function put(top: string, name: string, text = "cmd: x\n"): string {
  const path = join(top, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

it("moves what is a run by its name, and nothing else", () => {
  const { repository, remote, cache } = withRemote();
  const foreign = [
    `ab/${KEY}/.tmp.123`,
    `ab/${KEY}/README`,
    `cd/${KEY}/${"cd".repeat(32)}`,
    "stray",
    `ab/${"zz".repeat(32)}/${"cd".repeat(32)}`,
  ];
  for (const name of [NAME, ...foreign]) put(cache, name);
  const pushed = repository.expver(["data", "push", "--run-cache", "--json"]);
  expect(pushed).toMatchObject({ code: 0 });
  expect(JSON.parse(pushed.stdout).data).toMatchObject({ pushed: 2 });
  expect(existsSync(join(remote, "runs", NAME))).toBe(true);
  for (const name of foreign) expect(existsSync(join(remote, "runs", name))).toBe(false);
  expect(JSON.parse(repository.expver(["data", "push", "--run-cache", "--json"]).stdout).data).toMatchObject({ pushed: 0 });
});

it("moves all else when one of them, or all, cannot be moved, names it and exits with 1", () => {
  const { repository, remote, cache } = withRemote();
  put(cache, NAME);
  truncateSync(put(cache, OTHER), 2 ** 27);
  const { code, stderr } = repository.expver(["data", "push", "--run-cache"]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(`runs/${OTHER}`)]);
  expect(existsSync(join(remote, "runs", NAME))).toBe(true);
  expect(existsSync(join(remote, "files/md5/60"))).toBe(true);
  repository.run("rm", ["-rf", join(remote, "runs"), cache, join(repository.root, ".dvc/cache/files")]);
  symlinkSync("/dev/null/nowhere", join(remote, "runs"));
  put(cache, NAME);
  const again = repository.expver(["data", "push", "--run-cache"]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("runs")]);
  expect(repository.expver(["data", "fetch"]).code).toBe(0);
});

it("believes and deletes nothing of a remote's runs that is none by its name", () => {
  const { repository, remote, cache } = withRemote();
  const foreign = [`ab/${KEY}/README`, `cd/${KEY}/${"cd".repeat(32)}`, "stray", `ab/${KEY}/${"cd".repeat(32)}.tmp`];
  for (const name of [NAME, ...foreign]) put(join(remote, "runs"), name);
  expect(JSON.parse(repository.expver(["data", "fetch", "--run-cache", "--json"]).stdout).data).toMatchObject({ fetched: 1 });
  expect(namesBelow(cache)).toEqual([NAME]);
  expect(repository.expver(["data", "push", "--run-cache"]).code).toBe(0);
  expect(repository.expver(["data", "gc", "-w", "-c", "-f"]).code).toBe(0);
  expect(namesBelow(join(remote, "runs"))).toEqual([NAME, ...foreign].sort());
});

describe.skipIf(seaweedProgram() === null)("behind a server", () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await server.makeBucket("runs");
  });
  afterAll(() => server?.stop());

  it("believes and deletes nothing there that is no run by its name", async () => {
    const { repository, cache } = withRemote("s3://runs/there");
    for (const [key, value] of Object.entries({ endpointurl: server.url, ...keysOf("all") }))
      expect(repository.expver(["data", "remote", "modify", "store", key, value]).code).toBe(0);
    const foreign = [`ab/${KEY}/README`, `cd/${KEY}/${"cd".repeat(32)}`, "stray", `ab/${KEY}/${"cd".repeat(32)}.tmp`];
    for (const name of [NAME, ...foreign]) await server.plant("runs", `there/runs/${name}`, Buffer.from("cmd: x"));
    expect(JSON.parse(repository.expver(["data", "fetch", "--run-cache", "--json"]).stdout).data).toMatchObject({ fetched: 1 });
    expect(namesBelow(cache)).toEqual([NAME]);
    expect(repository.expver(["data", "push", "--run-cache"]).code).toBe(0);
    expect(repository.expver(["data", "gc", "-w", "-c", "-f"]).code).toBe(0);
    const left = [...(await server.contents("runs", "there/runs")).keys()];
    expect(left.map((key) => key.replace(/^.*?runs\//, "")).sort()).toEqual([NAME, ...foreign].sort());
  });
});

it("gives the group of a shared cache what it brings", () => {
  const { repository, remote } = withRemote();
  put(join(remote, "runs"), NAME);
  chmodSync(join(remote, "runs", NAME), 0o600);
  const shared = makeFolder("runs-shared");
  expect(repository.expver(["data", "cache", "dir", shared]).code).toBe(0);
  expect(repository.expver(["data", "config", "cache.shared", "group"]).code).toBe(0);
  expect(repository.expver(["data", "pull", "--run-cache"])).toMatchObject({ code: 0 });
  expect(readFileSync(join(shared, "runs", NAME), "utf8")).toBe("cmd: x\n");
  expect(statSync(join(shared, "runs", NAME)).mode & 0o777).toBe(0o664);
  for (const folder of ["runs", "runs/ab", dirname(join("runs", NAME))]) expect(statSync(join(shared, folder)).mode & 0o7777).toBe(0o2775);
});

it("does nothing without --run-cache, and with --no-run-cache", () => {
  const { repository, remote, cache } = withRemote();
  put(cache, NAME);
  for (const args of [["push"], ["push", "--run-cache", "--no-run-cache"]]) expect(repository.expver(["data", ...args]).code).toBe(0);
  expect(existsSync(join(remote, "runs"))).toBe(false);
});
