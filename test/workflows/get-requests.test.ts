/** What one file out of a large tracked folder costs: so many requests, and nothing that nobody asked for. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { get } from "../../src/workflows/get.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";
import { startFaultProxy } from "../support/servers/fault-proxy.ts";
import { nginx, startNginx } from "../support/servers/nginx.ts";
import { keysOf, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { mustIn } from "../worktree/story.ts";

let repo: TestRepository;
let server: Server;
let requests: string[] = [];

beforeAll(async () => {
  const remote = makeFolder("remote");
  server = createServer(({ method, url = "" }, response) => {
    requests.push(`${method} ${url.slice(-4) === ".dir" ? "listing" : "file"}`);
    const file = join(remote, url);
    response.writeHead(existsSync(file) ? 200 : 404);
    response.end(existsSync(file) ? readFileSync(file) : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  repo = makeRepository();
  mustIn(repo, "init");
  mustIn(repo, "data", "remote", "add", "-d", "store", remote);
  for (let index = 0; index < 400; index += 1) repo.write(`images/${index % 20}/${index}.png`, `image ${index}`);
  repo.write("model.bin", "a model");
  mustIn(repo, "data", "add", "images", "model.bin");
  repo.commit("first");
  repo.git("tag", "e0.1.0");
  mustIn(repo, "data", "push");
  mustIn(repo, "data", "remote", "modify", "store", "url", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true, force: true });
  requests = [];
});

async function getting(path: string, out: string): Promise<string> {
  await get.apply(repo.context, await get.plan(repo.context, { version: "e0.1.0", path, out }));
  return repo.read(out);
}

it("of a folder on a server: its listing and the file itself", async () => {
  expect(await getting("images/7/127.png", "one.png")).toBe("image 127");
  expect(requests).toEqual(["GET listing", "GET file"]);
});

it("of a file on a server: the file itself", async () => {
  expect(await getting("model.bin", "old.bin")).toBe("a model");
  expect(requests).toEqual(["GET file"]);
});

it("of a folder whose listing is in the cache, no request but for the file", async () => {
  mustIn(repo, "data", "add", "images");
  const stored = readFileSync(join(repo.root, "images/7/127.png"), "utf8");
  const { object } = (await get.plan(repo.context, { version: "e0.1.0", path: "images/7/127.png", out: "two.png" })).nodes[0] ?? {};
  const hash = object?.hash ?? "";
  rmSync(join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)));
  requests = [];
  expect(await getting("images/7/127.png", "two.png")).toBe(stored);
  expect(requests).toEqual(["GET file"]);
});

it("of a folder in the cache: none", async () => {
  mustIn(repo, "data", "add", "images");
  expect(await getting("images/3/3.png", "three.png")).toBe("image 3");
  expect(requests).toEqual([]);
});

it("a server that does not answer is said to be the reason why a folder's listing cannot be had", async () => {
  mustIn(repo, "data", "remote", "modify", "store", "url", "http://127.0.0.1:1");
  const { error } = repo.expverJson(["get", "e0.1.0", "images/7/127.png", "-o", "four.png"]);
  expect(error).toMatchObject({
    code: "E_NOT_STORED",
    message: expect.stringMatching(/^the listing of images is not in the cache; remote store: .*ECONNREFUSED/),
  });
});

interface Served {
  server: { url: string; stop(): Promise<void> };
  /** Options of the remote `store` for a server at this address. */
  at(url: string): Record<string, string>;
}

const SERVERS: Record<string, { isHere: boolean; start(): Promise<Served> }> = {
  s3: {
    isHere: seaweedProgram() !== null,
    async start() {
      const server = await startSeaweed();
      await server.makeBucket("few");
      return { server, at: (endpointurl) => ({ url: "s3://few/store", endpointurl, ...keysOf("all") }) };
    },
  },
  webdav: {
    isHere: nginx !== null,
    async start() {
      const server = await startNginx();
      mkdirSync(join(server.root, "open/few"));
      return { server, at: (url) => ({ url: `${url.replace("http", "webdav")}/open/few` }) };
    },
  },
};

for (const [kind, { isHere, start }] of Object.entries(SERVERS)) {
  it.skipIf(!isHere)(`of a folder on ${kind}: its listing and the file itself`, { timeout: 240_000 }, async () => {
    const { server, at } = await start();
    const proxy = await startFaultProxy(server.url);
    const configure = (url: string) => {
      for (const [name, value] of Object.entries(at(url))) mustIn(repo, "data", "remote", "modify", "--local", "store", name, value);
    };
    try {
      mustIn(repo, "data", "add", "images", "model.bin");
      configure(server.url);
      mustIn(repo, "data", "push");
      rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
      configure(proxy.url);
      expect(await getting("images/7/127.png", `${kind}.png`)).toBe("image 127");
      expect(proxy.asked.map(({ method, url }) => `${method} ${url.endsWith(".dir") ? "listing" : "file"}`)).toEqual([
        "GET listing",
        "GET file",
      ]);
    } finally {
      await proxy.stop();
      await server.stop();
      rmSync(join(repo.root, ".dvc/config.local"), { force: true });
    }
  });
}
