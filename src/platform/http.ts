/** Requests to HTTP servers: kept-alive connections, time-outs, redirects and proxies. An answer of any status is an answer. */
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import { isIP } from "node:net";
import { connect as connectSecure, createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from "node:tls";
import { readTextIfExists } from "./files.ts";
import { proxyFor } from "./proxy.ts";

export interface HttpRequest {
  method: string;
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** Called again for each attempt and each redirect. */
  body?: (() => AsyncIterable<Uint8Array> | Iterable<Uint8Array>) | undefined;
  /** Bytes of the body. */
  length?: number;
  signal?: AbortSignal | undefined;
  /** Default: followed, with the headers only to the same host. */
  redirect?: "follow" | "answer";
}

export interface HttpAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  /** To be read to its end or destroyed. */
  body: IncomingMessage;
}

export interface HttpOptions {
  /** False: certificates are not checked. */
  verify: boolean;
  /** PEM text of authorities to trust beside the usual ones. */
  authorities?: string | undefined;
  /** PEM texts of our own certificate. */
  certificate?: string | undefined;
  key?: string | undefined;
  connectTimeoutMs: number;
  /** Longest silence. */
  readTimeoutMs: number;
  env: Readonly<Record<string, string | undefined>>;
}

export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>;

interface Trust {
  tls: { rejectUnauthorized: boolean; secureContext?: SecureContext };
  agent: SecureAgent;
}

const REDIRECTS = 10;
// Headers another host may see after a redirect.
const HARMLESS = new Set(["range", "content-type", "depth", "overwrite"]);
// Above this a server is asked first whether it wants the body at all.
const WORTH_ASKING = 2 ** 20;
const ASKING_MS = 1000;
// What servers and proxies answer that do not know that question.
const UNKNOWN_QUESTION = 417;

/** A connection that timed out; `code` is ETIMEDOUT. */
class TimeOut extends Error {
  readonly code = "ETIMEDOUT";
}

/** An answer that is no use; `code` is EANSWER. */
class BadAnswer extends Error {
  readonly code = "EANSWER";
}

/** A proxy that makes no connection; `code` is EPROXYAUTH when it does not know us. */
class ProxyRefusal extends Error {
  readonly code: string;

  constructor(proxy: URL, status = 0) {
    super(`the proxy ${proxy.host} answered ${status}`);
    this.code = status === 407 ? "EPROXYAUTH" : "EPROXY";
  }
}

