import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { newController } from "../../src/store/remotes/many.ts";
import { remoteOf } from "../../src/store/remotes/open-remote.ts";
import { sshServer } from "../../src/store/remotes/ssh/ssh.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder } from "../support/repository.ts";
import { freePort, startServer, stopServer } from "../support/servers/programs.ts";
import { type Sshd, sshd, startSshd } from "../support/servers/sshd.ts";
import { checkOf } from "./check-of.ts";
import { conformance, folderSite, walk } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";
import { tryOut } from "./try-out.ts";

describe.skipIf(sshd === null)("on OpenSSH", () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await startSshd();
  });
  beforeEach(() => server.configure(server.usual));
  afterAll(() => server?.stop());

  conformance("ssh", () => ({
    site: (name) => folderSite(join(server.root, name), { url: `ssh://store${server.root}/${name}`, env: { PATH: server.path } }),
    stop() {},
  }));

  /** Sends one object and brings it back; answers the code of what went wrong. */
  function tryWith(url: string, options: Record<string, string> = {}, env: Record<string, string> = {}): Promise<ErrorCode | "fine"> {
    const all = new Map(Object.entries({ url, ...options }));
    const remote = remoteOf({ name: "store", url, options: all }, { ...process.env, SSH_AUTH_SOCK: undefined, PATH: server.path, ...env });
    return tryOut(remote, JSON.stringify([url, options, env]));
  }

  it("takes host, port, user and key from the user's own configuration, or from dvc's", async () => {
    const { port, user, root, key, strangeKey, lockedKey } = server;
    expect(await tryWith(`ssh://store${root}/a`)).toBe("fine");
    const plain = `ssh://${user}@127.0.0.1:${port}${root}/b`;
    expect(await tryWith(plain, { keyfile: key })).toBe("fine");
    expect(await tryWith(`ssh://127.0.0.1${root}/b`, { keyfile: key, port: String(port), user })).toBe("fine");
    expect(await tryWith(plain, { keyfile: strangeKey })).toBe("E_REMOTE_AUTH");
    expect(await tryWith(plain, { keyfile: lockedKey })).toBe("E_REMOTE_AUTH");
    expect(await tryWith(plain, { keyfile: lockedKey, passphrase: "open sesame" })).toBe("fine");
    expect(await tryWith(plain, { keyfile: lockedKey, passphrase: "wrong" })).toBe("E_REMOTE_AUTH");
  });

  it("uses the agent, unless told not to", async () => {
    const [, socket = "", pid = ""] =
      /SSH_AUTH_SOCK=([^;]+);[\s\S]*SSH_AGENT_PID=(\d+)/.exec(spawnSync("ssh-agent", ["-s"], { encoding: "utf8" }).stdout) ?? [];
    try {
      expect(spawnSync("ssh-add", ["-q", server.key], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).status).toBe(0);
      server.configure(server.usual.replace(/ {2}Identit.*\n/g, ""));
      expect(await tryWith(`ssh://store${server.root}/agent`, {}, { SSH_AUTH_SOCK: socket })).toBe("fine");
      expect(await tryWith(`ssh://store${server.root}/agent`, { allow_agent: "false" }, { SSH_AUTH_SOCK: socket })).toBe("E_REMOTE_AUTH");
    } finally {
      process.kill(Number(pid));
    }
  });

  it("goes nowhere without a known host key", async () => {
    server.configure(server.usual.replace(/UserKnownHostsFile.*/, "UserKnownHostsFile /dev/null"));
    expect(await tryWith(`ssh://store${server.root}/unknown`)).toBe("E_REMOTE_CERTIFICATE");
    expect(await tryWith(`ssh://store${server.root}/unknown`, { password: "secret" })).toBe("E_REMOTE_CERTIFICATE");
  });

  it("tells an unknown host, a closed port, a forbidden folder and a file in the way apart", async () => {
    expect(await tryWith("ssh://no-such-host.invalid/x")).toBe("E_REMOTE_UNREACHABLE");
    expect(await tryWith("ssh://127.0.0.1:9/x")).toBe("E_REMOTE_UNREACHABLE");
    expect(await tryWith("ssh://store/proc/x")).toMatch(/^E_REMOTE_(FORBIDDEN|ABSENT|ANSWER)$/);
    expect(await tryWith("ssh://-oProxyCommand=false/x")).toBe("E_CONFIG");
    expect(await tryWith(`ssh://store${server.root}/x`, {}, { PATH: "/nowhere" })).toBe("E_REMOTE_KIND");
  });

  it("runs through a jump host", async () => {
    server.configure(
      `${server.usual}Host behind\n  HostName 127.0.0.1\n  Port ${server.port}\n  IdentityFile ${server.key}\n  ProxyCommand ${server.path.split(":")[0]}/ssh -W %h:%p store\n`,
    );
    expect(await tryWith(`ssh://behind${server.root}/jumped`)).toBe("fine");
  });

  it.skipIf(peerWith("dvc", "dvc_ssh") === null)(
    "tells the password to its own host only, not to one on the way or to a question of another name",
    async () => {
      const jump = await startPasswordServer();
      try {
        server.configure(
          `Host jump\n  HostName 127.0.0.1\n  Port ${jump.port}\nHost behind\n  HostName 127.0.0.1\n  Port ${server.port}\n  ProxyJump jump\nHost *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  IdentitiesOnly yes\n`,
        );
        const secrets = { password: "secret", passphrase: "open sesame" };
        expect(await tryWith(`ssh://ada@jump${server.root}/own`, secrets)).toBe("E_REMOTE_AUTH");
        expect(jump.heard()).toContain("secret");
        expect(jump.heard()).not.toContain("open sesame");
        jump.forget();
        expect(await tryWith(`ssh://behind${server.root}/jumped`, secrets)).toBe("E_REMOTE_AUTH");
        expect(jump.heard().filter((word) => word !== "")).toEqual([]);
      } finally {
        await jump.stop();
      }
    },
  );

  it("check says what may be done", async () => {
    const { states, exitCode } = await checkOf({ url: `ssh://store${server.root}/checked`, env: { PATH: server.path } });
    expect([states, exitCode]).toEqual(["put ok, head ok, list ok, get ok, multipart not offered, delete ok", 0]);
  });

  it("leaves nothing of a transfer that was broken off at any moment, also before the file was open", async () => {
    const url = `ssh://store${server.root}/broken-off`;
    const ours = sshServer({ name: "store", url, options: new Map([["url", url]]) }, { ...process.env, PATH: server.path });
    const bytes = Buffer.alloc(2 ** 20, "x");
    const source = {
      size: bytes.length,
      md5: null,
      chunks: async function* () {
        yield bytes;
      },
    };
    await ours.put("files/whole", source, new AbortController().signal);
    let broken = 0;
    for (let turn = 0; turn < 50; turn += 1) {
      const controller = newController();
      const sending = Array.from({ length: 4 }, (_, index) => ours.put(`files/${turn}-${index}`, source, controller.signal));
      const ended = Promise.allSettled(sending);
      for (let left = turn % 10; left >= 0; left -= 1) await nextTurn();
      controller.abort();
      broken += (await ended).filter(({ status }) => status === "rejected").length;
      const there = walk(join(server.root, "broken-off"));
      expect(there.filter((path) => path.endsWith(".tmp") || statSync(path).size !== bytes.length)).toEqual([]);
    }
    expect(broken).toBeGreaterThan(0);
  });

  it.skipIf(process.platform !== "linux")("leaves nothing when ssh is interrupted together with us", async () => {
    const url = `ssh://store${server.root}/both`;
    const env = { ...process.env, PATH: server.path };
    const ours = sshServer({ name: "store", url, options: new Map([["url", url]]) }, env);
    const controller = new AbortController();
    const source = {
      size: 2,
      md5: null,
      chunks: async function* () {
        yield Buffer.from("a");
        // What the terminal does to every program in it.
        const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ").map(Number);
        const ssh = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0sftp"));
        expect(ssh.length).toBeGreaterThan(0);
        controller.abort();
        for (const pid of ssh) process.kill(pid, "SIGINT");
        yield Buffer.from("b");
      },
    };
    await expect(ours.put("files/x", source, controller.signal)).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    expect(walk(join(server.root, "both"))).toEqual([]);
  });

  const dvc = peerWith("dvc", "dvc_ssh");
  it.skipIf(dvc === null)("shares a folder with real dvc, both ways", { timeout: 240_000 }, () => {
    const { user, port, root, key, path } = server;
    mkdirSync(join(root, "shared"));
    sharesWithDvc(dvc ?? "", { url: `ssh://${user}@127.0.0.1:${port}${root}/shared`, options: { keyfile: key }, env: { PATH: path } });
  });
});

