/** A data remote that dies in the middle of `expver publish`: no tag is ever public without its data, and repeating finishes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderSite, type Site } from "../remotes/conformance.ts";
import { inBackground, openOperations } from "../run/story.ts";
import { sampledPoints } from "../support/kill-at.ts";
import { type MortalProxy, startMortalProxy } from "../support/servers/mortal-proxy.ts";
import { nginx, startNginx } from "../support/servers/nginx.ts";
import { keysOf, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { sshd, startSshd } from "../support/servers/sshd.ts";
import { makeStudy, must, objectsIn, refsOf, runOnce } from "./story.ts";

const portOf = (url: string) => Number(new URL(url).port);

/** Each with a new, empty place for every name. */
const SERVERS: Record<
  string,
  { isHere: boolean; start(): Promise<{ proxy: MortalProxy; at(name: string): Site; stop(): Promise<void> }> }
> = {
  webdav: {
    isHere: nginx !== null,
    async start() {
      const server = await startNginx();
      const proxy = await startMortalProxy(portOf(server.url));
      const at = (name: string) => {
        const dir = join(server.root, "open", name);
        mkdirSync(dir);
        return folderSite(dir, { url: `webdav://127.0.0.1:${proxy.port}/open/${name}` });
      };
      return { proxy, at, stop: server.stop };
    },
  },
  s3: {
    isHere: seaweedProgram() !== null,
    async start() {
      const server = await startSeaweed();
      await server.makeBucket("dying");
      const proxy = await startMortalProxy(portOf(server.url));
      const at = (name: string): Site => ({
        url: `s3://dying/${name}`,
        options: { endpointurl: `http://127.0.0.1:${proxy.port}`, ...keysOf("all") },
        plant: (key, bytes) => server.plant("dying", `${name}/${key}`, bytes),
        contents: () => server.contents("dying", name),
      });
      return { proxy, at, stop: server.stop };
    },
  },
  ssh: {
    isHere: sshd !== null,
    async start() {
      const server = await startSshd();
      const proxy = await startMortalProxy(server.port);
      server.configure(`${server.usual.replace(`Port ${server.port}`, `Port ${proxy.port}`)}  StrictHostKeyChecking no\n`);
      const at = (name: string) =>
        folderSite(join(server.root, name), { url: `ssh://store${server.root}/${name}`, env: { PATH: server.path } });
      return { proxy, at, stop: server.stop };
    },
  },
};

for (const [kind, { isHere, start }] of Object.entries(SERVERS)) {
  describe.skipIf(!isHere)(kind, () => {
    it("dies after any piece of what it is sent", { timeout: 600_000 }, async () => {
      const { proxy, at, stop } = await start();
      try {
        const { repo, upstream } = makeStudy();
        const version = runOnce(repo);
        const marker = repo.git("rev-parse", version);
        const needed = objectsIn(join(repo.root, ".dvc/cache")).sort();
        const { step, from } = sampledPoints(89);
        let [died, gotThrough] = [0, false];
        for (let pieces = from; !gotThrough; pieces += step) {
          const about = JSON.stringify({ kind, pieces });
          const site = at(`after-${pieces}`);
          const { url, options = {}, env = {} } = site;
          must(repo, ["data", "remote", "add", "--local", "-f", "-d", "dying", url]);
          for (const [name, value] of Object.entries(options)) must(repo, ["data", "remote", "modify", "--local", "dying", name, value]);
          for (const ref of refsOf(upstream, "refs")) upstream.git("update-ref", "-d", ref);
          repo.git("update-ref", `refs/expver/unpublished/${version}`, marker);
          const there = async () =>
            [...(await site.contents()).keys()]
              .map(hashOf)
              .filter((name) => name !== null)
              .sort();
          proxy.reopen(pieces);
          const { code, stderr } = await inBackground(repo, ["publish"], { env }).ended;
          gotThrough = !proxy.state().isShut;
          if (!gotThrough) died += 1;
          if (refsOf(upstream, "refs/tags").length > 0) expect(await there(), about).toEqual(needed);
          else expect({ about, code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/error E_REMOTE|error E_OBJECT/) });
          proxy.reopen();
          for (const again of [["publish"], ["publish", version]]) {
            const { code, stderr } = await inBackground(repo, again, { env }).ended;
            expect({ about, code, stderr }).toMatchObject({ code: 0 });
          }
          expect({ about, refs: refsOf(upstream, "refs") }).toEqual({ about, refs: ["refs/heads/main", `refs/tags/${version}`] });
          expect({ about, there: await there() }).toEqual({ about, there: needed });
          expect({ about, markers: refsOf(repo, "refs/expver/unpublished"), open: openOperations(repo) }).toEqual({
            about,
            markers: [],
            open: [],
          });
        }
        if (process.env.EXPVER_KILL_STEP !== undefined) console.log(`${kind}: died ${died} times`);
        expect(died).toBeGreaterThan(0);
      } finally {
        await proxy.stop();
        await stop();
      }
    });
  });
}

/** Temporaries of a push that was cut off do no harm: nobody looks under their names. */
function hashOf(key: string): string | null {
  const [, shard, rest] = /files\/md5\/([0-9a-f]{2})\/([0-9a-f]{30}(?:\.dir)?)$/.exec(key) ?? [];
  return shard === undefined || rest === undefined ? null : shard + rest;
}
