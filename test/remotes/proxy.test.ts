import { readFileSync } from "node:fs";
import { createServer, type RequestListener, request, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { proxyFor } from "../../src/platform/proxy.ts";
import { type Nginx, nginx, startNginx } from "../support/servers/nginx.ts";
import { freePort } from "../support/servers/programs.ts";
import { makeCache, open } from "./conformance.ts";

it.each<[url: string, env: Record<string, string>, proxy: string | null]>([
  ["http://a.example/x", {}, null],
  ["http://a.example/x", { http_proxy: "http://p:3128" }, "http://p:3128/"],
  ["http://a.example/x", { HTTP_PROXY: "p:3128" }, "http://p:3128/"],
  ["https://a.example/x", { http_proxy: "http://p:3128" }, null],
  ["https://a.example/x", { HTTPS_PROXY: "http://u:w@p:3128" }, "http://u:w@p:3128/"],
  ["http://a.example/x", { all_proxy: "http://p:1" }, "http://p:1/"],
  ["http://a.example/x", { http_proxy: "http://p:3128", no_proxy: "b.example, .example" }, null],
  ["http://a.example/x", { http_proxy: "http://p:3128", no_proxy: "a.example:8080" }, "http://p:3128/"],
  ["http://a.example:8080/x", { http_proxy: "http://p:3128", no_proxy: "a.example:8080" }, null],
  ["http://a.example/x", { http_proxy: "http://p:3128", NO_PROXY: "*" }, null],
  ["http://a.example/x", { http_proxy: "socks5://p:3128" }, null],
  ["http://a.example/x", { http_proxy: "HTTPS://p:3128" }, "https://p:3128/"],
  ["http://[::1]:8080/x", { http_proxy: "http://p:3128", no_proxy: "localhost,::1" }, null],
  ["http://10.1.2.3/x", { http_proxy: "http://p:3128", no_proxy: "10.0.0.0/8" }, null],
  ["http://11.1.2.3/x", { http_proxy: "http://p:3128", no_proxy: "10.0.0.0/8, 11.0.0.0/x" }, "http://p:3128/"],
])("%s with %o goes through %s", (url, env, proxy) => {
  expect(proxyFor(new URL(url), env)?.href ?? null).toBe(proxy);
});

describe.skipIf(nginx === null)("a remote behind a proxy", () => {
  let server: Nginx;
  let proxies: Proxy[];
  beforeAll(async () => {
    server = await startNginx();
    proxies = [await startProxy(null), await startProxy(server.authority)];
  });
  afterAll(async () => {
    for (const proxy of proxies) proxy.stop();
    await server?.stop();
  });

  it.each([
    ["http", 0],
    ["https", 0],
    ["http", 1],
    ["https", 1],
  ])("%s is reached through it, encrypted (%i) or not, and not without its password", async (scheme, which) => {
    const proxy = proxies[which] as Proxy;
    const options = { method: "PUT", ssl_verify: server.authority };
    const url = `${scheme === "http" ? server.url : server.secureUrl}/open/proxied`;
    const name = `${scheme}_proxy`;
    const parcel = makeCache().put(scheme);
    const through = open({ url, options, env: { [name]: proxy.url.replace("//", "//ada:s%40cr%t@"), no_proxy: "" } });
    expect(await through.send([parcel], {})).toEqual([]);
    expect((await through.read(parcel.object))?.toString()).toBe(scheme);
    expect(proxy.seen.length).toBeGreaterThan(0);
    expect(proxy.passedOn).not.toContain("authorization");
    const stranger = open({ url, options, env: { [name]: proxy.url, no_proxy: "" } });
    const [failure] = await stranger.send([parcel], {});
    expect(failure?.error?.code).toBe("E_REMOTE_AUTH");
    proxy.seen.length = 0;
  });
});

describe.each<[what: string, answer: string]>([
  ["says nothing", ""],
  ["says yes and leads nowhere", "HTTP/1.1 200 fine\r\n\r\n"],
])("a proxy that %s", (_, text) => {
  let proxy: Server;
  let through: (connect_timeout: string) => ReturnType<typeof open>;
  let isAsked: Promise<unknown>;
  beforeEach(async () => {
    proxy = createServer();
    isAsked = new Promise((resolve) =>
      proxy.on("connect", (_asked, socket) => {
        socket.on("error", () => {});
        socket.write(text, resolve);
      }),
    );
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const env = { https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, no_proxy: "" };
    through = (connect_timeout) => open({ url: "https://nowhere.example/x", options: { connect_timeout }, env });
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  it("is given up after the time that is given to a connection", { timeout: 60_000 }, async () => {
    await expect(through("0.05").read(makeCache().put("given up").object)).rejects.toMatchObject({ code: "E_REMOTE_TIMEOUT" });
  });

  it("is not waited for by who is interrupted", async () => {
    const controller = new AbortController();
    const reading = through("60").read(makeCache().put("interrupted").object, { signal: controller.signal });
    await isAsked;
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  });
});

interface Proxy {
  url: string;
  seen: string[];
  passedOn: string[];
  stop: () => void;
}

/** A forwarding proxy that wants a name and password; encrypted, with the certificate beside that authority, when there is one. */
async function startProxy(authority: string | null): Promise<Proxy> {
  const seen: string[] = [];
  /** Names of the headers that the server behind it sees. */
  const passedOn: string[] = [];
  const isKnown = (header: string | undefined) => header === `Basic ${Buffer.from("ada:s@cr%t").toString("base64")}`;
  const answer: RequestListener = (incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    if (!isKnown(incoming.headers["proxy-authorization"])) return void outgoing.writeHead(407).end();
    passedOn.push(...Object.keys(incoming.headers));
    const onward = request(incoming.url ?? "", { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  };
  const beside = (name: string) => readFileSync(join(dirname(authority ?? ""), name));
  const server =
    authority === null ? createServer(answer) : createSecureServer({ cert: beside("server.pem"), key: beside("server.key") }, answer);
  server.on("connect", (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    if (!isKnown(incoming.headers["proxy-authorization"])) return void socket.end("HTTP/1.1 407 no\r\n\r\n");
    const [host, port] = (incoming.url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 fine\r\n\r\n");
      onward.pipe(socket);
      socket.pipe(onward);
    });
    for (const one of [onward, socket]) one.on("error", () => {});
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { url: `${authority === null ? "http" : "https"}://127.0.0.1:${port}`, seen, passedOn, stop: () => server.close() };
}
