/** Kinds of remotes that are left to an installed dvc; tried on one that dvc knows and that is at hand here, S3. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dvcServer } from "../../src/store/remotes/dvc.ts";
import { servedRemote } from "../../src/store/remotes/served.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { makeCache, objectsOf, open } from "./conformance.ts";

function children(): Set<number> {
  return new Set(readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number));
}

const dvc = peerWith("dvc", "dvc_s3");

describe.skipIf(dvc === null || seaweedProgram() === null)("through an installed dvc", () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await server.makeBucket("through");
  });
  afterAll(() => server?.stop());

  it("sends, looks, lists, reads, fetches and deletes", async () => {
    const url = "s3://through/dvc";
    const options = new Map(Object.entries({ url, endpointurl: server.url, ...keysOf("all") }));
    const env = { ...process.env, PATH: `${dirname(dvc ?? "")}:${process.env.PATH}` };
    const remote = servedRemote({ name: "store", location: url, jobs: 8, connect: () => dvcServer({ name: "store", url, options }, env) });
    const here = makeCache();
    const parcels = [here.put(""), here.put("one"), here.put("two".repeat(1_000_000)), here.put("[]", ".dir")];
    const objects = objectsOf(parcels);
    expect(await remote.present(objects, {})).toEqual([]);
    expect(await remote.send(parcels, {})).toEqual([]);
    expect(await remote.present(objects, {})).toHaveLength(4);
    expect(await remote.list({})).toHaveLength(4);
    const [, one] = objects;
    if (one === undefined) throw new Error("no object");
    expect((await remote.read(one))?.toString()).toBe("one");
    const cache = makeCache();
    const absent = here.put("never sent").object;
    expect(await cache.receive(remote, [...objects, absent])).toEqual([{ object: absent, error: null }]);
    expect(cache.names()).toHaveLength(4);
    expect(await remote.remove([one], {})).toEqual([]);
    expect(await remote.present(objects, {})).toHaveLength(3);
    const wrong = servedRemote({
      name: "store",
      location: url,
      jobs: 8,
      connect: () => dvcServer({ name: "store", url, options: new Map([...options, ["access_key_id", "nobody"]]) }, env),
    });
    expect((await wrong.send([here.put("three")], {}))[0]?.error?.code).toMatch(/^E_REMOTE_(FORBIDDEN|AUTH|ANSWER)$/);
  });

  it("fails, and does not wait for ever, once its Python is gone", async () => {
    const url = "s3://through/ends";
    const options = new Map(Object.entries({ url, endpointurl: server.url, ...keysOf("all") }));
    const env = { ...process.env, PATH: `${dirname(dvc ?? "")}:${process.env.PATH}` };
    const before = children();
    const through = await dvcServer({ name: "store", url, options }, env);
    const { signal } = new AbortController();
    expect(await through.find("files/md5/ab/cd", signal)).toBeNull();
    for (const pid of children()) if (!before.has(pid)) process.kill(pid, "SIGKILL");
    const gone = { code: "E_REMOTE_ANSWER", message: expect.stringContaining("dvc's Python ended") };
    await expect(through.find("files/md5/ab/cd", signal)).rejects.toMatchObject(gone);
    await expect(through.find("files/md5/ab/cd", signal)).rejects.toMatchObject(gone);
  });

  it("refuses with what to install", async () => {
    const object = { hash: "0".repeat(32), hashName: "md5" } as const;
    const without = open({ url: "oss://bucket/x", env: { PATH: makeFolder("empty") } });
    await expect(without.present([object], {})).rejects.toMatchObject({ code: "E_REMOTE_KIND", hint: expect.stringContaining("dvc[oss]") });
    const lacking = open({ url: "oss://bucket/x", env: { PATH: `${dirname(dvc ?? "")}:${process.env.PATH}` } });
    await expect(lacking.present([object], {})).rejects.toMatchObject({ code: "E_REMOTE_KIND", hint: expect.stringContaining("dvc[oss]") });
  });
});