export function httpClient(given: HttpOptions): HttpClient {
  const options = { ...given, connectTimeoutMs: asTimer(given.connectTimeoutMs), readTimeoutMs: asTimer(given.readTimeoutMs) };
  const keep = { keepAlive: true, maxFreeSockets: 64, scheduling: "lifo" } as const;
  const plain = new Agent(keep);
  // Made when needed: reading authorities takes milliseconds. Afterwards every connection uses what was read.
  let trust: Trust | null = null;
  const trusting = (authorities = options.authorities): Trust => {
    const { certificate: cert, key, verify } = options;
    const own = authorities === undefined ? {} : { ca: [...rootCertificates, authorities] };
    const isUsual = authorities === undefined && cert === undefined;
    const tls = { rejectUnauthorized: verify, ...(isUsual ? {} : { secureContext: createSecureContext({ ...own, cert, key }) }) };
    trust = { tls, agent: new SecureAgent({ ...keep, ...tls }) };
    return trust;
  };

  /** Hosts that take no such question. */
  const unasked = new Set<string>();
  const isAsked = ({ url, length = 0 }: Pick<HttpRequest, "url" | "length">) => length > WORTH_ASKING && !unasked.has(url.host);

  const start = async (request: HttpRequest): Promise<ClientRequest> => {
    const { url, method, headers = {}, length } = request;
    const common: RequestOptions = {
      method,
      headers: {
        "user-agent": "expver",
        ...headers,
        ...(length === undefined ? {} : { "content-length": length }),
        ...(isAsked(request) ? { expect: "100-continue" } : {}),
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
    const proxy = proxyFor(url, options.env);
    if (proxy === null && url.protocol === "http:") return requestHttp(url, { ...common, agent: plain });
    if (proxy === null) return requestHttps(url, { ...common, agent: (trust ?? trusting()).agent });
    const { address, authorization } = introduced(proxy);
    if (url.protocol === "http:") {
      const passedOn = {
        ...common,
        path: url.href,
        headers: { ...(common.headers as Record<string, string>), host: url.host, ...authorization },
      };
      return address.protocol === "http:"
        ? requestHttp(address, { ...passedOn, agent: plain })
        : requestHttps(address, { ...passedOn, agent: (trust ?? trusting()).agent });
    }
    const socket = await tunnel(address, url, {
      headers: authorization,
      tls: (trust ?? trusting()).tls,
      connectTimeoutMs: options.connectTimeoutMs,
      signal: request.signal,
    });
    // Without an agent: one would make a connection of its own.
    return requestHttps(url, { ...common, createConnection: () => socket });
  };

  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    let { url, method, body, length, headers = {} } = request;
    for (let left = REDIRECTS; ; left -= 1) {
      const now = { url, method, body, headers, ...(length === undefined ? {} : { length }) };
      const isFirstAsked = isAsked(now);
      const sent = await start({ ...request, ...now });
      const answer = await exchange(sent, { ...options, body, isAsked: isFirstAsked });
      const to = answer.headers.location;
      const status = answer.statusCode ?? 0;
      if (status === UNKNOWN_QUESTION && isFirstAsked) {
        unasked.add(url.host);
        answer.destroy();
        continue;
      }
      const isRedirect = to !== undefined && [301, 302, 303, 307, 308].includes(status) && request.redirect !== "answer";
      if (!isRedirect) return { status, headers: answer.headers, body: answer };
      answer.destroy();
      const next = URL.canParse(to, url.href) ? new URL(to, url) : null;
      if (left <= 0) throw new BadAnswer(`${url.host} redirects without end`);
      if (next === null || !/^https?:$/.test(next.protocol)) throw new BadAnswer(`${url.host} redirects to ${to.slice(0, 200)}`);
      const isSafe = next.host === url.host && !(url.protocol === "https:" && next.protocol === "http:");
      if (!isSafe) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name)));
      if (status === 303 && method !== "HEAD") [method, body, length] = ["GET", undefined, undefined];
      url = next;
    }
  };

  let triedSystem = options.authorities !== undefined || !options.verify;
  return async (request) => {
    try {
      return await send(request);
    } catch (error) {
      // A company's own authority is usually known to the system, not to Node.
      const known = triedSystem || !isUntrusted(error) ? null : systemAuthorities(options.env);
      if (known === null) throw error;
      triedSystem = true;
      trusting(known);
      return send(request);
    }
  };
}

/** No limit is 0; to Node, what is longer than a timer can be would be a millisecond. */
function asTimer(ms: number): number {
  return ms > 0 ? Math.min(ms, LONGEST_TIMER) : LONGEST_TIMER;
}

const LONGEST_TIMER = 2 ** 31 - 1;

/** What is told to a proxy. Of a name left in its address Node would make a header that the server behind it sees. */
function introduced(proxy: URL): { address: URL; authorization: Record<string, string> } {
  const { user, password } = loginIn(proxy);
  const address = Object.assign(new URL(proxy), { username: "", password: "" });
  return { address, authorization: user === "" ? {} : { "proxy-authorization": basicAuth(user, password) } };
}

function isUntrusted(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^(UNABLE_TO_|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_)/.test(code);
}

const SYSTEM_BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** PEM text of the authorities the system trusts. */
function systemAuthorities(env: HttpOptions["env"]): string | null {
  for (const path of [env.SSL_CERT_FILE, env.REQUESTS_CA_BUNDLE, ...SYSTEM_BUNDLES]) {
    const text = path === undefined ? null : readTextIfExists(path);
    if (text !== null) return text;
  }
  return null;
}

