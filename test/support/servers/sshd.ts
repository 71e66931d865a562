/** A real OpenSSH server on a port of its own, with keys of its own, for the user who runs the tests. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../repository.ts";
import { freePort, serverProgram, startServer, stopServer } from "./programs.ts";

export interface Sshd {
  port: number;
  user: string;
  /** A folder it serves; SFTP serves everything else as well. */
  root: string;
  /** A key it takes, one it takes with the passphrase `open sesame`, and one it does not take. */
  key: string;
  lockedKey: string;
  strangeKey: string;
  /** PATH whose ssh reads the user's configuration from a file of the test instead of the home folder. */
  path: string;
  /** Writes that configuration. */
  configure(text: string): void;
  /** Lines for it: the host `store`, with key and known host. */
  usual: string;
  stop(): Promise<void>;
}

export const sshd = serverProgram("sshd", "apt-get install openssh-server openssh-client");

export async function startSshd(): Promise<Sshd> {
  if (sshd === null) throw new Error("sshd is not installed");
  const folder = makeFolder("sshd");
  const file = (name: string) => join(folder, name);
  const keygen = (name: string, passphrase = "") => {
    const { status, stderr } = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", file(name)], { encoding: "utf8" });
    if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
    return file(name);
  };
  const [host, key, lockedKey, strangeKey] = [keygen("host"), keygen("key"), keygen("locked", "open sesame"), keygen("strange")];
  const keys = ["key.pub", "locked.pub"].map((name) => spawnSync("cat", [file(name)], { encoding: "utf8" }).stdout).join("");
  writeFileSync(file("authorized"), keys);
  const port = await freePort();
  writeFileSync(
    file("sshd_config"),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${host}
AuthorizedKeysFile ${file("authorized")}
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
PidFile none
Subsystem sftp internal-sftp
`,
  );
  // Debian makes this folder when the service starts.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const child = await startServer(sshd, ["-D", "-e", "-f", file("sshd_config")], { port });
  mkdirSync(file("bin"));
  const real = spawnSync("sh", ["-c", "command -v ssh"], { encoding: "utf8" }).stdout.trim();
  writeFileSync(file("bin/ssh"), `#!/bin/sh\nexec ${real} -F ${file("config")} "$@"\n`);
  chmodSync(file("bin/ssh"), 0o755);
  const hostKey = spawnSync("cat", [file("host.pub")], { encoding: "utf8" })
    .stdout.split(" ")
    .slice(0, 2)
    .join(" ");
  writeFileSync(file("known"), `[127.0.0.1]:${port} ${hostKey}\n`);
  mkdirSync(file("root"));
  return {
    port,
    user: userInfo().username,
    root: file("root"),
    key,
    lockedKey,
    strangeKey,
    path: `${file("bin")}:${process.env.PATH}`,
    configure: (text) => writeFileSync(file("config"), text),
    usual: `Host store\n  HostName 127.0.0.1\n  Port ${port}\n  IdentityFile ${key}\nHost *\n  UserKnownHostsFile ${file("known")}\n  IdentitiesOnly yes\n`,
    stop: () => stopServer(child),
  };
}
