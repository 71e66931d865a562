/** Imports by version, from a bucket that keeps versions: twins, byte for byte what dvc writes. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepVersions, openBucket, putByOtherHands, versionsOf } from "../remotes/versioned-bucket.ts";
import { peerWith } from "../support/peers.ts";
import { makeRepository } from "../support/repository.ts";
import { type FakeGcs, fakeGcsProgram, startFakeGcs } from "../support/servers/fake-gcs.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { makeTwins, snapshot, type Twins } from "../support/twins.ts";

const SOURCE = { "in/a.txt": "hello\n", "in/d/x": "1\n", "in/d/e/y z": "2\n", "in/d/e/ü": "3\r\n" };

/** A file and a folder of {@link SOURCE} imported by version, and noted only. */
function importedTwins(url: string, env: Record<string, string>) {
  const [file, folder] = [`${url}/a.txt`, `${url}/d`];
  const twins = makeTwins(env);
  const run = (...args: string[]) => twins.run(args);
  for (const args of [[file], [folder], ["--no-download", file, "n1"], ["--no-download", folder, "n2"]])
    run("import-url", "-q", "--version-aware", ...args);
  return { twins, run, file, folder };
}

const IS_HERE = peerWith("dvc", "dvc_s3") !== null && seaweedProgram() !== null;

