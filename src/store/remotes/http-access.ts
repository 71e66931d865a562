/** What HTTP and WebDAV remotes have in common: how DVC's options say who we are and whom to trust. */

import { ExpverError } from "../../errors.ts";
import { readTextIfExists } from "../../platform/files.ts";
import {
  basicAuth,
  dropAnswer,
  type HttpAnswer,
  type HttpClient,
  type HttpRequest,
  httpClient,
  loginIn,
  readAnswer,
} from "../../platform/http.ts";
import { runProcess } from "../../platform/processes.ts";
import type { RemoteConfig } from "../settings/dvc-config.ts";
import { fromNetworkError, fromStatus } from "./problems.ts";
import type { Coming, Key, Source } from "./server.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpAccess {
  /** Name of the remote. */
  name: string;
  /** Where an object is. */
  urlOf(key: Key): URL;
  /** Who we are, for a person. */
  identity: string;
  /** How far the server's clock is ahead of ours, in milliseconds; null while it has not said. */
  skewMs(): number | null;
  /** Sends a request for a key; an answer of 300 and above that is not in `accept` is thrown. */
  ask(method: string, key: Key, options: AskOptions): Promise<HttpAnswer>;
}

interface AskOptions {
  signal: AbortSignal;
  headers?: Record<string, string>;
  source?: Source;
  /** Statuses from 300 on that are an answer. */
  accept?: readonly number[];
  /** Reads after "cannot". */
  doing: string;
}

const DEFAULT_SECONDS = 60;

/** Throws E_CONFIG for options that do not fit together. */
export function httpAccess({ name, url, options }: RemoteConfig, env: Environment): HttpAccess {
  const base = addressOf(name, url);
  const login = new URL(base);
  const introduce = () => authHeaders({ name, url: login, options }, { env, isWebdav: url.startsWith("webdav") });
  let headers = introduce();
  base.username = "";
  base.password = "";
  const seconds = (key: string) => Number(options.get(key) ?? options.get("timeout") ?? DEFAULT_SECONDS) * 1000;
  const client: HttpClient = httpClient({
    ...trustOf(name, options),
    connectTimeoutMs: seconds("connect_timeout"),
    readTimeoutMs: seconds("read_timeout"),
    env,
  });
  const urlOf = (key: Key) => new URL(`${base.href.replace(/\/*$/, "")}/${key}`);
  let skew: number | null = null;
  const ask = async (method: string, key: Key, asking: AskOptions, mayRenew = options.has("bearer_token_command")): Promise<HttpAnswer> => {
    const { signal, headers: more = {}, source, accept = [], doing } = asking;
    const mine = headers;
    const request: HttpRequest = {
      method,
      url: urlOf(key),
      headers: { ...mine, ...more },
      signal,
      ...(source === undefined ? {} : { body: () => source.chunks(), length: source.size }),
    };
    const asked = { remote: name, doing };
    const answer = await client(request).catch((error: unknown) => {
      throw fromNetworkError(error, asked);
    });
    const { status, headers: got } = answer;
    skew = skewOf(got, Date.now()) ?? skew;
    if (status < 300 || accept.includes(status)) return answer;
    // What a program gives mostly ends before a long transfer; others may have asked it for another meanwhile.
    if (status === 401 && mayRenew) {
      dropAnswer(answer);
      if (headers === mine) headers = introduce();
      return ask(method, key, asking, false);
    }
    const text = method === "HEAD" ? "" : await readAnswer(answer, 2 ** 16).then(String, () => "");
    throw fromStatus(status, asked, { text, retryAfter: got["retry-after"] });
  };
  return {
    name,
    identity: identityOf(headers, options),
    skewMs: () => skew,
    urlOf,
    ask: (method, key, asking) => ask(method, key, asking),
  };
}

/** Throws E_CONFIG. */
function addressOf(name: string, url: string): URL {
  const address = url.replace(/^webdav/, "http");
  if (URL.canParse(address)) return new URL(address);
  throw new ExpverError("E_CONFIG", `remote ${name}: its url cannot be read: behind the host come a port, which is a number, and a path`, {
    hint: `Of a name or password in it / is written %2F, @ %40 and : %3A; or: expver data remote modify --local ${name} password …`,
    details: { remote: name },
  });
}

/** How far the clock of who answered is ahead of ours, in milliseconds; null when it does not say. */
export function skewOf({ date }: HttpAnswer["headers"], now: number): number | null {
  const skew = Date.parse(date ?? "") - now;
  return Number.isNaN(skew) ? null : skew;
}

/** Length of an answer's body, when the server says it. */
export function lengthOf({ headers }: HttpAnswer): number | undefined {
  return headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
}

/** A body whose failures are ours. */
async function* bytesOf(answer: HttpAnswer, asked: { remote: string; doing: string }): AsyncIterable<Buffer> {
  try {
    yield* answer.body as AsyncIterable<Buffer>;
  } catch (error) {
    throw fromNetworkError(error, asked);
  }
}

