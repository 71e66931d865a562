/** kill -9 at every change of commands that bring data from elsewhere: nothing lost, nothing half-written, and repeating finishes. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepVersions, putByOtherHands } from "../remotes/versioned-bucket.ts";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { atEveryKill, type Points, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { checkedObjects, temporariesIn } from "../support/stores.ts";
import { readTree } from "../support/trees.ts";

const SLOW = 900_000;
// Every point takes most of a second: a share of them each time.
const POINTS = sampledPoints(59);

interface Scene {
  start: TestRepository;
  args: string[];
  /** What somebody has here that is stored nowhere. */
  precious?: string[];
  /** Beside the repository: somebody else's, which stays as it is. */
  others?: string[];
  points?: Partial<Points>;
}

const must = (repository: TestRepository, args: string[], cwd = ".") => {
  const answer = repository.expver(["data", ...args], { cwd });
  expect([args, answer]).toMatchObject([args, { code: 0 }]);
};

function copyOf({ root, context }: TestRepository): TestRepository {
  const base = makeFolder("killed");
  cpSync(dirname(root), base, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return openTestRepository(join(base, "work"), context.env as Record<string, string>);
}

const cacheOf = ({ root }: TestRepository) => join(root, ".dvc/cache");
const filesOf = ({ root }: TestRepository) => readTree(root, { skip: [".git", ".dvc"] });
const isNamed = ([path]: [string, string]) => !path.endsWith(".tmp");
const bytesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));

function openOperations(repository: TestRepository): unknown[] {
  const { operations } = repository.expverJson(["ops", "list", "--all"]).data;
  return operations.filter(({ state }: { state: string }) => state === "killed" || state === "open");
}

/** Answers how many points there were. */
function play({ start, args, precious = [], others = [], points: sampled = POINTS }: Scene): number {
  const whole = copyOf(start);
  must(whole, args);
  const [before, after] = [filesOf(start), filesOf(whole)];
  const finished: TestRepository[] = [];
  const points = atEveryKill((at) => {
    const repository = copyOf(start);
    const killed = runKilledAt(repository, ["data", ...args], at);
    const about = { at, said: killed.stderr };
    checkedObjects(cacheOf(repository));
    for (const bytes of precious)
      expect({ ...about, all: bytesIn(repository.root) }).toEqual({ ...about, all: expect.arrayContaining([bytes]) });
    // What lies there is what was or what is to come, never a part of it.
    for (const [path, value] of Object.entries(filesOf(repository)).filter(isNamed))
      expect({ ...about, path, value: [before[path], after[path]] }).toEqual({ ...about, path, value: expect.arrayContaining([value]) });
    for (const folder of others)
      expect({ ...about, tree: readTree(join(repository.root, folder)) }).toEqual({ ...about, tree: readTree(join(start.root, folder)) });

    const again = repository.expver(["data", ...args]);
    // It was through, and what it brought stands in its way.
    if (again.code !== 0) expect({ ...about, again: again.stderr }).toEqual({ ...about, again: expect.stringContaining("exists already") });
    expect({ ...about, files: filesOf(repository) }).toEqual({ ...about, files: after });
    expect({ ...about, left: temporariesIn(dirname(repository.root)) }).toEqual({ ...about, left: [] });
    expect({ ...about, open: openOperations(repository) }).toEqual({ ...about, open: [] });
    expect({ ...about, objects: checkedObjects(cacheOf(repository)) }).toEqual({ ...about, objects: checkedObjects(cacheOf(whole)) });
    for (const bytes of precious)
      expect({ ...about, all: bytesIn(repository.root) }).toEqual({ ...about, all: expect.arrayContaining([bytes]) });
    finished.push(repository);
    return killed;
  }, sampled);
  if (HAS_DVC) {
    const results = dvcCalls(
      whole,
      finished.map((repository) => ({ in: repository, args: ["status", "--json"] })),
    );
    expect(results.map(jsonOf)).toEqual(finished.map(() => ({})));
  }
  for (const { root } of finished) rmSync(dirname(root), { recursive: true, force: true });
  return points;
}