describe.skipIf(!IS_HERE)("imports by version", { timeout: 300_000 }, () => {
  let server: Seaweed;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "bucket");
    await server.makeBucket("plain");
    const { access_key_id: id, secret_access_key: secret } = keysOf("all");
    env = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: server.url, AWS_REGION: "us-east-1" };
  });
  afterAll(() => server?.stop());

  const put = (bucket: string, files: Record<string, string>) =>
    Promise.all(Object.entries(files).map(([key, text]) => putByOtherHands(server, bucket, key, text)));

  it("are written, looked at and renewed as dvc does it", async () => {
    await put("bucket", SOURCE);
    const { twins, run, file, folder } = importedTwins("s3://bucket/in", env);
    run("import-url", "-q", "--version-aware", "--no-exec", folder, "n3");
    run("import-url", "-q", file, "plain");
    run("import-url", "-q", folder, "plain-d");
    run("import-url", "-q", "--version-aware", "s3://bucket/in/nothing");
    run("import-url", "-q", "--version-aware", "--to-remote", file, "t");
    agree(twins);
    const first = versionsOf(twins.ours.read("a.txt.dvc"))[0] ?? "";
    run("import-url", "-q", `${file}?versionId=${first}`, "pinned");
    agree(twins);
    twins.each((repository) => rmSync(join(repository.root, "pinned.dvc")));
    twins.each((repository) => rmSync(join(repository.root, "pinned")));
    twins.each((repository) => repository.run("rm", ["n3.dvc"]));
    twins.each(({ commit }) => commit("imports"));
    twins.sameJson(["status", "--json"]);

    await put("bucket", { "in/a.txt": "hello again\n", "in/d/x": "11\n", "in/d/new": "n" });
    twins.sameJson(["status", "--json"]);
    twins.sameJson(["status", "--json", "--no-updates"]);
    run("update", "-q", "a.txt.dvc", "d.dvc", "n1.dvc", "plain.dvc", "plain-d.dvc");
    run("update", "-q", "--no-download", "n2.dvc");
    agree(twins);
    twins.sameJson(["status", "--json"]);
    run("update", "-q", "--rev", first, "a.txt.dvc", "plain.dvc");
    agree(twins);
    expect(twins.ours.read("a.txt")).toBe("hello\n");
    run("update", "-q", "--rev", "0".repeat(32), "a.txt.dvc");
    twins.sameJson(["status", "--json"]);
    run("update", "-q", "--no-download", "a.txt.dvc");
    agree(twins);
    run("update", "-q", "a.txt.dvc");
    // The same bytes once more: a file's version is written down, a folder stays as it is.
    await put("bucket", { "in/a.txt": "hello again\n", "in/d/x": "11\n" });
    twins.sameJson(["status", "--json"]);
    run("update", "-q", "a.txt.dvc", "d.dvc");
    agree(twins);
    await openBucket(server, "bucket").remove("in/d/new", new AbortController().signal);
    twins.sameJson(["status", "--json"]);
    run("update", "-q", "d.dvc");
    agree(twins);
  });

  it("come back from the bucket, each commit its own, also in a clone that has no remote", async () => {
    await put("bucket", { "back/a": "one", "back/d/x": "1", "back/d/y": "2" });
    const repository = makeRepository({ env });
    const must = (...args: string[]) => {
      const answer = repository.expver(["data", ...args]);
      expect([args, answer]).toMatchObject([args, { code: 0 }]);
      return answer;
    };
    must("init", "-q");
    must("import-url", "--version-aware", "s3://bucket/back/a");
    must("import-url", "--version-aware", "s3://bucket/back/d");
    must("import-url", "s3://bucket/back/a", "plain");
    repository.commit("first");
    await put("bucket", { "back/a": "two", "back/d/x": "11", "back/d/z": "3" });
    must("update", "a.dvc", "d.dvc");
    repository.commit("second");
    const clone = makeRepository({ cloneOf: repository.root, env });
    expect(clone.expver(["data", "pull"])).toMatchObject({ code: 0, stderr: expect.not.stringContaining("could not") });
    expect(["a", "d/x", "d/y", "d/z", "plain"].map((path) => clone.read(path))).toEqual(["two", "11", "2", "3", "one"]);
    clone.git("checkout", "-q", "HEAD~1");
    expect(clone.expver(["data", "pull"])).toMatchObject({ code: 0 });
    expect(["a", "d/x", "d/y", "plain"].map((path) => clone.read(path))).toEqual(["one", "1", "2", "one"]);
    const empty = makeRepository({ cloneOf: repository.root, env });
    expect(empty.expver(["data", "fetch", "--all-commits"])).toMatchObject({ code: 0 });
    expect(empty.expver(["data", "checkout"])).toMatchObject({ code: 0 });
    // Nothing of them is pushed, and nobody says they are missing.
    must("remote", "add", "-d", "store", "../store");
    expect(must("push").stdout).toContain("1 file pushed");
    expect(JSON.parse(must("status", "-c", "--json").stdout)).toEqual({});
    // What is recorded and gone is told.
    const [version = ""] = versionsOf(repository.read("a.dvc"));
    await openBucket(server, "bucket").remove("back/a", new AbortController().signal, version);
    const late = makeRepository({ cloneOf: repository.root, env });
    expect(late.expver(["data", "pull"])).toMatchObject({ code: 1, stderr: expect.stringContaining("back/a") });
    expect(late.read("d/z")).toBe("3");
  });

  it("are of buckets that keep versions; a URL that names one stays with it until it is updated", async () => {
    await put("plain", { a: "one", "d/x": "1" });
    await put("bucket", { "one/a": "one" });
    const repository = makeRepository({ env });
    repository.expver(["data", "init", "-q"]);
    for (const path of ["a", "d"])
      expect(repository.expverJson(["data", "import-url", "--version-aware", `s3://plain/${path}`])).toMatchObject({
        error: { code: expect.stringMatching(/E_CONFIG|E_NOT_FOUND/) },
      });
    expect(repository.expver(["data", "import-url", "--version-aware", "s3://bucket/one/a"]).code).toBe(0);
    const [version] = versionsOf(repository.read("a.dvc"));
    await put("bucket", { "one/a": "two" });
    const url = `s3://bucket/one/a?versionId=${version}`;
    expect(repository.expver(["data", "import-url", url, "pinned"]).code).toBe(0);
    expect(repository.expver(["data", "get-url", url, "got"]).code).toBe(0);
    expect([repository.read("pinned"), repository.read("got")]).toEqual(["one", "one"]);
    expect(repository.expver(["data", "update", "pinned.dvc"]).code).toBe(0);
    expect(repository.read("pinned")).toBe("two");
    const [newer] = versionsOf(repository.read("pinned.dvc"));
    expect(repository.read("pinned.dvc")).toContain(`path: s3://bucket/one/a?versionId=${newer}`);
    expect(JSON.parse(repository.expver(["data", "status", "--json", "pinned.dvc"]).stdout)).toEqual({});
    expect(repository.expver(["data", "import-url", "--version-aware", "s3://bucket/one"]).code).toBe(0);
    expect(repository.expverJson(["data", "update", "--rev", version ?? "", "one.dvc"])).toMatchObject({
      error: { code: "E_DATA", message: expect.stringContaining("folder") },
    });
  });
});