/** Reads an answer to its end: for short ones. */
export async function readAnswer(answer: HttpAnswer, limit = 2 ** 24): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BadAnswer(`an answer of more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Done with an answer whose body nobody wants: short ones are read, so that the connection can be used again. */
export function dropAnswer({ body }: HttpAnswer): void {
  body.on("error", () => {});
  if (Number(body.headers["content-length"] ?? 0) > 2 ** 16) body.destroy();
  else body.resume();
}

/** Who a URL says we are. */
export function loginIn({ username, password }: Pick<URL, "username" | "password">): { user: string; password: string } {
  return { user: decoded(username), password: decoded(password) };
}

/** A percent sign in front of no two digits is one, as other programs take it. */
export function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}

export function basicAuth(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

interface Exchange extends Pick<HttpOptions, "connectTimeoutMs" | "readTimeoutMs"> {
  body: HttpRequest["body"];
  /** Whether the server wants the body. */
  isAsked: boolean;
}

/** Sends the body and waits for the answer's head. A server may answer before it has read everything: then the rest stays here. */
function exchange(sent: ClientRequest, { body, isAsked, connectTimeoutMs, readTimeoutMs }: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | null = null;
    const fail = (error: Error) => {
      if (answer === null) sent.destroy(error);
      else answer.destroy(error);
      reject(error);
    };
    const connecting = setTimeout(() => fail(new TimeOut(`no connection within ${connectTimeoutMs / 1000} s`)), connectTimeoutMs);
    sent.on("socket", (socket) => {
      if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once("encrypted" in socket ? "secureConnect" : "connect", () => clearTimeout(connecting));
    });
    sent.setTimeout(readTimeoutMs, () => fail(new TimeOut(`silence for ${readTimeoutMs / 1000} s`)));
    sent.on("error", (error) => {
      clearTimeout(connecting);
      reject(error);
    });
    sent.on("response", (got) => {
      clearTimeout(connecting);
      answer = got;
      got.once("end", () => {
        if (!sent.writableEnded) sent.destroy();
      });
      resolve(got);
    });
    const write = async () => {
      if (body === undefined) {
        sent.end();
        return;
      }
      if (isAsked) {
        sent.flushHeaders();
        await first(sent, "continue", ASKING_MS);
      }
      for await (const chunk of body()) {
        if (answer !== null || sent.destroyed) return;
        if (!sent.write(chunk)) await first(sent, "drain");
      }
      if (answer === null) sent.end();
    };
    write().catch(fail);
  });
}

/**
 * A connection breaks with the signal of the request it was made for, also between two requests, when nobody listens for an error: that
 * would end the program. Who uses it finds out by the request.
 */
function ignore(): void {}

/** Resolves at the event, or when nothing more is to be written, or after a while. */
function first(sent: ClientRequest, event: string, afterMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const events = [event, "response", "close"];
    const done = () => {
      clearTimeout(timer);
      for (const one of events) sent.removeListener(one, done);
      resolve();
    };
    const timer = afterMs === undefined ? undefined : setTimeout(done, afterMs);
    for (const one of events) sent.once(one, done);
  });
}

/** A connection through a proxy to an encrypted server. */
async function tunnel(
  proxy: URL,
  url: URL,
  {
    headers,
    tls,
    connectTimeoutMs,
    signal,
  }: { headers: Record<string, string>; tls: object; connectTimeoutMs: number; signal: HttpRequest["signal"] },
): Promise<TLSSocket> {
  const target = `${url.hostname}:${url.port || 443}`;
  const question = { method: "CONNECT", path: target, headers: { host: target, ...headers }, agent: false } as const;
  const asked = proxy.protocol === "http:" ? requestHttp(proxy, question) : requestHttps(proxy, { ...question, ...tls });
  let made: TLSSocket | null = null;
  let fail: (error: unknown) => void = () => {};
  const interrupt = () => fail(signal?.reason);
  // Also a proxy that says yes and leads nowhere.
  const timer = setTimeout(() => fail(new TimeOut(`no connection through the proxy ${proxy.host}`)), connectTimeoutMs);
  signal?.addEventListener("abort", interrupt);
  try {
    return await new Promise<TLSSocket>((resolve, reject) => {
      fail = reject;
      asked.on("error", reject);
      asked.on("response", (answer) => reject(new ProxyRefusal(proxy, answer.statusCode)));
      asked.on("connect", (answer, socket) => {
        if (answer.statusCode !== 200) {
          socket.destroy();
          reject(new ProxyRefusal(proxy, answer.statusCode));
          return;
        }
        const host = url.hostname.replace(/^\[|\]$/g, "");
        const secured = connectSecure({ ...tls, socket, host, ...(isIP(host) ? {} : { servername: host }) });
        made = secured;
        secured.once("secureConnect", () => resolve(secured));
        secured.on("error", reject);
      });
      asked.end();
      if (signal?.aborted) interrupt();
    });
  } catch (error) {
    asked.destroy();
    (made as TLSSocket | null)?.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", interrupt);
  }
}
