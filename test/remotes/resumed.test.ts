/** kill -9 in the middle of a large object: the next command goes on, it does not start again. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { begin, killWhen } from "../support/kill-when.ts";
import { makeRepository } from "../support/repository.ts";
import { ACCOUNT, azuriteProgram, startAzurite } from "../support/servers/azurite.ts";
import { fakeGcsProgram, startFakeGcs } from "../support/servers/fake-gcs.ts";
import { type FaultProxy, startFaultProxy } from "../support/servers/fault-proxy.ts";
import { nginx, startNginx } from "../support/servers/nginx.ts";
import { keysOf, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { md5 } from "./conformance.ts";

const MIB = 2 ** 20;
const SIZE = 72 * MIB;

interface Server {
  /** Address of the server itself. */
  url: string;
  /** The remote, where the server is reached by this address. */
  remote(address: string): { url: string; options: Record<string, string> };
  stop(): Promise<void>;
}

const SERVERS: Record<string, { isHere: boolean; parts: { all: number; fit: number } | null; start: () => Promise<Server> }> = {
  webdav: {
    isHere: nginx !== null,
    parts: null,
    async start() {
      const server = await startNginx();
      mkdirSync(join(server.root, "open/resumed"));
      return { ...server, remote: (address) => ({ url: `${address.replace("http", "webdav")}/open/resumed`, options: {} }) };
    },
  },
  s3: {
    isHere: seaweedProgram() !== null,
    parts: { all: 9, fit: 3 },
    async start() {
      const server = await startSeaweed();
      await server.makeBucket("resumed");
      return { ...server, remote: (address) => ({ url: "s3://resumed/x", options: { endpointurl: address, ...keysOf("all") } }) };
    },
  },
  azure: {
    isHere: azuriteProgram() !== null,
    parts: { all: 9, fit: 3 },
    async start() {
      const server = await startAzurite();
      await server.makeContainer("resumed");
      const through = (address: string) => server.connectionString.replace(server.url, `${new URL(address).origin}/${ACCOUNT}`);
      return { ...server, remote: (address) => ({ url: "azure://resumed/x", options: { connection_string: through(address) } }) };
    },
  },
  gs: {
    isHere: fakeGcsProgram() !== null,
    // A question about an upload is its end there: see gs.test.ts.
    parts: null,
    async start() {
      const server = await startFakeGcs();
      await server.makeBucket("resumed");
      return { ...server, remote: (address) => ({ url: "gs://resumed/x", options: { endpointurl: address } }) };
    },
  },
};

for (const [kind, { isHere, parts, start }] of Object.entries(SERVERS)) {
  describe.skipIf(!isHere)(kind, () => {
    it(parts ? "an upload and a download" : "a download", async () => {
      const server = await start();
      const proxy = await startFaultProxy(server.url);
      try {
        const { url, options } = server.remote(proxy.url);
        const repository = makeRepository();
        const run = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
        run("init");
        run("remote", "add", "-d", "store", url);
        for (const [key, value] of Object.entries(options)) run("remote", "modify", "store", key, value);
        const bytes = Buffer.alloc(SIZE);
        for (let offset = 0; offset < SIZE; offset += MIB) bytes.write(`${kind} ${offset}`, offset);
        repository.write("large.bin", bytes);
        run("add", "large.bin");

        if (parts) {
          let sent = 0;
          proxy.reset((one) => (isPart(one) && ++sent > parts.fit ? { silentMs: 600_000 } : null));
          await killWhen(repository, ["data", "push"], () => sentParts(proxy).filter(({ isAnswered }) => isAnswered).length === parts.fit);
          proxy.reset();
        }
        expect(await begin(repository, ["data", "push"]).ended).toBe(0);
        if (parts) expect(sentParts(proxy)).toHaveLength(parts.all - parts.fit);

        repository.run("rm", ["-rf", ".dvc/cache", "large.bin"]);
        let gets = 0;
        const isGet = ({ method, url }: { method: string; url: string }) =>
          method === "GET" && /files\/md5\/[0-9a-f]{2}\/[0-9a-f]{30}/.test(decodeURIComponent(url)) && !/prefix=|fields=/.test(url);
        proxy.reset((asked) => {
          if (!isGet(asked)) return null;
          gets += 1;
          return gets === 1 ? { cutAnswerAt: 24 * MIB } : { silentMs: 600_000 };
        });
        await killWhen(repository, ["data", "pull"], () => gets === 2);
        proxy.reset();
        expect(await begin(repository, ["data", "pull"]).ended).toBe(0);
        const asked = proxy.asked.filter(isGet);
        expect(asked.map(({ range }) => Number(/^bytes=(\d+)-/.exec(range)?.[1]) > 16 * MIB)).toEqual([true]);
        expect(md5(readFileSync(join(repository.root, "large.bin")))).toBe(md5(bytes));
        expect(repository.run("find", [".dvc/cache", "-path", "*expver*", "-type", "f"]).stdout).toBe("");
      } finally {
        await proxy.stop();
        await server.stop();
      }
    });
  });
}

function isPart({ method, url }: { method: string; url: string }): boolean {
  return method === "PUT" && /partNumber=|comp=block&/.test(url);
}

function sentParts({ asked }: FaultProxy): FaultProxy["asked"] {
  return asked.filter(isPart);
}
