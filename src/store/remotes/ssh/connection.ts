/**
 * One SFTP connection through the system's own ssh, with the user's configuration, agent, keys, known hosts and jump hosts. Many
 * requests are under way at once; a connection that was lost is made again by the next request.
 */
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, ExpverError } from "../../../errors.ts";
import { type Conversation, startConversation } from "../../../platform/conversation.ts";
import { removePath } from "../../../platform/files.ts";
import { decoded } from "../../../platform/http.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import type { Environment } from "../http-access.ts";
import { type Field, packet, packetReader, Reader, TYPE } from "./packets.ts";

export interface Reply {
  type: number;
  /** Behind the request's number. */
  fields: Reader;
}

/** A refusal of the server, by SFTP's own numbers. */
export interface Refusal {
  status: number;
  text: string;
}

export interface SftpConnection {
  /** Throws an ExpverError when the connection fails; a refusal is an answer. */
  ask(type: number, fields: readonly Field[], signal: AbortSignal): Promise<Reply | Refusal>;
  /** Names of the protocol's extensions the server knows. */
  extensions(): Promise<ReadonlySet<string>>;
}

interface Session {
  conversation: Conversation;
  /** Requests that ssh has not taken yet. */
  outbox: { id: number; bytes: Buffer }[];
  hasRoom: boolean;
  extensions: Set<string>;
  waiting: Map<number, { resolve: (reply: Reply) => void; reject: (error: unknown) => void }>;
  isOver: boolean;
}

export function isRefusal(reply: Reply | Refusal): reply is Refusal {
  return "status" in reply;
}

export function sftpConnection(config: RemoteConfig, env: Environment): SftpConnection {
  let session: Promise<Session> | null = null;
  let lastId = 0;
  const current = async (): Promise<Session> => {
    const known = await session?.catch(() => null);
    if (known && !known.isOver) return known;
    session = connect(config, env);
    return session;
  };
  let connecting: Promise<Session> | null = null;
  // Whoever comes while it connects waits for the same connection.
  const connected = (): Promise<Session> => {
    connecting ??= current().finally(() => {
      connecting = null;
    });
    return connecting;
  };
  return {
    async ask(type, fields, signal) {
      const session = await connected();
      const { conversation, waiting, outbox } = session;
      if (signal.aborted) throw interrupted(config.name);
      lastId = (lastId + 1) % 2 ** 31;
      const id = lastId;
      const reply = await new Promise<Reply>((resolve, reject) => {
        const abort = () => {
          // What was not sent stays here: whatever is asked to clean up would come behind it.
          const place = outbox.findIndex((one) => one.id === id);
          if (place >= 0) {
            outbox.splice(place, 1);
            forget(session, id);
          }
          reject(interrupted(config.name));
        };
        const done = () => signal.removeEventListener("abort", abort);
        signal.addEventListener("abort", abort);
        waiting.set(id, {
          resolve: (got) => {
            done();
            resolve(got);
          },
          reject: (error) => {
            done();
            reject(error);
          },
        });
        conversation.setBusy(true);
        outbox.push({ id, bytes: packet(type, [id, ...fields]) });
        if (session.hasRoom) post(session);
      });
      if (reply.type !== TYPE.STATUS) return reply;
      return { status: reply.fields.uint32(), text: reply.fields.isAtEnd ? "" : reply.fields.text() };
    },
    extensions: async () => (await connected()).extensions,
  };
}

async function connect(config: RemoteConfig, env: Environment): Promise<Session> {
  const askpass = makeAskpass(config.options);
  try {
    const conversation = await startConversation("ssh", sshArguments(config), { env: { ...env, ...askpass?.env } }).catch(
      (error: unknown) => {
        throw new ExpverError("E_REMOTE_KIND", `remote ${config.name}: there is no ssh program`, {
          hint: "Install OpenSSH's client: apt-get install openssh-client",
          cause: error,
        });
      },
    );
    askpass?.answerOnly(conversation.pid);
    const session: Session = { conversation, outbox: [], hasRoom: true, extensions: new Set(), waiting: new Map(), isOver: false };
    conversation.onDrain(() => post(session));
    await new Promise<void>((resolve, reject) => {
      const read = packetReader((type, body) => {
        const fields = new Reader(body);
        const number = fields.uint32();
        if (type === TYPE.VERSION) {
          while (!fields.isAtEnd) [session.extensions.add(fields.text()), fields.text()];
          resolve();
          return;
        }
        const waiter = session.waiting.get(number);
        forget(session, number);
        waiter?.resolve({ type, fields });
      });
      const end = (error: unknown) => {
        session.isOver = true;
        for (const { reject: rejectOne } of session.waiting.values()) rejectOne(error);
        session.waiting.clear();
        reject(error);
      };
      conversation.onOutput((bytes) => {
        if (session.isOver) return;
        try {
          read(bytes);
        } catch (error) {
          conversation.end();
          end(error);
        }
      });
      conversation.onEnd(({ stderr }) => end(fromSsh(config.name, stderr)));
      conversation.write(packet(TYPE.INIT, [3]));
    });
    conversation.setBusy(session.waiting.size > 0);
    return session;
  } finally {
    askpass?.remove();
  }
}

function forget({ conversation, waiting }: Session, id: number): void {
  waiting.delete(id);
  if (waiting.size === 0) conversation.setBusy(false);
}