describe.skipIf(seaweedProgram() === null)("from a bucket that keeps versions", { timeout: SLOW }, () => {
  let server: Seaweed;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "bucket");
    const { access_key_id: id, secret_access_key: secret } = keysOf("all");
    env = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: server.url, AWS_REGION: "us-east-1" };
  });
  afterAll(() => server?.stop());

  const put = (files: Record<string, string>) =>
    Promise.all(Object.entries(files).map(([key, text]) => putByOtherHands(server, "bucket", key, text)));
  const begin = () => {
    const start = makeRepository({ env });
    must(start, ["init", "-q"]);
    start.commit("set up");
    return start;
  };

  it("import-url --version-aware, over what is stored nowhere too", async () => {
    await put({ "in/a": "one", "in/d/x": "1", "in/d/e/y z": "2" });
    const start = begin();
    expect(play({ start, args: ["import-url", "--version-aware", "s3://bucket/in/d"] })).toBeGreaterThan(20);
    start.write("mine/a", "kept nowhere");
    expect(
      play({ start, args: ["import-url", "--version-aware", "--force", "s3://bucket/in/a", "mine/a"], precious: ["kept nowhere"] }),
    ).toBeGreaterThan(20);
  });

  it("update of imports by version, and pull of them", async () => {
    await put({ "up/a": "one", "up/d/x": "1", "up/d/e/y z": "2" });
    const start = begin();
    for (const path of ["a", "d"]) must(start, ["import-url", "--version-aware", `s3://bucket/up/${path}`]);
    start.commit("imports");
    const clone = makeRepository({ cloneOf: start.root, env });
    expect(play({ start: clone, args: ["pull"], points: sampledPoints(19) })).toBeGreaterThan(20);
    await put({ "up/a": "two", "up/d/x": "11", "up/d/new": "3" });
    expect(play({ start, args: ["update", "a.dvc", "d.dvc"] })).toBeGreaterThan(20);
    start.write("d/x", "mine");
    expect(play({ start, args: ["update", "a.dvc", "d.dvc"], precious: ["mine"] })).toBeGreaterThan(20);
  });

  it("update of data on a worktree remote", async () => {
    const start = begin();
    must(start, ["remote", "add", "-q", "-d", "work", "s3://bucket/work"]);
    for (const option of ["worktree", "version_aware"]) must(start, ["remote", "modify", "-q", "work", option, "true"]);
    for (const [path, text] of Object.entries({ "d/a": "1", "d/s/b": "2", "d/c": "3", f: "f" })) start.write(path, text);
    must(start, ["add", "-q", "d", "f"]);
    must(start, ["push", "-q"]);
    start.commit("pushed");
    await put({ "work/f": "ff", "work/d/a": "11", "work/d/new": "new" });
    expect(play({ start, args: ["update", "d", "f"] })).toBeGreaterThan(20);
  });
});

describe("from a repository that has imported it itself", { timeout: SLOW }, () => {
  function chain(): { start: TestRepository; renew: () => void } {
    const start = makeRepository();
    must(start, ["init", "-q"]);
    start.commit("set up");
    const git = (cwd: string, ...args: string[]) => expect([args, start.run("git", args, { cwd })]).toMatchObject([args, { code: 0 }]);
    const make = (name: string) => {
      start.run("mkdir", [`../${name}`]);
      git(`../${name}`, "init", "-q");
      must(start, ["init", "-q"], `../${name}`);
    };
    const save = (name: string, message: string) => {
      git(`../${name}`, "add", "-A");
      git(`../${name}`, "commit", "-qm", message);
    };
    make("src");
    const fill = (files: Record<string, string>, message: string) => {
      for (const [path, text] of Object.entries(files)) start.write(`../src/${path}`, text);
      must(start, ["add", "-q", "d", "a"], "../src");
      save("src", message);
    };
    fill({ "d/x": "1", "d/e/y": "2", a: "one" }, "first");
    make("mid");
    for (const path of ["d", "a"]) must(start, ["import", "-q", "../src", path], "../mid");
    save("mid", "imports");
    git("..", "clone", "-q", "--bare", "mid", "mid.git");
    return {
      start,
      renew() {
        fill({ "d/x": "11", "d/new": "3", a: "two" }, "second");
        must(start, ["update", "-q", "d.dvc", "a.dvc"], "../mid");
        save("mid", "newer imports");
        git("../mid", "push", "-q", "../mid.git", "HEAD");
      },
    };
  }

  it("import and update", () => {
    const { start, renew } = chain();
    expect(play({ start, args: ["import", "../mid.git", "d"], others: ["../src", "../mid"] })).toBeGreaterThan(20);
    rmSync(join(start.root, "../mid/.dvc/cache"), { recursive: true });
    expect(play({ start, args: ["import", "../mid", "d"], others: ["../src", "../mid"] })).toBeGreaterThan(20);
    must(start, ["import", "-q", "../mid.git", "d"]);
    must(start, ["import", "-q", "../mid.git", "a"]);
    start.commit("imports");
    renew();
    start.write("a", "mine");
    expect(existsSync(join(start.root, "d/new"))).toBe(false);
    expect(play({ start, args: ["update", "d.dvc", "a.dvc"], precious: ["mine"], others: ["../src", "../mid"] })).toBeGreaterThan(20);
  });
});

it("get --force where there is no trash: at every moment the old file is there, or the new one", { timeout: SLOW }, () => {
  const source = makeRepository();
  must(source, ["init", "-q"]);
  source.write("f", "new");
  must(source, ["add", "-q", "f"]);
  source.commit("data");
  const outside = makeRepository();
  const points = atEveryKill((at) => {
    outside.write("f", "old");
    const killed = runKilledAt(outside, ["data", "get", source.root, "f", "--force"], at);
    expect([at, killed.code === 0 ? ["new"] : ["old", "new"]]).toEqual([at, expect.arrayContaining([outside.read("f")])]);
    return killed;
  });
  expect(points).toBeGreaterThan(3);
});
