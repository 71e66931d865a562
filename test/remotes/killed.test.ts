/** kill -9 at any moment of a push or a fetch over a network: what is there is whole, and repeating finishes the job. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { nginx, startNginx } from "../support/servers/nginx.ts";
import { keysOf, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { sshd, startSshd } from "../support/servers/sshd.ts";
import { folderSite, md5, type Site, walk } from "./conformance.ts";

const FILES = 12;
const KILLS = 8;

const SITES: Record<string, { isHere: boolean; start: () => Promise<{ site: Site; stop: () => Promise<void> }> }> = {
  webdav: {
    isHere: nginx !== null,
    async start() {
      const server = await startNginx();
      const dir = join(server.root, "open/killed");
      mkdirSync(dir);
      return { site: folderSite(dir, { url: `${server.url.replace("http", "webdav")}/open/killed` }), stop: server.stop };
    },
  },
  s3: {
    isHere: seaweedProgram() !== null,
    async start() {
      const server = await startSeaweed();
      await server.makeBucket("killed");
      const site: Site = {
        url: "s3://killed/x",
        options: { endpointurl: server.url, ...keysOf("all") },
        plant: (key, bytes) => server.plant("killed", `x/${key}`, bytes),
        contents: () => server.contents("killed", "x"),
      };
      return { site, stop: server.stop };
    },
  },
  ssh: {
    isHere: sshd !== null,
    async start() {
      const server = await startSshd();
      server.configure(server.usual);
      return {
        site: folderSite(join(server.root, "killed"), { url: `ssh://store${server.root}/killed`, env: { PATH: server.path } }),
        stop: server.stop,
      };
    },
  },
};

for (const [kind, { isHere, start }] of Object.entries(SITES)) {
  describe.skipIf(!isHere)(kind, () => {
    it("push and fetch", { timeout: 240_000 }, async () => {
      const { site, stop } = await start();
      try {
        const repository = projectWith(site);
        const cache = join(repository.root, ".dvc/cache");
        let lastCode = 0;
        for (let kill = 1; kill <= KILLS; kill += 1) {
          lastCode = killed(repository, ["data", "push"], kill);
          for (const [key, bytes] of await site.contents()) if (!key.endsWith(".tmp")) expectWhole(key, bytes);
        }
        expect([lastCode, repository.expver(["data", "push"])]).toMatchObject([lastCode, { code: 0 }]);
        const there = [...(await site.contents()).keys()].filter((key) => !key.endsWith(".tmp"));
        expect(there).toHaveLength(FILES + 1);
        repository.run("rm", ["-rf", ".dvc/cache", "d"]);
        for (let kill = 1; kill <= KILLS; kill += 1) {
          killed(repository, ["data", "fetch"], kill);
          for (const path of existsSync(cache) ? walk(cache) : []) {
            const key = path.slice(cache.length + 1);
            if (/^files\/md5\/[0-9a-f]{2}\//.test(key)) expectWhole(key, readFileSync(path));
          }
        }
        expect(repository.expver(["data", "pull"])).toMatchObject({ code: 0 });
        expect(walk(join(repository.root, "d"))).toHaveLength(FILES);
        expect(JSON.parse(repository.expver(["data", "status", "-c", "--json"]).stdout)).toEqual({});
      } finally {
        await stop();
      }
    });
  });
}

function projectWith({ url, options = {}, env = {} }: Site): TestRepository {
  const repository = makeRepository({ env });
  for (const args of [
    ["init"],
    ["remote", "add", "-d", "store", url],
    ...Object.entries(options).map((option) => ["remote", "modify", "store", ...option]),
  ])
    expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  for (let index = 0; index < FILES; index += 1) repository.write(`d/${index}`, Buffer.alloc(2_000_000 + index, `${index}`));
  expect(repository.expver(["data", "add", "d"])).toEqual({ code: 0, stdout: expect.any(String), stderr: "" });
  return repository;
}

/** Runs a command and kills it a little later each time; it may have ended before. */
function killed(repository: TestRepository, args: string[], kill: number): number {
  const { env } = JSON.parse(repository.run(process.execPath, ["-p", "JSON.stringify({ env: process.env })"]).stdout) as {
    env: NodeJS.ProcessEnv;
  };
  const { status } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: repository.root,
    env,
    timeout: 100 + 50 * kill,
    killSignal: "SIGKILL",
  });
  return status ?? 137;
}

function expectWhole(key: string, bytes: Uint8Array): void {
  expect([key, md5(bytes)]).toEqual([key, key.replace(".dir", "").slice(-33).replace("/", "")]);
}