/** Gives ssh as much of the outbox as it takes now. */
function post(session: Session): void {
  const { conversation, outbox } = session;
  session.hasRoom = true;
  for (let next = outbox.shift(); next !== undefined; next = outbox.shift()) {
    session.hasRoom = conversation.write(next.bytes);
    if (!session.hasRoom) return;
  }
}

/** What DVC's options add to the user's own configuration of ssh. Throws E_CONFIG. */
function sshArguments({ name, url, options }: RemoteConfig): string[] {
  const [, login, host = "", port] = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?/.exec(url) ?? [];
  if (host === "" || host.startsWith("-")) throw new ExpverError("E_CONFIG", `remote ${name}: ${url} names no host`);
  const text = (key: string) => options.get(key) || undefined;
  const has = (key: string, value: string) => text(key)?.toLowerCase() === value;
  const user = text("user") ?? login?.split(":")[0];
  const set = (option: string) => ["-o", option];
  return [
    ...["-x", "-a", ...set("ClearAllForwardings=yes"), ...set("ServerAliveInterval=15"), ...set("ServerAliveCountMax=4")],
    ...(hasSecret(options) ? set("NumberOfPasswordPrompts=1") : process.stdin.isTTY ? [] : set("BatchMode=yes")),
    ...(user === undefined ? [] : ["-l", decoded(user)]),
    ...(text("port") !== undefined || port !== undefined ? ["-p", text("port") ?? port ?? ""] : []),
    ...(text("keyfile") === undefined ? [] : ["-i", text("keyfile") ?? ""]),
    ...(text("timeout") === undefined ? [] : set(`ConnectTimeout=${text("timeout")}`)),
    ...(has("gss_auth", "true") ? set("GSSAPIAuthentication=yes") : []),
    ...(has("allow_agent", "false") ? set("IdentityAgent=none") : []),
    ...["-s", "--", host.replace(/^\[|\]$/g, ""), "sftp"],
  ];
}

function hasSecret(options: RemoteConfig["options"]): boolean {
  return Boolean(options.get("password") || options.get("passphrase"));
}

/**
 * ssh takes a password from a program only: one that answers that question and no other, and is gone when the connection stands. The ssh that
 * leads to a jump host inherits it: that host is another, and not to know the password. A passphrase is asked for by ssh itself, in its own words.
 */
function makeAskpass(
  options: RemoteConfig["options"],
): { env: Record<string, string>; answerOnly: (pid: number) => void; remove: () => void } | null {
  if (!hasSecret(options)) return null;
  const folder = mkdtempSync(join(tmpdir(), "expver-ssh-"));
  const program = join(folder, "askpass");
  writeFileSync(
    program,
    `#!/bin/sh
case "$1" in
  "Enter passphrase for "*) printf '%s\\n' "$EXPVER_SSH_PASSPHRASE" ;;
  *assword*) [ "$(cat "$0.pid")" = "$PPID" ] && printf '%s\\n' "$EXPVER_SSH_PASSWORD" ;;
  *) exit 1 ;;
esac
`,
  );
  chmodSync(program, 0o700);
  return {
    env: {
      SSH_ASKPASS: program,
      SSH_ASKPASS_REQUIRE: "force",
      EXPVER_SSH_PASSWORD: options.get("password") ?? "",
      EXPVER_SSH_PASSPHRASE: options.get("passphrase") ?? "",
    },
    answerOnly: (pid) => writeFileSync(`${program}.pid`, String(pid)),
    remove: () => removePath(folder),
  };
}

const MEANINGS: [pattern: RegExp, code: ErrorCode, hint?: string][] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    "E_REMOTE_CERTIFICATE",
    "The host has another key than before: ask its owner; if that is right, forget the old one with `ssh-keygen -R HOST`.",
  ],
  [
    /Host key verification failed/,
    "E_REMOTE_CERTIFICATE",
    "The host's key is not known: connect once by hand, `ssh HOST`, and compare it.",
  ],
  [
    /Permission denied|Too many authentication failures/,
    "E_REMOTE_AUTH",
    "The server takes none of our keys: try `ssh HOST` by hand, load a key with ssh-add, or set keyfile or password for the remote.",
  ],
  [/Could not resolve hostname/, "E_REMOTE_UNREACHABLE", "The host's name is unknown: check the remote's url and ~/.ssh/config."],
  [/timed out|not responding/i, "E_REMOTE_TIMEOUT"],
  [
    /subsystem request failed/,
    "E_REMOTE_FORBIDDEN",
    "The server offers no SFTP: its sshd_config needs a line `Subsystem sftp internal-sftp`.",
  ],
];

function fromSsh(remote: string, stderr: string): ExpverError {
  const found = MEANINGS.find(([pattern]) => pattern.test(stderr));
  const said = stderr
    .trim()
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("Warning:") && !/^@/.test(line))
    .at(-1);
  const errno = /Could not resolve/.test(stderr) ? { errno: "ENOTFOUND" } : {};
  return new ExpverError(found?.[1] ?? "E_REMOTE_UNREACHABLE", `remote ${remote}: ssh ended${said === undefined ? "" : `: ${said}`}`, {
    hint: found?.[2],
    details: { remote, ...errno },
  });
}

function interrupted(remote: string): ExpverError {
  return new ExpverError("E_INTERRUPTED", `interrupted while asking ${remote}`);
}