/** A server that asks for a password, and in other words for more, notes what it is told, and lets nobody in. */
async function startPasswordServer() {
  const folder = makeFolder("asking");
  const [port, log] = [await freePort(), join(folder, "heard")];
  writeFileSync(log, "");
  writeFileSync(
    join(folder, "server.py"),
    `import asyncio, asyncssh, sys
def hear(word):
    with open(sys.argv[2], "a") as log:
        log.write(word + "\\n")
class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True
    def password_auth_supported(self):
        return True
    def validate_password(self, username, password):
        hear(password)
        return False
    def kbdint_auth_supported(self):
        return True
    def get_kbdint_challenge(self, username, lang, submethods):
        return "", "", "", [("Passphrase: ", False)]
    def validate_kbdint_response(self, username, responses):
        for word in responses:
            hear(word)
        return False
async def main():
    key = asyncssh.generate_private_key("ssh-ed25519")
    await asyncssh.create_server(Server, "127.0.0.1", int(sys.argv[1]), server_host_keys=[key])
    await asyncio.Event().wait()
asyncio.run(main())
`,
  );
  const python = join(dirname(peerWith("dvc", "dvc_ssh") ?? ""), "python");
  const child = await startServer(python, [join(folder, "server.py"), String(port), log], { port });
  return {
    port,
    heard: () => readFileSync(log, "utf8").trimEnd().split("\n"),
    forget: () => writeFileSync(log, ""),
    stop: () => stopServer(child),
  };
}
