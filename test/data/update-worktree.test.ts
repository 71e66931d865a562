/** Data on a worktree remote becomes what people have put there: twins, with real dvc. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepVersions, openBucket, putByOtherHands } from "../remotes/versioned-bucket.ts";
import { peerWith } from "../support/peers.ts";
import { makeRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { makeTwins, runDvc } from "../support/twins.ts";

const IS_HERE = peerWith("dvc", "dvc_s3") !== null && seaweedProgram() !== null;

describe.skipIf(!IS_HERE)("update of data on a worktree remote", { timeout: 300_000 }, () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "bucket");
  });
  afterAll(() => server?.stop());

  it("takes what is newest there, as dvc does", async () => {
    const { access_key_id: id, secret_access_key: secret } = keysOf("all");
    const env = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: server.url, AWS_REGION: "us-east-1" };
    const twins = makeTwins(env);
    const run = (...args: string[]) => twins.run(args);
    run("remote", "add", "-q", "-d", "work", "s3://bucket/work");
    run("remote", "modify", "-q", "work", "worktree", "true");
    run("remote", "modify", "-q", "work", "version_aware", "true");
    run("remote", "add", "-q", "other", "s3://bucket/other");
    run("remote", "modify", "-q", "other", "version_aware", "true");
    twins.each(({ write }) => {
      for (const [path, text] of Object.entries({ "d/a": "1\n", "d/s/b": "2\n", f: "f\n", g: "g\n", never: "n\n" })) write(path, text);
    });
    run("add", "-q", "d", "f", "g", "never");
    expect(runDvc(twins.theirs, ["push", "-q", "d", "f"]).code).toBe(0);
    expect(runDvc(twins.theirs, ["push", "-q", "-r", "other", "g"]).code).toBe(0);
    for (const file of ["d.dvc", "f.dvc", "g.dvc"]) twins.ours.write(file, twins.theirs.read(file));
    twins.each(({ commit }) => commit("pushed"));
    for (const [key, text] of Object.entries({ f: "ff\n", "d/a": "11\n", "d/new": "new\n" }))
      await putByOtherHands(server, "bucket", `work/${key}`, text);

    run("update", "-q", "--rev", "v1", "d.dvc");
    run("update", "-q", "--no-download", "d.dvc");
    run("update", "-q", "--to-remote", "d.dvc");
    run("update", "-q", "g.dvc");
    run("update", "-q", "never.dvc");
    const { ours } = twins;
    // What is changed here and stored nowhere is not written over; dvc does.
    ours.write("f", "mine\n");
    expect(ours.expverJson(["data", "update", "f.dvc"])).toMatchObject({ ok: false, error: { code: "E_UNSAVED" } });
    expect([ours.read("f"), ours.git("status", "--short")]).toEqual(["mine\n", ""]);
    ours.write("f", "f\n");
    run("update", "-q", "f.dvc", "d.dvc");
    const data = ["f", "d/a", "d/new", "d/s/b"].map((path) => ours.read(path));
    expect(data).toEqual(["ff\n", "11\n", "new\n", "2\n"]);
    expect(data).toEqual(["f", "d/a", "d/new", "d/s/b"].map((path) => twins.theirs.read(path)));
    expect(ours.read("f.dvc")).toBe(twins.theirs.read("f.dvc"));
    // dvc forgets which remote it was, and can update a folder once only.
    const versions = (text: string) => [...text.matchAll(/(?:relpath|md5|version_id|etag): .*/g)].map(([line]) => line).sort();
    expect(versions(ours.read("d.dvc"))).toEqual(versions(twins.theirs.read("d.dvc")));
    expect(ours.read("d.dvc").match(/work:/g)).toHaveLength(3);
    expect(JSON.parse(ours.expver(["data", "status", "--json"]).stdout)).toEqual({});
    ours.commit("updated");
    expect(ours.expver(["data", "update", "f.dvc", "d.dvc"])).toMatchObject({ code: 0 });
    expect(ours.git("status", "--short")).toBe("");

    // Gone there: a file leaves the folder, an output stays with a warning; a clone that has nothing yet is served too.
    const { signal } = new AbortController();
    for (const key of ["work/d/new", "work/f"]) await openBucket(server, "bucket").remove(key, signal);
    const clone = makeRepository({ cloneOf: ours.root, env });
    const answer = clone.expver(["data", "update", "d", "f"]);
    expect(answer).toMatchObject({ code: 0, stderr: expect.stringContaining("f is not on work") });
    expect([clone.read("d/a"), clone.read("d/s/b"), clone.git("status", "--short").trim()]).toEqual(["11\n", "2\n", "M d.dvc"]);
    expect(clone.read("d.dvc")).not.toContain("new");
    expect(clone.expver(["undo", "--yes"]).code).toBe(0);
    expect(clone.read("d.dvc")).toContain("new");
  });
});