const GOOGLE_IS_HERE = peerWith("dvc", "dvc_gs") !== null && fakeGcsProgram() !== null;

describe.skipIf(!GOOGLE_IS_HERE)("imports by version from Google's storage", { timeout: 300_000 }, () => {
  let server: FakeGcs;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startFakeGcs();
    await server.makeBucket("bucket", { keepsVersions: true });
    await server.makeBucket("plain");
    // Without the second dvc looks for a service that the emulator does not have.
    env = { STORAGE_EMULATOR_HOST: server.url, GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: "false", NO_GCE_CHECK: "true" };
  });
  afterAll(() => server?.stop());

  const put = async (bucket: string, files: Record<string, string>) => {
    for (const [key, text] of Object.entries(files)) await server.plant(bucket, key, Buffer.from(text));
  };

  it("are written, looked at, renewed and brought back as dvc does it", async () => {
    await put("bucket", SOURCE);
    const { twins, run, file } = importedTwins("gs://bucket/in", env);
    run("import-url", "-q", "--version-aware", "gs://bucket/in/nothing");
    agree(twins);
    const [first = ""] = versionsOf(twins.ours.read("a.txt.dvc"));
    expect(first).toMatch(/^\d+$/);
    twins.each(({ commit }) => commit("imports"));
    twins.sameJson(["status", "--json"]);

    await put("bucket", { "in/a.txt": "hello again\n", "in/d/x": "11\n", "in/d/new": "n" });
    twins.sameJson(["status", "--json"]);
    run("update", "-q", "a.txt.dvc", "d.dvc", "n1.dvc");
    run("update", "-q", "--no-download", "n2.dvc");
    agree(twins);
    twins.sameJson(["status", "--json"]);
    twins.each(({ commit }) => commit("newer"));
    run("update", "-q", "--rev", first, "a.txt.dvc");
    agree(twins);
    expect(twins.ours.read("a.txt")).toBe("hello\n");
    const { ours } = twins;
    ours.git("checkout", "-q", "--", ".");
    const clone = makeRepository({ cloneOf: ours.root, env });
    expect(clone.expver(["data", "pull"])).toMatchObject({ code: 0, stderr: expect.not.stringContaining("could not") });
    expect(["a.txt", "d/x", "d/new", "d/e/ü"].map((path) => clone.read(path))).toEqual(["hello again\n", "11\n", "n", "3\r\n"]);
    clone.git("checkout", "-q", "HEAD~1");
    expect(clone.expver(["data", "pull"])).toMatchObject({ code: 0, stderr: expect.not.stringContaining("could not") });
    expect(["a.txt", "d/x", "d/e/y z"].map((path) => clone.read(path))).toEqual(["hello\n", "1\n", "2\n"]);
    // A URL that names a version, as dvc's library spells it.
    expect(ours.expver(["data", "get-url", `${file}#${first}`, "got"]).code).toBe(0);
    expect(ours.expver(["data", "import-url", `${file}#${first}`, "pinned"])).toMatchObject({ code: 0 });
    expect([ours.read("got"), ours.read("pinned")]).toEqual(["hello\n", "hello\n"]);
    expect(ours.expver(["data", "update", "pinned.dvc"]).code).toBe(0);
    expect(ours.read("pinned")).toBe("hello again\n");
  });

  // dvc takes generations for versions there: what is imported so is gone with the next.
  it("are of buckets that keep versions", async () => {
    await put("plain", { a: "one", "d/x": "1" });
    const repository = makeRepository({ env });
    repository.expver(["data", "init", "-q"]);
    for (const path of ["a", "d"])
      expect(repository.expverJson(["data", "import-url", "--version-aware", `gs://plain/${path}`])).toMatchObject({
        error: { code: "E_CONFIG", message: expect.stringContaining("keeps no versions") },
      });
    expect(repository.expver(["data", "import-url", "gs://plain/a"]).code).toBe(0);
  });
});

/** dvc leaves temporary files behind, and listings of folders by what servers call their files. */
function agree({ theirs, ours }: Twins): void {
  const [want, got] = [snapshot(theirs), snapshot(ours)];
  const mine = new Set(got.cache as string[]);
  const cache = (want.cache as string[]).filter((name) => !/\.tmp$/.test(name) && (mine.has(name) || !name.endsWith(".dir")));
  expect(got).toEqual({ ...want, cache });
}
