/** What networks and servers do wrong, in front of real servers. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dataGc } from "../../src/workflows/data/cache/gc.ts";
import { dataFetch } from "../../src/workflows/data/transfer/fetch.ts";
import { dataPush } from "../../src/workflows/data/transfer/push.ts";
import { makeRepository } from "../support/repository.ts";
import { ACCOUNT, type Azurite, azuriteProgram, startAzurite } from "../support/servers/azurite.ts";
import { type FakeGcs, fakeGcsProgram, startFakeGcs } from "../support/servers/fake-gcs.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/servers/fault-proxy.ts";
import { type Nginx, nginx, startNginx } from "../support/servers/nginx.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { makeCache, md5, objectsOf, open, type Site } from "./conformance.ts";

const MIB = 2 ** 20;

const MISSING = {
  http: () => nginx === null,
  webdav: () => nginx === null,
  s3: () => seaweedProgram() === null,
  azure: () => azuriteProgram() === null,
  gs: () => fakeGcsProgram() === null,
};

const START = { http: startNginx, webdav: startNginx, s3: startSeaweed, azure: startAzurite, gs: startFakeGcs };

for (const kind of ["http", "webdav", "s3", "azure", "gs"] as const) {
  describe.skipIf(MISSING[kind]())(`${kind} behind a bad line`, () => {
    let server: Nginx | Seaweed | Azurite | FakeGcs;
    let proxy: FaultProxy;
    let count = 0;
    beforeAll(async () => {
      server = await START[kind]();
      if ("makeBucket" in server) await server.makeBucket("faults");
      if ("makeContainer" in server) await server.makeContainer("faults");
      proxy = await startFaultProxy(server.url);
    });
    beforeEach(() => proxy.reset());
    afterAll(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    /** The next empty place, behind the proxy. */
    function nextSite(): Required<Pick<Site, "url" | "options">> {
      count += 1;
      if (kind === "s3") return { url: `s3://faults/${count}`, options: { endpointurl: proxy.url, ...keysOf("all") } };
      if (kind === "gs") return { url: `gs://faults/${count}`, options: { endpointurl: proxy.url } };
      if ("connectionString" in server) {
        const connection_string = server.connectionString.replace(server.url, `${proxy.url}/${ACCOUNT}`);
        return { url: `azure://faults/${count}`, options: { connection_string } };
      }
      if ("root" in server) mkdirSync(join(server.root, "open", `${kind}-${count}`));
      return { url: `${proxy.url.replace("http", kind)}/open/${kind}-${count}`, options: kind === "http" ? { method: "PUT" } : {} };
    }
    function place(options: Record<string, string> = {}) {
      const site = nextSite();
      return open({ ...site, options: { ...site.options, ...options } });
    }
    const isData = ({ url }: { url: string }) =>
      /files\/md5\/[0-9a-f]{2}\/[.0-9a-zA-Z]/.test(decodeURIComponent(url)) && !url.includes("prefix=");
    // WebDAV sends under another name, Google's server is told the name with the bytes.
    const namesWhatIsSent = kind !== "webdav" && kind !== "gs";
    const isSent = ({ method, url }: { method: string; url: string }) =>
      kind === "gs" ? method === "POST" && url.startsWith("/upload/") : method === "PUT" && (kind === "webdav" || isData({ url }));
    const isLooking = (asked: { method: string; url: string }) => ["HEAD", "GET"].includes(asked.method) && isData(asked);
    const isListing = ({ method, url }: { method: string; url: string }) =>
      method === "PROPFIND" || /list-type|comp=list(&|$)|prefix=/.test(url);
    // Nobody has introduced himself to Google's server.
    const forbidden = kind === "gs" ? "E_REMOTE_AUTH" : "E_REMOTE_FORBIDDEN";
    const some = (number: number, size = 10) => {
      const here = makeCache();
      return Array.from({ length: number }, (_, index) => here.put(`${kind} ${number} ${index} `.padEnd(size, ".")));
    };

    it("gets through when a third of all requests fail, none of them for ever", async () => {
      const remote = place();
      const parcels = some(30);
      // The folders that all share are there.
      expect(await remote.send(parcels.slice(0, 1), {})).toEqual([]);
      // No question fails more than twice: by chance one could meet the third place every time. Uploads under another name are one
      // question, for each try of the same object has a new name.
      const failures = new Map<string, number>();
      proxy.reset((asked) => {
        const question = !namesWhatIsSent && isSent(asked) ? "an upload" : `${asked.method} ${asked.url}`;
        const before = failures.get(question) ?? 0;
        if (asked.number % 3 !== 0 || before === 2) return null;
        failures.set(question, before + 1);
        return { status: 500 };
      });
      expect(await remote.send(parcels, {})).toEqual([]);
      expect(await remote.present(objectsOf(parcels), {})).toHaveLength(30);
      const cache = makeCache();
      expect(await cache.receive(remote, objectsOf(parcels))).toEqual([]);
      expect(cache.names()).toHaveLength(30);
    });

    it("waits as long as the server wants", async () => {
      const remote = place();
      let refused = 0;
      proxy.reset(() => {
        refused += 1;
        return refused <= 2 ? { status: 503, headers: { "retry-after": "1" } } : null;
      });
      expect(await remote.send(some(1), {})).toEqual([]);
      expect(refused).toBeGreaterThan(2);
    });

    it("takes a broken answer up where it broke, not from the beginning", async () => {
      const remote = place();
      const parcels = some(1, 8 * MIB);
      expect(await remote.send(parcels, {})).toEqual([]);
      let first = true;
      proxy.reset((asked): Fault | null => {
        if (asked.method !== "GET" || !isData(asked) || !first) return null;
        first = false;
        return { cutAnswerAt: 5 * MIB };
      });
      const cache = makeCache();
      let bytes = 0;
      const report = (event: { bytes?: number }) => {
        bytes = Math.max(bytes, event.bytes ?? 0);
      };
      expect(await cache.receive(remote, objectsOf(parcels), { report: report as never })).toEqual([]);
      expect(cache.names()).toHaveLength(1);
      expect(proxy.asked.filter((asked) => asked.method === "GET" && isData(asked))).toHaveLength(2);
      expect(bytes).toBeLessThanOrEqual(8 * MIB);
    });

    it("says of everything that has come and got no name that it failed, and why", async () => {
      const remote = place();
      const parcels = some(8);
      await remote.send(parcels, {});
      const cache = makeCache();
      const shard = join(cache.dir, "files/md5", parcels[0]?.object.hash.slice(0, 2) ?? "");
      let asked = 0;
      // When the first has come and waits for its name, and the last is on its way.
      proxy.reset((one) => {
        if (one.method === "GET" && isData(one) && ++asked === parcels.length) writeFileSync(shard, "in the way");
        return null;
      });
      const failures = await cache.receive(remote, objectsOf(parcels), { connections: 1 });
      expect(failures.map(({ object }) => object.hash).sort()).toEqual(parcels.map(({ object }) => object.hash).sort());
      expect(new Set(failures.map(({ error }) => error?.hint))).toEqual(new Set([expect.stringContaining(`${shard} is in the way`)]));
      rmSync(shard);
      expect(await cache.receive(remote, objectsOf(parcels))).toEqual([]);
      expect(cache.names()).toHaveLength(8);
    });

    it("asks six times in all for what never comes, but goes on as long as something comes", async () => {
      const remote = place();
      const parcels = some(1, 16 * MIB);
      await remote.send(parcels, {});
      const isAsked = (asked: { method: string; url: string }) => asked.method === "GET" && isData(asked);
      proxy.reset((asked) => (isAsked(asked) ? { status: 500 } : null));
      const failures = await makeCache().receive(remote, objectsOf(parcels));
      expect(failures.map(({ error }) => error?.code)).toEqual(["E_REMOTE_ANSWER"]);
      expect(proxy.asked.filter(isAsked)).toHaveLength(6);
      proxy.reset((asked) => (isAsked(asked) ? { cutAnswerAt: 2 * MIB } : null));
      expect(await makeCache().receive(remote, objectsOf(parcels))).toEqual([]);
    });

    it("is not taken to lack its place because that could not be asked once", async () => {
      const remote = place();
      const known = new Set<string>();
      // Whatever is asked about something else than the object fails once.
      proxy.reset((asked) => {
        if (isData(asked) || known.has(asked.url)) return null;
        known.add(asked.url);
        return { status: 503 };
      });
      expect(await remote.present(objectsOf(some(1)), {})).toEqual([]);
    });

    it("sends again what broke on its way, and nothing of the first try is seen", async () => {
      const remote = place();
      let cuts = 0;
      proxy.reset((asked): Fault | null => {
        if (!isSent(asked) || cuts >= 2) return null;
        cuts += 1;
        return { cutRequestAt: 3 * MIB };
      });
      const [parcel] = some(1, 6 * MIB);
      if (parcel === undefined) throw new Error("no parcel");
      expect(await remote.send([parcel], {})).toEqual([]);
      expect(cuts).toBe(2);
      proxy.reset();
      expect(await remote.present([{ ...parcel.object, size: parcel.size }], {})).toHaveLength(1);
      expect((await remote.read(parcel.object))?.length).toBe(parcel.size);
    });

    it("fetches wrong bytes once more, and never lets them in", async () => {
      const remote = place();
      const parcels = some(3, 2 * MIB);
      await remote.send(parcels, {});
      let wrong = 1;
      proxy.reset((asked) => (asked.method === "GET" && isData(asked) && wrong-- > 0 ? { wrongBytes: true } : null));
      const once = makeCache();
      expect(await once.receive(remote, objectsOf(parcels))).toEqual([]);
      proxy.reset((asked) => (asked.method === "GET" && isData(asked) ? { wrongBytes: true } : null));
      const always = makeCache();
      const failures = await always.receive(remote, objectsOf(parcels));
      expect(failures.map(({ error }) => error?.code)).toEqual(["E_OBJECT", "E_OBJECT", "E_OBJECT"]);
      expect(always.names()).toEqual([]);
    });

    // How long to wait for Google is nothing that dvc lets one say.
    it.skipIf(kind === "gs")("gives up a silent server as timed out", async () => {
      const remote = place({ ...(kind === "webdav" ? { timeout: "0.3" } : { read_timeout: "0.3" }) });
      proxy.reset(() => ({ silentMs: 60_000 }));
      const failures = await remote.send(some(3), {});
      expect(failures.map(({ error }) => error?.code)).toEqual(["E_REMOTE_TIMEOUT", "E_REMOTE_TIMEOUT", "E_REMOTE_TIMEOUT"]);
    });

    it("takes a slow answer for an answer", async () => {
      const remote = place({ ...(kind === "webdav" ? { timeout: "2" } : { read_timeout: "2" }) });
      const parcels = some(1, 256 * 1024);
      await remote.send(parcels, {});
      proxy.reset(() => ({ slowMs: 100 }));
      const cache = makeCache();
      expect(await cache.receive(remote, objectsOf(parcels))).toEqual([]);
    });

    it("stops soon when everything is forbidden, naming each object", async () => {
      const remote = place();
      proxy.reset(() => ({ status: 403, body: "<Error><Code>AccessDenied</Code><Message>no</Message></Error>" }));
      const failures = await remote.send(some(300), {});
      expect(failures).toHaveLength(300);
      expect(new Set(failures.map(({ error }) => error?.code))).toEqual(new Set([forbidden]));
      expect(proxy.asked.length).toBeLessThan(100);
    });

    it.skipIf(kind === "gs")("sends what it may not look for, and says that it could not", async () => {
      const remote = place();
      const parcels = some(3);
      proxy.reset((asked) => (isLooking(asked) || isListing(asked) ? { status: 403 } : null));
      const warnings: string[] = [];
      const report = (event: { kind: string; text?: string }) => void (event.kind === "warning" && warnings.push(event.text ?? ""));
      const look = (mayGuess: boolean) => remote.present(objectsOf(parcels), { report: report as never }, { mayGuess });
      expect(await look(true)).toEqual([]);
      expect(warnings).toEqual([expect.stringContaining("does not say whether 3 objects are there")]);
      await expect(look(false)).rejects.toMatchObject({
        code: "E_REMOTE_FORBIDDEN",
        message: expect.stringContaining("does not say of any of 3 objects whether it is there"),
      });
      expect(warnings).toHaveLength(1);
      expect(await remote.send(parcels, {})).toEqual([]);
      proxy.reset();
      expect(await remote.present(objectsOf(parcels), {})).toHaveLength(3);
    });

    it.skipIf(kind === "gs" || kind === "http")("lists what it may list and not look at", async () => {
      const remote = place();
      const parcels = some(40);
      expect(await remote.send(parcels.slice(0, 25), {})).toEqual([]);
      proxy.reset((asked) => (isLooking(asked) ? { status: 403 } : null));
      expect(await remote.present(objectsOf(parcels), {})).toHaveLength(25);
      expect(await remote.present(objectsOf(parcels.slice(25, 26)), {})).toEqual([]);
    });

    it.skipIf(kind === "http" || kind === "webdav")("lists what fits on a page in one request, more shard by shard", async () => {
      const remote = place();
      const parcels = some(kind === "s3" ? 1050 : 30);
      expect(await remote.send(parcels.slice(0, 30), {})).toEqual([]);
      proxy.reset();
      expect(await remote.list({})).toHaveLength(30);
      expect(proxy.asked).toHaveLength(1);
      if (kind !== "s3") return;
      expect(await remote.send(parcels.slice(30), {})).toEqual([]);
      expect(await remote.list({})).toHaveLength(1050);
    });

    if (kind !== "http") {
      it.each([403, 405, 501])("asks for each object where listing is answered %d", async (status) => {
        const remote = place();
        proxy.reset((asked) => (isListing(asked) ? { status } : null));
        const parcels = some(800).filter(({ object }) => object.hash < "05");
        expect(await remote.send(parcels, {})).toEqual([]);
        expect(await remote.present(objectsOf(parcels), {})).toHaveLength(parcels.length);
      });
    }

    it("moves what it can, names what is left, and finishes when repeated", async () => {
      const site = nextSite();
      const remote = open(site);
      const repository = makeRepository();
      const run = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
      run("init");
      run("remote", "add", "-d", "store", site.url);
      for (const [key, value] of Object.entries(site.options)) run("remote", "modify", "store", key, value);
      for (const name of ["a", "b", "c"]) repository.write(`d/${name}`, `${kind} ${name}`);
      run("add", "d");
      const bad = md5(Buffer.from(`${kind} b`)).slice(2);
      proxy.reset(({ method, url }) => (["PUT", "MOVE"].includes(method) && url.includes(bad) ? { status: 403 } : null));
      let sent = 0;
      if (!namesWhatIsSent) proxy.reset((asked) => (isSent(asked) && ++sent === 2 ? { status: 403 } : null));
      const push = async () => dataPush.apply(repository.context, await dataPush.plan(repository.context, {}));
      const failure = await push().then(
        () => null,
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ code: forbidden, details: { failed: [{ path: expect.stringMatching(/^d\/[abc]$/) }] } });
      expect(repository.warnings()).toEqual([expect.stringContaining("failed to push d/")]);
      // Two of three arrived, and no listing vouches for the third.
      const listing = { hash: /md5: (\S+)/.exec(repository.read("d.dvc"))?.[1] ?? "", hashName: "md5" } as const;
      const members = ["a", "b", "c"].map((name) => ({ hash: md5(Buffer.from(`${kind} ${name}`)), hashName: "md5" }) as const);
      proxy.reset();
      expect(await remote.present(members, {})).toHaveLength(2);
      expect(await remote.present([listing], {})).toEqual([]);
      expect(await push()).toMatchObject({ pushed: 2, failed: [] });
      expect(await remote.present([...members, listing], {})).toHaveLength(4);
    });

    it.runIf(kind === "s3")("begins an upload anew that somebody else has ended, and no other object fails with it", async () => {
      const remote = place();
      let times = 0;
      const body = "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>";
      proxy.reset(({ url }) => (url.includes("partNumber=2") && times++ === 0 ? { status: 404, body } : null));
      const [large] = some(1, 70 * MIB);
      if (large === undefined) throw new Error("no parcel");
      const parcels = [large, ...some(3)];
      expect(await remote.send(parcels, { connections: 1 })).toEqual([]);
      expect(times).toBeGreaterThan(1);
      expect(await remote.present(objectsOf(parcels), {})).toHaveLength(4);
    });

    it.runIf(kind === "webdav")("says that something is in the way of a folder, and does not ask without end", async () => {
      const site = nextSite();
      const folder = join((server as Nginx).root, "open", site.url.split("/").at(-1) ?? "", "files");
      mkdirSync(folder);
      writeFileSync(join(folder, "md5"), "somebody's");
      const [failure] = await open(site).send(some(1), {});
      expect(failure?.error).toMatchObject({ code: "E_REMOTE_ANSWER", message: expect.stringContaining("is no folder") });
      expect(failure?.error?.hint).toMatch(/Look there at http.*files\/md5 and move away/);
      expect(proxy.asked.length).toBeLessThan(10);
    });

    it.runIf(namesWhatIsSent)("does not believe a server that says it has a listing", async () => {
      const site = nextSite();
      const repository = makeRepository();
      const run = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
      run("init");
      run("remote", "add", "-d", "store", site.url);
      for (const [key, value] of Object.entries(site.options)) run("remote", "modify", "store", key, value);
      for (const name of ["a", "b"]) repository.write(`d/${name}`, `${kind} ${name} listed`);
      run("add", "d");
      proxy.reset(({ method, url }) => (method === "PUT" && url.includes(".dir") ? { status: 200 } : null));
      const push = async () => dataPush.apply(repository.context, await dataPush.plan(repository.context, {}));
      await expect(push()).rejects.toMatchObject({ code: "E_OBJECT", details: { failed: [{ path: "d" }] } });
      proxy.reset();
      expect(await push()).toMatchObject({ pushed: 1 });
    });

    it.skipIf(kind === "gs")("brings what it can when a folder's listing may not be read, and deletes nothing in secret", async () => {
      const site = nextSite();
      const repository = makeRepository();
      const data = (...args: string[]) => repository.expver(["data", ...args]);
      const run = (...args: string[]) => expect([args, data(...args)]).toMatchObject([args, { code: 0 }]);
      run("init");
      run("remote", "add", "-d", "store", site.url);
      for (const [key, value] of Object.entries(site.options)) run("remote", "modify", "store", key, value);
      for (const name of ["d/a", "f"]) repository.write(name, `${kind} ${name} of two`);
      run("add", "d", "f");
      await dataPush.apply(repository.context, await dataPush.plan(repository.context, {}));
      repository.run("rm", ["-rf", ".dvc/cache", "d", "f"]);
      const listing = (/md5: (\S+)/.exec(repository.read("d.dvc"))?.[1] ?? "").slice(2);
      proxy.reset(({ url }) => (url.includes(listing) ? { status: 403 } : null));
      const fetching = dataFetch.apply(repository.context, await dataFetch.plan(repository.context, {}));
      await expect(fetching).rejects.toMatchObject({ code: forbidden, details: { failed: [{ path: "d" }] } });
      const pointer = /md5: (\S+)/.exec(repository.read("f.dvc"))?.[1] ?? "";
      expect(repository.read(`.dvc/cache/files/md5/${pointer.slice(0, 2)}/${pointer.slice(2)}`)).toBe(`${kind} f of two`);
      if (kind === "http") return;
      proxy.reset();
      run("fetch", "f");
      repository.run("rm", ["d.dvc"]);
      proxy.reset(({ method }) => (method === "DELETE" ? { status: 403 } : null));
      const plan = await dataGc.plan(repository.context, { workspace: true, cloud: true });
      await expect(dataGc.apply(repository.context, plan)).rejects.toMatchObject({
        code: forbidden,
        message: expect.stringContaining("2 of 2 unused objects could not be removed from store"),
      });
      expect(repository.warnings()).toEqual([expect.stringContaining("failed to fetch d")]);
    });
  });
}
