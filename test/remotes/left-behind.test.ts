/** What a killed push left on a server goes with the next one: that, and nothing that is another's. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { spaceOfPids } from "../../src/platform/processes.ts";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { startFaultProxy } from "../support/servers/fault-proxy.ts";
import { nginx, startNginx } from "../support/servers/nginx.ts";
import { sshd, startSshd } from "../support/servers/sshd.ts";

const DAY_S = 24 * 3600;

interface Place {
  url: string;
  /** Another way to it, with nothing in between. */
  straight: string;
  /** The same folder on this machine. */
  dir: string;
  env?: Record<string, string>;
  /** Ends when a push is as far as it should be killed. */
  isUnderWay(): boolean;
  stop(): Promise<void>;
}

const PLACES: Record<string, { isHere: boolean; start: () => Promise<Place> }> = {
  webdav: {
    isHere: nginx !== null,
    async start() {
      const server = await startNginx();
      const proxy = await startFaultProxy(server.url);
      const dir = join(server.root, "open/left");
      mkdirSync(dir);
      // nginx shows an upload when it has all of it: what is left lacks only its name.
      proxy.reset(({ method }) => (method === "MOVE" ? { silentMs: 600_000 } : null));
      return {
        url: `${proxy.url.replace("http", "webdav")}/open/left`,
        straight: `${server.url.replace("http", "webdav")}/open/left`,
        dir,
        isUnderWay: () => proxy.asked.some(({ method }) => method === "MOVE"),
        async stop() {
          await proxy.stop();
          await server.stop();
        },
      };
    },
  },
  ssh: {
    isHere: sshd !== null,
    async start() {
      const server = await startSshd();
      server.configure(server.usual);
      const dir = join(server.root, "left");
      return {
        url: `ssh://store${dir}`,
        straight: `ssh://store${dir}`,
        dir,
        env: { PATH: server.path },
        isUnderWay: () => names(uploadsOf(dir)).some((name) => statSync(join(uploadsOf(dir), name)).size > 0),
        stop: server.stop,
      };
    },
  },
};

for (const [kind, { isHere, start }] of Object.entries(PLACES)) {
  describe.skipIf(!isHere)(kind, () => {
    it("sweeps what is provably nobody's, with a push and with a gc", async () => {
      const place = await start();
      try {
        const repository = makeRepository(place.env ? { env: place.env } : {});
        const run = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
        run("init");
        run("remote", "add", "-d", "store", place.url);
        repository.write("large.bin", Buffer.alloc(200_000_000, "large"));
        run("add", "large.bin");
        await killUnderWay(repository, place);
        run("remote", "modify", "store", "url", place.straight);
        const uploads = uploadsOf(place.dir);
        const [left = "", ...more] = names(uploads);
        expect([left, more]).toEqual([expect.stringMatching(/^expver-.*\.tmp$/), []]);

        const plant = (name: string, days: number) => {
          writeFileSync(join(uploads, name), "bytes");
          const seconds = Date.now() / 1000 - days * DAY_S;
          utimesSync(join(uploads, name), seconds, seconds);
        };
        const [, here = "", boot = ""] = /^expver-(\w+)-(\w+)-/.exec(left) ?? [];
        expect(here).toBe(createHash("md5").update(spaceOfPids()).digest("hex").slice(0, 8));
        const alive = `expver-${here}-${boot}-1-${startOfInit()}-00000001.tmp`;
        const elsewhere = (number: number) => `expver-0123abcd-0123abcd-7-7-0000000${number}.tmp`;
        const kept = [alive, elsewhere(2), "notes.txt", ".upload.tmp"].sort();
        for (const name of [alive, elsewhere(3), "notes.txt", ".upload.tmp"]) plant(name, 30);
        plant(elsewhere(2), 2);
        run("push");
        expect(names(uploads)).toEqual(kept);

        plant(elsewhere(3), 30);
        repository.write("large.bin", "another");
        run("add", "large.bin");
        run("gc", "-w", "-c", "-f");
        expect(names(uploads)).toEqual(kept);
      } finally {
        await place.stop();
      }
    });
  });
}

function uploadsOf(dir: string): string {
  return join(dir, "files/md5/expver-uploads");
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

async function killUnderWay(repository: TestRepository, { isUnderWay }: Place): Promise<void> {
  const printed = repository.run(process.execPath, ["-p", "JSON.stringify(process.env)"]).stdout;
  const child = spawn(process.execPath, [MAIN, "data", "push"], {
    cwd: repository.root,
    env: JSON.parse(printed) as NodeJS.ProcessEnv,
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  while (!isUnderWay()) {
    expect(isRunning(child)).toBe(true);
    await pause(5);
  }
  child.kill("SIGKILL");
  await ended;
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Process 1 lives as long as the machine. */
function startOfInit(): string {
  const stat = String(readFileSync("/proc/1/stat"));
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