/** A whole answer as text; what breaks on its way is a failure of the network. */
export async function textOf(answer: HttpAnswer, asked: { remote: string; doing: string }, limit?: number): Promise<string> {
  try {
    return (await readAnswer(answer, limit)).toString("utf8");
  } catch (error) {
    throw fromNetworkError(error, asked);
  }
}

/** An object's bytes from an offset on, as HTTP servers give them; null when it is not there. */
export async function getRange(
  access: HttpAccess,
  key: Key,
  { from, signal }: { from: number; signal: AbortSignal },
): Promise<Coming | null> {
  const asked = { remote: access.name, doing: `read ${key}` };
  const range = from > 0 ? { range: `bytes=${from}-` } : {};
  const answer = await access.ask("GET", key, { signal, headers: range, accept: [404, 410, 416], doing: asked.doing });
  if (answer.status === 404 || answer.status === 410) {
    dropAnswer(answer);
    return null;
  }
  return bodyOf(answer, { from, asked });
}

/** What was asked for from an offset on, and from where the server gives it. */
export function bodyOf(answer: HttpAnswer, { from, asked }: { from: number; asked: { remote: string; doing: string } }): Coming {
  // Asked for bytes behind the end: all have come, or it is another object by now. Either way its hash will tell.
  if (answer.status === 416) {
    dropAnswer(answer);
    return { from, length: 0, bytes: nothing() };
  }
  const begins = answer.status === 206 ? Number(/^bytes (\d+)-/.exec(answer.headers["content-range"] ?? "")?.[1] ?? 0) : 0;
  return { from: begins, length: lengthOf(answer), bytes: bytesOf(answer, asked) };
}

async function* nothing(): AsyncIterable<Buffer> {}

/** For HTTP only what `auth` asks for; WebDAV takes whatever is there. A name in the URL counts for both. */
function authHeaders(
  { name, url, options }: { name: string; url: URL; options: RemoteConfig["options"] },
  { env, isWebdav }: { env: Environment; isWebdav: boolean },
): Record<string, string> {
  const text = (key: string) => options.get(key) || undefined;
  const need = (key: string, value = text(key)): string => {
    if (value !== undefined) return value;
    throw new ExpverError("E_REMOTE_AUTH", `remote ${name} has no ${key}`, {
      hint: `Set it for this clone only: expver data remote modify --local ${name} ${key} …`,
      details: { remote: name },
    });
  };
  const auth = text("auth")?.toLowerCase();
  if (auth === "basic") return { authorization: basicAuth(need("user"), need("password")) };
  if (auth === "custom") return { [need("custom_auth_header").toLowerCase()]: need("password") };
  if (auth !== undefined) throw new ExpverError("E_CONFIG", `remote ${name}: auth is ${auth}; expected basic or custom`);
  if (isWebdav) {
    const token = text("token") ?? tokenOf(text("bearer_token_command"), env);
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    const user = text("user");
    if (user !== undefined) return { authorization: basicAuth(user, need("password")) };
    const header = text("custom_auth_header");
    if (header !== undefined) return { [header.toLowerCase()]: need("password") };
  }
  if (url.username === "") return {};
  const { user, password } = loginIn(url);
  return { authorization: basicAuth(user, password || (text("password") ?? "")) };
}

function identityOf(headers: Record<string, string>, options: RemoteConfig["options"]): string {
  const [name] = Object.keys(headers);
  if (name === undefined) return "nobody (no credentials are sent)";
  const { authorization = "" } = headers;
  const user = authorization.startsWith("Basic ")
    ? Buffer.from(authorization.slice(6), "base64").toString("utf8").split(":")[0]
    : undefined;
  const place = options.has("user") || options.has("password") || options.has("token") ? "DVC's configuration" : "the remote's url";
  return user === undefined ? `the header ${name} (${place})` : `${user} (${place})`;
}

/** A program that prints a token, as dvc-webdav has it. */
function tokenOf(command: string | undefined, env: Environment): string | undefined {
  if (command === undefined) return undefined;
  const { code, stdout, stderr } = runProcess("/bin/sh", ["-c", command], { cwd: "/", env, timeoutMs: DEFAULT_SECONDS * 1000 });
  if (code !== 0) throw new ExpverError("E_REMOTE_AUTH", `bearer_token_command ended with ${code}: ${stderr.trim()}`);
  return stdout.toString("utf8").trim();
}

/** `bundle`: a file of authorities that the environment names. */
export function trustOf(name: string, options: RemoteConfig["options"], bundle?: string) {
  const value = options.get("ssl_verify") || bundle || "true";
  const isWord = /^(true|false)$/i.test(value);
  const pem = (path: string, key: string): string => {
    const text = readTextIfExists(path);
    if (text === null) throw new ExpverError("E_CONFIG", `remote ${name}: ${key} names ${path}, which is not there`, { details: { path } });
    return text;
  };
  const certificate = options.get("cert_path");
  return {
    verify: value.toLowerCase() !== "false",
    authorities: isWord ? undefined : pem(value, "ssl_verify"),
    certificate: certificate === undefined ? undefined : pem(certificate, "cert_path"),
    key: certificate === undefined ? undefined : pem(options.get("key_path") ?? certificate, "key_path"),
  };
}
